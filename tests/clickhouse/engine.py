"""The real ClickHouse engine behind a small HTTP front, for tests/collector_clickhouse.

It speaks the part of ClickHouse's HTTP interface that the Rust client uses: SQL in `query` or in the
body, rows of an INSERT in the body, parameters (`param_NAME`) in the address or as a form, settings
in the address, errors with the exception's text and `X-ClickHouse-Exception-Code`. It knows no
compression and no users, and runs one query at a time.

    engine.py PACKAGES DATA [PORT]

PACKAGES is the folder that chdb-core was installed to, DATA the folder of the tables. The first line
on stdout is the port, then the engine's version. It ends when its stdin does: with whoever started it.
"""

import http.server
import os
import re
import sys
import tempfile
import threading
import urllib.parse

sys.path.insert(0, sys.argv[1])

from chdb import session  # noqa: E402  (found by the line above)

# One session, one query at a time.
ENGINE = threading.Lock()
INSERT = re.compile(r"^\s*insert\s+into\b", re.IGNORECASE)
FORMAT = re.compile(r"\bformat\s+(\w+)\s*;?\s*$", re.IGNORECASE)
# What in the address is meant for the HTTP interface: all else is a setting.
INTERFACE = {"query", "database", "default_format", "user", "password", "query_id"}


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def form(content_type, body):
    boundary = b"--" + content_type.split("boundary=", 1)[1].strip('"').encode()
    for part in body.split(boundary)[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head).group(1).decode()
        yield name, value.removesuffix(b"\r\n").decode()


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine = None
    folder = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(200, b"Ok.\n")

    def do_POST(self):
        address = urllib.parse.urlsplit(self.path)
        given = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True))
        body = self.body()
        if self.headers.get("content-type", "").startswith("multipart/form-data"):
            given.update(form(self.headers["content-type"], body))
            body = b""
        if "compress" in given or "decompress" in given:
            return self.answer(501, b"no compression here\n")
        if "query" not in given:
            given["query"], body = body.decode(), b""
        try:
            with ENGINE:
                out, form_of_rows = self.run(given, body)
        except Exception as error:
            return self.failed(str(error))
        self.answer(200, out, {"X-ClickHouse-Format": form_of_rows})

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def answer(self, status, body, headers=None):
        try:
            self.send(status, body, headers)
        except ConnectionError:
            self.close_connection = True  # whoever asked has gone

    def send(self, status, body, headers):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def failed(self, text):
        code = re.search(r"Code: (\d+)", text)
        code = code.group(1) if code else "1001"
        self.answer(500, text.encode() + b"\n", {"X-ClickHouse-Exception-Code": code})

    def run(self, given, rows):
        settings = [name for name in given if name not in INTERFACE and not name.startswith("param_")]
        parameters = {name[6:]: value for name, value in given.items() if name.startswith("param_")}
        self.engine.query(f"USE `{given.get('database', 'default')}`")
        try:
            for name in settings:
                self.engine.query(f"SET {name} = {quoted(given[name])}")
            return self.query(given["query"], given.get("default_format"), parameters, rows)
        finally:
            for name in settings:
                self.engine.query(f"SET {name} = DEFAULT")

    def query(self, sql, default_format, parameters, rows):
        named = FORMAT.search(sql)
        form_of_rows = named.group(1) if named else default_format or "TabSeparated"
        if not (INSERT.match(sql) and rows):
            return self.ask(sql, form_of_rows, parameters), form_of_rows
        # The module takes no rows beside the SQL: they go by a file.
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".rows") as file:
            file.write(rows)
            file.flush()
            into = f"{sql[: named.start()]} FROM INFILE {quoted(file.name)} FORMAT {form_of_rows}"
            return self.ask(into, "TabSeparated", parameters), form_of_rows

    def ask(self, sql, form_of_rows, parameters):
        result = self.engine.query(sql, form_of_rows, params=parameters or None)
        return bytes(result.bytes() or b"") if result is not None else b""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    threading.Thread(target=end_with_parent, daemon=True).start()
    data = os.path.abspath(sys.argv[2])
    Front.folder = os.path.join(data, "rows")
    os.makedirs(Front.folder, exist_ok=True)
    Front.engine = session.Session(os.path.join(data, "tables"))
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    server = Server(("127.0.0.1", port), Front)
    version = Front.engine.query("SELECT version()", "TSV").bytes().decode().strip()
    print(server.server_address[1], version, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

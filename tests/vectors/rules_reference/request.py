"""A request as the fields of the language, each byte of a value with where it came from.

A scalar is a `Val`; an array is a list, a map a dict of bytes to trees. A place is (region, first, end):
regions are "target", ("name", i), ("value", i) of header i, and "body".
"""

import base64
import ipaddress
import json
import re

from .language import BOOL, BYTES, INT, IP, array, map_of, type_of_name

ARGS, LIST, LISTS = map_of(array(BYTES)), array(BYTES), array(array(BYTES))
URI = "http.request.uri"
FIELDS = {
    "http.request.method": BYTES,
    "http.request.version": BYTES,
    "http.request.headers": ARGS,
    "http.request.headers.names": LIST,
    "http.request.headers.values": LIST,
    "http.request.headers.truncated": BOOL,
    "http.request.cookies": ARGS,
    "http.request.accepted_languages": LIST,
    "http.request.timestamp.sec": INT,
    "http.request.timestamp.msec": INT,
    "http.request.body.raw": BYTES,
    "http.request.body.size": INT,
    "http.request.body.truncated": BOOL,
    "http.request.body.mime": BYTES,
    "http.request.body.form": ARGS,
    "http.request.body.form.names": LIST,
    "http.request.body.form.values": LIST,
    "http.request.body.multipart": ARGS,
    "http.request.body.multipart.names": LISTS,
    "http.request.body.multipart.values": LIST,
    "http.request.body.multipart.filenames": LISTS,
    "http.request.body.multipart.content_types": LISTS,
    "http.request.body.multipart.content_dispositions": LISTS,
    "http.request.body.multipart.content_transfer_encodings": LISTS,
    "http.host": BYTES,
    "http.user_agent": BYTES,
    "http.referer": BYTES,
    "http.cookie": BYTES,
    "http.x_forwarded_for": BYTES,
    "ip.src": IP,
    "ip.src.country": BYTES,
    "ssl": BOOL,
}
for _raw in ("", "raw."):
    FIELDS.update(
        {
            _raw + "http.request.full_uri": BYTES,
            _raw + URI: BYTES,
            _raw + URI + ".path": BYTES,
            _raw + URI + ".path.extension": BYTES,
            _raw + URI + ".query": BYTES,
            _raw + URI + ".args": ARGS,
            _raw + URI + ".args.names": LIST,
            _raw + URI + ".args.values": LIST,
        }
    )
DENIED_WORDS = ("password", "passwd", "secret", "token", "apikey", "pwd", "passphrase")


class Val:
    """A scalar: its data, its type, the key it is logged under, the functions on the way, and for each of its
    bytes the places it came from (`srcs`). `exact`: the places are exact. `whole`: log these values whole instead."""

    def __init__(self, kind, data, key, many=False, srcs=(), via=(), exact=True, whole=None):
        self.kind, self.data, self.key, self.many = kind, data, key, many
        self.srcs, self.via, self.exact, self.whole = srcs, tuple(via), exact, whole
        self.origin = self  # the field's own value, before any function

    def text(self):
        if self.kind == BYTES:
            return self.data
        if self.kind == BOOL:
            return b"true" if self.data else b"false"
        return str(self.data).encode()


class Piece:
    """Bytes with the places they came from."""

    def __init__(self, data=b"", srcs=()):
        self.data, self.srcs = bytes(data), list(srcs)

    @classmethod
    def at(cls, region, data, first=0):
        return cls(data, [((region, first + i, first + i + 1),) for i in range(len(data))])

    @classmethod
    def made_up(cls, data):
        return cls(data, [()] * len(data))

    def __len__(self):
        return len(self.data)

    def __getitem__(self, part):
        return Piece(self.data[part], self.srcs[part])

    def __add__(self, other):
        return Piece(self.data + other.data, self.srcs + other.srcs)

    def split(self, separator):
        """At each separator, like bytes.split."""
        out, start = [], 0
        while True:
            found = self.data.find(separator, start)
            if found < 0:
                return out + [self[start:]]
            out.append(self[start:found])
            start = found + len(separator)

    def partition(self, separator):
        found = self.data.find(separator)
        return (self, None) if found < 0 else (self[:found], self[found + len(separator) :])

    def strip(self, what=b" \t"):
        start, end = 0, len(self)
        while start < end and self.data[start] in what:
            start += 1
        while end > start and self.data[end - 1] in what:
            end -= 1
        return self[start:end]

    def lower(self):
        return Piece(self.data.lower(), self.srcs)


def percent_decoded(piece):
    out, srcs, i = bytearray(), [], 0
    while i < len(piece):
        if re.match(rb"%[0-9A-Fa-f]{2}", piece.data[i : i + 3]):
            out.append(int(piece.data[i + 1 : i + 3], 16))
            ((region, first, _),) = piece.srcs[i]
            srcs.append(((region, first, first + 3),))
            i += 3
        else:
            out.append(piece.data[i])
            srcs.append(piece.srcs[i])
            i += 1
    return Piece(out, srcs)


def pairs(piece):
    """Arguments of a query or a form: (name, value) of each piece between `&` that is not empty."""
    for part in piece.split(b"&"):
        if len(part):
            name, value = part.partition(b"=")
            yield name, value if value is not None else part[len(part) :]


def header_arguments(value):
    """Arguments of a URI in a header, in each way that its pieces may be told apart."""
    start = re.search(rb"[?#]", value.data)
    if start:
        rest = value[start.end() :]
        yield from pairs(rest)
        for found in re.finditer(rb"([^&;?#=]+)=([^&;?#]*)", rest.data):
            yield rest[slice(*found.span(1))], rest[slice(*found.span(2))]


def text_bytes(value):
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


# Whole values as trees


def key_text(key):
    """A map's key between quotes."""
    out = ""
    for c in key.decode("utf-8", "surrogateescape"):
        if 0xDC80 <= ord(c) <= 0xDCFF:
            out += f"\\x{ord(c) - 0xDC00:02X}"
        elif ord(c) < 0x20 or ord(c) == 0x7F:
            out += f"\\x{ord(c):02X}"
        else:
            out += "\\" + c if c in '"\\' else c
    return f'["{out}"]'


def leaf(field, piece, path="", many=False):
    return Val(BYTES, piece.data, field + path, many, piece.srcs)


def list_of(field, pieces):
    return [leaf(field, piece, f"[{i}]", True) for i, piece in enumerate(pieces)]


def nested(field, rows):
    return [[leaf(field, piece, f"[{i}][{j}]", True) for j, piece in enumerate(row)] for i, row in enumerate(rows)]


def grouped(field, items):
    tree = {}
    for name, piece in items:
        values = tree.setdefault(name, [])
        values.append(leaf(field, piece, f"{key_text(name)}[{len(values)}]", True))
    return tree


def custom(field, kind, value, path="", many=False):
    """A value of a case's own field."""
    if kind[0] == "Array":
        return [custom(field, kind[1], item, f"{path}[{i}]", True) for i, item in enumerate(value)]
    if kind[0] == "Map":
        return {k.encode(): custom(field, kind[1], v, path + key_text(k.encode()), True) for k, v in value.items()}
    if kind == BYTES:
        return leaf(field, Piece.made_up(text_bytes(value)), path, many)
    return Val(kind, ipaddress.ip_address(value) if kind == IP else value, field + path, many)


class Request:
    def __init__(self, case):
        given = case["request"]
        self.method = given.get("method", "GET").encode()
        self.target = Piece.at("target", text_bytes(given.get("target", "/")))
        self.version = given.get("version", "HTTP/1.1").encode()
        self.scheme = given.get("scheme", "https").encode()
        self.headers = [
            (Piece.at(("name", i), text_bytes(name)), Piece.at(("value", i), text_bytes(value)))
            for i, (name, value) in enumerate(given.get("headers", []))
        ]
        body = base64.b64decode(given["body_b64"]) if "body_b64" in given else given.get("body", "").encode()
        self.body = Piece.at("body", body)
        self.client = ipaddress.ip_address(given.get("client", "192.0.2.1"))
        self.country = given.get("country")
        self.time = given.get("timestamp_ms", 1795307400000)
        self.uri, absolute = self.target, re.match(rb"(?i)https?://[^/?]*", self.target.data)
        if absolute:
            self.uri = self.target[absolute.end() :]
            if not self.uri.data.startswith(b"/"):
                self.uri = Piece.made_up(b"/") + self.uri
        host = Piece.made_up(self.scheme + b"://") + self.first(b"host")
        self.full_uri = self.target if absolute else host if self.target.data == b"*" else host + self.target
        self.path, query = self.uri.partition(b"?")
        self.query = query if query is not None else self.uri[len(self.uri) :]

    def named(self, name):
        return [value for n, value in self.headers if n.data.lower() == name]

    def first(self, name):
        found = self.named(name)
        return found[0] if found else Piece()

    def joined(self, name, separator):
        out = Piece()
        for i, value in enumerate(self.named(name)):
            out = out + (Piece.made_up(separator) if i else Piece()) + value
        return out

    def fields(self, decoding):
        tree = {
            "http.request.method": Val(BYTES, self.method, "http.request.method", srcs=[()] * len(self.method)),
            "http.request.version": Val(BYTES, self.version, "http.request.version", srcs=[()] * len(self.version)),
            "http.request.timestamp.sec": Val(INT, self.time // 1000, "http.request.timestamp.sec"),
            "http.request.timestamp.msec": Val(INT, self.time % 1000, "http.request.timestamp.msec"),
            "http.request.body.size": Val(INT, len(self.body), "http.request.body.size"),
            "http.request.body.truncated": Val(BOOL, False, "http.request.body.truncated"),
            "http.request.headers.truncated": Val(BOOL, False, "http.request.headers.truncated"),
            "ip.src": Val(IP, self.client, "ip.src"),
            "ssl": Val(BOOL, self.scheme == b"https", "ssl"),
        }
        if self.country is not None:
            tree["ip.src.country"] = leaf("ip.src.country", Piece.made_up(self.country.encode()))
        for raw in ("", "raw."):
            self.uri_fields(tree, raw, decoding == "url" and not raw)
        self.header_fields(tree)
        self.body_fields(tree)
        return tree

    def uri_fields(self, tree, raw, decode):
        once = percent_decoded if decode else lambda piece: piece
        path = once(self.path)
        last = path[path.data.rfind(b"/") + 1 :]
        dot = last.data.rfind(b".")
        named = [(once(name), once(value)) for name, value in pairs(self.query)]
        one = {
            "http.request.full_uri": self.full_uri,
            URI: self.uri,
            URI + ".path": path,
            URI + ".path.extension": last[dot + 1 :].lower() if dot > 0 else Piece(),
            URI + ".query": once(self.query),
        }
        for field, piece in one.items():
            tree[raw + field] = leaf(raw + field, piece)
        args = raw + URI + ".args"
        tree[args] = grouped(args, [(name.data, value) for name, value in named])
        tree[args + ".names"] = list_of(args + ".names", [name for name, _ in named])
        tree[args + ".values"] = list_of(args + ".values", [value for _, value in named])

    def cookies(self):
        for line in self.named(b"cookie"):
            for part in line.split(b";"):
                part = part.strip()
                if len(part):
                    name, value = part.partition(b"=")
                    yield (name.strip(), value.strip()) if value is not None else (Piece(), name)

    def header_fields(self, tree):
        prefix = "http.request.headers"
        tree[prefix] = grouped(prefix, [(name.data.lower(), value) for name, value in self.headers])
        tree[prefix + ".names"] = list_of(prefix + ".names", [name for name, _ in self.headers])
        tree[prefix + ".values"] = list_of(prefix + ".values", [value for _, value in self.headers])
        tree["http.request.cookies"] = grouped(
            "http.request.cookies", [(percent_decoded(name).data, value) for name, value in self.cookies()]
        )
        for field, piece in (
            ("http.host", self.first(b"host")),
            ("http.user_agent", self.first(b"user-agent")),
            ("http.referer", self.first(b"referer")),
            ("http.cookie", self.joined(b"cookie", b"; ")),
            ("http.x_forwarded_for", self.joined(b"x-forwarded-for", b", ")),
        ):
            tree[field] = leaf(field, piece)
        languages = []
        for line in self.named(b"accept-language"):
            for part in line.split(b","):
                tag, weight = part.partition(b";")
                tag = tag.strip()
                found = re.fullmatch(rb"\s*q=([0-9.]+)\s*", weight.data if weight else b"")
                if tag.data not in (b"", b"*"):
                    languages.append((-float(found.group(1)) if found else -1.0, tag))
        languages.sort(key=lambda item: item[0])
        tree["http.request.accepted_languages"] = list_of("http.request.accepted_languages", [t for _, t in languages])

    def content_type(self):
        parts = self.first(b"content-type").data.split(b";", 1)
        return parts[0].strip().lower(), parts[1] if len(parts) > 1 else b""

    def form(self):
        return list(pairs(self.body)) if self.content_type()[0] == b"application/x-www-form-urlencoded" else []

    def body_fields(self, tree):
        raw, form, many = "http.request.body.raw", "http.request.body.form", "http.request.body.multipart"
        tree[raw] = leaf(raw, self.body)
        mime = next((mime for magic, mime in MAGIC if self.body.data.startswith(magic)), None)
        if mime:
            tree["http.request.body.mime"] = leaf("http.request.body.mime", Piece.made_up(mime))
        tree[form] = grouped(form, [(name.data, value) for name, value in self.form()])
        tree[form + ".names"] = list_of(form + ".names", [name for name, _ in self.form()])
        tree[form + ".values"] = list_of(form + ".values", [value for _, value in self.form()])
        parts = self.parts()
        tree[many] = grouped(many, [(part["names"][0].data, part["value"]) for part in parts if part["names"]])
        tree[many + ".values"] = list_of(many + ".values", [part["value"] for part in parts])
        for what in ("names", "filenames", "content_types", "content_dispositions", "content_transfer_encodings"):
            tree[f"{many}.{what}"] = nested(f"{many}.{what}", [part[what] for part in parts])

    def parts(self):
        """The parts of a multipart/form-data body (RFC 7578)."""
        kind, parameters = self.content_type()
        found = re.search(rb'boundary=(?:"([^"]*)"|([^\s;]+))', parameters, re.IGNORECASE)
        if kind != b"multipart/form-data" or not found:
            return []
        delimiter = re.escape(b"--" + (found.group(1) or found.group(2)))
        marks = list(re.finditer(rb"(?:^|\r?\n)" + delimiter + rb"(--)?[^\n]*(?:\r?\n|$)", self.body.data))
        out = []
        for i, mark in enumerate(marks):
            if not mark.group(1):
                end = marks[i + 1].start() if i + 1 < len(marks) else len(self.body)
                out.append(self.part(self.body[max(mark.end(), 0) : max(end, mark.end())]))
        return out

    @staticmethod
    def part(piece):
        head, value = piece.partition(b"\r\n\r\n")
        part = {
            "value": value,
            "names": [],
            "filenames": [],
            "content_types": [],
            "content_dispositions": [],
            "content_transfer_encodings": [],
        }
        for line in head.split(b"\r\n"):
            name, content = line.partition(b":")
            name, content = name.data.strip().lower(), content.strip()
            if name == b"content-type":
                part["content_types"].append(content)
            elif name == b"content-transfer-encoding":
                part["content_transfer_encodings"].append(content)
            elif name == b"content-disposition":
                part["content_dispositions"].append(content)
                for parameter, into in ((rb'(?<![a-z])name="([^"]*)"', "names"), (rb'filename="([^"]*)"', "filenames")):
                    found = re.search(parameter, content.data)
                    if found:
                        part[into].append(content[found.start(1) : found.end(1)])
        return part

    # The deny list

    def denied(self):
        """The places whose bytes are never logged."""
        out = []
        for name, value in self.headers:
            if name.data.lower() in (b"authorization", b"proxy-authorization") or denied_name(name):
                out += places(value)
        for _, value in self.cookies():
            out += places(value)
        inside = [pair for _, value in self.headers for pair in header_arguments(value)]
        for name, value in list(pairs(self.query)) + self.form() + inside:
            if denied_name(name):
                out += places(value)
        for part in self.parts():
            if part["names"] and denied_name(part["names"][0]):
                out += places(part["value"])
        document = json_document(self.body)
        if document:
            out += denied_members(document)
        return out


MAGIC = [
    (b"\x89PNG\r\n\x1a\n", b"image/png"),
    (b"GIF89a", b"image/gif"),
    (b"GIF87a", b"image/gif"),
    (b"\xff\xd8\xff", b"image/jpeg"),
    (b"%PDF-", b"application/pdf"),
    (b"PK\x03\x04", b"application/zip"),
    (b"\x1f\x8b", b"application/gzip"),
]


def places(piece):
    return [place for srcs in piece.srcs for place in srcs]


def denied_name(name):
    data = name.data
    for _ in range(3):
        data = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m.group(1), 16)]), data)
    plain = re.sub("[^a-z0-9]", "", data.decode("latin-1").lower())
    return any(word in plain for word in DENIED_WORDS)


# JSON with the places of its values: ("object", [(key, node)...], piece), ("array", [...], piece),
# ("string", text, piece between the quotes), ("number", text, piece), ("word", text, piece)


def json_document(piece):
    """The document, or None if the bytes are none."""
    try:
        json.loads(piece.data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return _json_value(piece, _json_space(piece, 0))[0]


def _json_space(piece, at):
    while at < len(piece) and piece.data[at] in b" \t\r\n":
        at += 1
    return at


def _json_string(piece, at):
    end = at + 1
    while piece.data[end] != 0x22:
        end += 2 if piece.data[end] == 0x5C else 1
    return ("string", json.loads(piece.data[at : end + 1].decode()), piece[at + 1 : end]), end + 1


def _json_value(piece, at):
    start, c = at, piece.data[at : at + 1]
    if c == b'"':
        return _json_string(piece, at)
    if c in (b"{", b"["):
        items, at = [], _json_space(piece, at + 1)
        while piece.data[at] not in b"}]":
            key = None
            if c == b"{":
                (_, key, _), at = _json_string(piece, at)
                at = _json_space(piece, _json_space(piece, at) + 1)
            node, at = _json_value(piece, at)
            items.append((key, node))
            at = _json_space(piece, at)
            if piece.data[at] == 0x2C:
                at = _json_space(piece, at + 1)
        return ("object" if c == b"{" else "array", items, piece[start : at + 1]), at + 1
    end = re.compile(rb"[^\s,\]}]+").match(piece.data, at).end()
    text = piece.data[at:end].decode()
    return ("word" if text[0] in "tfn" else "number", text, piece[at:end]), end


def denied_members(node):
    out = []
    if node[0] in ("object", "array"):
        for key, child in node[1]:
            if key is not None and denied_name(Piece.made_up(key.encode("utf-8", "surrogatepass"))):
                out += places(child[2])
            out += denied_members(child)
    return out


def types_of(case):
    own = {name: type_of_name(field["type"]) for name, field in case.get("fields", {}).items()}
    return {**FIELDS, **own}, own


def facts_of(case, request):
    tree = request.fields(case.get("uri_decoding", "none"))
    _, own = types_of(case)
    for name, kind in own.items():
        if "value" in case["fields"][name]:
            tree[name] = custom(name, kind, case["fields"][name]["value"])
    return tree

"""The fields of a request, with Cloudflare's names and meaning."""

import base64

from . import case, form

URI = "http.request.uri"
PATH, QUERY, ARGS = URI + ".path", URI + ".query", URI + ".args"
FORM, PARTS, RAW = "http.request.body.form", "http.request.body.multipart", "http.request.body.raw"
TARGET = "/a/b.html?q=x&r=&q=z&&s"


def eq(name, field, value, **more):
    """The field has this value; a field of many logs an array."""
    many = "[" in field
    place = {"content": value}
    return case(name, f'{field} eq {quoted(value)}', True, {field: [place] if many else place}, **more)


def quoted(value):
    return 'r##"' + value + '"##'


def never(name, rule, **more):
    return case(name, rule, False, **more)


def number(name, field, value, **more):
    return case(name, f"{field} eq {value}", True, {field: {"content": str(value)}}, **more)


CASES = [
    eq("method", "http.request.method", "PUT", method="PUT"),
    eq("version", "http.request.version", "HTTP/2", http_version="HTTP/2"),
    eq("full_uri", "http.request.full_uri", "https://shop.example" + TARGET, target=TARGET),
    eq("full_uri of http", "http.request.full_uri", "http://shop.example/", scheme="http"),
    eq("uri", URI, TARGET, target=TARGET),
    eq("uri with an empty query", URI, "/a?", target="/a?"),
    eq("path", PATH, "/a/b.html", target=TARGET),
    eq("query", QUERY, "q=x&r=&q=z&&s", target=TARGET),
    eq("no query is an empty one", QUERY, "", target="/a"),
    eq("query: a second question mark", QUERY, "a?b", target="/?a?b"),
    eq(
        "absolute target: full_uri",
        "http.request.full_uri",
        "http://other.example/a?b",
        target="http://other.example/a?b",
    ),
    eq("absolute target: uri", URI, "/a?b", target="http://other.example/a?b"),
    eq("absolute target: path", PATH, "/a", target="http://other.example/a?b"),
    eq("absolute target: no path", PATH, "/", target="HTTP://other.example?b"),
    eq("absolute target: query", QUERY, "b", target="http://other.example?b"),
    eq("absolute target: the host is the header's", "http.host", "shop.example", target="http://other.example/a?b"),
    eq("target *: path", PATH, "*", target="*", method="OPTIONS"),
    eq("target *: full_uri", "http.request.full_uri", "https://shop.example", target="*", method="OPTIONS"),
    case(
        "target of bytes that are no text",
        rf'{PATH} contains "\xff"',
        True,
        {PATH: {"before": "/a", "content_b64": "/w==", "after": "b"}},
        {"b64": "L2H/Yg=="},
    ),
    case(
        "target of bytes that are no text, query",
        rf'{QUERY} eq "\xe9=1"',
        True,
        {QUERY: {"content": "\ufffd=1"}},
        {"b64": "Lz/pPTE="},
        version=3,
    ),
    eq("extension", PATH + ".extension", "html", target=TARGET),
    eq("extension: the last one", PATH + ".extension", "bz2", target="/foo.tar.bz2"),
    eq("extension: lower case", PATH + ".extension", "mp3", target="/foo.MP3"),
    eq("extension: none", PATH + ".extension", "", target="/foo"),
    eq("extension: a hidden file has none", PATH + ".extension", "", target="/.mp3"),
    eq("extension of a hidden file", PATH + ".extension", "mp3", target="/.foo.mp3"),
    eq("extension: empty after the dot", PATH + ".extension", "", target="/foo."),
    eq("extension: a dot of a folder", PATH + ".extension", "", target="/a.b/foo"),
    eq("args, first of a name", ARGS + '["q"][0]', "x", target=TARGET),
    eq("args, second of a name", ARGS + '["q"][1]', "z", target=TARGET),
    eq("args: an empty value", ARGS + '["r"][0]', "", target=TARGET),
    eq("args: no equals sign", ARGS + '["s"][0]', "", target=TARGET),
    eq("args: equals signs in the value", ARGS + '["a"][0]', "b=c", target="/?a=b=c"),
    eq("args: case of names counts", ARGS + '["Q"][0]', "y", target="/?q=x&Q=y"),
    eq("args: a name with a quote", ARGS + r'["a\"b"][0]', "1", target='/?a"b=1'),
    never("args: a name that is not there", ARGS + '["t"][0] wildcard "*"', target=TARGET),
    eq("args.names", ARGS + ".names[2]", "q", target=TARGET),
    eq("args.names: empty pieces do not count", ARGS + ".names[3]", "s", target=TARGET),
    eq("args.values", ARGS + ".values[2]", "z", target=TARGET),
    eq("args are not decoded", ARGS + '["a"][0]', "x%20y+z", target="/?a=x%20y+z"),
    eq("headers", 'http.request.headers["x-a"][0]', "One", headers=[["X-A", "One"]]),
    eq("headers.names", "http.request.headers.names[1]", "X-A", headers=[["X-A", "One"]]),
    eq("headers.values", "http.request.headers.values[1]", "One", headers=[["X-A", "One"]]),
    case(
        "headers: a value of bytes that are no text",
        r'http.request.headers["x"][0] eq "\xe9t\xe9"',
        True,
        {'http.request.headers["x"][0]': [{"content_b64": "6XTp"}]},
        headers=[["x", {"b64": "6XTp"}]],
    ),
    case(
        "cookies: the name is found, the value is not logged",
        'http.request.cookies["app"][0] eq "test"',
        True,
        {'http.request.cookies["app"][0]': [{"content": {"redacted": 4}}]},
        headers=[["cookie", "a=b; app=test"]],
    ),
    case(
        "cookies: names are decoded and merged",
        'http.request.cookies["a b"][1] eq "2"',
        True,
        {'http.request.cookies["a b"][1]': [{"content": {"redacted": 1}}]},
        headers=[["cookie", "a%20b=1"], ["cookie", "a b=2"]],
    ),
    never("cookies: values are not decoded", 'http.request.cookies["a"][0] eq "x y"', headers=[["cookie", "a=x%20y"]]),
    eq(
        "accepted_languages, by weight",
        "http.request.accepted_languages[1]",
        "en",
        headers=[["accept-language", "fr-CH, fr;q=0.8, en;q=0.9, de;q=0.7, *;q=0.5"]],
    ),
    eq(
        "accepted_languages, the last",
        "http.request.accepted_languages[3]",
        "de",
        headers=[["accept-language", "fr-CH, fr;q=0.8, en;q=0.9, de;q=0.7, *;q=0.5"]],
    ),
    never(
        "accepted_languages: no star",
        'any(http.request.accepted_languages[*] eq "*")',
        headers=[["accept-language", "*"]],
    ),
    never("accepted_languages: none", "any(len(http.request.accepted_languages[*])[*] ge 0)"),
    number("timestamp.sec", "http.request.timestamp.sec", 1795307400),
    number("timestamp.msec", "http.request.timestamp.msec", 857, timestamp_ms=1484063137857),
    eq("http.host", "http.host", "shop.example"),
    eq("http.user_agent", "http.user_agent", "curl/8", headers=[["User-Agent", "curl/8"]]),
    eq("http.referer", "http.referer", "https://a.example/", headers=[["referer", "https://a.example/"]]),
    eq(
        "http.x_forwarded_for",
        "http.x_forwarded_for",
        "203.0.113.1, 10.0.0.1",
        headers=[["x-forwarded-for", "203.0.113.1, 10.0.0.1"]],
    ),
    eq(
        "http.x_forwarded_for of two lines",
        "http.x_forwarded_for",
        "203.0.113.1, 10.0.0.1",
        headers=[["x-forwarded-for", "203.0.113.1"], ["X-Forwarded-For", "10.0.0.1"]],
    ),
    eq("http.user_agent that is not there is empty", "http.user_agent", ""),
    case(
        "http.referer that is not there has no bytes",
        "len(http.referer) eq 0",
        True,
        {"http.referer": {"content": "", "via": ["len"]}},
    ),
    eq("http.cookie that is not there is empty", "http.cookie", ""),
    case(
        "http.cookie: names are logged",
        'http.cookie contains "app="',
        True,
        {"http.cookie": {"content": "app="}},
        headers=[["cookie", "app=test"]],
    ),
    case(
        "http.cookie of two lines",
        'http.cookie contains "; b="',
        True,
        {"http.cookie": {"content": "; b="}},
        headers=[["cookie", "a=1"], ["cookie", "b=2"]],
    ),
    eq("ip.src.country", "ip.src.country", "GB", country="GB"),
    case("ip.src", "ip.src eq 2001:db8::9", True, {"ip.src": {"content": "2001:db8::9"}}, client="2001:db8::9"),
    never("ssl of http", "ssl", scheme="http"),
    eq("raw.full_uri", "raw.http.request.full_uri", "https://shop.example/%41?%42", target="/%41?%42"),
    eq("raw.uri", "raw." + URI, "/%41?%42", target="/%41?%42"),
    eq("raw.path", "raw." + PATH, "/%41", target="/%41?%42"),
    eq("raw.extension", "raw." + PATH + ".extension", "%41", target="/x.%41?%42"),
    eq("raw.query", "raw." + QUERY, "%42", target="/%41?%42"),
    eq("raw.args", "raw." + ARGS + '["%42"][0]', "%43", target="/?%42=%43"),
    eq("raw.args.names", "raw." + ARGS + ".names[0]", "%42", target="/?%42=%43"),
    eq("raw.args.values", "raw." + ARGS + ".values[0]", "%43", target="/?%42=%43"),
]

CODED = "/%61%2fb%20?%71=%31+%32%26x%3D3&y=%2525&%zz=%4"
CASES += [
    case(name, rule, True, payload, CODED, uri_decoding=decoding)
    for name, rule, payload, decoding in [
        ("no decoding: path", f'{PATH} eq "/%61%2fb%20"', {PATH: {"content": "/%61%2fb%20"}}, "none"),
        (
            "no decoding: query",
            f'{QUERY} contains "%2525"',
            {QUERY: {"before": "+%32%26x%3D3&y=", "content": "%2525", "after": "&%zz=%4"}},
            "none",
        ),
        ("url decoding: path", f'{PATH} eq "/a/b "', {PATH: {"content": "/a/b "}}, "url"),
        (
            "url decoding: path, a span",
            f'{PATH} contains "/b"',
            {PATH: {"before": "/a", "content": "/b", "after": " "}},
            "url",
        ),
        (
            "url decoding: query, once, no plus, no half escape",
            f'{QUERY} eq "q=1+2&x=3&y=%25&%zz=%4"',
            {QUERY: {"content": "q=1+2&x=3&y=%25&%zz=%4"}},
            "url",
        ),
        (
            "url decoding: args are split before",
            f'{ARGS}["q"][0] eq "1+2&x=3"',
            {ARGS + '["q"][0]': [{"content": "1+2&x=3"}]},
            "url",
        ),
        ("url decoding: args.names", f'{ARGS}.names[0] eq "q"', {ARGS + ".names[0]": [{"content": "q"}]}, "url"),
        ("url decoding: args.values", f'{ARGS}.values[1] eq "%25"', {ARGS + ".values[1]": [{"content": "%25"}]}, "url"),
        (
            "url decoding: a name that does not decode",
            f'{ARGS}["%zz"][0] eq "%4"',
            {ARGS + '["%zz"][0]': [{"content": "%4"}]},
            "url",
        ),
        (
            "url decoding: not the uri",
            f'{URI} contains "/%61%2fb%20?%71"',
            {URI: {"content": "/%61%2fb%20?%71", "after": "=%31+%32%26x%3D"}},
            "url",
        ),
        (
            "url decoding: not the full uri",
            'http.request.full_uri contains "%61"',
            {"http.request.full_uri": {"before": "//shop.example/", "content": "%61", "after": "%2fb%20?%71=%31"}},
            "url",
        ),
        (
            "url decoding: not raw fields",
            f'raw.{PATH} contains "%61"',
            {"raw." + PATH: {"before": "/", "content": "%61", "after": "%2fb%20"}},
            "url",
        ),
        (
            "url decoding: not raw args",
            f'raw.{ARGS}["y"][0] eq "%2525"',
            {"raw." + ARGS + '["y"][0]': [{"content": "%2525"}]},
            "url",
        ),
    ]
]
CASES += [
    case("no decoding by default", f'{PATH} eq "/%61"', True, {PATH: {"content": "/%61"}}, "/%61"),
    eq(
        "url decoding: the extension is of the decoded path",
        PATH + ".extension",
        "mp3",
        target="/foo%2EMP3",
        uri_decoding="url",
    ),
    case(
        "url decoding: names that decode alike",
        f'{ARGS}["a"][1] eq "2"',
        True,
        {ARGS + '["a"][1]': [{"content": "2"}]},
        "/?a=1&%61=2",
        uri_decoding="url",
    ),
    case(
        "url decoding: a NUL and bytes that are no text",
        rf'{PATH} eq "/\x00\xff"',
        True,
        {PATH: {"content_b64": "LwD/"}},
        "/%00%FF",
        uri_decoding="url",
    ),
]

# Bodies
LOGIN = form("user=admin&role=&user=root&x=%20+&flag")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").decode()
CASES += [
    eq("body.raw", RAW, "hello", method="POST", body="hello"),
    eq("body.raw: no body", RAW, ""),
    case(
        "body.raw: bytes that are no text",
        rf'{RAW} contains "\x89PNG"',
        True,
        {RAW: {"content_b64": "iVBORw==", "after": "\r\n\x1a\n\0\0\0\rIHDR"}},
        method="POST",
        body_b64=PNG,
    ),
    number("body.size", "http.request.body.size", 6, method="POST", body="héllo"),
    number("body.size: no body", "http.request.body.size", 0),
    case(
        "body.truncated",
        "not http.request.body.truncated",
        True,
        {"http.request.body.truncated": {"content": "false"}},
        body="x",
    ),
    eq(
        "body.mime of a picture",
        "http.request.body.mime",
        "image/png",
        method="POST",
        body_b64=PNG,
        headers=[["content-type", "image/png"]],
    ),
    eq(
        "body.mime is of the body, not of the header",
        "http.request.body.mime",
        "application/pdf",
        method="POST",
        body="%PDF-1.7\n",
        headers=[["content-type", "image/png"]],
    ),
    never("body.mime: no body", 'http.request.body.mime wildcard "*"'),
    eq("form", FORM + '["user"][0]', "admin", **LOGIN),
    eq("form: second of a name", FORM + '["user"][1]', "root", **LOGIN),
    eq("form: an empty value", FORM + '["role"][0]', "", **LOGIN),
    eq("form: no equals sign", FORM + '["flag"][0]', "", **LOGIN),
    eq("form: not decoded", FORM + '["x"][0]', "%20+", **LOGIN),
    eq("form: not decoded with url decoding either", FORM + '["x"][0]', "%20+", uri_decoding="url", **LOGIN),
    eq("form.names", FORM + ".names[2]", "user", **LOGIN),
    eq("form.values", FORM + ".values[2]", "root", **LOGIN),
    case(
        "form: any value",
        f'any({FORM}["user"][*] contains "oo")',
        True,
        {FORM + '["user"][1]': [{"before": "r", "content": "oo", "after": "t"}]},
        **LOGIN,
    ),
    eq(
        "form: media type in any case, with parameters",
        FORM + '["a"][0]',
        "b",
        method="POST",
        body="a=b",
        headers=[["Content-Type", "Application/X-WWW-Form-Urlencoded; charset=utf-8"]],
    ),
    never(
        "form: another media type",
        f'any({FORM}.values[*] wildcard "*")',
        method="POST",
        body="a=b",
        headers=[["content-type", "text/plain"]],
    ),
    case(
        "form: all over another media type's values",
        f'all({FORM}.values[*] eq "x")',
        True,
        {},
        method="POST",
        body="a=b",
    ),
]

MULTIPART = "\r\n".join(
    [
        "--XyZ",
        'Content-Disposition: form-data; name="user"',
        "",
        "alice",
        "--XyZ",
        'Content-Disposition: form-data; name="file"; filename="shell.php"',
        "Content-Type: application/x-php",
        "Content-Transfer-Encoding: binary",
        "",
        "<?php system($_GET[0]);\r\n?>",
        "--XyZ",
        'content-disposition: form-data; name="user"',
        "",
        "",
        "--XyZ--",
        "",
    ]
)
SENT = {"method": "POST", "body": MULTIPART, "headers": [["content-type", "multipart/form-data; boundary=XyZ"]]}
CASES += [
    eq("multipart", PARTS + '["user"][0]', "alice", **SENT),
    eq("multipart: second of a name, empty", PARTS + '["user"][1]', "", **SENT),
    eq("multipart.values", PARTS + ".values[1]", "<?php system($_GET[0]);\r\n?>", **SENT),
    case(
        "multipart.values: a span",
        f'any({PARTS}.values[*] contains "system(")',
        True,
        {PARTS + ".values[1]": [{"before": "<?php ", "content": "system(", "after": "$_GET[0]);\r\n?>"}]},
        **SENT,
    ),
    eq("multipart.names", PARTS + ".names[1][0]", "file", **SENT),
    eq("multipart.filenames", PARTS + ".filenames[1][0]", "shell.php", **SENT),
    case(
        "multipart.filenames: any",
        rf'any({PARTS}.filenames[*][0] matches "\.php$")',
        True,
        {PARTS + ".filenames[1][0]": [{"before": "shell", "content": ".php"}]},
        **SENT,
    ),
    case(
        "multipart.filenames: parts without one have no part in it",
        f'all({PARTS}.filenames[*][0] eq "shell.php")',
        True,
        {PARTS + ".filenames[1][0]": [{"content": "shell.php"}]},
        **SENT,
    ),
    never("multipart.filenames: the first part has none", PARTS + '.filenames[0][0] wildcard "*"', **SENT),
    eq("multipart.content_types", PARTS + ".content_types[1][0]", "application/x-php", **SENT),
    eq("multipart.content_dispositions", PARTS + ".content_dispositions[0][0]", 'form-data; name="user"', **SENT),
    eq("multipart.content_transfer_encodings", PARTS + ".content_transfer_encodings[1][0]", "binary", **SENT),
    case(
        "multipart.content_types: any of any",
        f'any({PARTS}.content_types[*][*] contains "php")',
        True,
        {PARTS + ".content_types[1][0]": [{"before": "application/x-", "content": "php"}]},
        **SENT,
    ),
    never("multipart: three parts", PARTS + '.values[3] wildcard "*"', **SENT),
    never(
        "multipart: another boundary",
        f'any({PARTS}.values[*] wildcard "*")',
        method="POST",
        body=MULTIPART,
        headers=[["content-type", "multipart/form-data; boundary=abc"]],
    ),
    eq(
        "multipart: a quoted boundary",
        PARTS + ".values[0]",
        "alice",
        method="POST",
        body=MULTIPART,
        headers=[["content-type", 'multipart/form-data; boundary="XyZ"']],
    ),
    never("multipart is no form", f'any({FORM}.names[*] wildcard "*")', **SENT),
    never("a form is no multipart", f'any({PARTS}.values[*] wildcard "*")', **LOGIN),
]

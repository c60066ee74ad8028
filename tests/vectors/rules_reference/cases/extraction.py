"""Sections 2 and 3: spans, context, merging, several rules, what contains what, lengths."""

from . import case, form

URI = "http.request.uri"
PATH, QUERY, ARGS = URI + ".path", URI + ".query", URI + ".args"
FULL, RAW, FORM = "http.request.full_uri", "http.request.body.raw", "http.request.body.form"
GET, V11 = {"http.request.method": {"content": "GET"}}, {"http.request.version": {"content": "HTTP/1.1"}}
VALUES = "http.request.headers.values"


def path(name, rule, target, **place):
    return case(name, f"{PATH} {rule}", True, {PATH: place}, target)


def b64(name, rule, value, four, three=None, **more):
    """A field of bytes, in the forms of both versions."""
    field = {"my.bytes": {"type": "Bytes", "value": {"b64": value}}}
    out = [case(name, f"my.bytes {rule}", True, {"my.bytes": four}, fields=field, **more)]
    return out + [
        case(
            name + ", version 3", f"my.bytes {rule}", True, {"my.bytes": three or four}, fields=field, version=3, **more
        )
    ]


ARTICLE = r'http.request.version eq "HTTP/1.1" and (http.request.uri.path matches "\n+." or http.request.uri.query matches "\x00+.")'
CASES = [
    case(
        "the article's example",
        ARTICLE,
        True,
        {"http.request.version": {"content": "HTTP/1.1"}, PATH: {"before": "/cms/", "content": "\na", "after": "dmin"}},
        "/cms/%0Aadmin?action=%00post",
        uri_decoding="url",
    ),
    case(
        "the article's example, version 3",
        ARTICLE,
        True,
        {"http.request.version": {"content": "HTTP/1.1"}, PATH: {"before": "/cms/", "content": "\na", "after": "dmin"}},
        "/cms/%0Aadmin?action=%00post",
        uri_decoding="url",
        version=3,
    ),
    case(
        "the article's example with nothing in the path",
        ARTICLE,
        True,
        {
            "http.request.version": {"content": "HTTP/1.1"},
            QUERY: {"before": "action=", "content": "\0p", "after": "ost"},
        },
        "/cms/admin?action=%00post",
        uri_decoding="url",
    ),
    case("the article's example without decoding", ARTICLE, False, target="/cms/%0Aadmin?action=%00post"),
    case(
        "the article's example in HTTP/2",
        ARTICLE,
        False,
        target="/cms/%0Aadmin",
        uri_decoding="url",
        http_version="HTTP/2",
    ),
    # Context
    path(
        "context of 15 bytes on both sides",
        'contains "XY"',
        "/0123456789abcdefghXYijklmnopqrstuvwxyz",
        before="3456789abcdefgh",
        content="XY",
        after="ijklmnopqrstuvw",
    ),
    path(
        "context of exactly 15 bytes",
        'contains "XY"',
        "/0123456789abcdXY0123456789abcde",
        before="/0123456789abcd",
        content="XY",
        after="0123456789abcde",
    ),
    path("context: only before", 'contains "XY"', "/abXY", before="/ab", content="XY"),
    path("context: only after", 'contains "/ab"', "/abXY", content="/ab", after="XY"),
    path("context: none", 'contains "/ab"', "/ab", content="/ab"),
    path(
        "context starts at a character: two bytes",
        'contains "X"',
        "/é34567890123456X",
        before="34567890123456",
        content="X",
    ),
    path(
        "context starts at a character that just fits",
        'contains "X"',
        "/é3456789012345X",
        before="é3456789012345",
        content="X",
    ),
    path(
        "context starts at a character: three bytes, one in",
        'contains "X"',
        "/€34567890123456X",
        before="34567890123456",
        content="X",
    ),
    path(
        "context starts at a character: three bytes, two in",
        'contains "X"',
        "/€3456789012345X",
        before="3456789012345",
        content="X",
    ),
    path(
        "context starts at a character: four bytes, three in",
        'contains "X"',
        "/😀345678901234X",
        before="345678901234",
        content="X",
    ),
    path(
        "context starts at a character: four bytes, all in",
        'contains "X"',
        "/😀34567890123X",
        before="😀34567890123",
        content="X",
    ),
    path(
        "context ends before a cut character: two bytes",
        'contains "X"',
        "/X12345678901234é",
        before="/",
        content="X",
        after="12345678901234",
    ),
    path(
        "context ends with a character that just fits",
        'contains "X"',
        "/X1234567890123é",
        before="/",
        content="X",
        after="1234567890123é",
    ),
    path(
        "context ends before a cut character: three bytes, two in",
        'contains "X"',
        "/X1234567890123€",
        before="/",
        content="X",
        after="1234567890123",
    ),
    path(
        "context ends before a cut character: four bytes, three in",
        'contains "X"',
        "/X123456789012😀",
        before="/",
        content="X",
        after="123456789012",
    ),
    path(
        "context of characters only",
        'contains "X"',
        "/éééééééééXééééééééé",
        before="ééééééé",
        content="X",
        after="ééééééé",
    ),
    path("content of characters", 'contains "é€"', "/aé€b", before="/a", content="é€", after="b"),
    path("whole: no context", 'ne "x"', "/abc", content="/abc"),
    case(
        "context ends with the element",
        f'any({VALUES}[*] contains "mid")',
        True,
        {f"{VALUES}[2]": [{"before": "a", "content": "mid", "after": "z"}]},
        headers=[["x", "left"], ["y", "amidz"], ["z", "right"]],
    ),
    path("escapes of JSON", r'contains "\"\\"', '/\x01\t"\\\x7f<', before="/\x01\t", content='"\\', after="\x7f<"),
    # Objects and arrays
    case(
        "two spans of one field: an array",
        f'{PATH} contains "ab" and {PATH} contains "ef"',
        True,
        {PATH: [{"before": "/", "content": "ab", "after": "cdef"}, {"before": "/abcd", "content": "ef"}]},
        "/abcdef",
    ),
    case(
        "spans in order of start",
        f'{PATH} contains "ef" and {PATH} contains "ab"',
        True,
        {PATH: [{"before": "/", "content": "ab", "after": "cdef"}, {"before": "/abcd", "content": "ef"}]},
        "/abcdef",
    ),
    case(
        "overlapping spans are merged",
        f'{PATH} contains "bcd" and {PATH} contains "def"',
        True,
        {PATH: {"before": "/a", "content": "bcdef", "after": "g"}},
        "/abcdefg",
    ),
    case(
        "a span within another is merged",
        f'{PATH} contains "bcde" and {PATH} contains "cd"',
        True,
        {PATH: {"before": "/a", "content": "bcde", "after": "f"}},
        "/abcdef",
    ),
    case(
        "equal spans are one",
        f'{PATH} contains "bc" and {PATH} matches "bc"',
        True,
        {PATH: {"before": "/a", "content": "bc", "after": "d"}},
        "/abcd",
    ),
    case(
        "touching spans stay two",
        f'{PATH} contains "ab" and {PATH} contains "cd"',
        True,
        {PATH: [{"before": "/", "content": "ab", "after": "cde"}, {"before": "/ab", "content": "cd", "after": "e"}]},
        "/abcde",
    ),
    case(
        "three spans make one",
        f'{PATH} contains "abc" and {PATH} contains "efg" and {PATH} contains "cde"',
        True,
        {PATH: {"before": "/", "content": "abcdefg", "after": "h"}},
        "/abcdefgh",
    ),
    case(
        "a whole value takes in its spans",
        f'{PATH} contains "bc" and {PATH} ne "/x"',
        True,
        {PATH: {"content": "/abcd"}},
        "/abcd",
    ),
    case(
        "an empty span at the edge of another stays",
        f'{PATH} contains "abc" and {PATH} matches "$"',
        True,
        {PATH: [{"before": "/", "content": "abc"}, {"before": "/abc", "content": ""}]},
        "/abc",
    ),
    case(
        "an empty span within another is merged",
        rf'{PATH} contains "/ab" and {PATH} matches "\b"',
        True,
        {PATH: {"content": "/ab", "after": "c"}},
        "/abc",
    ),
    case(
        "the transformed and the plain value stay apart",
        f'{PATH} contains "BC" and lower({PATH}) contains "bc"',
        True,
        {
            PATH: [
                {"before": "/A", "content": "BC", "after": "D"},
                {"before": "/a", "content": "bc", "after": "d", "via": ["lower"]},
            ]
        },
        "/ABCD",
    ),
    case(
        "two results of one function stay apart",
        f'substring({PATH}, 1) contains "a" and substring({PATH}, 2) contains "c"',
        True,
        {
            PATH: [
                {"content": "a", "after": "bc", "via": ["substring"]},
                {"before": "b", "content": "c", "via": ["substring"]},
            ]
        },
        "/abc",
    ),
    case(
        "one element: an array all the same",
        f'{VALUES}[1] eq "a"',
        True,
        {f"{VALUES}[1]": [{"content": "a"}]},
        headers=[["x", "a"]],
    ),
    case(
        "two spans of one element",
        f'any({VALUES}[*] contains "ab" and {VALUES}[*] contains "ef")',
        True,
        {f"{VALUES}[1]": [{"content": "ab", "after": "cdef"}, {"before": "abcd", "content": "ef"}]},
        headers=[["x", "abcdef"]],
    ),
    case(
        "elements that did not match are absent",
        f'any({VALUES}[*] contains "a=")',
        True,
        {f"{VALUES}[1]": [{"content": "a=", "after": "1"}], f"{VALUES}[3]": [{"content": "a=", "after": "2"}]},
        headers=[["x", "a=1"], ["y", "b=1"], ["z", "a=2"]],
    ),
    case(
        "a custom field of many values: an array",
        'my.map["k"] contains "b"',
        True,
        {'my.map["k"]': [{"before": "a", "content": "b", "after": "c"}]},
        fields={"my.map": {"type": "Map(Bytes)", "value": {"k": "abc"}}},
    ),
    case(
        "a custom field of one value: an object",
        'my.text contains "b"',
        True,
        {"my.text": {"before": "a", "content": "b", "after": "c"}},
        fields={"my.text": {"type": "Bytes", "value": "abc"}},
    ),
    case(
        "a key with a backslash and a control character",
        rf'{ARGS}["a\\\x01\"é"][0] eq "1"',
        True,
        {ARGS + '["a\\\\\\x01\\"é"][0]': [{"content": "1"}]},
        '/?a\\\x01"é=1',
    ),
    case(
        "a key of bytes that are no text",
        rf'any({ARGS}[*][*] eq "1")',
        True,
        {ARGS + r'["\xFF\xE9"][0]': [{"content": "1"}]},
        "/?%ff%e9=1",
        uri_decoding="url",
    ),
    # Several rules
    case(
        "several rules: each object names them",
        [("a", f'{PATH} contains "b"'), ("b", 'http.request.method eq "GET"')],
        True,
        {
            PATH: {"before": "/a", "content": "b", "after": "c", "rules": ["a"]},
            "http.request.method": {"content": "GET", "rules": ["b"]},
        },
        "/abc",
    ),
    case(
        "several rules: one matches",
        [("a", f'{PATH} contains "x"'), ("b", 'http.request.method eq "GET"')],
        True,
        GET,
        "/abc",
    ),
    case("several rules: none matches", [("a", f'{PATH} contains "x"'), ("b", "not ssl")], False),
    case(
        "several rules: equal spans",
        [("one", f'{PATH} contains "b"'), ("two", f'{PATH} matches "b"')],
        True,
        {PATH: {"before": "/a", "content": "b", "after": "c", "rules": ["one", "two"]}},
        "/abc",
    ),
    case(
        "several rules: merged spans",
        [("one", f'{PATH} contains "cd"'), ("two", f'{PATH} contains "bc"'), ("no", "not ssl")],
        True,
        {PATH: {"before": "/a", "content": "bcd", "after": "e", "rules": ["one", "two"]}},
        "/abcde",
    ),
    case(
        "several rules: spans apart",
        [("one", f'{PATH} contains "de"'), ("two", f'{PATH} contains "ab"')],
        True,
        {
            PATH: [
                {"before": "/", "content": "ab", "after": "cde", "rules": ["two"]},
                {"before": "/abc", "content": "de", "rules": ["one"]},
            ]
        },
        "/abcde",
    ),
    case(
        "several rules: one of them has nothing to log",
        [("one", 'http.request.headers["x"][0] ne "a"'), ("two", "ssl")],
        True,
        {"ssl": {"content": "true", "rules": ["two"]}},
    ),
    case("several rules: a rule that does not parse", [("one", "ssl"), ("two", "sl")], "error"),
    case(
        "several rules: the narrower field takes over the rules",
        [("one", f'{URI} contains "bc"'), ("two", f'{PATH} contains "abcd"')],
        True,
        {PATH: {"before": "/", "content": "abcd", "rules": ["one", "two"]}},
        "/abcd?x",
    ),
    # What contains what
    case(
        "uri and path: the uri goes",
        f'{URI} contains "bc" and {PATH} contains "bc"',
        True,
        {PATH: {"before": "/a", "content": "bc", "after": "d"}},
        "/abcd?e",
    ),
    case(
        "uri and path: a span of the uri over the path's end stays",
        f'{URI} contains "cd?" and {PATH} contains "cd"',
        True,
        {URI: {"before": "/ab", "content": "cd?", "after": "e"}, PATH: {"before": "/ab", "content": "cd"}},
        "/abcd?e",
    ),
    case(
        "uri and path: a span beside the path's stays",
        f'{URI} contains "ab" and {PATH} contains "cd"',
        True,
        {URI: {"before": "/", "content": "ab", "after": "cd?e"}, PATH: {"before": "/ab", "content": "cd"}},
        "/abcd?e",
    ),
    case(
        "uri and path: a wider span of the uri stays",
        f'{URI} contains "abcd" and {PATH} contains "bc"',
        True,
        {URI: {"before": "/", "content": "abcd", "after": "?e"}, PATH: {"before": "/a", "content": "bc", "after": "d"}},
        "/abcd?e",
    ),
    case(
        "uri and path: one of two spans outside, both stay",
        f'{URI} contains "bc" and {URI} contains "?e" and {PATH} contains "bc"',
        True,
        {
            URI: [{"before": "/a", "content": "bc", "after": "d?e"}, {"before": "/abcd", "content": "?e"}],
            PATH: {"before": "/a", "content": "bc", "after": "d"},
        },
        "/abcd?e",
    ),
    case(
        "uri and path whole: the uri's span goes",
        f'{URI} contains "bc" and not {PATH} contains "x"',
        True,
        {PATH: {"content": "/abcd"}},
        "/abcd?e",
    ),
    case(
        "full_uri, uri and path: the path is left",
        f'{FULL} contains "bc" and {URI} contains "bc" and {PATH} contains "bc"',
        True,
        {PATH: {"before": "/a", "content": "bc", "after": "d"}},
        "/abcd",
    ),
    case(
        "full_uri and uri",
        f'{FULL} contains "bc" and {URI} contains "abcd?e"',
        True,
        {URI: {"before": "/", "content": "abcd?e"}},
        "/abcd?e",
    ),
    case(
        "full_uri with the host stays",
        f'{FULL} contains "example/ab" and {PATH} contains "ab"',
        True,
        {
            FULL: {"before": "https://shop.", "content": "example/ab", "after": "cd"},
            PATH: {"before": "/", "content": "ab", "after": "cd"},
        },
        "/abcd",
    ),
    case(
        "full_uri and host: both stay",
        f'{FULL} contains "shop" and http.host contains "shop"',
        True,
        {
            FULL: {"before": "https://", "content": "shop", "after": ".example/"},
            "http.host": {"content": "shop", "after": ".example"},
        },
    ),
    case(
        "path and extension",
        f'{PATH} contains "ph" and {PATH}.extension eq "php"',
        True,
        {PATH + ".extension": {"content": "php"}},
        "/a.php",
    ),
    case(
        "query and args",
        f'{QUERY} contains "evil" and any({ARGS}.values[*] contains "evil")',
        True,
        {ARGS + ".values[1]": [{"content": "evil", "after": "x"}]},
        "/?a=1&b=evilx",
    ),
    case(
        "query and args: a span with the name stays",
        f'{QUERY} contains "b=evil" and {ARGS}["b"][0] contains "evil"',
        True,
        {
            QUERY: {"before": "a=1&", "content": "b=evil", "after": "x"},
            ARGS + '["b"][0]': [{"content": "evil", "after": "x"}],
        },
        "/?a=1&b=evilx",
    ),
    case(
        "query and args' names",
        f'{QUERY} contains "bad" and {ARGS}.names[1] eq "bad"',
        True,
        {ARGS + ".names[1]": [{"content": "bad"}]},
        "/?a=1&bad=2",
    ),
    case(
        "args and args' values: both stay",
        f'{ARGS}["b"][0] eq "2" and {ARGS}.values[1] eq "2"',
        True,
        {ARGS + '["b"][0]': [{"content": "2"}], ARGS + ".values[1]": [{"content": "2"}]},
        "/?a=1&b=2",
    ),
    case(
        "path and query: both stay",
        f'{PATH} contains "a" and {QUERY} contains "a"',
        True,
        {PATH: {"before": "/", "content": "a"}, QUERY: {"content": "a"}},
        "/a?a",
    ),
    case(
        "uri and raw path",
        f'{URI} contains "bc" and raw.{PATH} contains "bc"',
        True,
        {"raw." + PATH: {"before": "/a", "content": "bc", "after": "d"}},
        "/abcd",
    ),
    case(
        "path and raw path: both stay",
        f'{PATH} contains "bc" and raw.{PATH} contains "bc"',
        True,
        {
            PATH: {"before": "/a", "content": "bc", "after": "d"},
            "raw." + PATH: {"before": "/a", "content": "bc", "after": "d"},
        },
        "/abcd",
    ),
    case(
        "url decoding: the raw uri's span lies in the path's",
        f'{URI} contains "%62" and {PATH} contains "abc"',
        True,
        {PATH: {"before": "/", "content": "abc", "after": "d"}},
        "/a%62cd?e",
        uri_decoding="url",
    ),
    case(
        "url decoding: the raw uri's span is wider",
        f'{URI} contains "a%62" and {PATH} contains "b"',
        True,
        {
            URI: {"before": "/", "content": "a%62", "after": "cd?e"},
            PATH: {"before": "/a", "content": "b", "after": "cd"},
        },
        "/a%62cd?e",
        uri_decoding="url",
    ),
    case(
        "url decoding: query and args",
        f'{QUERY} contains "=" and {ARGS}.values[0] contains "x=y"',
        True,
        {QUERY: {"before": "a", "content": "=", "after": "x=y"}, ARGS + ".values[0]": [{"content": "x=y"}]},
        "/?a=x%3dy",
        uri_decoding="url",
    ),
    case(
        "lower keeps the places: the uri goes",
        f'lower({URI}) contains "bc" and {PATH} contains "BC"',
        True,
        {PATH: {"before": "/A", "content": "BC", "after": "D"}},
        "/ABCD?e",
    ),
    case(
        "lower of the narrower",
        f'{URI} contains "BC" and lower({PATH}) contains "bc"',
        True,
        {PATH: {"before": "/a", "content": "bc", "after": "d", "via": ["lower"]}},
        "/ABCD?e",
    ),
    case(
        "unknown places: both stay",
        f'url_decode({URI}) contains "bc" and {PATH} contains "bc"',
        True,
        {
            URI: {"before": "/a", "content": "bc", "after": "d?e", "via": ["url_decode"]},
            PATH: {"before": "/a", "content": "bc", "after": "d"},
        },
        "/abcd?e",
    ),
    case(
        "unknown places of the narrower: both stay",
        f'{URI} contains "bc" and len({PATH}) eq 5',
        True,
        {URI: {"before": "/a", "content": "bc", "after": "d?e"}, PATH: {"content": "/abcd", "via": ["len"]}},
        "/abcd?e",
    ),
    case(
        "headers and a named header",
        f'any({VALUES}[*] contains "sqlmap") and http.user_agent contains "sqlmap/1"',
        True,
        {"http.user_agent": {"content": "sqlmap/1", "after": ".7"}},
        headers=[["user-agent", "sqlmap/1.7"]],
    ),
    case(
        "headers and a named header: another element stays",
        f'any({VALUES}[*] contains "sqlmap") and http.user_agent contains "sqlmap"',
        True,
        {
            f"{VALUES}[2]": [{"before": "no ", "content": "sqlmap"}],
            "http.user_agent": {"content": "sqlmap", "after": "/1.7"},
        },
        headers=[["user-agent", "sqlmap/1.7"], ["x", "no sqlmap"]],
    ),
    case(
        "headers by name and a named header",
        'http.request.headers["referer"][0] contains "evil" and http.referer contains "evil"',
        True,
        {"http.referer": {"before": "https://", "content": "evil", "after": ".example"}},
        headers=[["referer", "https://evil.example"]],
    ),
    case(
        "headers and their values: both stay",
        f'http.request.headers["x"][0] eq "a" and {VALUES}[1] eq "a"',
        True,
        {'http.request.headers["x"][0]': [{"content": "a"}], f"{VALUES}[1]": [{"content": "a"}]},
        headers=[["x", "a"]],
    ),
    case(
        "body and form",
        f'{RAW} contains "evil" and any({FORM}.values[*] contains "evil")',
        True,
        {FORM + ".values[1]": [{"content": "evil"}]},
        **form("a=1&b=evil"),
    ),
    case(
        "body and form: a span over both stays",
        f'{RAW} contains "b=evil" and {FORM}["b"][0] eq "evil"',
        True,
        {RAW: {"before": "a=1&", "content": "b=evil"}, FORM + '["b"][0]': [{"content": "evil"}]},
        **form("a=1&b=evil"),
    ),
    case(
        "body and part",
        f'{RAW} contains "<?php" and any(http.request.body.multipart.values[*] contains "<?php")',
        True,
        {"http.request.body.multipart.values[0]": [{"content": "<?php", "after": " 1"}]},
        method="POST",
        body='--b\r\ncontent-disposition: form-data; name="f"\r\n\r\n<?php 1\r\n--b--\r\n',
        headers=[["content-type", "multipart/form-data; boundary=b"]],
    ),
    case(
        "body and query: other bytes",
        f'{RAW} contains "evil" and {QUERY} contains "evil"',
        True,
        {RAW: {"content": "evil"}, QUERY: {"content": "evil"}},
        "/?evil",
        method="POST",
        body="evil",
    ),
    case(
        "an empty span of the uri inside the path",
        rf'{URI} matches "" and {PATH} contains "/a"',
        True,
        {PATH: {"content": "/a", "after": "b"}},
        "/ab",
    ),
]
# Bytes that are not UTF-8
CASES += b64(
    "not UTF-8: content",
    r'contains "\xff\xfe"',
    "YWL//mNk",
    {"before": "ab", "content_b64": "//4=", "after": "cd"},
    {"before": "ab", "content": "\ufffd\ufffd", "after": "cd"},
)
CASES += b64(
    "not UTF-8: before",
    'contains "cd"',
    "YWL//mNk",
    {"before_b64": "YWL//g==", "content": "cd"},
    {"before": "ab\ufffd\ufffd", "content": "cd"},
)
CASES += b64(
    "not UTF-8: after",
    'contains "ab"',
    "YWL//mNk",
    {"content": "ab", "after_b64": "//5jZA=="},
    {"content": "ab", "after": "\ufffd\ufffdcd"},
)
CASES += b64("not UTF-8: all of it", r'ne ""', "gP8=", {"content_b64": "gP8="}, {"content": "\ufffd\ufffd"})
CASES += b64(
    "not UTF-8: one replacement for a maximal subpart",
    r'contains "\xe2\x82\x41"',
    "4oJB",
    {"content_b64": "4oJB"},
    {"content": "\ufffdA"},
)
CASES += b64(
    "not UTF-8: a surrogate is three", 'ne ""', "7aCA", {"content_b64": "7aCA"}, {"content": "\ufffd\ufffd\ufffd"}
)
CASES += b64("not UTF-8: overlong is two", 'ne ""', "wK8=", {"content_b64": "wK8="}, {"content": "\ufffd\ufffd"})
CASES += b64(
    "not UTF-8: four bytes cut after three", 'ne ""', "8J+YQQ==", {"content_b64": "8J+YQQ=="}, {"content": "\ufffdA"}
)
CASES += b64(
    "UTF-8: the same in both versions",
    r'contains "\xc3\xa9"',
    "YcOpYg==",
    {"before": "a", "content": "é", "after": "b"},
)

# Lengths
LONG = "/" + "a" * 1022  # 1,023 bytes
CASES += [
    case("content of 1,023 bytes", f'{PATH} ne ""', True, {PATH: {"content": LONG}}, LONG),
    case("content of 1,024 bytes", f'{PATH} ne ""', True, {PATH: {"content": LONG + "b"}}, LONG + "b"),
    case("content of 1,025 bytes is cut", f'{PATH} ne ""', True, {PATH: {"content": LONG + "b"}}, LONG + "bc"),
    case("content is cut before a character: two bytes", f'{PATH} ne ""', True, {PATH: {"content": LONG}}, LONG + "é"),
    case(
        "content is cut before a character: four bytes",
        f'{PATH} ne ""',
        True,
        {PATH: {"content": LONG[:-2]}},
        LONG[:-2] + "😀",
    ),
    case(
        "content is cut after a character that just fits",
        f'{PATH} ne ""',
        True,
        {PATH: {"content": LONG[:-1] + "é"}},
        LONG[:-1] + "é" + "b",
    ),
    case(
        "a span is cut, its context is of the whole span",
        f'{PATH} matches "b+"',
        True,
        {PATH: {"before": "/a", "content": "b" * 1024, "after": "c"}},
        "/a" + "b" * 2000 + "c",
    ),
    case(
        "merged spans are cut as one",
        f'{PATH} matches "ab+c" and {PATH} matches "b+cd"',
        True,
        {PATH: {"before": "/", "content": "a" + "b" * 1023, "after": "e"}},
        "/a" + "b" * 1500 + "cde",
    ),
    case(
        "len of a long value: whole, cut",
        f"len({PATH}) gt 1024",
        True,
        {PATH: {"content": LONG + "b", "via": ["len"]}},
        LONG + "bc",
    ),
    case(
        "a long value below: the span of the uri lies past the cut",
        f'{URI} contains "z" and not {PATH} contains "y"',
        True,
        {PATH: {"content": LONG + "b"}},
        LONG + "bcz",
    ),
]


WHOLE = f'not any({VALUES}[*] eq "none")'


def payload_of(size):
    shown = ["shop.example"] + ["a" * 1000] * 7 + ["b" * size]
    return {f"{VALUES}[{i}]": [{"content": text}] for i, text in enumerate(shown)}


def long_headers(size):
    return [[f"x{i}", "a" * 1000] for i in range(7)] + [["y", "b" * size]]


# an entry is `"http.request.headers.values[0]":[{"content":""}]`, 49 bytes, and its text; 8 commas and 2 braces
FIT = 8192 - (9 * 49 + 10) - 12 - 7000
CASES += [
    case("payload of 8,192 bytes", WHOLE, True, payload_of(FIT), headers=long_headers(FIT)),
    case("payload of 8,193 bytes", WHOLE, True, "truncated", headers=long_headers(FIT + 1)),
    case("payload of 8,193 bytes, version 3", WHOLE, True, "truncated", headers=long_headers(FIT + 1), version=3),
    case(
        "payload of characters is counted in bytes",
        WHOLE,
        True,
        "truncated",
        headers=[[f"x{i}", "é" * 500] for i in range(9)],
    ),
    case(
        "payload with escapes is counted with them",
        WHOLE,
        True,
        "truncated",
        headers=[[f"x{i}", '"' * 700] for i in range(6)],
    ),
    case(
        "payload too large though each content is cut",
        WHOLE,
        True,
        "truncated",
        headers=[[f"x{i}", "a" * 5000] for i in range(8)],
    ),
]

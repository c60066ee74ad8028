"""Section 4: the forms of literals."""

from . import case

PATH = "http.request.uri.path"
INT = {"my.int": {"type": "Int", "value": 31}}
BYTES = {"my.bytes": {"type": "Bytes", "value": {"b64": "/wBh"}}}  # ff 00 61


def path(name, rule, target, content, before=None, after=None):
    place = {"before": before, "content": content, "after": after}
    return case(name, rule, True, {PATH: {k: v for k, v in place.items() if v is not None}}, target)


def number(name, rule, value, expect=True):
    return case(
        name, rule, expect, {"my.int": {"content": str(value)}}, fields={"my.int": {"type": "Int", "value": value}}
    )


def address(name, rule, client, expect=True):
    return case(name, rule, expect, {"ip.src": {"content": client}}, client=client)


CASES = [
    path("quoted string", PATH + ' eq "/a"', "/a", "/a"),
    path("quoted string: an escaped quote", PATH + r' contains "\"b"', '/a"b', '"b', before="/a"),
    path("quoted string: an escaped backslash", PATH + r' contains "\\"', "/a\\b", "\\", before="/a", after="b"),
    path("quoted string: hex escape", PATH + r' contains "\x41"', "/xAy", "A", before="/x", after="y"),
    path("quoted string: octal escape", PATH + r' contains "\101"', "/xAy", "A", before="/x", after="y"),
    path("quoted string: other text as it is", PATH + ' contains "é(*"', "/é(*", "é(*", before="/"),
    case("quoted string: case counts", PATH + ' eq "/A"', False, target="/a"),
    path("quoted string: two hex escapes are one character", PATH + r' contains "\xc3\xa9"', "/é", "é", before="/"),
    path("raw string", PATH + r' contains r"\x41"', "/\\x41", "\\x41", before="/"),
    path("raw string: quotes between hashes", PATH + r' contains r#"a"b"#', '/a"b', 'a"b', before="/"),
    path("raw string: fewer hashes do not end it", PATH + ' contains r##"a"#b"##', '/a"#b', 'a"#b', before="/"),
    path("byte string with colons", PATH + " eq 2f:61", "/a", "/a"),
    path("byte string with dashes", PATH + " eq 2F-61", "/a", "/a"),
    path("byte string with dots", PATH + " eq 2f.61", "/a", "/a"),
    path("byte string with mixed separators", PATH + " eq 2f:61-62.63", "/abc", "/abc"),
    path("byte string after contains", PATH + " contains 62:63", "/abcd", "bc", before="/a", after="d"),
    case(
        "byte string of bytes that are no text",
        "my.bytes contains ff:00",
        True,
        {"my.bytes": {"content_b64": "/wA=", "after": "a"}},
        fields=BYTES,
    ),
    case(
        "hex escapes of bytes that are no text",
        r'my.bytes eq "\xff\x00a"',
        True,
        {"my.bytes": {"content_b64": "/wBh"}},
        fields=BYTES,
    ),
    number("int: decimal", "my.int eq 31", 31),
    number("int: negative", "my.int eq -31", -31),
    number("int: zero", "my.int eq 0", 0),
    number("int: hex", "my.int eq 0x1f", 31),
    number("int: hex, upper case digits", "my.int eq 0x1F", 31),
    number("int: a leading zero is octal", "my.int eq 037", 31),
    number("int: octal is not decimal", "my.int eq 031", 31, expect=False),
    number("int: the largest", "my.int eq 9223372036854775807", 9223372036854775807),
    number("int: the smallest", "my.int eq -9223372036854775808", -9223372036854775808),
    number("int set", "my.int in {1 31 5}", 31),
    number("int set: not in it", "my.int in {1 32 5}", 31, expect=False),
    number("int set: a range, first", "my.int in {31..40}", 31),
    number("int set: a range, last", "my.int in {20..31}", 31),
    number("int set: a range of one", "my.int in {31..31}", 31),
    number("int set: outside a range", "my.int in {20..30 32..40}", 31, expect=False),
    number("int set: a negative range", "my.int in {-5..-1}", -3),
    number("int set: hex and octal bounds", "my.int in {0x10..040}", 31),
    case("string set", PATH + ' in {"/a" r"/b" 2f:63}', True, {PATH: {"content": "/c"}}, "/c"),
    case("string set: not in it", PATH + ' in {"/a" "/b"}', False, target="/c"),
    case("string set over lines", PATH + ' in {\n  "/a"\n  "/b"\n}', True, {PATH: {"content": "/b"}}, "/b"),
    address("ip: IPv4", "ip.src eq 192.0.2.1", "192.0.2.1"),
    address("ip: IPv6, however it is written", "ip.src eq 2001:0DB8:0:0::1", "2001:db8::1"),
    address("ip set: an address", "ip.src in {192.0.2.9 192.0.2.1}", "192.0.2.1"),
    address("ip set: a network", "ip.src in {192.0.2.0/24}", "192.0.2.255"),
    address("ip set: outside a network", "ip.src in {192.0.2.0/25}", "192.0.2.128", expect=False),
    address("ip set: an IPv6 network", "ip.src in {2001:db8::/32}", "2001:db8:ffff::1"),
    address("ip set: a range", "ip.src in {192.0.2.3..192.0.2.7}", "192.0.2.7"),
    address("ip set: outside a range", "ip.src in {192.0.2.3..192.0.2.7}", "192.0.2.8", expect=False),
    address("ip set: an IPv6 range", "ip.src in {2001:db8::1..2001:db8::ff}", "2001:db8::80"),
    address("ip set: all forms mixed", "ip.src in {10.0.0.1 10.1.0.0/16 2001:db8::/32 10.2.0.1..10.2.0.9}", "10.2.0.5"),
    address("ip set: everything", "ip.src in {0.0.0.0/0}", "203.0.113.9"),
    address("ip set: all of IPv4 holds no IPv6", "ip.src in {0.0.0.0/0}", "2001:db8::1", expect=False),
]
LISTS = {
    "office": {"ips": ["192.0.2.0/24", "2001:db8::1", "10.0.0.1..10.0.0.9"]},
    "ports": {"ints": [1, "5..9"]},
    "names_2": {"bytes": ["a", "b"]},
}
CASES += [
    case(
        "list: a network of it",
        "ip.src in $office",
        True,
        {"ip.src": {"content": "192.0.2.77"}},
        lists=LISTS,
        client="192.0.2.77",
    ),
    case(
        "list: an address of it",
        "ip.src in $office",
        True,
        {"ip.src": {"content": "2001:db8::1"}},
        lists=LISTS,
        client="2001:db8::1",
    ),
    case(
        "list: a range of it",
        "ip.src in $office",
        True,
        {"ip.src": {"content": "10.0.0.9"}},
        lists=LISTS,
        client="10.0.0.9",
    ),
    case("list: not in it", "ip.src in $office", False, lists=LISTS, client="10.0.0.10"),
    case(
        "list of ints",
        "my.int in $ports",
        True,
        {"my.int": {"content": "7"}},
        lists=LISTS,
        fields={"my.int": {"type": "Int", "value": 7}},
    ),
    case(
        "list of ints: not in it",
        "my.int in $ports",
        False,
        lists=LISTS,
        fields={"my.int": {"type": "Int", "value": 4}},
    ),
    case(
        "list of strings",
        "http.request.method in $names_2",
        True,
        {"http.request.method": {"content": "b"}},
        lists=LISTS,
        method="b",
    ),
    case(
        "list of strings: not in it",
        "not http.request.method in $names_2",
        True,
        {"http.request.method": {"content": "GET"}},
        lists=LISTS,
    ),
]

"""Section 4: comparisons; section 3: where they held."""

from . import case

PATH = "http.request.uri.path"


def path(name, rule, expect, target, **place):
    return case(name, PATH + " " + rule, expect, {PATH: place}, target)


def number(name, rule, expect, value=5):
    return case(
        name,
        "my.int " + rule,
        expect,
        {"my.int": {"content": str(value)}},
        fields={"my.int": {"type": "Int", "value": value}},
    )


def address(name, rule, expect, client="192.0.2.1"):
    return case(name, "ip.src " + rule, expect, {"ip.src": {"content": client}}, client=client)


CASES = [
    path("eq", 'eq "/abc"', True, "/abc", content="/abc"),
    path("eq as a sign", '== "/abc"', True, "/abc", content="/abc"),
    path("eq without spaces", '=="/abc"', True, "/abc", content="/abc"),
    path("eq is the whole value", 'eq "/ab"', False, "/abc"),
    path("ne", 'ne "/abd"', True, "/abc", content="/abc"),
    path("ne as a sign", '!= "/abd"', True, "/abc", content="/abc"),
    path("ne, equal", 'ne "/abc"', False, "/abc"),
    path("lt on strings", 'lt "/b"', True, "/abc", content="/abc"),
    path("lt on strings: a prefix is less", 'lt "/abcd"', True, "/abc", content="/abc"),
    path("gt on strings", '> "/B"', True, "/abc", content="/abc"),
    path("le on strings", '<= "/abc"', True, "/abc", content="/abc"),
    path("ge on strings", 'ge "/abd"', False, "/abc"),
    number("in without a space", "in{4..6}", True),
    number("bitwise and without spaces", "&5", True),
    number("int lt", "lt 6", True),
    number("int lt, equal", "< 5", False),
    number("int le", "<= 5", True),
    number("int le, greater", "le 4", False),
    number("int gt", "gt 4", True),
    number("int gt, equal", "> 5", False),
    number("int ge", ">= 5", True),
    number("int ge, less", "ge 6", False),
    number("int ne", "ne 6", True),
    number("int ne, equal", "!= 5", False),
    number("int eq", "== 5", True),
    number("int order is signed", "lt 1", True, -2),
    number("bitwise and", "& 4", True),
    number("bitwise and, no bit", "& 2", False),
    number("bitwise and as a word", "bitwise_and 0x1", True),
    number("bitwise and with zero", "& 0", False),
    address("ip ne", "ne 192.0.2.2", True),
    address("ip ne, equal", "ne 192.0.2.1", False),
    address("ip lt", "lt 192.0.2.2", True),
    address("ip ge", ">= 192.0.2.2", False),
    address("ip: ne of another family", "ne 2001:db8::1", True),
    address("ip: eq of another family", "eq ::1", False),
    address("ip: lt of another family", "lt ffff::", False),
    address("ip: gt of another family", "gt ::", False),
    address("ip: le of another family", "le ffff::", False),
    address("ip: in of another family", "in {::/0}", False),
    address("ip: an IPv6 client", "gt 2001:db8::", True, "2001:db8::5"),
    path("contains", 'contains "bc"', True, "/abcd", before="/a", content="bc", after="d"),
    path("contains: the first occurrence", 'contains "ab"', True, "/ab/ab", before="/", content="ab", after="/ab"),
    path("contains: not there", 'contains "bd"', False, "/abcd"),
    path("contains: case counts", 'contains "BC"', False, "/abcd"),
    path("contains: no characters, but bytes", r'contains "\xa9"', True, "/é", before_b64="L8M=", content_b64="qQ=="),
    path("contains nothing: an empty span at the start", 'contains ""', True, "/abcd", content="", after="/abcd"),
    path("matches", 'matches "b+"', True, "/abbcd", before="/a", content="bb", after="cd"),
    path("matches as a sign", '~ "b+"', True, "/abbcd", before="/a", content="bb", after="cd"),
    path("matches: leftmost", 'matches "[0-9]+"', True, "/a1b22", before="/a", content="1", after="b22"),
    path(
        "matches: the first alternative, not the longest",
        'matches "ab|abc"',
        True,
        "/abc",
        before="/",
        content="ab",
        after="c",
    ),
    path("matches: lazy", 'matches "a.*?c"', True, "/abcbc", before="/", content="abc", after="bc"),
    path("matches: anchors", 'matches "^/[a-d]+$"', True, "/abcd", content="/abcd"),
    path("matches: $ is the end, not before a last newline", 'matches "a$"', False, "/a\n"),
    path("matches: \\z is the end", r'matches "c\z"', True, "/abc", before="/ab", content="c"),
    path("matches: anchored elsewhere", 'matches "^b"', False, "/b"),
    path("matches: nothing, at the start", 'matches "x*"', True, "/abc", content="", after="/abc"),
    path("matches: nothing, at the end", 'matches "$"', True, "/abc", before="/abc", content=""),
    path("matches: case", 'matches "ABC"', False, "/abc"),
    path("matches: without case", 'matches "(?i)ABC"', True, "/abc", before="/", content="abc"),
    path("matches: a dot is one byte", 'matches "^/.$"', False, "/é"),
    path("matches: two bytes of one character", 'matches "^/..$"', True, "/é", content="/é"),
    path("matches: \\w is ASCII", r'matches "^/\w+$"', False, "/é"),
    path("matches: \\d keeps its backslash", r'matches "\d{2}"', True, "/a42", before="/a", content="42"),
    path(
        "matches: \\x of the regular expression", r'matches "\x62"', True, "/abc", before="/a", content="b", after="c"
    ),
    path("matches: an escaped quote is a quote", r'matches "a\"b"', True, '/a"b', before="/", content='a"b'),
    path(
        "matches: a bare quote in a class does not end it", 'matches "["x]b"', True, '/a"b', before="/a", content='"b'
    ),
    path("matches: an escaped quote in a class", r'matches "[\"x]b"', True, '/a"b', before="/a", content='"b'),
    path("matches: an escaped backslash", r'matches "\\\\b"', False, "/a\\b"),
    path("matches: one backslash", r'matches "\\b"', True, "/a\\b", before="/a", content="\\b"),
    path("matches: raw string", r'matches r"\d+"', True, "/a42", before="/a", content="42"),
    path("matches: raw string with hashes", r'matches r#""\d"#', True, '/"1', before="/", content='"1'),
    path("wildcard", 'wildcard "/a*d"', True, "/abcd", content="/abcd"),
    path("wildcard: case does not count", 'wildcard "/A*D"', True, "/abcd", content="/abcd"),
    path("wildcard: the star may be empty", 'wildcard "/abcd*"', True, "/abcd", content="/abcd"),
    path("wildcard: the whole value", 'wildcard "/ab"', False, "/abcd"),
    path("wildcard: anchored at the start", 'wildcard "b*"', False, "/abc"),
    path("wildcard: no star", 'wildcard "/ABCD"', True, "/abcd", content="/abcd"),
    path("wildcard: slashes and newlines too", 'wildcard "/a*z"', True, "/a/b\nz", content="/a/b\nz"),
    path("wildcard: several stars", 'wildcard "*b*d"', True, "/abcbd", content="/abcbd"),
    path("wildcard: a question mark is itself", 'wildcard "/a?c"', False, "/abc"),
    path("wildcard: an escaped star in a raw string", r'wildcard r"/a\*c"', True, "/a*c", content="/a*c"),
    path("wildcard: an escaped star is no star", r'wildcard r"/a\*c"', False, "/abc"),
    path("wildcard: in a quoted string it is escaped twice", r'wildcard "/a\\*c"', True, "/a*c", content="/a*c"),
    path("wildcard: an escaped backslash", r'wildcard r"/a\\*"', True, "/a\\bc", content="/a\\bc"),
    path("wildcard: a byte escape of the string", r'wildcard "/\x61*"', True, "/abc", content="/abc"),
    path("strict wildcard", 'strict wildcard "/a*d"', True, "/abcd", content="/abcd"),
    path("strict wildcard with more space", 'strict\n wildcard "/a*d"', True, "/abcd", content="/abcd"),
    path("strict wildcard: case counts", 'strict wildcard "/A*d"', False, "/abcd"),
]

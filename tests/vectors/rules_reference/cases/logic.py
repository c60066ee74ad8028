"""Section 4: logical operators and missing values; section 3: what of them contributes."""

from . import case

GET = {"http.request.method": {"content": "GET"}}
V11 = {"http.request.version": {"content": "HTTP/1.1"}}
IS_GET, NO_GET = 'http.request.method eq "GET"', 'http.request.method eq "POST"'
IS_11, NO_11 = 'http.request.version eq "HTTP/1.1"', 'http.request.version eq "HTTP/2"'
PATH = {"http.request.uri.path": {"content": "/"}}
IS_PATH, NO_PATH = 'http.request.uri.path eq "/"', 'http.request.uri.path eq "/x"'
SSL = {"ssl": {"content": "true"}}
MISSING = {
    "my.text": {"type": "Bytes"},
    "my.int": {"type": "Int"},
    "my.ip": {"type": "Ip"},
    "my.bool": {"type": "Bool"},
}


def missing(name, rule, expect):
    return case("missing value: " + name, rule, expect, {}, fields=MISSING)


CASES = [
    case("and", f"{IS_GET} and {IS_11}", True, {**GET, **V11}),
    case("and as a sign", f"{IS_GET}&&{IS_11}", True, {**GET, **V11}),
    case("and, second false", f"{IS_GET} and {NO_11}", False),
    case("and, first false", f"{NO_GET} and {IS_11}", False),
    case("and of three", f"{IS_GET} and {IS_11} and {IS_PATH}", True, {**GET, **V11, **PATH}),
    case("or, first", f"{IS_GET} or {IS_11}", True, GET),
    case("or as a sign", f"{NO_GET} || {IS_11}", True, V11),
    case("or, none", f"{NO_GET} or {NO_11}", False),
    case("or of three logs the first true one", f"{NO_GET} or {IS_11} or {IS_PATH}", True, V11),
    case("xor: every child with its own value", f"{IS_GET} xor {NO_11}", True, {**GET, **V11}),
    case("xor as a sign", f"{NO_GET} ^^ {IS_11}", True, {**GET, **V11}),
    case("xor, both", f"{IS_GET} xor {IS_11}", False),
    case("xor, none", f"{NO_GET} xor {NO_11}", False),
    case("xor of three true ones", f"{IS_GET} xor {IS_11} xor {IS_PATH}", True, {**GET, **V11, **PATH}),
    case(
        "xor logs a false child whole and a true one by its span",
        'http.request.uri.path contains "b" xor http.request.uri.query contains "z"',
        True,
        {
            "http.request.uri.path": {"before": "/a", "content": "b", "after": "c"},
            "http.request.uri.query": {"content": "x=1"},
        },
        "/abc?x=1",
    ),
    case("not", f"not {NO_GET}", True, GET),
    case("not as a sign", f"!{NO_GET}", True, GET),
    case("not of true", f"not {IS_GET}", False),
    case("not not", f"not not {IS_GET}", True, GET),
    case(
        "not of a contains logs the field whole",
        'not http.request.uri.path contains "x"',
        True,
        {"http.request.uri.path": {"content": "/abc"}},
        "/abc",
    ),
    case(
        "not not of a contains logs its span",
        'not not http.request.uri.path contains "b"',
        True,
        {"http.request.uri.path": {"before": "/a", "content": "b", "after": "c"}},
        "/abc",
    ),
    case("not of an and logs the first false child", f"not ({IS_GET} and {NO_11} and {NO_PATH})", True, V11),
    case("not of an or logs all children", f"not ({NO_GET} or {NO_11})", True, {**GET, **V11}),
    case("not of a xor logs all children", f"not ({IS_GET} xor {IS_11})", True, {**GET, **V11}),
    case("not takes one comparison", f"not {NO_GET} and {IS_11}", True, {**GET, **V11}),
    case("not takes one comparison, and is false", f"not {IS_GET} or {NO_11}", False),
    case("not before a parenthesis", f"not({NO_GET} and {IS_11})", True, GET),
    case("a Bool field", "ssl", True, SSL),
    case("a Bool field, false", "ssl", False, scheme="http"),
    case("not a Bool field", "not ssl", True, {"ssl": {"content": "false"}}, scheme="http"),
    case("and before or, at the right", f"{IS_GET} or {IS_11} and {NO_PATH}", True, GET),
    case("and before or, at the left", f"{NO_GET} and {IS_11} or {IS_PATH}", True, PATH),
    case("and before xor", f"{IS_GET} xor {IS_11} and {NO_PATH}", True, {**GET, **PATH}),
    case("and before xor, at the left", f"{IS_GET} and {NO_11} xor {IS_PATH}", True, {**V11, **PATH}),
    case("xor before or, at the right", f"{IS_GET} or {IS_11} xor {IS_PATH}", True, GET),
    case("xor before or, at the left", f"{IS_GET} xor {IS_11} or {NO_PATH}", False),
    case("parentheses change it", f"({IS_GET} or {IS_11}) and {NO_PATH}", False),
    case("parentheses around all", f"(({IS_GET}))", True, GET),
    case("parentheses without spaces", f"({IS_GET})and({IS_11})", True, {**GET, **V11}),
    case("an or inside an and", f"{IS_GET} and ({NO_11} or {IS_PATH})", True, {**GET, **PATH}),
    case(
        "a skipped child is not logged, a looked at one that did not count neither",
        f"({NO_GET} or {IS_11}) and {IS_PATH}",
        True,
        {**V11, **PATH},
    ),
    case("tabs", f"\t{IS_GET}\tand\t{IS_11}\t", True, {**GET, **V11}),
    case("signs without spaces", "!ssl||!(ssl^^ssl)", True, SSL),
    case("spaces and line ends", f"  {IS_GET}\r\n  and\n  {IS_11}  \n", True, {**GET, **V11}),
    missing("eq", 'my.text eq "a"', False),
    missing("ne", 'my.text ne "a"', True),
    missing("contains", 'my.text contains ""', False),
    missing("matches", 'my.text matches ""', False),
    missing("wildcard", 'my.text wildcard "*"', False),
    missing("in", 'my.text in {"a" ""}', False),
    missing("int lt", "my.int lt 1", False),
    missing("int ne", "my.int != 1", True),
    missing("bitwise and", "my.int & 1", False),
    missing("ip eq", "my.ip eq 192.0.2.1", False),
    missing("ip ne", "my.ip ne 192.0.2.1", True),
    missing("ip in", "my.ip in {0.0.0.0/0 ::/0}", False),
    missing("Bool", "my.bool", False),
    missing("not eq", 'not my.text eq "a"', True),
    missing("not Bool", "not my.bool", True),
    missing("not ne", 'not my.text ne "a"', False),
    missing("a function of it", 'lower(my.text) ne "a"', True),
    missing("a function of it, eq", 'lower(my.text) eq ""', False),
    missing("its length", "len(my.text) ge 0", False),
    missing("not its length", "not len(my.text) ge 0", True),
    case(
        "missing value: nothing is logged for it beside what is",
        f'my.text ne "a" and {IS_GET}',
        True,
        GET,
        fields=MISSING,
    ),
    case("missing header", 'http.request.headers["x-none"][0] eq "a"', False),
    case("missing header, ne", 'http.request.headers["x-none"][0] ne "a"', True, {}),
    case("index out of range", 'http.request.headers.names[7] ne "a"', True, {}),
    case("a header that is there, an index that is not", 'not http.request.headers["host"][1] contains "a"', True, {}),
    case("country unknown", 'ip.src.country eq "DE"', False),
    case("country", 'ip.src.country in {"DE" "FR"}', True, {"ip.src.country": {"content": "FR"}}, country="FR"),
]

"""Section 4: arrays, maps, any and all; section 3: which elements contribute."""

from . import case

NAMES, VALUES = "http.request.headers.names", "http.request.headers.values"
ABC = [["x-a", "one"], ["x-b", "two"], ["X-A", "three"]]  # after host: names[1] to names[3]
TAGS = {
    "my.tags": {"type": "Array(Bytes)", "value": ["red", "green", "blue"]},
    "my.more": {"type": "Array(Bytes)", "value": ["rot", "grün"]},
    "my.none": {"type": "Array(Bytes)", "value": []},
    "my.absent": {"type": "Array(Bytes)"},
    "my.flags": {"type": "Array(Bool)", "value": [True, False]},
    "my.no_flags": {"type": "Array(Bool)"},
    "my.empty_flags": {"type": "Array(Bool)", "value": []},
    "my.on": {"type": "Array(Bool)", "value": [True, True]},
    "my.sizes": {"type": "Array(Int)", "value": [3, 40, 5]},
    "my.peers": {"type": "Array(Ip)", "value": ["192.0.2.1", "2001:db8::1"]},
    "my.map": {"type": "Map(Bytes)", "value": {"a": "x", "b": "y"}},
    "my.rows": {"type": "Array(Array(Bytes))", "value": [["a", "b"], [], ["c"]]},
    "my.deep": {"type": "Map(Map(Int))", "value": {"k": {"n": 1, "m": 2}}},
}


def tags(name, rule, expect, payload=None, **more):
    return case(name, rule, expect, payload, fields=TAGS, **more)


def one(content, **more):
    return [{"content": content, **more}]


RED = {"my.tags[0]": one("red"), "my.tags[1]": one("green"), "my.tags[2]": one("blue")}

CASES = [
    tags("index", 'my.tags[1] eq "green"', True, {"my.tags[1]": one("green")}),
    tags(
        "index with spaces",
        'my.tags[ 1 ] contains "ree"',
        True,
        {"my.tags[1]": [{"before": "g", "content": "ree", "after": "n"}]},
    ),
    tags("index, another element", 'my.tags[0] eq "green"', False),
    tags("key", 'my.map["b"] eq "y"', True, {'my.map["b"]': one("y")}),
    tags("key, raw string", 'my.map[r"b"] eq "y"', True, {'my.map["b"]': one("y")}),
    tags("key that is not there", 'my.map["c"] eq "y"', False),
    tags("keys below keys", 'my.deep["k"]["m"] gt 1', True, {'my.deep["k"]["m"]': one("2")}),
    tags("index below index", 'my.rows[0][1] eq "b"', True, {"my.rows[0][1]": one("b")}),
    tags("index into an empty row", 'my.rows[1][0] eq "b"', False),
    tags(
        "any: the element that holds",
        'any(my.tags[*] contains "ee")',
        True,
        {"my.tags[1]": [{"before": "gr", "content": "ee", "after": "n"}]},
    ),
    tags(
        "any: all elements that hold",
        'any(my.tags[*] matches "[rg]e")',
        True,
        {
            "my.tags[0]": [{"content": "re", "after": "d"}],
            "my.tags[1]": [{"before": "g", "content": "re", "after": "en"}],
        },
    ),
    tags("any: none", 'any(my.tags[*] eq "black")', False),
    tags("not any: all elements, whole", 'not any(my.tags[*] eq "black")', True, RED),
    tags("any of ne", 'any(my.tags[*] ne "red")', True, {"my.tags[1]": one("green"), "my.tags[2]": one("blue")}),
    tags("any of not", 'any(not my.tags[*] contains "e")', False),
    tags("any of not: those without it, whole", 'any(not my.tags[*] contains "r")', True, {"my.tags[2]": one("blue")}),
    tags("not any of not: all elements, whole", 'not any(not my.tags[*] contains "e")', True, RED),
    tags(
        "all: every element by its span",
        'all(my.tags[*] contains "e")',
        True,
        {
            "my.tags[0]": [{"before": "r", "content": "e", "after": "d"}],
            "my.tags[1]": [{"before": "gr", "content": "e", "after": "en"}],
            "my.tags[2]": [{"before": "blu", "content": "e"}],
        },
    ),
    tags("all: one does not", 'all(my.tags[*] contains "r")', False),
    tags("not all: those that fail, whole", 'not all(my.tags[*] contains "r")', True, {"my.tags[2]": one("blue")}),
    tags("any over Int", "any(my.sizes[*] gt 4)", True, {"my.sizes[1]": one("40"), "my.sizes[2]": one("5")}),
    tags("any over Int in a set", "any(my.sizes[*] in {40..50})", True, {"my.sizes[1]": one("40")}),
    tags("any over Ip", "any(my.peers[*] in {2001:db8::/32})", True, {"my.peers[1]": one("2001:db8::1")}),
    tags("any over a map's values", 'any(my.map[*] eq "y")', True, {'my.map["b"]': one("y")}),
    tags(
        "any over two levels",
        'any(my.rows[*][*] in {"b" "c"})',
        True,
        {"my.rows[0][1]": one("b"), "my.rows[2][0]": one("c")},
    ),
    tags("any, the first of each row", 'any(my.rows[*][0] eq "c")', True, {"my.rows[2][0]": one("c")}),
    tags("a row without the index has no part in it", 'any(my.rows[*][0] ne "a")', True, {"my.rows[2][0]": one("c")}),
    tags(
        "all: a row without the index has no part in it",
        'all(my.rows[*][0] in {"a" "c"})',
        True,
        {"my.rows[0][0]": one("a"), "my.rows[2][0]": one("c")},
    ),
    tags("any over an array of Bools", "any(my.flags)", True, {"my.flags[0]": one("true")}),
    tags("any over an array of Bools with [*]", "any(my.flags[*])", True, {"my.flags[0]": one("true")}),
    tags("all over an array of Bools", "all(my.flags)", False),
    tags("not all over an array of Bools", "not all(my.flags)", True, {"my.flags[1]": one("false")}),
    tags(
        "all over an array of Bools, all true", "all(my.on)", True, {"my.on[0]": one("true"), "my.on[1]": one("true")}
    ),
    tags("any of not an array of Bools", "any(not my.flags)", True, {"my.flags[1]": one("false")}),
    tags("a Bool of an array", "my.flags[0]", True, {"my.flags[0]": one("true")}),
    tags("a Bool of an array, false", "my.flags[1]", False),
    tags("any over nothing", 'any(my.none[*] ne "a")', False),
    tags("not any over nothing", 'not any(my.none[*] ne "a")', True, {}),
    tags("all over nothing", 'all(my.none[*] eq "a")', True, {}),
    tags("all over no Bools", "all(my.empty_flags)", True, {}),
    tags("any over no Bools", "any(my.empty_flags)", False),
    tags("any over a missing array", 'any(my.absent[*] ne "a")', False),
    tags("all over a missing array", 'all(my.absent[*] eq "a")', False),
    tags("any over missing Bools", "any(my.no_flags)", False),
    tags("all over missing Bools", "all(my.no_flags)", False),
    tags("not all over missing Bools", "not all(my.no_flags)", True, {}),
    tags("any of not a missing array", 'any(not my.absent[*] eq "a")', False),
    tags("all of not a missing array", 'all(not my.absent[*] eq "a")', False),
    tags("all over a missing header", 'all(http.request.headers["x-none"][*] eq "a")', False),
    tags("all over a function of a missing array", 'all(lower(my.absent[*])[*] eq "a")', False),
    tags(
        "array-wise and",
        'any(my.tags[*] contains "e" and my.tags[*] contains "b")',
        True,
        {"my.tags[2]": [{"content": "b", "after": "lue"}, {"before": "blu", "content": "e"}]},
    ),
    tags("array-wise and, none", 'any(my.tags[*] eq "red" and my.tags[*] eq "blue")', False),
    tags("array-wise and as a sign", 'all(my.tags[*] contains "e"&&my.tags[*] ne "black")', True, RED),
    tags(
        "array-wise or: every operand of the element",
        'any(my.tags[*] eq "red" or my.more[*] eq "grün")',
        True,
        {"my.tags[0]": one("red"), "my.more[0]": one("rot"), "my.tags[1]": one("green"), "my.more[1]": one("grün")},
    ),
    tags(
        "array-wise or does not stop at the first that holds",
        'any(my.tags[*] eq "red" or my.more[*] eq "rot")',
        True,
        {"my.tags[0]": one("red"), "my.more[0]": one("rot")},
    ),
    tags(
        "array-wise xor",
        'any(my.tags[*] contains "r" xor my.more[*] contains "o")',
        True,
        {"my.tags[1]": [{"before": "g", "content": "r", "after": "een"}], "my.more[1]": one("grün")},
    ),
    tags("array-wise: cut to the shorter", 'any(my.tags[*] eq "blue" or my.more[*] eq "blau")', False),
    tags(
        "array-wise: cut to the shorter, all",
        'all(my.tags[*] ne "blue" and my.more[*] ne "blau")',
        True,
        {"my.tags[0]": one("red"), "my.tags[1]": one("green"), "my.more[0]": one("rot"), "my.more[1]": one("grün")},
    ),
    tags("array-wise: cut to nothing", 'all(my.tags[*] eq "x" and my.none[*] eq "y")', True, {}),
    tags("array-wise: one missing", 'all(my.tags[*] ne "x" or my.absent[*] eq "y")', False),
    tags(
        "array-wise: any false logs all, whole",
        'not any(my.tags[*] eq "red" and my.more[*] eq "grün")',
        True,
        {"my.tags[0]": one("red"), "my.tags[1]": one("green"), "my.more[0]": one("rot"), "my.more[1]": one("grün")},
    ),
    tags(
        "array-wise: all false logs the operands of those that fail",
        'not all(my.tags[*] contains "e" and my.more[*] contains "o")',
        True,
        {"my.tags[1]": [{"before": "gr", "content": "e", "after": "en"}], "my.more[1]": one("grün")},
    ),
    tags(
        "array-wise precedence",
        'any(my.tags[*] eq "blue" or my.tags[*] contains "e" and my.tags[*] contains "d")',
        True,
        {"my.tags[0]": one("red"), "my.tags[2]": one("blue")},
    ),
    tags(
        "array-wise parentheses",
        'any((my.tags[*] eq "blue" or my.tags[*] contains "e") and my.tags[*] contains "d")',
        True,
        {"my.tags[0]": one("red")},
    ),
    tags(
        "any within and",
        'any(my.tags[*] eq "red") and all(my.more[*] ne "x")',
        True,
        {"my.tags[0]": one("red"), "my.more[0]": one("rot"), "my.more[1]": one("grün")},
    ),
    tags(
        "a skipped any is not logged",
        'my.tags[0] eq "red" or any(my.more[*] eq "rot")',
        True,
        {"my.tags[0]": one("red")},
    ),
    tags(
        "any of an array that a function gives",
        'any(lower(my.tags[*])[*] eq "red")',
        True,
        {"my.tags[0]": one("red", via=["lower"])},
    ),
    tags(
        "an element of an array that a function gives",
        'upper(my.tags[*])[1] eq "GREEN"',
        True,
        {"my.tags[1]": one("GREEN", via=["upper"])},
    ),
    tags(
        "two functions over each element",
        'any(len(lower(my.tags[*])[*])[*] eq 5)',
        True,
        {"my.tags[1]": one("green", via=["lower", "len"])},
    ),
    case(
        "headers: keys are lower case",
        'http.request.headers["x-a"][1] eq "three"',
        True,
        {'http.request.headers["x-a"][1]': one("three")},
        headers=ABC,
    ),
    case("headers: upper case is no key", 'http.request.headers["X-A"][0] eq "one"', False, headers=ABC),
    case(
        "headers: names as they were sent", f'any({NAMES}[*] eq "X-A")', True, {f"{NAMES}[3]": one("X-A")}, headers=ABC
    ),
    case(
        "headers: values, index of the element",
        f'any({VALUES}[*] contains "wo")',
        True,
        {f"{VALUES}[2]": [{"before": "t", "content": "wo"}]},
        headers=ABC,
    ),
    case(
        "headers: all values of a name",
        'any(http.request.headers["x-a"][*] contains "e")',
        True,
        {
            'http.request.headers["x-a"][0]': [{"before": "on", "content": "e"}],
            'http.request.headers["x-a"][1]': [{"before": "thr", "content": "e", "after": "e"}],
        },
        headers=ABC,
    ),
    case(
        "headers: all of all",
        'any(http.request.headers[*][*] contains "thr")',
        True,
        {'http.request.headers["x-a"][1]': [{"content": "thr", "after": "ee"}]},
        headers=ABC,
    ),
    case(
        "headers: names and values element by element",
        f'any({NAMES}[*] eq "x-b" and {VALUES}[*] eq "two")',
        True,
        {f"{NAMES}[2]": one("x-b"), f"{VALUES}[2]": one("two")},
        headers=ABC,
    ),
]

"""The functions, as Cloudflare documents them, and what is logged of their results."""

import hashlib

from . import case

PATH, QUERY = "http.request.uri.path", "http.request.uri.query"
JSON = '{"name": "o\\"k", "n": {"id": 356, "list": [1, {"x": "deep"}]}, "f": 42.0, "big": 9223372036854775808, "t": true, "e": ""}'
RAW = "http.request.body.raw"


def path(name, rule, target, content, *via, **place):
    return case(name, rule, True, {PATH: {**place, "content": content, "via": list(via)}}, target)


def header(name, rule, value, content, *via, **place):
    return case(
        name,
        rule,
        True,
        {'http.request.headers["x"][0]': [{**place, "content": content, "via": list(via)}]},
        headers=[["x", value]],
    )


def no(name, rule, target="/", **more):
    return case(name, rule, False, None, target, **more)


def nothing(name, rule, **more):
    """True of a missing value: nothing to log."""
    return case(name, rule, True, {}, **more)


def json_body(name, rule, content, *via, **place):
    return case(name, rule, True, {RAW: {**place, "content": content, "via": list(via)}}, method="POST", body=JSON)


X = 'http.request.headers["x"][0]'
CASES = [
    path("spaces around a function's parentheses", f'lower (  {PATH} ) eq "/abc"', "/aBC", "/abc", "lower"),
    path("no spaces between arguments", f'substring({PATH},1,2) eq "b"', "/bc", "b", "substring"),
    # lower, upper
    path("lower", f'lower({PATH}) eq "/abc"', "/aBC", "/abc", "lower"),
    path(
        "lower, context is of the transformed value",
        f'lower({PATH}) contains "b"',
        "/ABC",
        "b",
        "lower",
        before="/a",
        after="c",
    ),
    path("lower changes ASCII only", f'lower({PATH}) contains "É"', "/AÉB", "É", "lower", before="/a", after="b"),
    no("lower: not equal", f'lower({PATH}) eq "/ABC"', "/ABC"),
    path("upper", f'upper({PATH}) contains "B"', "/abc", "B", "upper", before="/A", after="C"),
    no("upper: not equal", f'upper({PATH}) contains "b"', "/abc"),
    path(
        "functions in functions, inner first", f'upper(substring({PATH}, 1)) eq "BC"', "/bc", "BC", "substring", "upper"
    ),
    path("not of a function's comparison", f'not lower({PATH}) contains "x"', "/ABC", "/abc", "lower"),
    # len
    path("len: the field whole", f"len({PATH}) gt 3", "/abc", "/abc", "len"),
    no("len: shorter", f"len({PATH}) gt 4", "/abc"),
    path("len is in bytes", f"len({PATH}) eq 3", "/é", "/é", "len"),
    case(
        "len of an array: each element whole",
        'len(http.request.headers["x"]) eq 2',
        True,
        {
            'http.request.headers["x"][0]': [{"content": "a", "via": ["len"]}],
            'http.request.headers["x"][1]': [{"content": "b", "via": ["len"]}],
        },
        headers=[["x", "a"], ["x", "b"]],
    ),
    no("len of an array, missing", 'len(http.request.headers["y"]) ge 0'),
    path("len of a function's result: the field before it", f"len(lower({PATH})) eq 4", "/ABC", "/ABC", "lower", "len"),
    path("not len: the field whole", f"not len({PATH}) in {{1 2}}", "/abc", "/abc", "len"),
    # starts_with, ends_with
    path("starts_with: the prefix", f'starts_with({PATH}, "/ab")', "/abcd", "/ab", "starts_with", after="cd"),
    no("starts_with: false", f'starts_with({PATH}, "ab")', "/abcd"),
    path("not starts_with: whole", f'not starts_with({PATH}, "ab")', "/abcd", "/abcd", "starts_with"),
    path(
        "starts_with of a function's result",
        f'starts_with(lower({PATH}), "/ab")',
        "/ABCD",
        "/ab",
        "lower",
        "starts_with",
        after="cd",
    ),
    path("ends_with: the suffix", f'ends_with({PATH}, "cd")', "/abcd", "cd", "ends_with", before="/ab"),
    no("ends_with: false", f'ends_with({PATH}, "bc")', "/abcd"),
    case(
        "any starts_with",
        'any(starts_with(http.request.headers.values[*], "ab")[*])',
        True,
        {"http.request.headers.values[2]": [{"content": "ab", "after": "c", "via": ["starts_with"]}]},
        headers=[["x", "xab"], ["y", "abc"]],
    ),
    # concat
    case(
        "concat of fields: under the first one",
        f'concat(http.host, {PATH}) contains "example/a"',
        True,
        {"http.host": {"before": "shop.", "content": "example/a", "after": "bc", "via": ["concat"]}},
        "/abc",
    ),
    path("concat with literals: under the field", f'concat("x", {PATH}, "y") eq "x/abcy"', "/abc", "x/abcy", "concat"),
    path("concat: a missing value is nothing", f'concat("a", {X}, {PATH}) eq "a/b"', "/b", "a/b", "concat"),
    no("concat of missing values", f'concat({X}, {X}) eq ""'),
    case(
        "concat of arrays: elements keep their keys",
        'any(concat(my.a, my.b)[*] eq "z")',
        True,
        {"my.b[1]": [{"content": "z", "via": ["concat"]}]},
        fields={
            "my.a": {"type": "Array(Bytes)", "value": ["x"]},
            "my.b": {"type": "Array(Bytes)", "value": ["y", "z"]},
        },
    ),
    case(
        "any concat: a literal after each element",
        'any(concat(http.request.headers["x"][*], "!")[*] eq "b!")',
        True,
        {'http.request.headers["x"][1]': [{"content": "b!", "via": ["concat"]}]},
        headers=[["x", "a"], ["x", "b"]],
    ),
    # substring
    path("substring", f'substring({PATH}, 2, 5) eq "bcd"', "/abcdefg", "bcd", "substring"),
    path("substring without an end", f'substring({PATH}, 5) eq "efg"', "/abcdefg", "efg", "substring"),
    path("substring from the end", f'substring({PATH}, -2) eq "fg"', "/abcdefg", "fg", "substring"),
    path("substring to before the end", f'substring({PATH}, 0, -2) eq "/abcde"', "/abcdefg", "/abcde", "substring"),
    path("substring: further than there is", f'substring({PATH}, -9, 99) eq "/abc"', "/abc", "/abc", "substring"),
    path("substring: the end before the start is nothing", f'substring({PATH}, 3, 1) eq ""', "/abc", "", "substring"),
    path(
        "substring: context ends with it",
        f'substring({PATH}, 1, 4) contains "b"',
        "/abcd",
        "b",
        "substring",
        before="a",
        after="c",
    ),
    # url_decode
    path("url_decode", f'url_decode({PATH}) eq "/a b c"', "/a%20b+c", "/a b c", "url_decode"),
    path("url_decode once", f'url_decode({PATH}) eq "/%20"', "/%2520", "/%20", "url_decode"),
    path("url_decode until nothing is left", f'url_decode({PATH}, "r") eq "/ "', "/%252520", "/ ", "url_decode"),
    path("url_decode: not an escape", f'url_decode({PATH}) eq "/%zz%4"', "/%zz%4", "/%zz%4", "url_decode"),
    path("url_decode: small hex digits", f'url_decode({PATH}) contains "O"', "/%4f", "O", "url_decode", before="/"),
    path("url_decode: Unicode escapes", f'url_decode({PATH}, "u") eq "/☁"', "/%u2601", "/☁", "url_decode"),
    path(
        "url_decode: no Unicode escapes unless asked for",
        f'url_decode({PATH}) eq "/%u2601"',
        "/%u2601",
        "/%u2601",
        "url_decode",
    ),
    path("url_decode: both options", f'url_decode({PATH}, "ur") eq "/☁"', "/%25u2601", "/☁", "url_decode"),
    # base64
    header("decode_base64", f'decode_base64({X}) eq "123abc"', "MTIzYWJj", "123abc", "decode_base64"),
    header("decode_base64 with padding", f'decode_base64({X}) contains "b"', "YWI=", "b", "decode_base64", before="a"),
    nothing("decode_base64: not decodable, ne", f'decode_base64({X}) ne ""', headers=[["x", "!!!"]]),
    no("decode_base64: not decodable is missing", f'decode_base64({X}) eq ""', headers=[["x", "!!!"]]),
    header(
        "encode_base64 without padding",
        f'encode_base64({X}) eq "aGVsbG8gd29ybGQ"',
        "hello world",
        "aGVsbG8gd29ybGQ",
        "encode_base64",
    ),
    header(
        "encode_base64 with padding",
        f'encode_base64({X}, "p") eq "aGVsbG8gd29ybGQ="',
        "hello world",
        "aGVsbG8gd29ybGQ=",
        "encode_base64",
    ),
    header(
        "encode_base64: standard alphabet", f'encode_base64({X}) eq "Pz8/Pj4+"', "???>>>", "Pz8/Pj4+", "encode_base64"
    ),
    header(
        "encode_base64: safe in URLs", f'encode_base64({X}, "u") eq "Pz8_Pj4-"', "???>>>", "Pz8_Pj4-", "encode_base64"
    ),
    header("encode_base64: both flags", f'encode_base64({X}, "up") eq "Pz8_Pg=="', "???>", "Pz8_Pg==", "encode_base64"),
    # hashes
    path(
        "sha256: the field whole",
        f'encode_base64(sha256({PATH}), "p") eq "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="',
        "abc",
        "abc",
        "sha256",
        "encode_base64",
    ),
    path("sha256 is 32 bytes", f"len(sha256({PATH})) eq 32", "/abc", "/abc", "sha256", "len"),
    path(
        "sha256 against bytes",
        f'sha256({PATH}) eq {":".join(f"{b:02x}" for b in hashlib.sha256(b"/abc").digest())}',
        "/abc",
        "/abc",
        "sha256",
    ),
    path("sha512 is 64 bytes", f"len(sha512({PATH})) eq 64", "/abc", "/abc", "sha512", "len"),
    path(
        "sha512 against bytes",
        f'sha512({PATH}) contains {":".join(f"{b:02x}" for b in hashlib.sha512(b"/abc").digest()[:8])}',
        "/abc",
        "/abc",
        "sha512",
    ),
    no("sha256: another value", f'sha256({PATH}) eq "abc"', "/abc"),
    # remove_bytes, remove_query_args
    case(
        "remove_bytes",
        r'remove_bytes(http.host, "\x2e\x73") eq "hopexample"',
        True,
        {"http.host": {"content": "hopexample", "via": ["remove_bytes"]}},
    ),
    path(
        "remove_bytes: nothing to remove",
        f'remove_bytes({PATH}, "x") contains "b"',
        "/abc",
        "b",
        "remove_bytes",
        before="/a",
        after="c",
    ),
    case(
        "remove_query_args: first",
        f'remove_query_args({QUERY}, "order") eq "country=GB"',
        True,
        {QUERY: {"content": "country=GB", "via": ["remove_query_args"]}},
        "/?order=asc&country=GB",
    ),
    case(
        "remove_query_args: last",
        f'remove_query_args({QUERY}, "country") eq "order=asc"',
        True,
        {QUERY: {"content": "order=asc", "via": ["remove_query_args"]}},
        "/?order=asc&country=GB",
    ),
    case(
        "remove_query_args: not there",
        f'remove_query_args({QUERY}, "search") eq "order=asc&country=GB"',
        True,
        {QUERY: {"content": "order=asc&country=GB", "via": ["remove_query_args"]}},
        "/?order=asc&country=GB",
    ),
    case(
        "remove_query_args: each occurrence",
        f'remove_query_args({QUERY}, "category") eq "order=desc"',
        True,
        {QUERY: {"content": "order=desc", "via": ["remove_query_args"]}},
        "/?category=Foo&order=desc&category=Bar",
    ),
    case(
        "remove_query_args: several names, raw field",
        f'remove_query_args(raw.{QUERY}, "a", "c") eq "b=2"',
        True,
        {"raw." + QUERY: {"content": "b=2", "via": ["remove_query_args"]}},
        "/?a=1&b=2&c=3",
    ),
    # split, join
    header("split", f'split({X}, ",", 64)[2] eq "diy"', "groceries,electronics,diy,auto", "diy", "split"),
    header(
        "split: the limit leaves the rest in the last",
        f'split({X}, ",", 3)[2] eq "diy,auto"',
        "groceries,electronics,diy,auto",
        "diy,auto",
        "split",
    ),
    header("split: an empty piece", f'split({X}, ",", 64)[1] eq ""', "groceries,,electronics", "", "split"),
    header("split: a limit of one", f'split({X}, ",", 1)[0] eq "a,b"', "a,b", "a,b", "split"),
    header("split: a longer separator", f'split({X}, ", ", 9)[1] contains "b"', "a, bc", "b", "split", after="c"),
    header("split: any piece", f'any(split({X}, ",", 9)[*] eq "b")', "a,b,c", "b", "split"),
    header(
        "split: lengths of the pieces log the field",
        f'any(len(split({X}, ",", 9)[*])[*] eq 3)',
        "a,bcd",
        "a,bcd",
        "split",
        "len",
    ),
    no(
        "any decode_base64: what cannot be decoded has no part in it",
        f'any(decode_base64({X[:-3]}[*])[*] ne "a")',
        headers=[["x", "!!!"]],
    ),
    case(
        "all decode_base64: what cannot be decoded has no part in it",
        f'all(decode_base64({X[:-3]}[*])[*] eq "a")',
        True,
        {'http.request.headers["x"][1]': [{"content": "a", "via": ["decode_base64"]}]},
        headers=[["x", "!!!"], ["x", "YQ=="]],
    ),
    case(
        "lookup_json_string: the last of equal names",
        f'lookup_json_string({RAW}, "a") eq "2"',
        True,
        {RAW: {"content": "2", "via": ["lookup_json_string"]}},
        body='{"a": "1", "a": "2"}',
    ),
    nothing("split: past the end", f'split({X}, ",", 9)[3] ne "a"', headers=[["x", "a"]]),
    no("split of a missing value", f'any(split({X}, ",", 9)[*] ne "a")'),
    case(
        "join",
        'join(http.request.headers["x"], ", ") eq "a, b"',
        True,
        {'http.request.headers["x"]': [{"content": "a, b", "via": ["join"]}]},
        headers=[["x", "a"], ["x", "b"]],
    ),
    case(
        "join: names",
        'join(http.request.headers.names, "|") contains "t|x"',
        True,
        {"http.request.headers.names": [{"before": "hos", "content": "t|x", "after": "|x", "via": ["join"]}]},
        headers=[["x", "a"], ["x", "b"]],
    ),
    no("join of a missing array", 'join(http.request.headers["y"], ", ") eq ""'),
    # has_key, has_value
    case(
        "has_key: the elements under the key",
        'has_key(http.request.headers, "x")',
        True,
        {
            'http.request.headers["x"][0]': [{"content": "a", "via": ["has_key"]}],
            'http.request.headers["x"][1]': [{"content": "b", "via": ["has_key"]}],
        },
        headers=[["X", "a"], ["x", "b"], ["y", "c"]],
    ),
    no("has_key: not there", 'has_key(http.request.headers, "y")'),
    case("not has_key: nothing to log", 'not has_key(http.request.headers, "y")', True, {}),
    case(
        "has_key: a key of the request",
        'has_key(http.request.headers, lower(http.request.uri.args.names[0]))',
        True,
        {'http.request.headers["x"][0]': [{"content": "a", "via": ["has_key"]}]},
        "/?X=1",
        headers=[["x", "a"]],
    ),
    case(
        "has_value: the elements that equal",
        'has_value(http.request.headers.names, "X")',
        True,
        {"http.request.headers.names[1]": [{"content": "X", "via": ["has_value"]}]},
        headers=[["X", "a"], ["x", "b"]],
    ),
    no("has_value: not there", 'has_value(http.request.headers.names, "Y")'),
    case(
        "not has_value: all elements",
        'not has_value(http.request.headers.names, "Y")',
        True,
        {
            "http.request.headers.names[0]": [{"content": "host", "via": ["has_value"]}],
            "http.request.headers.names[1]": [{"content": "x", "via": ["has_value"]}],
        },
        headers=[["x", "b"]],
    ),
    case(
        "has_value of Int",
        "has_value(my.sizes, 40)",
        True,
        {"my.sizes[1]": [{"content": "40", "via": ["has_value"]}]},
        fields={"my.sizes": {"type": "Array(Int)", "value": [3, 40]}},
    ),
    case(
        "has_value of a map",
        'has_value(my.map, "y")',
        True,
        {'my.map["b"]': [{"content": "y", "via": ["has_value"]}]},
        fields={"my.map": {"type": "Map(Bytes)", "value": {"a": "x", "b": "y"}}},
    ),
    no("has_value: a missing value", f'has_value(http.request.headers.names, {X})'),
    # JSON
    json_body("lookup_json_string", f'lookup_json_string({RAW}, "name") eq "o\\"k"', 'o"k', "lookup_json_string"),
    json_body(
        "lookup_json_string, deeper",
        f'lookup_json_string({RAW}, "n", "list", 1, "x") contains "ee"',
        "ee",
        "lookup_json_string",
        before="d",
        after="p",
    ),
    json_body("lookup_json_string, empty", f'lookup_json_string({RAW}, "e") eq ""', "", "lookup_json_string"),
    json_body("lookup_json_integer", f'lookup_json_integer({RAW}, "n", "id") gt 300', "356", "lookup_json_integer"),
    json_body(
        "lookup_json_integer in an array",
        f'lookup_json_integer({RAW}, "n", "list", 0) eq 1',
        "1",
        "lookup_json_integer",
    ),
    nothing("lookup_json_string: a number", f'lookup_json_string({RAW}, "n", "id") ne ""', body=JSON),
    no("lookup_json_integer: a string", f'lookup_json_integer({RAW}, "name") lt 9', body=JSON),
    no("lookup_json_integer: with a fraction", f'lookup_json_integer({RAW}, "f") eq 42', body=JSON),
    no("lookup_json_integer: more than 64 bits", f'lookup_json_integer({RAW}, "big") gt 0', body=JSON),
    no("lookup_json_integer: a key that is not there", f'lookup_json_integer({RAW}, "none") ge 0', body=JSON),
    no("lookup_json_integer: a key of an array", f'lookup_json_integer({RAW}, "n", "list", "0") ge 0', body=JSON),
    no("lookup_json_integer: past the end", f'lookup_json_integer({RAW}, "n", "list", 2) ge 0', body=JSON),
    no("lookup_json_string: no JSON", f'lookup_json_string({RAW}, "name") wildcard "*"', body=JSON + "}"),
    no("lookup_json_string: no body", f'lookup_json_string({RAW}, "name") wildcard "*"'),
    case(
        "lookup_json_integer: an array at the root",
        f"lookup_json_integer({RAW}, 1) eq -234",
        True,
        {RAW: {"content": "-234", "via": ["lookup_json_integer"]}},
        body='["first_item", -234]',
    ),
    # replacements
    path(
        "regex_replace",
        f'regex_replace({PATH}, "/bar$", "/baz") eq "/foo/baz"',
        "/foo/bar",
        "/foo/baz",
        "regex_replace",
    ),
    path("regex_replace: no match", f'regex_replace({PATH}, "^/y$", "/mumble") eq "/x"', "/x", "/x", "regex_replace"),
    path("regex_replace: case", f'regex_replace({PATH}, "^/FOO$", "/x") eq "/foo"', "/foo", "/foo", "regex_replace"),
    path(
        "regex_replace: the first match only",
        f'regex_replace({PATH}, "/a", "/b") eq "/b/a"',
        "/a/a",
        "/b/a",
        "regex_replace",
    ),
    path("regex_replace: a dollar", f'regex_replace({PATH}, "^/b$", "/b$$") eq "/b$"', "/b", "/b$", "regex_replace"),
    path(
        "regex_replace: groups",
        f'regex_replace({PATH}, "^/foo/([^/]*)/(.*)$", "/bar/${{2}}/${{1}}") eq "/bar/path/a"',
        "/foo/a/path",
        "/bar/path/a",
        "regex_replace",
    ),
    path(
        "regex_replace: a raw string", f'regex_replace({PATH}, r"\\d+", "n") eq "/an"', "/a42", "/an", "regex_replace"
    ),
    path(
        "wildcard_replace",
        f'wildcard_replace({PATH}, "/*", "/apps/${{1}}") eq "/apps/calendar"',
        "/calendar",
        "/apps/calendar",
        "wildcard_replace",
    ),
    path(
        "wildcard_replace: case does not count",
        f'wildcard_replace({PATH}, "/apps/*", "/${{1}}") eq "/calendar"',
        "/Apps/calendar",
        "/calendar",
        "wildcard_replace",
    ),
    path(
        "wildcard_replace: strict",
        f'wildcard_replace({PATH}, "/apps/*", "/${{1}}", "s") eq "/Apps/calendar"',
        "/Apps/calendar",
        "/Apps/calendar",
        "wildcard_replace",
    ),
    path(
        "wildcard_replace: not the whole value",
        f'wildcard_replace({PATH}, "apps/*", "/${{1}}") eq "/apps/x"',
        "/apps/x",
        "/apps/x",
        "wildcard_replace",
    ),
    path(
        "wildcard_replace: lazy",
        f'wildcard_replace({PATH}, "/*/*", "${{1}}|${{2}}") eq "a|b/c"',
        "/a/b/c",
        "a|b/c",
        "wildcard_replace",
    ),
    case(
        "wildcard_replace: the full URI",
        'wildcard_replace(http.request.full_uri, "https://*.example/*/*", '
        '"https://example/${1}/${2}/${3}") eq "https://example/shop/calendar/admin?expand=true"',
        True,
        {
            "http.request.full_uri": {
                "content": "https://example/shop/calendar/admin?expand=true",
                "via": ["wildcard_replace"],
            }
        },
        "/calendar/admin?expand=true",
    ),
    # addresses, numbers
    case(
        "cidr of IPv4",
        "cidr(ip.src, 24, 24) eq 113.10.0.0",
        True,
        {"ip.src": {"content": "113.10.0.0", "via": ["cidr"]}},
        client="113.10.0.2",
    ),
    case(
        "cidr of IPv6",
        "cidr(ip.src, 24, 24) eq 2001::",
        True,
        {"ip.src": {"content": "2001::", "via": ["cidr"]}},
        client="2001:0:130f::9c0:876a:130b",
    ),
    case(
        "cidr of all bits",
        "cidr(ip.src, 32, 128) eq 113.10.0.2",
        True,
        {"ip.src": {"content": "113.10.0.2", "via": ["cidr"]}},
        client="113.10.0.2",
    ),
    case(
        "cidr6 of IPv6",
        "cidr6(ip.src, 32) in {2001:db8::/32}",
        True,
        {"ip.src": {"content": "2001:db8::", "via": ["cidr6"]}},
        client="2001:db8:1::1",
    ),
    case(
        "cidr6 leaves IPv4",
        "cidr6(ip.src, 24) eq 113.10.0.2",
        True,
        {"ip.src": {"content": "113.10.0.2", "via": ["cidr6"]}},
        client="113.10.0.2",
    ),
    case(
        "to_string of Int",
        'to_string(my.int) eq "-5"',
        True,
        {"my.int": {"content": "-5", "via": ["to_string"]}},
        fields={"my.int": {"type": "Int", "value": -5}},
    ),
    case("to_string of Bool", 'to_string(ssl) eq "true"', True, {"ssl": {"content": "true", "via": ["to_string"]}}),
    case(
        "to_string of Ip",
        'to_string(ip.src) contains ":db8:"',
        True,
        {"ip.src": {"before": "2001", "content": ":db8:", "after": ":1", "via": ["to_string"]}},
        client="2001:db8::1",
    ),
    header("bit_slice: the first byte", f"bit_slice({X}, 0, 8) eq 0x41", "AB", "65", "bit_slice"),
    header("bit_slice: over two bytes", f"bit_slice({X}, 4, 12) eq 0x14", "AB", "20", "bit_slice"),
    header("bit_slice: one bit", f"bit_slice({X}, 1, 2) eq 1", "AB", "1", "bit_slice"),
    header("bit_slice: 32 bits", f"bit_slice({X}, 0, 32) eq 0x41424344", "ABCD", "1094861636", "bit_slice"),
    no("bit_slice: past the end", f"bit_slice({X}, 8, 17) ge 0", headers=[["x", "AB"]]),
    case(
        "uuidv4: its length logs the source",
        "len(uuidv4(my.seed)) eq 36",
        True,
        {"my.seed": {"content": "0123456789abcdef", "via": ["uuidv4", "len"]}},
        fields={"my.seed": {"type": "Bytes", "value": "0123456789abcdef"}},
    ),
    case(
        "uuidv4: its form",
        'uuidv4(my.seed) matches "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"',
        True,
        {"my.seed": {"content": "0123456789abcdef", "via": ["uuidv4"]}},
        fields={"my.seed": {"type": "Bytes", "value": "0123456789abcdef"}},
    ),
]

# HMAC: message, separator, timestamp, "-", base64 of HMAC-SHA256(key, message and timestamp)
MAC_URI = "/download/cat.jpg?verify=1484063787-JcOQEFurDwNF66OcDJLopQxjsg3cB1KVO5%2BBFS9zZZ0%3D"
URI = "http.request.uri"


def hmac_rule(key="mysecretkey", ttl=100000, more=", 8"):
    return f'is_timed_hmac_valid_v0("{key}", {URI}, {ttl}, http.request.timestamp.sec{more})'


MAC_SHOWN = {URI: {"content": MAC_URI, "via": ["is_timed_hmac_valid_v0"]}}
CASES += [
    case("hmac: a token in the URI", hmac_rule(), True, MAC_SHOWN, MAC_URI, timestamp_ms=1484063887000),
    case("hmac: in its last second", hmac_rule(ttl=100), True, MAC_SHOWN, MAC_URI, timestamp_ms=1484063887999),
    no("hmac: too old", hmac_rule(ttl=99), MAC_URI, timestamp_ms=1484063887000),
    no("hmac: another key", hmac_rule(key="othersecretkey"), MAC_URI, timestamp_ms=1484063887000),
    case(
        "not hmac: another message",
        "not " + hmac_rule(),
        True,
        {URI: {"content": MAC_URI.replace("cat", "dog"), "via": ["is_timed_hmac_valid_v0"]}},
        MAC_URI.replace("cat", "dog"),
        timestamp_ms=1484063887000,
    ),
    no("hmac: another separator length", hmac_rule(more=", 7"), MAC_URI, timestamp_ms=1484063887000),
    no("hmac: no token at all", hmac_rule(), "/download/cat.jpg", timestamp_ms=1484063887000),
    no(
        "hmac: URL-safe without the flag",
        hmac_rule(),
        "/a1?verify=1484063787-CETzCxVwntQE7UhZe-Tq7ZbHHYu_VXj2ta7hgYla_eY",
        timestamp_ms=1484063787000,
    ),
    case(
        "hmac: URL-safe",
        hmac_rule(more=', 8, "s"'),
        True,
        {
            URI: {
                "content": "/a1?verify=1484063787-CETzCxVwntQE7UhZe-Tq7ZbHHYu_VXj2ta7hgYla_eY",
                "via": ["is_timed_hmac_valid_v0"],
            }
        },
        "/a1?verify=1484063787-CETzCxVwntQE7UhZe-Tq7ZbHHYu_VXj2ta7hgYla_eY",
        timestamp_ms=1484063787000,
    ),
    case(
        "hmac: a message from several fields, no separator",
        f'is_timed_hmac_valid_v0("mysecretkey", concat({PATH}, http.request.headers["timestamp"][0], "-", '
        'http.request.headers["mac"][0]), 60, http.request.timestamp.sec)',
        True,
        {PATH: {"content": "/download/cat.jpg", "via": ["concat", "is_timed_hmac_valid_v0"]}},
        "/download/cat.jpg",
        headers=[["timestamp", "1484063787"], ["mac", "JcOQEFurDwNF66OcDJLopQxjsg3cB1KVO5%2BBFS9zZZ0%3D"]],
        timestamp_ms=1484063787000,
    ),
]

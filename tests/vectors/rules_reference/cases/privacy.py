"""Section 3, rule 6: what is never logged."""

from . import case, form

URI = "http.request.uri"
PATH, QUERY, ARGS = URI + ".path", URI + ".query", URI + ".args"
RAW, FORM, VALUES = "http.request.body.raw", "http.request.body.form", "http.request.headers.values"
PARTS = "http.request.body.multipart"
AUTH = [["authorization", "Basic dXNlcjpwYXNz"], ["x", "y"]]
COOKIE = [["cookie", "theme=dark; session=4f1c9a; lang=de"]]


def hidden(length, **more):
    return {"content": {"redacted": length}, **more}


def header(name, rule, key, place, headers):
    return case("denied: " + name, rule, True, {key: [place]}, headers=headers)


def query(name, rule, place, target, **more):
    return case("denied: " + name, f"{QUERY} {rule}", True, {QUERY: place}, target, **more)


def body(name, rule, place, text, kind="application/json"):
    return case(
        "denied: " + name,
        f"{RAW} {rule}",
        True,
        {RAW: place},
        method="POST",
        body=text,
        headers=[["content-type", kind]],
    )


CASES = [
    # Headers
    header("authorization", f'any({VALUES}[*] contains "Basic")', f"{VALUES}[1]", hidden(5), AUTH),
    header(
        "authorization by its name",
        'http.request.headers["authorization"][0] matches "^Basic .*"',
        'http.request.headers["authorization"][0]',
        hidden(18),
        AUTH,
    ),
    header(
        "Authorization in upper case",
        f'any({VALUES}[*] contains "Bas")',
        f"{VALUES}[1]",
        hidden(3),
        [["AUTHORIZATION", "Basic abc"]],
    ),
    header(
        "proxy-authorization",
        f'any({VALUES}[*] contains "secret1")',
        f"{VALUES}[1]",
        hidden(7),
        [["proxy-authorization", "Basic secret1"]],
    ),
    header(
        "the name of the header is no secret",
        'any(http.request.headers.names[*] eq "authorization")',
        "http.request.headers.names[1]",
        {"content": "authorization"},
        AUTH,
    ),
    header("another header beside it is not", f'any({VALUES}[*] eq "y")', f"{VALUES}[2]", {"content": "y"}, AUTH),
    header(
        "a header named like a key",
        f'any({VALUES}[*] contains "k-12")',
        f"{VALUES}[1]",
        hidden(4),
        [["X-Api-Key", "k-123"]],
    ),
    header(
        "a header named like a token",
        'http.request.headers["x-csrf-token"][0] ne "a"',
        'http.request.headers["x-csrf-token"][0]',
        hidden(3),
        [["x-csrf-token", "abc"]],
    ),
    case(
        "denied: not contained, whole",
        f'not any({VALUES}[*] contains "zzz")',
        True,
        {
            f"{VALUES}[0]": [{"content": "shop.example"}],
            f"{VALUES}[1]": [hidden(18)],
            f"{VALUES}[2]": [{"content": "y"}],
        },
        headers=AUTH,
    ),
    case(
        "denied: through a function",
        'decode_base64(substring(http.request.headers["authorization"][0], 6)) contains "user:"',
        True,
        {'http.request.headers["authorization"][0]': [hidden(5, via=["substring", "decode_base64"])]},
        headers=AUTH,
    ),
    case(
        "denied: through lower",
        f'any(lower({VALUES}[*])[*] contains "basic")',
        True,
        {f"{VALUES}[1]": [hidden(5, via=["lower"])]},
        headers=AUTH,
    ),
    case(
        "denied: through len, the field's length",
        'len(http.request.headers["authorization"][0]) gt 5',
        True,
        {'http.request.headers["authorization"][0]': [hidden(18, via=["len"])]},
        headers=AUTH,
    ),
    case(
        "denied: through a hash",
        'len(sha256(http.request.headers["authorization"][0])) eq 32',
        True,
        {'http.request.headers["authorization"][0]': [hidden(18, via=["sha256", "len"])]},
        headers=AUTH,
    ),
    case(
        "denied: through concat, the span of the other field is not",
        f'concat({PATH}, "|", http.request.headers["authorization"][0]) contains "/ab"',
        True,
        {PATH: {"content": "/ab", "after": "|", "via": ["concat"]}},
        "/ab",
        headers=AUTH,
    ),
    case(
        "denied: through concat",
        f'concat({PATH}, "|", http.request.headers["authorization"][0]) contains "b|Ba"',
        True,
        {PATH: hidden(4, before="/a", via=["concat"])},
        "/ab",
        headers=AUTH,
    ),
    case(
        "denied: through starts_with",
        'starts_with(http.request.headers["authorization"][0], "Basic")',
        True,
        {'http.request.headers["authorization"][0]': [hidden(5, via=["starts_with"])]},
        headers=AUTH,
    ),
    case(
        "denied: has_key shows no value",
        'has_key(http.request.headers, "authorization")',
        True,
        {'http.request.headers["authorization"][0]': [hidden(18, via=["has_key"])]},
        headers=AUTH,
    ),
    case(
        "denied: in version 3 too",
        f'any({VALUES}[*] contains "Basic")',
        True,
        {f"{VALUES}[1]": [hidden(5)]},
        headers=AUTH,
        version=3,
    ),
    header(
        "an argument in the referer",
        'http.request.headers["referer"][0] contains "abc"',
        'http.request.headers["referer"][0]',
        hidden(3, before="ample/?a&token=", after="&x=1"),
        [["referer", "https://a.example/?a&token=abc&x=1"]],
    ),
    header(
        "no argument in the referer",
        'http.request.headers["referer"][0] contains "abc"',
        'http.request.headers["referer"][0]',
        {"before": ".example/token=", "content": "abc"},
        [["referer", "https://a.example/token=abc"]],
    ),
    # Cookies
    header(
        "cookie values",
        'any(http.request.cookies["session"][*] eq "4f1c9a")',
        'http.request.cookies["session"][0]',
        hidden(6),
        COOKIE,
    ),
    case(
        "denied: http.cookie, context ends at the values",
        'http.cookie contains "session="',
        True,
        {"http.cookie": {"before": "; ", "content": "session="}},
        headers=COOKIE,
    ),
    case(
        "denied: http.cookie, a name and a part of its value",
        'http.cookie contains "session=4f"',
        True,
        {"http.cookie": hidden(10, before="; ")},
        headers=COOKIE,
    ),
    case(
        "denied: http.cookie, between two values",
        'http.cookie contains "; lang="',
        True,
        {"http.cookie": {"content": "; lang="}},
        headers=COOKIE,
    ),
    case(
        "denied: http.cookie whole",
        'not http.cookie contains "none"',
        True,
        {"http.cookie": hidden(35)},
        headers=COOKIE,
    ),
    case(
        "denied: cookies under headers.values",
        f'any({VALUES}[*] contains "dark")',
        True,
        {f"{VALUES}[1]": [hidden(4, before="theme=", after="; session=")]},
        headers=COOKIE,
    ),
    case(
        "denied: cookies under the header's name",
        'any(http.request.headers["cookie"][*] contains "4f1c")',
        True,
        {'http.request.headers["cookie"][0]': [hidden(4, before="; session=")]},
        headers=COOKIE,
    ),
    case(
        "denied: all cookie lines",
        'http.cookie contains "def"',
        True,
        {"http.cookie": hidden(3, before="; b=")},
        headers=[["cookie", "a=abc"], ["Cookie", "b=def"]],
    ),
    # Arguments
    query(
        "an argument named password",
        'contains "hunter"',
        hidden(6, before="r=joe&password="),
        "/?user=joe&password=hunter2&x=1",
    ),
    query(
        "before it: context ends at it",
        'contains "joe&password="',
        {"before": "user=", "content": "joe&password="},
        "/?user=joe&password=hunter2&x=1",
    ),
    query(
        "after it: context starts after it",
        'contains "x=1"',
        {"before": "&", "content": "x=1"},
        "/?user=joe&password=hunter2&x=1",
    ),
    query(
        "over it",
        'contains "password=hunter2&x"',
        hidden(18, before="user=joe&", after="=1"),
        "/?user=joe&password=hunter2&x=1",
    ),
    query("whole", 'ne ""', hidden(29), "/?user=joe&password=hunter2&x=1"),
    query("the name is no secret", 'contains "password"', {"content": "password", "after": "="}, "/?password=hunter2"),
    query("passwd", 'contains "abc"', hidden(3, before="passwd="), "/?passwd=abc"),
    query("secret", 'contains "abc"', hidden(3, before="secret="), "/?secret=abc"),
    query("token", 'contains "abc"', hidden(3, before="token="), "/?token=abc"),
    query("api_key", 'contains "abc"', hidden(3, before="api_key="), "/?api_key=abc"),
    query("apiKey", 'contains "abc"', hidden(3, before="apiKey="), "/?apiKey=abc"),
    query("api-key", 'contains "abc"', hidden(3, before="api-key="), "/?api-key=abc"),
    query(
        "a name that has the word in it",
        'contains "abc"',
        hidden(3, before="[new_Password]="),
        "/?user[new_Password]=abc",
    ),
    query("an escaped name", 'contains "abc"', hidden(3, before="p%61ssword="), "/?p%61ssword=abc"),
    query("an empty value", 'contains "password=&"', {"content": "password=&", "after": "x=1"}, "/?password=&x=1"),
    query("each argument of the name", 'contains "def"', hidden(3, before="&a=1&token="), "/?token=abc&a=1&token=def"),
    query("an argument that is not denied", 'contains "abc"', {"before": "tok=", "content": "abc"}, "/?tok=abc"),
    query(
        "a value that only holds the word",
        'contains "password"',
        {"before": "q=", "content": "password"},
        "/?q=password",
    ),
    query("with url decoding", 'contains "ter"', hidden(3), "/?password=hun%74er", uri_decoding="url"),
    query(
        "with url decoding, the length is of the decoded span",
        'contains "=hunter"',
        hidden(7, before="password"),
        "/?password=%68unter",
        uri_decoding="url",
    ),
    case(
        "denied: args",
        f'{ARGS}["password"][0] eq "hunter2"',
        True,
        {ARGS + '["password"][0]': [hidden(7)]},
        "/?password=hunter2",
    ),
    case(
        "denied: args' values",
        f'any({ARGS}.values[*] contains "2")',
        True,
        {ARGS + ".values[0]": [hidden(1)], ARGS + ".values[1]": [{"content": "2"}]},
        "/?password=hunter2&x=2",
    ),
    case(
        "denied: args' names are logged",
        f'any({ARGS}.names[*] eq "password")',
        True,
        {ARGS + ".names[0]": [{"content": "password"}]},
        "/?password=hunter2",
    ),
    case("denied: uri", f'{URI} contains "/login?password=h"', True, {URI: hidden(17)}, "/login?password=hunter2"),
    case(
        "denied: uri's context",
        f'{URI} contains "login"',
        True,
        {URI: {"before": "/", "content": "login", "after": "?password="}},
        "/login?password=hunter2",
    ),
    case(
        "denied: full_uri",
        'http.request.full_uri contains "hunter2"',
        True,
        {"http.request.full_uri": hidden(7, before="login?password=")},
        "/login?password=hunter2",
    ),
    case(
        "denied: raw query",
        f'raw.{QUERY} contains "hunter2"',
        True,
        {"raw." + QUERY: hidden(7, before="password=")},
        "/?password=hunter2",
    ),
    case(
        "denied: raw args",
        f'raw.{ARGS}["password"][0] contains "hunter2"',
        True,
        {"raw." + ARGS + '["password"][0]': [hidden(7)]},
        "/?password=hunter2",
    ),
    case(
        "denied: the path is not",
        f'{PATH} contains "hunter2"',
        True,
        {PATH: {"before": "/password=", "content": "hunter2"}},
        "/password=hunter2",
    ),
    case(
        "denied: through url_decode",
        f'url_decode({QUERY}) contains "hunter"',
        True,
        {QUERY: hidden(6, before="password=", via=["url_decode"])},
        "/?password=%68unter",
    ),
    case(
        "denied: url_decode's context",
        f'url_decode({QUERY}) contains "a b"',
        True,
        {QUERY: {"before": "q=", "content": "a b", "after": "&token=", "via": ["url_decode"]}},
        "/?q=a+b&token=abc",
    ),
    case(
        "denied: through remove_query_args",
        f'remove_query_args({QUERY}, "a") contains "abc"',
        True,
        {QUERY: hidden(3, before="token=", via=["remove_query_args"])},
        "/?a=1&token=abc",
    ),
    case(
        "denied: split",
        f'any(split({QUERY}, "&", 9)[*] contains "o")',
        True,
        {
            QUERY: [
                {"before": "t", "content": "o", "after": "ken=", "via": ["split"]},
                {"before": "user=j", "content": "o", "after": "e", "via": ["split"]},
            ]
        },
        "/?user=joe&token=abc",
    ),
    case(
        "denied: redacted whole and span are one",
        f'{QUERY} contains "abc" and not {QUERY} contains "x"',
        True,
        {QUERY: hidden(9)},
        "/?token=abc",
    ),
    case(
        "denied: the length is of the merged span",
        f'{QUERY} contains "abc" and {QUERY} contains "cd"',
        True,
        {QUERY: hidden(4, before="token=")},
        "/?token=abcd",
    ),
    case(
        "denied: the length is of the span before it is cut",
        f'{QUERY} contains "a"',
        True,
        {QUERY: hidden(1, before="token=")},
        "/?token=" + "a" * 2000,
    ),
    case(
        "denied: longer than what would be logged",
        f'{ARGS}["token"][0] ne ""',
        True,
        {ARGS + '["token"][0]': [hidden(2000)]},
        "/?token=" + "a" * 2000,
    ),
    case(
        "denied: keeps a payload small",
        f'{ARGS}["token"][0] ne "" and {QUERY} ne ""',
        True,
        {ARGS + '["token"][0]': [hidden(9000)], QUERY: hidden(9006)},
        "/?token=" + "a" * 9000,
    ),
    case(
        "denied: an empty span is no secret, its context is",
        f'{ARGS}["token"][0] matches ""',
        True,
        {ARGS + '["token"][0]': [{"content": ""}]},
        "/?token=abc",
    ),
    case(
        "denied: several rules",
        [("one", f'{QUERY} contains "abc"'), ("two", f'{QUERY} contains "token"')],
        True,
        {QUERY: [{"content": "token", "after": "=", "rules": ["two"]}, hidden(3, before="token=", rules=["one"])]},
        "/?token=abc",
    ),
    case(
        "denied: the broader field goes all the same",
        f'{QUERY} contains "abc" and {ARGS}["token"][0] contains "abc"',
        True,
        {ARGS + '["token"][0]': [hidden(3)]},
        "/?token=abc",
    ),
    # Forms and parts
    case(
        "denied: form",
        f'{FORM}["password"][0] contains "hunter"',
        True,
        {FORM + '["password"][0]': [hidden(6)]},
        **form("user=joe&password=hunter2"),
    ),
    case(
        "denied: form values",
        f'any({FORM}.values[*] eq "hunter2")',
        True,
        {FORM + ".values[1]": [hidden(7)]},
        **form("user=joe&password=hunter2"),
    ),
    case(
        "denied: form names are logged",
        f'any({FORM}.names[*] eq "password")',
        True,
        {FORM + ".names[1]": [{"content": "password"}]},
        **form("user=joe&password=hunter2"),
    ),
    case(
        "denied: the form's body",
        f'{RAW} contains "joe&password=hunter"',
        True,
        {RAW: hidden(19, before="user=")},
        **form("user=joe&password=hunter2"),
    ),
    case(
        "denied: the form's body, context",
        f'{RAW} contains "joe"',
        True,
        {RAW: {"before": "user=", "content": "joe", "after": "&password="}},
        **form("user=joe&password=hunter2"),
    ),
    case(
        "denied: no form, no denied fields",
        f'{RAW} contains "hunter"',
        True,
        {RAW: {"before": "password=", "content": "hunter", "after": "2"}},
        method="POST",
        body="password=hunter2",
        headers=[["content-type", "text/plain"]],
    ),
]
MULTIPART = (
    '--b\r\nContent-Disposition: form-data; name="user"\r\n\r\njoe\r\n'
    '--b\r\nContent-Disposition: form-data; name="new_password"\r\n\r\nhunter2\r\n--b--\r\n'
)
SENT = {"method": "POST", "body": MULTIPART, "headers": [["content-type", "multipart/form-data; boundary=b"]]}
CASES += [
    case(
        "denied: part",
        f'{PARTS}["new_password"][0] eq "hunter2"',
        True,
        {PARTS + '["new_password"][0]': [hidden(7)]},
        **SENT,
    ),
    case(
        "denied: part values", f'any({PARTS}.values[*] contains "u")', True, {PARTS + ".values[1]": [hidden(1)]}, **SENT
    ),
    case(
        "denied: another part is not",
        f'{PARTS}.values[0] eq "joe"',
        True,
        {PARTS + ".values[0]": [{"content": "joe"}]},
        **SENT,
    ),
    case(
        "denied: the part's body",
        f'{RAW} contains "hunter2"',
        True,
        {RAW: hidden(7, before='w_password"\r\n\r\n', after="\r\n--b--\r\n")},
        **SENT,
    ),
    case(
        "denied: part names are logged",
        f'{PARTS}.names[1][0] contains "word"',
        True,
        {PARTS + ".names[1][0]": [{"before": "new_pass", "content": "word"}]},
        **SENT,
    ),
]

# JSON
DOCUMENT = '{"user": "joe", "password": "hunter2", "n": 5}'
CASES += [
    body("a JSON member", 'contains "hunter"', hidden(6, before=', "password": "'), DOCUMENT),
    body(
        "a JSON member, whatever the media type",
        'contains "hunter"',
        hidden(6, before=', "password": "'),
        DOCUMENT,
        kind="text/plain",
    ),
    body(
        "JSON: context ends at the value",
        'contains "joe"',
        {"before": '{"user": "', "content": "joe", "after": '", "password": '},
        DOCUMENT,
    ),
    body(
        "JSON: context starts after the value",
        'contains "n\\": 5"',
        {"before": '", "', "content": 'n": 5', "after": "}"},
        DOCUMENT,
    ),
    body(
        "JSON: the member's name is logged",
        'contains "password"',
        {"before": 'user": "joe", "', "content": "password", "after": '": "'},
        DOCUMENT,
    ),
    body("JSON: a number", 'contains "123"', hidden(3, before='{"token": '), '{"token": 12345}'),
    body("JSON: an object", 'contains "deep"', hidden(4), '{"secrets": {"a": {"b": "deep"}}}'),
    body("JSON: an array", 'contains "two"', hidden(3), '{"tokens": ["one", "two"]}'),
    body(
        "JSON: deeper",
        'contains "abc"',
        hidden(3, before=' [{"Api-Key": "', after='"}]}]'),
        '[{"a": [{"Api-Key": "abc"}]}]',
    ),
    body(
        "JSON: an escaped name",
        'contains "abc"',
        hidden(3, before='u0061ssword": "', after='"}'),
        '{"p\\u0061ssword": "abc"}',
    ),
    body(
        "JSON: a value that only holds the word",
        'contains "token"',
        {"before": '{"a": "', "content": "token", "after": '"}'},
        '{"a": "token"}',
    ),
    body(
        "JSON: spaces around",
        'contains "abc"',
        hidden(3, before=' {\n "token" :\t"', after='"\n}\n'),
        ' {\n "token" :\t"abc"\n}\n',
    ),
    case(
        "denied: lookup_json_string",
        f'lookup_json_string({RAW}, "password") eq "hunter2"',
        True,
        {RAW: hidden(7, via=["lookup_json_string"])},
        method="POST",
        body=DOCUMENT,
    ),
    case(
        "denied: lookup_json_integer",
        f'lookup_json_integer({RAW}, "token") eq 12345',
        True,
        {RAW: hidden(5, via=["lookup_json_integer"])},
        method="POST",
        body='{"token": 12345}',
    ),
    case(
        "denied: another member is not",
        f'lookup_json_string({RAW}, "user") eq "joe"',
        True,
        {RAW: {"content": "joe", "via": ["lookup_json_string"]}},
        method="POST",
        body=DOCUMENT,
    ),
]

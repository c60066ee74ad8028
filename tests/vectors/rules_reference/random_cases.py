"""Random cases: expressions that parse, over requests made of few letters so that much of them matches."""

import random

from .language import BOOL, BYTES, INT, array, map_of
from .request import FIELDS

WORDS = [
    "a",
    "b",
    "ab",
    "/",
    "é",
    "%61",
    "%2f",
    "password",
    "token",
    "=",
    "&",
    "A",
    "1",
    "%",
    "+",
    "€",
    "x",
    "%ff",
    "%e2%82",
    "a" * 30,
]
REGEXES = ["a+", "[ab]", "a|ab", "b*", "^/", "a$", "(?i)A", r"\w", r"\d+", ".b", "[^a]", "%[0-9]", r"\b", "é"]
WILDCARDS = ["*", "a*", "*b", "/*", "*a*b*", "A*", "ab"]
NAMES = ["a", "password", "api_key", "x", "user token", "%70assword"]
TEXT_FUNCTIONS = [
    'lower({})', 'upper({})', 'url_decode({})', 'url_decode({}, "r")', 'substring({}, 1)', 'substring({}, -3)',
    'remove_bytes({}, "a")', 'concat({}, "|")', 'encode_base64({})', 'decode_base64({})',
    'regex_replace({}, "a", "<$$>")', 'wildcard_replace({}, "*a*", "${{2}}${{1}}")',
]  # fmt: skip
OWN = {
    "my.text": BYTES, "my.absent": BYTES, "my.int": INT, "my.flags": array(BOOL), "my.tags": array(BYTES),
    "my.map": map_of(BYTES), "my.rows": array(array(BYTES)), "my.gone": array(BYTES),
}  # fmt: skip
TYPE_NAMES = {
    "my.text": "Bytes", "my.absent": "Bytes", "my.int": "Int", "my.flags": "Array(Bool)", "my.tags": "Array(Bytes)",
    "my.map": "Map(Bytes)", "my.rows": "Array(Array(Bytes))", "my.gone": "Array(Bytes)",
}  # fmt: skip


class Maker:
    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.fields = {name: kind for name, kind in {**FIELDS, **OWN}.items() if name != "http.request.body.mime"}

    def word(self, most=4):
        return "".join(self.dice.choice(WORDS) for _ in range(self.dice.randint(0, most)))

    def quoted(self, text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    # Expressions

    def of_kind(self, kind):
        return self.dice.choice([name for name, k in self.fields.items() if k == kind])

    def text(self):
        """One Bytes value."""
        pick = self.dice.random()
        if pick < 0.5:
            value = self.of_kind(BYTES)
        elif pick < 0.7:
            value = f'{self.of_kind(array(BYTES))}[{self.dice.randint(0, 2)}]'
        elif pick < 0.9:
            value = f'{self.of_kind(map_of(array(BYTES)))}["{self.dice.choice(NAMES)}"][{self.dice.randint(0, 1)}]'
        else:
            value = f'my.map["{self.dice.choice(NAMES)}"]'
        return self.through(value)

    def through(self, value):
        for _ in range(self.dice.choice([0, 0, 0, 1, 1, 2])):
            value = self.dice.choice(TEXT_FUNCTIONS).format(value)
        return value

    def texts(self):
        """An array of Bytes, with [*]."""
        pick = self.dice.random()
        if pick < 0.5:
            value = self.of_kind(array(BYTES)) + "[*]"
        elif pick < 0.7:
            value = f'{self.of_kind(map_of(array(BYTES)))}["{self.dice.choice(NAMES)}"][*]'
        elif pick < 0.85:
            value = self.of_kind(map_of(array(BYTES))) + "[*][*]"
        else:
            value = self.dice.choice(["my.map[*]", "my.rows[*][0]", "my.rows[*][*]"])
        if self.dice.random() < 0.3:
            value = self.dice.choice(TEXT_FUNCTIONS).format(value) + "[*]"
        return value

    def operator(self):
        pick = self.dice.randint(0, 9)
        if pick < 3:
            return "contains " + self.quoted(self.word(2))
        if pick < 6:
            return "matches " + 'r"' + self.dice.choice(REGEXES) + '"'
        if pick == 6:
            return self.dice.choice(["wildcard ", "strict wildcard "]) + self.quoted(self.dice.choice(WILDCARDS))
        if pick == 7:
            return "in {" + " ".join(self.quoted(self.word(1)) for _ in range(3)) + "}"
        return self.dice.choice(["eq", "ne", "lt", "ge"]) + " " + self.quoted(self.word(1))

    def simple(self):
        pick = self.dice.random()
        if pick < 0.5:
            return f"{self.text()} {self.operator()}"
        if pick < 0.8:
            return f'{self.dice.choice(["any", "all"])}({self.array(2)})'
        if pick < 0.86:
            return f'{self.dice.choice(["starts_with", "ends_with"])}({self.text()}, {self.quoted(self.word(1))})'
        if pick < 0.92:
            return f'len({self.text()}) {self.dice.choice(["gt", "lt", "&"])} {self.dice.randint(1, 9)}'
        return self.dice.choice([
            "ssl", "any(my.flags)", "all(my.flags)", "my.int in {1..5}", "my.int & 2", "ip.src in {192.0.2.0/24}",
            f'has_key(http.request.uri.args, "{self.dice.choice(NAMES)}")', f'has_value(my.tags, {self.quoted(self.word(1))})',
            'any(split(http.request.uri.query, "&", 3)[*] contains "a")', 'split(my.text, "a", 2)[1] ne ""',
                'to_string(my.int) contains "1"', "cidr(ip.src, 24, 64) eq 192.0.2.0", "bit_slice(my.text, 1, 9) gt 99",
                'remove_query_args(http.request.uri.query, "a", "token") contains "a"', "len(sha256(my.text)) eq 32",
                'lookup_json_integer(http.request.body.raw, "n", "Password", 0) eq 1', 'any(len(my.rows[*])[*] gt 1)',
                'any(concat(my.tags, my.rows[0])[*] matches "a|b")', 'concat(http.host, http.request.uri.path) contains "e/"',
                'any(lower(http.request.headers[*][*])[*] contains "a")', 'has_key(my.map, my.tags[0])',
                'http.request.body.size gt 9', 'lookup_json_string(http.request.body.raw, "token") ne ""',
            'join(http.request.headers.names, ",") contains "x"', "len(http.request.headers.values) gt 2",
        ])  # fmt: skip

    def array(self, depth):
        if depth and self.dice.random() < 0.35:
            sign = self.dice.choice([" and ", " or ", " xor "])
            return "(" + sign.join(self.array(depth - 1) for _ in range(2)) + ")"
        return self.dice.choice(["", "", "not "]) + f"{self.texts()} {self.operator()}"

    def expression(self, depth=3):
        if depth and self.dice.random() < 0.6:
            sign = self.dice.choice([" and ", " or ", " or ", " xor "])
            parts = sign.join(self.expression(depth - 1) for _ in range(self.dice.randint(2, 3)))
            return self.dice.choice(["", "", "not "]) + f"({parts})"
        return self.dice.choice(["", "", "not "]) + self.simple()

    def broken(self, text):
        """A character less, more or another one; it may still parse."""
        at = self.dice.randrange(len(text))
        return (
            text[:at]
            + self.dice.choice(["", text[at] * 2, self.dice.choice(' ()[]{}"\\*,!&|.$#-08xr')])
            + text[at + 1 :]
        )

    # Requests

    def pairs(self):
        return "&".join(
            self.dice.choice([f"{self.dice.choice(NAMES)}={self.word()}", self.word(1)])
            for _ in range(self.dice.randint(0, 4))
        )

    def request(self):
        dice = self.dice
        target = "/" + self.word(5).replace("&", "b").replace("=", "a")
        if dice.random() < 0.7:
            target += "?" + self.pairs()
        headers = [["host", "ab.example"]]
        for name in ("x", "X", "a", "user-agent", "referer", "authorization", "x-api-key", "x-forwarded-for"):
            if dice.random() < 0.3:
                headers.append([name, self.word().strip()])
        if dice.random() < 0.4:
            headers.append(
                ["cookie", "; ".join(f"{dice.choice('abx')}={dice.choice(['a', 'b', 'ab', '1'])}" for _ in range(2))]
            )
        out = {"target": target, "headers": headers, "scheme": dice.choice(["https", "http"])}
        self.body(out)
        dice.shuffle(headers)
        return out

    def body(self, out):
        pick = self.dice.random()
        if pick < 0.25:
            out.update(method="POST", body=self.pairs())
            out["headers"].append(["content-type", "application/x-www-form-urlencoded"])
        elif pick < 0.4:
            out.update(
                method="POST",
                body=f'{{"a": "{self.word()}", "token": "{self.word()}", "n": {{"Password": [1, "{self.word()}"]}}}}',
            )
        elif pick < 0.55:
            parts = [
                f'--B\r\nContent-Disposition: form-data; name="{self.dice.choice(NAMES)}"; filename="{self.word()}"\r\n\r\n{self.word()}\r\n'
                for _ in range(self.dice.randint(1, 3))
            ]
            out.update(method="POST", body="".join(parts) + "--B--\r\n")
            out["headers"].append(["content-type", "multipart/form-data; boundary=B"])
        elif pick < 0.65:
            out.update(method="POST", body=self.word())

    def values(self):
        word = self.word
        given = {"my.text": word(6), "my.int": self.dice.randint(0, 9), "my.flags": [self.dice.random() < 0.5 for _ in range(2)],
                 "my.tags": [word(2) for _ in range(self.dice.randint(0, 3))], "my.map": {name: word() for name in NAMES[:3]},
                 "my.rows": [[word(2) for _ in range(self.dice.randint(0, 2))] for _ in range(3)]}  # fmt: skip
        return {
            name: {"type": kind, **({"value": given[name]} if name in given else {})}
            for name, kind in TYPE_NAMES.items()
        }

    def case(self, name):
        if self.dice.random() < 0.1:
            rules = {"rule": self.broken(self.expression(1))}
        elif self.dice.random() < 0.15:
            rules = {"rules": [{"id": f"r{i}", "expression": self.expression(2)} for i in range(3)]}
        else:
            rules = {"rule": self.expression()}
        return {
            "name": name, **rules, "uri_decoding": self.dice.choice(["none", "url"]),
            "version": self.dice.choice([3, 4]), "fields": self.values(), "request": self.request(),
        }  # fmt: skip


def cases(seed, count):
    maker = Maker(seed)
    return [maker.case(f"random {seed}/{i}") for i in range(count)]

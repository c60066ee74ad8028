"""The rule language: text to a typed tree, with line and column of what is wrong.

Types are tuples: ("Bool",), ("Int",), ("Bytes",), ("Ip",), ("Array", T), ("Map", T).
A tree is made of tuples too; the first item says what it is:

    ("and" | "or" | "xor", [child...])   ("not", child)
    ("compare", value, operator, right)  operator None: the value is the Bool itself
    ("any" | "all", child)
    value: ("value", base, [index...], type, stars)   base: ("field", name) or ("call", name, [argument...])
    index: ("at", n), ("key", bytes), ("each",)
    argument: a value, or ("literal", type, data)
"""

import ipaddress
import math
import re

BOOL, INT, BYTES, IP = ("Bool",), ("Int",), ("Bytes",), ("Ip",)
NESTING_LIMIT = 128
STAR_LIMIT = 32
REGEX_LIMIT = 1_000_000  # of counted repetitions, multiplied: a stand-in for the size limit
WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
ORDER = {
    "eq": "eq",
    "==": "eq",
    "ne": "ne",
    "!=": "ne",
    "lt": "lt",
    "<": "lt",
    "le": "le",
    "<=": "le",
    "gt": "gt",
    ">": "gt",
    "ge": "ge",
    ">=": "ge",
}
OPERATORS = [
    "strict",
    "bitwise_and",
    "contains",
    "matches",
    "wildcard",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "in",
    "==",
    "!=",
    "<=",
    ">=",
    "<",
    ">",
    "~",
    "&",
]
LOGICAL = [("or", "||"), ("xor", "^^"), ("and", "&&")]


def array(item):
    return ("Array", item)


def map_of(item):
    return ("Map", item)


ARRAY_BOOL = array(BOOL)


class ParseError(Exception):
    def __init__(self, text, position, message):
        before = text[:position]
        self.line = before.count("\n") + 1
        self.column = position - (before.rfind("\n") + 1) + 1
        super().__init__(f"{self.line}:{self.column}: {message}")


def type_of_name(text):
    """`Array(Bytes)` as the tuples above."""
    text = text.strip()
    for outer in ("Array", "Map"):
        if text.startswith(outer + "(") and text.endswith(")"):
            return (outer, type_of_name(text[len(outer) + 1 : -1]))
    assert text in ("Bool", "Int", "Bytes", "Ip"), text
    return (text,)


def parse_ip(text):
    """One address, or None. IPv4 with leading zeros and zones are none."""
    if "%" in text or any(
        len(part) > 1 and part[0] == "0" for part in text.split(".") if "." in text and ":" not in text
    ):
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def ip_range(text):
    """`address`, `address/bits` or `first..last` as (first, last); ValueError says what is wrong."""
    if ".." in text:
        first, last = (parse_ip(part) for part in text.split("..", 1))
        if first is None or last is None:
            raise ValueError("not an address")
        if first.version != last.version:
            raise ValueError("two families")
        if last < first:
            raise ValueError("descending")
        return first, last
    if "/" in text:
        address, bits = text.split("/", 1)
        if parse_ip(address) is None or not bits.isdigit():
            raise ValueError("not a network")
        net = ipaddress.ip_network(text, strict=True)
        return net[0], net[-1]
    address = parse_ip(text)
    if address is None:
        raise ValueError("not an address")
    return address, address


def regex_for_python(pattern):
    """The pattern as Python's `re` wants it for bytes, with Rust's meaning; ValueError if Rust refuses it."""
    out, i, depth = [], 0, 0
    while i < len(pattern):
        c = pattern[i]
        if c == "\\":
            if i + 1 == len(pattern):
                raise ValueError("ends in a backslash")
            d = pattern[i + 1]
            if d.isdigit() or d in "Zk":
                raise ValueError("no back references")
            out.append("\\Z" if d == "z" and not depth else "\\" + d)
            i += 2
            continue
        if depth:
            if pattern.startswith("[:", i):
                end = pattern.index(":]", i)
                out.append(
                    {
                        "alpha": "a-zA-Z",
                        "digit": "0-9",
                        "alnum": "a-zA-Z0-9",
                        "space": "\\t-\\r ",
                        "upper": "A-Z",
                        "lower": "a-z",
                        "xdigit": "0-9a-fA-F",
                    }[pattern[i + 2 : end]]
                )
                i = end + 2
                continue
            if c == "]":
                depth = 0
        elif c == "[":
            depth = 1
            if pattern.startswith("[^]", i) or pattern.startswith("[]", i):
                end = pattern.index("]", i) + 1
                out.append(pattern[i : end - 1] + "\\]")
                i = end
                continue
        elif c == "$":
            out.append("\\Z")
            i += 1
            continue
        elif c == "(" and re.match(r"\(\?(=|!|<=|<!|>)", pattern[i:]):
            raise ValueError("no look-around")
        elif c == "(" and re.match(r"\(\?<[A-Za-z_]", pattern[i:]):
            out.append("(?P<")
            i += 3
            continue
        out.append(c)
        i += 1
    return "".join(out).encode()


def compile_regex(pattern):
    repeats = [int(n) for n in re.findall(r"\{(?:[0-9]*,)?([0-9]+)\}", pattern)]
    if math.prod(repeats) > REGEX_LIMIT:
        raise ValueError("too large")
    try:
        return re.compile(regex_for_python(pattern))
    except (re.error, ValueError, KeyError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from None


def wrong_replacement(template, groups):
    """Is there a `$` that is neither `$$` nor `${n}` of a group?"""
    rest = re.sub(rb"\$\$|\$\{0*([0-9]{1,3})\}", lambda m: b"$" if int(m.group(1) or 0) > groups else b"", template)
    return b"$" in rest


def wildcard_tokens(pattern):
    """Bytes and stars (None) of a wildcard; ValueError if it is none."""
    tokens, i = [], 0
    while i < len(pattern):
        c = pattern[i : i + 1]
        if c == b"\\":
            if pattern[i + 1 : i + 2] not in (b"*", b"\\"):
                raise ValueError("an escape that is neither \\* nor \\\\")
            tokens.append(pattern[i + 1 : i + 2])
            i += 2
            continue
        if c == b"*":
            if tokens and tokens[-1] is None:
                raise ValueError("two stars in a row")
            tokens.append(None)
        else:
            tokens.append(c)
        i += 1
    if tokens.count(None) > STAR_LIMIT:
        raise ValueError("too many stars")
    return tokens


def wildcard_regex(pattern, strict, greedy=True):
    star = b"(.*)" if greedy else b"(.*?)"
    text = b"".join(star if t is None else re.escape(t) for t in wildcard_tokens(pattern))
    return re.compile(text + rb"\Z", re.DOTALL | (0 if strict else re.IGNORECASE))


# Functions: arguments as (kind, types), kind "field" (no literal), "literal", "both"; how many of them are
# optional; whether the last repeats; the type of the result (None: see `result_type`).
ANY_ARRAY, ANY_MAP = "any array", "any map"
SIGNATURES = {
    "bit_slice": ([("field", [BYTES]), ("literal", [INT]), ("literal", [INT])], 0, False, INT),
    "cidr": ([("field", [IP]), ("literal", [INT]), ("literal", [INT])], 0, False, IP),
    "cidr6": ([("field", [IP]), ("literal", [INT])], 0, False, IP),
    "concat": ([("both", [BYTES, ANY_ARRAY]), ("both", [BYTES, ANY_ARRAY])], 1, True, None),
    "decode_base64": ([("field", [BYTES])], 0, False, BYTES),
    "encode_base64": ([("both", [BYTES]), ("literal", [BYTES])], 1, False, BYTES),
    "ends_with": ([("field", [BYTES]), ("both", [BYTES])], 0, False, BOOL),
    "has_key": ([("field", [ANY_MAP]), ("both", [BYTES])], 0, False, BOOL),
    "has_value": ([("field", [ANY_ARRAY, ANY_MAP]), ("both", [BOOL, INT, BYTES, IP])], 0, False, BOOL),
    "is_timed_hmac_valid_v0": (
        [
            ("literal", [BYTES]),
            ("field", [BYTES]),
            ("literal", [INT]),
            ("both", [INT]),
            ("literal", [INT]),
            ("literal", [BYTES]),
        ],
        2,
        False,
        BOOL,
    ),
    "join": ([("field", [array(BYTES)]), ("both", [BYTES])], 0, False, BYTES),
    "len": ([("field", [BYTES, ANY_ARRAY])], 0, False, INT),
    "lookup_json_integer": ([("field", [BYTES]), ("both", [BYTES, INT])], 0, True, INT),
    "lookup_json_string": ([("field", [BYTES]), ("both", [BYTES, INT])], 0, True, BYTES),
    "lower": ([("field", [BYTES])], 0, False, BYTES),
    "regex_replace": ([("both", [BYTES]), ("literal", [BYTES]), ("literal", [BYTES])], 0, False, BYTES),
    "remove_bytes": ([("field", [BYTES]), ("literal", [BYTES])], 0, False, BYTES),
    "remove_query_args": ([("field", [BYTES]), ("both", [BYTES])], 0, True, BYTES),
    "sha256": ([("both", [BYTES])], 0, False, BYTES),
    "sha512": ([("both", [BYTES])], 0, False, BYTES),
    "split": ([("field", [BYTES]), ("literal", [BYTES]), ("literal", [INT])], 0, False, array(BYTES)),
    "starts_with": ([("field", [BYTES]), ("both", [BYTES])], 0, False, BOOL),
    "substring": ([("field", [BYTES]), ("both", [INT]), ("both", [INT])], 1, False, BYTES),
    "to_string": ([("field", [BOOL, INT, IP])], 0, False, BYTES),
    "upper": ([("field", [BYTES])], 0, False, BYTES),
    "url_decode": ([("field", [BYTES]), ("literal", [BYTES])], 1, False, BYTES),
    "uuidv4": ([("field", [BYTES])], 0, False, BYTES),
    "wildcard_replace": (
        [("field", [BYTES]), ("literal", [BYTES]), ("literal", [BYTES]), ("literal", [BYTES])],
        1,
        False,
        BYTES,
    ),
}
QUERY_FIELDS = ("http.request.uri.query", "raw.http.request.uri.query")


def fits(kind, wanted):
    return any(
        kind == w or (w == ANY_ARRAY and kind[0] == "Array") or (w == ANY_MAP and kind[0] == "Map") for w in wanted
    )


class Parser:
    def __init__(self, text, fields, lists):
        """`fields`: name to type. `lists`: name to the type of its items."""
        self.text, self.fields, self.lists = text, fields, lists
        self.end = len(text.rstrip(" \r\n"))
        self.pos, self.depth = 0, 0

    def fail(self, position, message):
        raise ParseError(self.text, min(position, self.end), message)

    def space(self):
        while self.pos < self.end and self.text[self.pos] in " \r\n\t":
            self.pos += 1

    def peek(self, text):
        return self.text.startswith(text, self.pos) and self.pos + len(text) <= self.end

    def word(self, text):
        """Is this word or sign next? A word has to end there."""
        if not self.peek(text):
            return False
        after = self.text[self.pos + len(text) : self.pos + len(text) + 1]
        return not (text[-1] in WORD and after and after in WORD)

    def take(self, text):
        found = self.peek(text)
        if found:
            self.pos += len(text)
        return found

    def deeper(self, position):
        self.depth += 1
        if self.depth > NESTING_LIMIT:
            self.fail(position, "nested too deeply")

    # Logic

    def rule(self):
        self.space()
        start = self.pos
        tree, kind = self.logical(0)
        self.space()
        if self.pos < self.end:
            self.fail(self.pos, "unexpected text")
        if kind != BOOL:
            self.fail(start, "the expression is an array; reduce it with any() or all()")
        return tree

    def logical(self, level):
        if level == len(LOGICAL):
            return self.simple()
        word, sign = LOGICAL[level]
        tree, kind = self.logical(level + 1)
        children = [tree]
        while True:
            saved = self.pos
            self.space()
            if not (self.word(word) or self.peek(sign)):
                self.pos = saved
                break
            self.take(word) or self.take(sign)
            self.space()
            start = self.pos
            child, other = self.logical(level + 1)
            if other != kind:
                self.fail(start, "one side is a Bool, the other an array")
            children.append(child)
        return ((word, children), kind) if len(children) > 1 else (tree, kind)

    def simple(self):
        self.space()
        start = self.pos
        if self.take("("):
            self.deeper(start)
            inner = self.logical(0)
            self.space()
            if not self.take(")"):
                self.fail(self.pos, "a closing parenthesis is missing")
            self.depth -= 1
            return inner
        if self.word("not") or self.peek("!"):
            self.take("not") or self.take("!")
            self.deeper(start)
            tree, kind = self.simple()
            self.depth -= 1
            return ("not", tree), kind
        return self.comparison()

    def comparison(self):
        value = self.value()
        if value[0] in ("any", "all"):
            return value, BOOL
        _, _, _, kind, stars = value
        if kind == BOOL or (kind == ARRAY_BOOL and not stars):
            return ("compare", value, None, None), ARRAY_BOOL if stars or kind == ARRAY_BOOL else BOOL
        self.space()
        start = self.pos
        name = next((op for op in OPERATORS if self.word(op) and not (op == "&" and self.peek("&&"))), None)
        if name is None:
            self.fail(start, "an operator is missing")
        self.take(name)
        if name == "strict":
            self.space()
            if not self.word("wildcard"):
                self.fail(self.pos, "`wildcard` is missing")
            self.take("wildcard")
            name = "strict wildcard"
        operator = ORDER.get(name, {"~": "matches", "&": "bitwise_and"}.get(name, name))
        allowed = {
            INT: ["in", "bitwise_and"],
            IP: ["in"],
            BYTES: ["in", "contains", "matches", "wildcard", "strict wildcard"],
        }.get(kind)
        if allowed is None or not (operator in allowed or operator in ORDER):
            self.fail(start, "not an operator of this type")
        self.space()
        return ("compare", value, operator, self.right(operator, kind)), ARRAY_BOOL if stars else BOOL

    def right(self, operator, kind):
        start = self.pos
        if operator == "in":
            if self.peek("$"):
                return self.list_name(kind)
            if not self.take("{"):
                self.fail(self.pos, "a set or a list is missing")
            items = []
            while True:
                self.space()
                if self.take("}"):
                    return ("set", items)
                if self.pos >= self.end:
                    self.fail(self.pos, "the set has no end")
                items.append(self.set_item(kind))
        if operator == "matches":
            pattern = self.regex_text()
            try:
                return compile_regex(pattern)
            except ValueError as error:
                self.fail(start, str(error))
        if operator in ("wildcard", "strict wildcard"):
            if not (self.peek('"') or self.peek("r")):
                self.fail(start, "a quoted or raw string is missing")
            pattern = self.bytes_literal()
            try:
                return wildcard_regex(pattern, operator.startswith("strict"))
            except ValueError as error:
                self.fail(start, str(error))
        if kind == INT:
            return self.int_literal()
        if kind == IP:
            return self.ip_literal(single=True)[0]
        return self.bytes_literal()

    def list_name(self, kind):
        start = self.pos
        name = re.compile(r"\$([a-z0-9_.]*)").match(self.text, self.pos).group(1)
        self.pos += 1 + len(name)
        if self.lists.get(name) != kind:
            self.fail(start, "no list of this name and type")
        return ("list", name)

    def set_item(self, kind):
        start = self.pos
        if kind == INT:
            first = last = self.int_literal()
            if self.take(".."):
                last = self.int_literal()
            if last < first:
                self.fail(start, "a descending range")
            return (first, last)
        if kind == IP:
            return self.ip_literal(single=False)
        return self.bytes_literal()

    # Literals

    def int_literal(self):
        start = self.pos
        found = re.compile(r"-?[0-9a-fA-FxX]+").match(self.text, self.pos, self.end)
        if not found:
            self.fail(start, "a number is missing")
        text = found.group()
        for pattern, base in ((r"0x([0-9a-fA-F]+)", 16), (r"(0[0-7]*)", 8), (r"(-?[0-9]+)", 10)):
            digits = re.fullmatch(pattern, text)
            if digits:
                number = int(digits.group(1), base)
                if text[:1] == "0" and base == 10:
                    break
                if not -(2**63) <= number < 2**63:
                    self.fail(start, "the number does not fit 64 bits")
                self.pos += len(text)
                return number
        self.fail(start, "not a number")

    def ip_literal(self, single):
        start = self.pos
        text = re.compile(r"[0-9a-fA-F:./]*").match(self.text, self.pos, self.end).group()
        if single and ("/" in text or ".." in text):
            self.fail(start, "one address is wanted")
        try:
            found = ip_range(text)
        except ValueError as error:
            self.fail(start, str(error))
        self.pos += len(text)
        return found

    def bytes_literal(self):
        if self.peek('"'):
            return self.quoted()
        if self.peek('r"') or self.peek("r#"):
            return self.raw().encode()
        start = self.pos
        found = re.compile(r"[0-9a-fA-F]{2}([:.-][0-9a-fA-F]{2})+").match(self.text, self.pos, self.end)
        if not found:
            self.fail(start, "a string is missing")
        self.pos = found.end()
        return bytes.fromhex(re.sub("[:.-]", "", found.group()))

    def quoted(self):
        start = self.pos
        self.pos += 1
        out = bytearray()
        while True:
            if self.pos >= self.end:
                self.fail(start, "the string has no end")
            c = self.text[self.pos]
            if c == '"':
                self.pos += 1
                return bytes(out)
            if c != "\\":
                out += c.encode()
                self.pos += 1
                continue
            escape = re.compile(r'\\(?:(["\\])|x([0-9a-fA-F]{2})|([0-7]{3}))').match(self.text, self.pos)
            if self.pos + 1 >= self.end:
                self.fail(start, "the string has no end")
            if not escape or (escape.group(3) and int(escape.group(3), 8) > 255):
                self.fail(self.pos, "not an escape")
            if escape.group(1):
                out += escape.group(1).encode()
            else:
                out.append(int(escape.group(2), 16) if escape.group(2) else int(escape.group(3), 8))
            self.pos = escape.end()

    def raw(self):
        start = self.pos
        opening = re.compile(r'r(#*)"').match(self.text, self.pos)
        if not opening or len(opening.group(1)) > 255:
            self.fail(start, "not a raw string")
        close = '"' + opening.group(1)
        end = self.text.find(close, opening.end(), self.end)
        if end < 0:
            self.fail(start, "the string has no end")
        self.pos = end + len(close)
        return self.text[opening.end() : end]

    def regex_text(self):
        if self.peek('r"') or self.peek("r#"):
            return self.raw()
        start = self.pos
        if not self.take('"'):
            self.fail(start, "a quoted or raw string is missing")
        out, in_class = [], False
        while True:
            if self.pos >= self.end:
                self.fail(start, "the string has no end")
            c = self.text[self.pos]
            self.pos += 1
            if c == "\\" and self.pos < self.end:
                d = self.text[self.pos]
                self.pos += 1
                out.append(d if d == '"' and not in_class else "\\" + d)
                continue
            if c == '"' and not in_class:
                return "".join(out)
            in_class = c == "[" or (in_class and c != "]")
            out.append(c)

    # Fields, indexes, functions

    def value(self):
        start = self.pos
        found = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*").match(self.text, self.pos, self.end)
        if not found:
            self.fail(start, "a field or a function is missing")
        name = found.group()
        self.pos = found.end()
        if name in ("any", "all"):
            return self.quantifier(name, start)
        if name in self.fields:
            base, kind, mapped = ("field", name), self.fields[name], False
        elif name in SIGNATURES:
            base, kind, mapped = self.call(name, start)
        else:
            self.fail(start, "no field or function of this name")
        indexes = []
        if mapped:
            kind = array(kind)
        while self.peek("["):
            at = self.pos
            self.take("[")
            self.space()
            index = self.index()
            self.space()
            if not self.take("]"):
                self.fail(self.pos, "a closing bracket is missing")
            if not (
                index[0] == "each"
                and kind[0] in ("Array", "Map")
                or index[0] == "at"
                and kind[0] == "Array"
                or index[0] == "key"
                and kind[0] == "Map"
            ):
                self.fail(at, "not an index of this type")
            kind = kind[1]
            indexes.append(index)
        return ("value", base, indexes, kind, sum(1 for i in indexes if i[0] == "each"))

    def index(self):
        if self.take("*"):
            return ("each",)
        if self.peek('"') or self.peek("r"):
            return ("key", self.bytes_literal())
        found = re.compile(r"[0-9]+").match(self.text, self.pos, self.end)
        if not found:
            self.fail(self.pos, "an index is missing")
        self.pos = found.end()
        return ("at", int(found.group()))

    def quantifier(self, name, start):
        self.space()
        if not self.take("("):
            self.fail(self.pos, "an opening parenthesis is missing")
        self.deeper(start)
        self.space()
        at = self.pos
        tree, kind = self.logical(0)
        if kind != ARRAY_BOOL:
            self.fail(at, "the argument is no array")
        self.space()
        if not self.take(")"):
            self.fail(self.pos, "a closing parenthesis is missing")
        self.depth -= 1
        return (name, tree)

    def call(self, name, start):
        parameters, optional, repeats, result = SIGNATURES[name]
        self.space()
        if not self.take("("):
            self.fail(self.pos, "an opening parenthesis is missing")
        self.deeper(start)
        arguments = []
        while True:
            self.space()
            if not arguments and self.peek(")"):
                break
            at = self.pos
            argument = self.argument()
            n = len(arguments)
            if n >= len(parameters) and not repeats:
                self.fail(at, "one argument too many")
            self.check(name, parameters[min(n, len(parameters) - 1)], argument, n, at, arguments)
            arguments.append(argument)
            self.space()
            if not self.take(","):
                break
        self.space()
        if not self.peek(")"):
            self.fail(self.pos, "a closing parenthesis is missing")
        if len(arguments) < len(parameters) - optional:
            self.fail(self.pos, "an argument is missing")
        self.take(")")
        self.depth -= 1
        first = arguments[0]
        mapped = first[0] == "value" and first[4] > 0
        if result is None:
            result = first[3] if first[0] == "value" else first[1]
        return ("call", name, arguments), result, mapped

    def argument(self):
        if self.peek('"') or self.peek('r"') or self.peek("r#"):
            return ("literal", BYTES, self.bytes_literal())
        name = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*").match(self.text, self.pos, self.end)
        number = re.compile(r"-?[0-9][0-9a-fA-FxX]*(?![0-9a-fA-F:.-])").match(self.text, self.pos, self.end)
        if not name and number:
            return ("literal", INT, self.int_literal())
        if not name or re.compile(r"[0-9a-fA-F]{2}[:-]").match(self.text, self.pos):
            start = self.pos
            text = re.compile(r"[0-9a-fA-F:./]+").match(self.text, self.pos, self.end)
            if text and parse_ip(text.group()) is not None:
                return ("literal", IP, self.ip_literal(single=True)[0])
            self.pos = start
            return ("literal", BYTES, self.bytes_literal())
        value = self.value()
        if value[0] in ("any", "all"):
            self.fail(self.pos, "any and all are no arguments")
        return value

    def check(self, name, parameter, argument, n, at, before):
        kinds, types = parameter
        is_literal = argument[0] == "literal"
        if is_literal and kinds == "field":
            self.fail(at, "a field is wanted, not a literal")
        if not is_literal and kinds == "literal":
            self.fail(at, "a literal is wanted")
        kind = argument[1] if is_literal else argument[3]
        if not is_literal and argument[4] and n:
            self.fail(at, "[*] is for the first argument only")
        if not fits(kind, types):
            self.fail(at, "an argument of another type")
        data = argument[2] if is_literal else None
        wrong = {
            ("cidr", 1): lambda: not 1 <= data <= 32,
            ("cidr", 2): lambda: not 1 <= data <= 128,
            ("cidr6", 1): lambda: not 1 <= data <= 128,
            ("split", 1): lambda: not data,
            ("split", 2): lambda: not 1 <= data <= 128,
            ("bit_slice", 1): lambda: not 0 <= data <= 2040,
            ("bit_slice", 2): lambda: not before[1][2] < data <= min(2040, before[1][2] + 32),
            ("url_decode", 1): lambda: set(data) - set(b"ru"),
            ("encode_base64", 1): lambda: set(data) - set(b"pu"),
            ("wildcard_replace", 2): lambda: wrong_replacement(data, wildcard_tokens(before[1][2]).count(None)),
            ("wildcard_replace", 3): lambda: data not in (b"", b"s"),
            ("regex_replace", 2): lambda: wrong_replacement(data, compile_regex(before[1][2].decode()).groups),
            ("remove_bytes", 1): lambda: not data,
            ("remove_query_args", 0): lambda: argument[1][1] not in QUERY_FIELDS or argument[2],
            ("concat", n if n else None): lambda: kind != (before[0][1] if before[0][0] == "literal" else before[0][3]),
            ("has_value", 1): lambda: kind != before[0][3][1],
        }.get((name, n))
        if wrong and wrong():
            self.fail(at, "not a value this argument takes")
        try:
            if (name, n) == ("regex_replace", 1):
                compile_regex(data.decode())
            if (name, n) == ("wildcard_replace", 1):
                wildcard_tokens(data)
        except ValueError as error:
            self.fail(at, str(error))


def parse(text, fields, lists):
    return Parser(text, fields, lists).rule()

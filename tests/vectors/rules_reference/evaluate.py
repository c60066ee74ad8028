"""A rule over the fields of a request: its value, and what made it so.

Every Bool comes with its reasons: a list of (value, first, end), spans of values as they are logged. The
reasons of a Bool are those of its own value, so `not` leaves them as they are.
"""

import operator

from . import functions
from .language import BYTES, IP
from .request import Val

COMPARE = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def whole(value):
    if value.whole is not None:
        return list(value.whole)
    return [(value, 0, len(value.text()))]


class Evaluator:
    def __init__(self, fields, lists):
        self.fields, self.lists = fields, lists

    # Logic. `run` gives (Bool, reasons), or for an array a list of them, or None for a missing array.

    def run(self, tree):
        kind = tree[0]
        if kind == "compare":
            return self.compare(*tree[1:])
        if kind in ("any", "all"):
            return self.reduce(kind, self.run(tree[1]))
        if kind == "not":
            inner = self.run(tree[1])
            if inner is None:
                return None
            return [(not v, r) for v, r in inner] if isinstance(inner, list) else (not inner[0], inner[1])
        first = self.run(tree[1][0])
        if not isinstance(first, tuple):
            return self.array_wise(kind, [first] + [self.run(child) for child in tree[1][1:]])
        return self.scalar(kind, first, tree[1][1:])

    def scalar(self, kind, first, rest):
        value, reasons = first
        for child in rest:
            if kind != "xor" and value == (kind == "or"):
                break
            other, more = self.run(child)
            if kind == "xor":
                value, reasons = value != other, reasons + more
            elif other == (kind == "or"):
                value, reasons = other, more
            else:
                reasons = reasons + more
        return value, reasons

    @staticmethod
    def array_wise(kind, operands):
        if any(operand is None for operand in operands):
            return None
        out = []
        for items in zip(*operands):
            values = [v for v, _ in items]
            value = {"and": all(values), "or": any(values), "xor": sum(values) % 2 == 1}[kind]
            out.append((value, [reason for _, reasons in items for reason in reasons]))
        return out

    @staticmethod
    def reduce(kind, items):
        if items is None:
            return False, []
        value = (any if kind == "any" else all)(v for v, _ in items)
        if kind == "any" and not value:
            return False, [(v, 0, len(v.text())) for _, reasons in items for v, _, _ in reasons]
        wanted = [reasons for v, reasons in items if v == value]
        return value, [reason for reasons in wanted for reason in reasons]

    # Comparisons

    def compare(self, value, name, right):
        found = self.value(value)
        if value[4] or (name is None and not isinstance(found, Val) and value[3][0] == "Array"):
            return None if found is None else [self.one(item, name, right) for item in found]
        return self.one(found, name, right)

    def one(self, value, name, right):
        if value is None:
            return name == "ne", []
        if name is None:
            return value.data, whole(value)
        span = self.span(value, name, right)
        if span is None or value.whole is not None:
            return span is not None, whole(value)
        return True, [(value, *span)]

    def span(self, value, name, right):
        """Where it holds, or None."""
        data, everything = value.data, (0, len(value.text()))
        if name == "contains":
            at = data.find(right)
            return (at, at + len(right)) if at >= 0 else None
        if name == "matches":
            found = right.search(data)
            return found.span() if found else None
        if name in ("wildcard", "strict wildcard"):
            return everything if right.match(data) else None
        if name == "in":
            return everything if self.member(value, right) else None
        if name == "bitwise_and":
            return everything if data & right else None
        if value.kind == IP and data.version != right.version:
            return everything if name == "ne" else None
        return everything if COMPARE[name](data, right) else None

    def member(self, value, right):
        items = right[1] if right[0] == "set" else self.lists[right[1]]
        if value.kind == BYTES:
            return value.data in items
        return any(
            (value.kind != IP or first.version == value.data.version) and first <= value.data <= last
            for first, last in items
        )

    # Values

    def value(self, tree):
        _, base, indexes, _, stars = tree
        found = self.fields.get(base[1]) if base[0] == "field" else self.call(base[1], base[2])
        out = self.follow(found, indexes)
        return (
            out
            if not stars or out is None
            else list(functions.leaves(out)) if tree[3][0] not in ("Array", "Map") else out
        )

    def follow(self, found, indexes):
        for n, index in enumerate(indexes):
            if found is None:
                return None
            if index[0] == "each":
                items = found.values() if isinstance(found, dict) else found
                below = [self.follow(item, indexes[n + 1 :]) for item in items]
                nested = any(i[0] == "each" for i in indexes[n + 1 :])
                below = [item for item in below if item is not None]
                return [item for part in below for item in part] if nested else below
            if index[0] == "at":
                found = found[index[1]] if index[1] < len(found) else None
            else:
                found = found.get(index[1])
        return found

    def call(self, name, arguments):
        values = [self.argument(argument) for argument in arguments]
        first = arguments[0]
        if first[0] == "value" and first[4]:
            if values[0] is None:
                return None
            mapped = [functions.call(name, [item] + values[1:]) for item in values[0]]
            return [item for item in mapped if item is not None]
        return functions.call(name, values)

    def argument(self, argument):
        if argument[0] == "literal":
            _, kind, data = argument
            return Val(kind, data, None, srcs=[()] * len(data) if kind == BYTES else ())
        return self.value(argument)

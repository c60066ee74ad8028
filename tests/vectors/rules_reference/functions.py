"""The functions, on values that remember where their bytes came from."""

import base64
import binascii
import hashlib
import hmac
import re
import uuid

from . import language
from .language import BOOL, BYTES, INT, IP
from .request import Piece, Val, json_document, percent_decoded

SAME_PLACES = ("lower", "upper")


def leaves(tree):
    if isinstance(tree, Val):
        return [tree]
    return [leaf for child in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(child)]


def all_places(arguments):
    return tuple(
        sorted(
            {
                place
                for argument in arguments
                if argument is not None
                for leaf in leaves(argument)
                for src in (leaf.srcs if leaf.kind == BYTES else [leaf.srcs])
                for place in src
            },
            key=repr,
        )
    )


def piece_of(value):
    return Piece(value.data, value.srcs)


def call(name, arguments):
    """`arguments`: values, trees, or None where missing. Gives a value, a list, or None."""
    if name == "concat":
        arguments = [argument for argument in arguments if argument is not None]
    if not arguments or any(argument is None for argument in arguments):
        return None
    result = globals()["do_" + name](*arguments)
    if result is None or isinstance(result, list):
        return result if result is None else [stamped(item, name) for item in result]
    base = next((leaf for argument in arguments for leaf in leaves(argument) if leaf.key is not None), None)
    kind, data = (
        (BYTES, result)
        if isinstance(result, (bytes, Piece))
        else (BOOL if isinstance(result, bool) else INT if isinstance(result, int) else IP, result)
    )
    everything = result.places if isinstance(result, Found) else all_places(arguments)
    if isinstance(result, Piece):
        data, srcs = result.data, result.srcs
    else:
        srcs = [everything] * len(data) if kind == BYTES else everything
    if base is None:
        return Val(kind, data, None, srcs=srcs)
    key, many = base.key, base.many
    if name == "join":
        key, many = base.key.rpartition("[")[0], True
    out = Val(kind, data, key, many, srcs, base.via + (name,), base.exact and name in SAME_PLACES)
    out.origin = base.origin
    out.whole = shown_whole(name, arguments, result, base)
    return out


def stamped(item, name):
    if item.key is None:
        return item
    out = Val(item.kind, item.data, item.key, item.many, item.srcs, item.via + (name,), False)
    out.origin = item.origin
    return out


def relabelled(value, via):
    return Val(value.kind, value.data, value.key, value.many, value.srcs, via, False)


def shown_whole(name, arguments, result, base):
    """What is logged in place of the result: (value, first, end) of each, or None for the result itself."""
    first = arguments[0]
    for argument in arguments:
        if isinstance(argument, Val) and argument.whole is not None:
            return [(relabelled(v, v.via + (name,)), s, e) for v, s, e in argument.whole]
    if name in ("len", "sha256", "sha512", "uuidv4", "is_timed_hmac_valid_v0"):
        shown = leaves(first) if not isinstance(first, Val) else [base]
        return [(relabelled(v.origin, v.via + (name,)), 0, len(v.origin.text())) for v in shown]
    if name in ("starts_with", "ends_with"):
        n, size = len(arguments[1].data), len(first.data)
        span = (0, size) if not result else (0, n) if name == "starts_with" else (size - n, size)
        return [(relabelled(first, first.via + (name,)), *span)]
    if name == "has_value":
        shown = [v for v in leaves(first) if not result or v.data == arguments[1].data]
        return [(relabelled(v, v.via + (name,)), 0, len(v.text())) for v in shown]
    if name == "has_key":
        shown = leaves(first[arguments[1].data]) if result else []
        return [(relabelled(v, v.via + (name,)), 0, len(v.text())) for v in shown]
    return None


def do_bit_slice(value, start, end):
    bits = "".join(f"{byte:08b}" for byte in value.data)
    return int(bits[start.data : end.data], 2) if end.data <= len(bits) else None


def do_cidr(address, bits4, bits6):
    width, bits = (32, bits4.data) if address.data.version == 4 else (128, bits6.data)
    return type(address.data)(int(address.data) >> (width - bits) << (width - bits))


def do_cidr6(address, bits):
    return do_cidr(address, Val(INT, 32, None), bits)


def do_concat(*parts):
    if isinstance(parts[0], list):
        return [item for part in parts for item in part]
    out = Piece()
    for part in parts:
        out = out + piece_of(part)
    return out


def do_decode_base64(value):
    text = re.sub(rb"[\s]", b"", value.data).rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None


def do_encode_base64(value, flags=None):
    flags = flags.data if flags else b""
    text = (base64.urlsafe_b64encode if b"u" in flags else base64.b64encode)(value.data)
    return text if b"p" in flags else text.rstrip(b"=")


def do_ends_with(value, end):
    return value.data.endswith(end.data)


def do_starts_with(value, start):
    return value.data.startswith(start.data)


def do_has_key(tree, key):
    return key.data in tree


def do_has_value(tree, value):
    return any(leaf.data == value.data for leaf in leaves(tree))


def do_is_timed_hmac_valid_v0(key, message_mac, ttl, now, separator=None, flags=None):
    text = message_mac.data
    for found in reversed(list(re.finditer(rb"(?=([0-9]{10})-)", text))):
        at, mac = found.start(), text[found.start() + 11 :]
        message = (
            text[: at - (separator.data if separator else 0)] if at > (separator.data if separator else 0) else b""
        )
        if len(mac) < 43 or not message:
            continue
        if flags and b"s" in flags.data:
            mac = mac.replace(b"-", b"+").replace(b"_", b"/") + b"="
        else:
            mac = percent_decoded(Piece.at("mac", mac)).data
        try:
            given = base64.b64decode(mac, validate=True)
        except (ValueError, binascii.Error):
            return False
        right = hmac.new(key.data, message + found.group(1), hashlib.sha256).digest()
        return hmac.compare_digest(given, right) and now.data <= int(found.group(1)) + ttl.data
    return False


def do_join(items, separator):
    out = Piece()
    for i, item in enumerate(items):
        out = out + (piece_of(separator) if i else Piece()) + piece_of(item)
    return out


def do_len(value):
    return len(value.data) if isinstance(value, Val) else len(value)


def looked_up(document, keys):
    node = json_document(piece_of(document))
    for key in keys:
        if node is None:
            return None
        if key.kind == BYTES and node[0] == "object":
            found = [child for name, child in node[1] if name.encode("utf-8", "surrogatepass") == key.data]
            node = found[-1] if found else None
        elif key.kind == INT and node[0] == "array" and 0 <= key.data < len(node[1]):
            node = node[1][key.data][1]
        else:
            return None
    return node


def do_lookup_json_integer(document, *keys):
    node = looked_up(document, keys)
    if node is None or node[0] != "number" or not re.fullmatch(r"-?[0-9]+", node[1]):
        return None
    number = int(node[1])
    return Found(number, node[2]) if -(2**63) <= number < 2**63 else None


def do_lookup_json_string(document, *keys):
    node = looked_up(document, keys)
    if node is None or node[0] != "string":
        return None
    coarse = tuple(place for srcs in node[2].srcs for place in srcs)
    data = node[1].encode("utf-8", "surrogatepass")
    return Piece(data, [coarse] * len(data))


class Found(int):
    """An Int with the places of its digits."""

    def __new__(cls, number, piece):
        out = super().__new__(cls, number)
        out.places = tuple(place for srcs in piece.srcs for place in srcs)
        return out


def do_lower(value):
    return piece_of(value).lower()


def do_upper(value):
    return Piece(value.data.upper(), value.srcs)


def replacement(template, groups, group_srcs):
    """`${1}` and `$$` in a replacement."""
    out, at = Piece(), 0
    for found in re.finditer(rb"\$\{([0-9]+)\}|\$\$", template.data):
        out = out + template[at : found.start()]
        if found.group(1):
            n = int(found.group(1))
            out = out + Piece(groups[n] or b"", group_srcs[n])
        else:
            out = out + Piece.made_up(b"$")
        at = found.end()
    return out + template[at:]


def replaced(value, found, template):
    spans = [found.span(i) for i in range((found.re.groups or 0) + 1)]
    groups = [value.data[max(s, 0) : max(e, 0)] for s, e in spans]
    srcs = [value.srcs[max(s, 0) : max(e, 0)] for s, e in spans]
    source = piece_of(value)
    return source[: found.start()] + replacement(piece_of(template), groups, srcs) + source[found.end() :]


def do_regex_replace(value, pattern, template):
    found = language.compile_regex(pattern.data.decode()).search(value.data)
    return replaced(value, found, template) if found else piece_of(value)


def do_wildcard_replace(value, pattern, template, flags=None):
    strict = flags is not None and flags.data == b"s"
    found = language.wildcard_regex(pattern.data, strict, greedy=False).match(value.data)
    return replaced(value, found, template) if found else piece_of(value)


def do_remove_bytes(value, unwanted):
    kept = [i for i, byte in enumerate(value.data) if byte not in unwanted.data]
    return Piece(bytes(value.data[i] for i in kept), [value.srcs[i] for i in kept])


def do_remove_query_args(value, *names):
    unwanted = {name.data for name in names}
    kept = [part for part in piece_of(value).split(b"&") if part.partition(b"=")[0].data not in unwanted]
    out = Piece()
    for i, part in enumerate(kept):
        out = out + (Piece.made_up(b"&") if i else Piece()) + part
    return out


def do_sha256(value):
    return hashlib.sha256(value.data).digest()


def do_sha512(value):
    return hashlib.sha512(value.data).digest()


def do_split(value, separator, limit):
    pieces, rest = [], piece_of(value)
    while len(pieces) + 1 < limit.data and separator.data in rest.data:
        head, rest = rest.partition(separator.data)
        pieces.append(head)
    out = []
    for piece in pieces + [rest]:
        item = Val(BYTES, piece.data, value.key, value.many, piece.srcs, value.via)
        item.origin = value.origin
        out.append(item)
    return out


def do_substring(value, start, end=None):
    return piece_of(value)[slice(start.data, end.data if end else None)]


def do_to_string(value):
    return value.text()


def do_url_decode(value, options=None):
    options = options.data if options else b""
    piece = piece_of(value)
    while True:
        before = piece.data
        piece = url_decoded(piece, b"u" in options)
        if b"r" not in options or piece.data == before:
            return piece


def url_decoded(piece, wide):
    out, at = Piece(), 0
    for found in re.finditer(
        rb"%u([0-9A-Fa-f]{4})|%([0-9A-Fa-f]{2})|\+" if wide else rb"()%([0-9A-Fa-f]{2})|\+", piece.data
    ):
        whole = tuple(place for srcs in piece.srcs[found.start() : found.end()] for place in srcs)
        if found.group(2):
            made = bytes([int(found.group(2), 16)])
        elif found.group(1):
            number = int(found.group(1), 16)
            if 0xD800 <= number < 0xE000:
                continue
            made = chr(number).encode()
        else:
            made = b" "
        out = out + piece[at : found.start()] + Piece(made, [whole] * len(made))
        at = found.end()
    return out + piece[at:]


def do_uuidv4(value):
    return str(uuid.UUID(bytes=value.data[:16], version=4)).encode() if len(value.data) >= 16 else None

"""From the reasons of the rules that matched to the payload."""

import base64
import json

CONTEXT, CONTENT_LIMIT, PAYLOAD_LIMIT = 15, 1024, 8192
NAMED = ("http.host", "http.user_agent", "http.referer", "http.cookie", "http.x_forwarded_for")


def rank(key):
    """(group, how narrow) of the field of a key, or None."""
    field = key.split("[", 1)[0]
    field = field[4:] if field.startswith("raw.") else field
    uri = "http.request.uri"
    if field in ("http.request.full_uri", uri, uri + ".path", uri + ".query"):
        return "target", ("http.request.full_uri", uri).index(field) if field in ("http.request.full_uri", uri) else 2
    if field.startswith(uri + ".args") or field == uri + ".path.extension":
        return "target", 3
    if field.startswith("http.request.headers"):
        return "headers", 0
    if field in NAMED:
        return "headers", 1
    if field in ("http.request.cookies", "http.request.accepted_languages"):
        return "headers", 2
    if field == "http.request.body.raw":
        return "body", 0
    if field.startswith(("http.request.body.form", "http.request.body.multipart")):
        return "body", 1
    return None


class Span:
    def __init__(self, value, start, end, rules):
        self.value, self.start, self.end, self.rules = value, start, end, rules
        self.text = value.text()

    def srcs(self):
        every = self.value.srcs if self.value.kind == ("Bytes",) else [self.value.srcs] * len(self.text)
        return every

    def group(self):
        return (self.value.key, self.value.via, self.text)

    def covered(self):
        """The request's bytes below the span, or None if one of its bytes is not the request's."""
        out = set()
        for src in self.srcs()[self.start : self.end]:
            if not src:
                return None
            out.update((region, i) for region, first, end in src for i in range(first, end))
        return out

    def inside(self, other):
        """Does it lie inside the other, as bytes of the request?"""
        if not (self.value.exact and other.value.exact):
            return False
        mine = self.covered()
        theirs = {
            byte
            for src in other.srcs()[other.start : other.end]
            for region, first, end in src
            for byte in ((region, i) for i in range(first, end))
        }
        if mine is None:
            return False
        if mine:
            return mine <= theirs
        point = self.point()
        return point is not None and (
            point == other.point() and other.start == other.end or point in theirs or (point[0], point[1] - 1) in theirs
        )

    def point(self):
        """Where an empty span is."""
        srcs = self.srcs()
        if self.start < len(srcs) and srcs[self.start]:
            return srcs[self.start][0][:2]
        if self.start and srcs[self.start - 1]:
            return (srcs[self.start - 1][-1][0], srcs[self.start - 1][-1][2])
        return None


def merged(spans):
    """Spans of one value, those that share a byte (or an empty one within another) made one."""
    out = []
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        last = out[-1] if out else None
        if last and (span.start < last.end or (span.start, span.end) == (last.start, last.end)):
            last.end = max(last.end, span.end)
            last.rules = [rule for rule in ALL_RULES if rule in last.rules or rule in span.rules]
        else:
            out.append(Span(span.value, span.start, span.end, list(span.rules)))
    return out


ALL_RULES = []


def payload(matches, denied, version):
    """`matches`: (rule id, reasons) of each rule that matched, in order. The JSON object, or "truncated"."""
    denied = {(region, i) for region, first, end in denied for i in range(first, end)}
    ALL_RULES[:] = [rule for rule, _ in matches]
    groups = {}
    for rule, reasons in matches:
        for value, start, end in reasons:
            if value.key is not None:
                span = Span(value, start, end, [rule])
                groups.setdefault(span.group(), []).append(span)
    keys = {}
    for group, spans in groups.items():
        keys.setdefault(group[0], []).extend(merged(spans))
    for key in without_broader(keys):
        del keys[key]
    out = {}
    for key, spans in keys.items():
        spans.sort(key=lambda s: s.start)
        objects = [shown(span, denied, version, len(matches) > 1) for span in spans]
        out[key] = objects[0] if len(objects) == 1 and not spans[0].value.many else objects
    text = json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()
    return "truncated" if len(text) > PAYLOAD_LIMIT else out


def without_broader(keys):
    gone = []
    for key, spans in keys.items():
        for narrow, theirs in keys.items():
            if (
                rank(key)
                and rank(narrow)
                and rank(key)[0] == rank(narrow)[0]
                and rank(key)[1] < rank(narrow)[1]
                and all(any(span.inside(other) for other in theirs) for span in spans)
            ):
                gone.append(key)
                for span in spans:
                    for other in theirs:
                        if span.inside(other):
                            other.rules = [r for r in ALL_RULES if r in other.rules or r in span.rules]
                break
    return gone


def shown(span, denied, version, with_rules):
    text, srcs, start, end = span.text, span.srcs(), span.start, span.end
    hidden = [any((region, i) in denied for region, a, b in src for i in range(a, b)) for src in srcs]
    out = {}
    first = max(0, start - CONTEXT)
    first = max([i + 1 for i in range(first, start) if hidden[i]], default=first)
    while first < start and text[first] & 0xC0 == 0x80:
        first += 1
    last = min(len(text), end + CONTEXT)
    last = min([i for i in range(end, last) if hidden[i]], default=last)
    put(out, "before", text[first:start], version)
    if any(hidden[start:end]):
        out["content"] = {"redacted": end - start}
    else:
        content = text[start:end]
        if len(content) > CONTENT_LIMIT:
            content = complete(content[:CONTENT_LIMIT])
        put(out, "content", content, version, always=True)
    put(out, "after", complete(text[end:last]), version)
    if span.value.via:
        out["via"] = list(span.value.via)
    if with_rules:
        out["rules"] = span.rules
    return out


def complete(data):
    """Without an incomplete character at the end."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            need = 2 if 0xC2 <= byte < 0xE0 else 3 if 0xE0 <= byte < 0xF0 else 4 if 0xF0 <= byte < 0xF5 else 1
            return data[:-back] if need > back else data
    return data


def put(out, name, data, version, always=False):
    if not data and not always:
        return
    try:
        out[name] = data.decode("utf-8")
    except UnicodeDecodeError:
        if version == 4:
            out[name + "_b64"] = base64.b64encode(data).decode()
        else:
            out[name] = data.decode("utf-8", "replace")

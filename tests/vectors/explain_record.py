#!/usr/bin/env python3
"""Records of explained refusals, by docs/explain-at-distance.md and nothing else.

    python3 tests/vectors/explain_record.py > tests/vectors/explain-records.log

Shares no code with the crate. tests/cli/explain_record.rs compares them with a signer's request, and a
unit test of the crate makes the first one anew.
"""

import hashlib
import hmac

KEY = bytes(range(32))
FIRST_LINE = "WAFPASS1-EXPLAIN"


def record(salt, nonce, path, query, covered, key=KEY):
    kid, date, now, aud, waf = "2026-11-a", "20261122T003000Z", "20261122T003010Z", "shop", "pass"

    def digest(label, value):
        text = "\n".join([FIRST_LINE, salt, nonce, date, label, ""]).encode() + value
        return hmac.new(key, text, hashlib.sha256).hexdigest()[:32]

    def part(label, value):
        return f"{label}={len(value)}:{digest(label, value)}"

    fields = [
        "wafpass-explain-1",
        f"salt={salt}",
        "reason=signature-mismatch",
        f"now={now}",
        f"kid={kid}",
        f"date={date}",
        f"nonce={nonce}",
        f"aud={aud}",
        f"waf={waf}",
        "h=" + ":".join(name for name, _ in covered),
        f"key={digest('key', kid.encode())}",
        part("method", b"GET"),
        part("path", path),
        part("query", query),
    ]
    return " ".join(fields + [part(f"h.{name}", value) for name, value in covered])


VIEWER_IP = [("x-cloud-viewer-ip", b"203.0.113.7")]
RECORDS = [
    record("8d5e957f297893487bd98fa830fa6413", "0123456789abcdef", b"/prod/a%20b", b"x=+", VIEWER_IP),
    record("a1" * 16, "of-another-request", b"/", b"", []),
    record("b2" * 16, "same-all-the-way", b"/a%20b", b"x=%20", VIEWER_IP),
    record("c3" * 16, "with-other-secret", b"/a%20b", b"x=%20", VIEWER_IP, bytes(range(1, 33))),
]

if __name__ == "__main__":
    for line in RECORDS:
        print(f'2026-11-22T00:30:10.000000Z  INFO wafpass::explain: explained record="{line}"')

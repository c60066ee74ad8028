#!/usr/bin/env python3
"""Writes derived-keys-1.json, the vectors of derived keys (docs/wire-format.md section 6):

    python3 tests/vectors/derived_keys.py > tests/vectors/derived-keys-1.json

It shares no code with the project, needs only the standard library, and writes the same bytes each
time. HKDF-Expand stands here as RFC 5869 gives it, block by block.
"""

import base64
import calendar
import hashlib
import hmac
import json
import math
import sys
import time

NONCE = "U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw=="
ROOT = bytes(range(32))
OTHER = bytes(range(100, 164))  # as long as a block of SHA-256
LONG = bytes(range(200))  # longer than a block: HMAC hashes it first
ROOT_ID = "shop-root"
TODAY, YESTERDAY, TOMORROW = "20261122", "20261121", "20261123"


def mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def hkdf_expand(prk, info, length):
    """RFC 5869 section 2.3."""
    block, output = b"", b""
    for counter in range(1, math.ceil(length / 32) + 1):
        block = mac(prk, block + info + bytes([counter]))
        output += block
    return output[:length]


def derive(root, kid, aud):
    return hkdf_expand(root, f"WAFPASS1-DERIVED-KEY\n{kid}\n{aud}".encode(), 32)


def base64url(key):
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def at(date):
    """Unix seconds of YYYYMMDDTHHMMSSZ."""
    return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))


def root(kid=ROOT_ID, secret=ROOT, **more):
    return {"kid": kid, "secret": base64.b64encode(secret).decode(), **more}


def derivation(name, secret, kid, aud):
    key = base64url(derive(secret, kid, aud))
    return {"name": f"key: {name}", "secret": base64.b64encode(secret).decode(),
            "kid": kid, "aud": aud, "key": key}


def case(name, expect, date="20261122T003000Z", now=None, kid=f"{ROOT_ID}.{TODAY}", aud="shop",
         key=None, roots=None, keys=(), audience="shop"):
    """A signed GET; `key` is what signs it, by default the key derived for `kid` and `aud`."""
    key = derive(ROOT, kid, aud) if key is None else key
    lines = ["WAFPASS1-HMAC-SHA256", date, kid, NONCE, aud, "pass", "GET", "/a", "b=1"]
    base = "\n".join(lines)
    signature = f"v1;kid={kid};nonce={NONCE};aud={aud};waf=pass;h=;sig={mac(key, base.encode()).hex()}"
    made = {
        "name": name,
        "request": {"method": "GET", "target": "/a?b=1", "headers": [
            ["host", "shop.example"], ["x-cloud-date", date], ["x-cloud-signature", signature],
        ]},
        "config": {
            "keys": list(keys), "roots": [root()] if roots is None else roots,
            "audience": audience, "max_age": 60, "skew": 5,
        },
        "now": at(now or date),
        "expect": expect,
    }
    return made | ({"base": base} if expect == "accept" else {})


def derivations():
    kid = f"{ROOT_ID}.{TODAY}"
    yield derivation("the worked example", ROOT, kid, "shop")
    yield derivation("another day", ROOT, f"{ROOT_ID}.{TOMORROW}", "shop")
    yield derivation("another audience", ROOT, kid, "barn")
    yield derivation("another root id", ROOT, f"shop-rooT.{TODAY}", "shop")
    yield derivation("another secret", OTHER, kid, "shop")
    yield derivation("a secret longer than a block", LONG, kid, "shop")
    yield derivation("the shortest names", ROOT, f"r.{TODAY}", "a")
    yield derivation("the longest names", ROOT, f"{'r' * 55}.{TODAY}", "A" * 64)
    yield derivation("every kind of character", ROOT, f"a-Z_0.9.{TODAY}", "a-Z_0.9")
    yield derivation("a root named like a derived key", ROOT, f"r.{YESTERDAY}.{TODAY}", "shop")
    yield derivation("a leap day", ROOT, f"{ROOT_ID}.20280229", "shop")
    yield derivation("the first day", ROOT, f"{ROOT_ID}.00010101", "shop")
    yield derivation("the last day", ROOT, f"{ROOT_ID}.99991231", "shop")


def cases():
    kid = f"{ROOT_ID}.{TODAY}"
    plain = {"kid": "2026-11-a", "secret": base64.b64encode(OTHER).decode()}

    yield case("today's key", "accept")
    yield case("a plain key beside a root", "accept", kid="2026-11-a", key=OTHER, keys=[plain])
    yield case("a derived key beside a plain one", "accept", keys=[plain])
    yield case("of two roots, the one named", "accept", kid=f"barn-root.{TODAY}",
               key=derive(OTHER, f"barn-root.{TODAY}", "shop"), roots=[root(), root("barn-root", OTHER)])
    yield case("the longest root id", "accept", kid=f"{'r' * 55}.{TODAY}", roots=[root("r" * 55)])
    yield case("a root whose id ends in a day", "accept", kid=f"r.{YESTERDAY}.{TODAY}",
               roots=[root(f"r.{YESTERDAY}")])
    yield case("a secret longer than a block", "accept", key=derive(LONG, kid, "shop"),
               roots=[root(secret=LONG)])

    # The day, by the verifier's clock, and the overlap of an hour on both sides.
    yield case("the first second of the day", "accept", date="20261122T000000Z")
    yield case("the last second of the day", "accept", date="20261122T235959Z")
    yield case("tomorrow's key, within the overlap", "accept", date="20261121T233000Z")
    yield case("tomorrow's key, first second of the overlap", "accept", date="20261121T230000Z")
    yield case("tomorrow's key, a second before the overlap", "inactive-key", date="20261121T225959Z")
    yield case("yesterday's key, within the overlap", "accept", date="20261123T003000Z")
    yield case("yesterday's key, last second of the overlap", "accept", date="20261123T005959Z")
    yield case("yesterday's key, a second after the overlap", "inactive-key", date="20261123T010000Z")
    yield case("signed within the overlap, arrived after it", "inactive-key",
               date="20261123T005959Z", now="20261123T010000Z")
    yield case("signed before the overlap, arrived within it", "accept",
               date="20261121T225959Z", now="20261121T230000Z")
    yield case("a day earlier", "inactive-key", kid=f"{ROOT_ID}.20261120")
    yield case("a day later", "inactive-key", kid=f"{ROOT_ID}.20261124")
    yield case("a year later", "inactive-key", kid=f"{ROOT_ID}.20271122")
    yield case("the first day there is", "inactive-key", kid=f"{ROOT_ID}.00010101")
    yield case("the last day there is", "inactive-key", kid=f"{ROOT_ID}.99991231")
    yield case("no overlap, first second", "accept", date="20261122T000000Z", roots=[root(overlap=0)])
    yield case("no overlap, last second", "accept", date="20261122T235959Z", roots=[root(overlap=0)])
    yield case("no overlap, a second early", "inactive-key", date="20261121T235959Z", roots=[root(overlap=0)])
    yield case("no overlap, a second late", "inactive-key", date="20261123T000000Z", roots=[root(overlap=0)])
    yield case("widest overlap, first second", "accept", date="20261121T120000Z", roots=[root(overlap=43200)])
    yield case("widest overlap, a second early", "inactive-key", date="20261121T115959Z",
               roots=[root(overlap=43200)])
    yield case("widest overlap, a second late", "inactive-key", date="20261123T120000Z",
               roots=[root(overlap=43200)])
    yield case("a leap day", "accept", date="20280229T120000Z", kid=f"{ROOT_ID}.20280229")

    # The root's own window binds too.
    yield case("the root is revoked", "inactive-key", roots=[root(revoked=True)])
    yield case("the root begins now", "accept", roots=[root(not_before=at("20261122T003000Z"))])
    yield case("the root begins a second later", "inactive-key", roots=[root(not_before=at("20261122T003001Z"))])
    yield case("the root ends a second later", "accept", roots=[root(not_after=at("20261122T003001Z"))])
    yield case("the root ends now", "inactive-key", roots=[root(not_after=at("20261122T003000Z"))])
    yield case("a wide window of the root does not widen the day", "inactive-key", date="20261124T000000Z",
               roots=[root(not_before=0, not_after=at("20271122T000000Z"))])
    yield case("inactive before mismatch", "inactive-key", kid=f"{ROOT_ID}.20261120", key=OTHER)

    # Which ids name a derived key.
    yield case("the root's own id", "unknown-key", kid=ROOT_ID, key=ROOT)
    yield case("the id of a revoked root", "unknown-key", kid=ROOT_ID, key=ROOT, roots=[root(revoked=True)])
    yield case("another root", "unknown-key", kid=f"barn-root.{TODAY}")
    yield case("a plain key is no root", "unknown-key", kid=f"2026-11-a.{TODAY}",
               key=derive(OTHER, f"2026-11-a.{TODAY}", "shop"), keys=[plain])
    yield case("a root id in other case", "unknown-key", kid=f"SHOP-ROOT.{TODAY}")
    for what, day in {
        "an impossible date": "20260230", "a leap day in a common year": "20270229", "month 13": "20261301",
        "month 0": "20260001", "day 0": "20261100", "year 0": "00001122", "seven digits": "2026112",
        "nine digits": "202611220", "letters": "2026112a", "no day": "", "a date with dashes": "2026-11-22",
        "a date with a time": "20261122T003000Z", "two days": f"{TODAY}.{TODAY}",
    }.items():
        yield case(what, "unknown-key", kid=f"{ROOT_ID}.{day}")
    yield case("a dash before the day", "unknown-key", kid=f"{ROOT_ID}-{TODAY}")
    yield case("nothing before the day", "unknown-key", kid=f".{TODAY}")
    yield case("a day alone", "unknown-key", kid=TODAY)

    # What the signature was made with.
    yield case("signed with the root itself", "signature-mismatch", key=ROOT)
    yield case("the key of another root", "signature-mismatch", key=derive(OTHER, kid, "shop"))
    yield case("yesterday's key under today's id", "signature-mismatch",
               key=derive(ROOT, f"{ROOT_ID}.{YESTERDAY}", "shop"))
    yield case("the key of another audience", "signature-mismatch", key=derive(ROOT, kid, "barn"))
    yield case("the key of another root id", "signature-mismatch", key=derive(ROOT, f"other.{TODAY}", "shop"))
    yield case("a key without the counter", "signature-mismatch",
               key=mac(ROOT, f"WAFPASS1-DERIVED-KEY\n{kid}\nshop".encode()))
    yield case("a key with a line feed too many", "signature-mismatch",
               key=mac(ROOT, f"WAFPASS1-DERIVED-KEY\n{kid}\nshop\n".encode() + b"\1"))
    yield case("extracted first", "signature-mismatch", key=derive(mac(bytes(32), ROOT), kid, "shop"))
    yield case("a wrong audience, rightly signed", "wrong-audience", aud="barn")
    yield case("a wrong audience, signed with this one's key", "signature-mismatch", aud="barn",
               key=derive(ROOT, kid, "shop"))
    yield case("expired within the day", "expired", now="20261122T003101Z")


file = {"spec": "edge-signature version 1", "derivations": list(derivations()), "cases": list(cases())}
json.dump(file, sys.stdout, indent=1)
print()

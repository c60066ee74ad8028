"""Blobs by pyhpke. Reads a JSON array of jobs, writes a JSON array of what came of them.

    python3 hpke.py FOLDER < jobs.json      FOLDER holds the packages

Nothing here is shared with the project: the framing is written from docs/matched-data.md.
"""
import base64
import hashlib
import json
import sys

sys.path.insert(0, sys.argv[1])

from pyhpke import AEADId, CipherSuite, KDFId, KEMId, OpenError  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: E402

SUITE = CipherSuite.new(
    KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305
)
INFO = b"wafpass matched-data v4"


def text_of(data):
    return base64.b64encode(data).decode()


def aad_of(header, binding):
    texts = [binding[name].encode() for name in ("tenant", "event_id", "rule_id")]
    prefixed = [len(text).to_bytes(2, "big") + text for text in texts]
    return header + b"".join(prefixed) + binding["timestamp_ms"].to_bytes(8, "big")


def generate(_):
    private = X25519PrivateKey.generate()
    return {
        "private_key": text_of(private.private_bytes_raw()),
        "public_key": text_of(private.public_key().public_bytes_raw()),
    }


def seal(job):
    public = base64.b64decode(job["public_key"])
    plain = base64.b64decode(job["plaintext"])
    recipient = SUITE.kem.deserialize_public_key(public)
    if job["version"] == 3:
        enc, sender = SUITE.create_sender_context(recipient)
        blob = b"\x03" + enc + len(plain).to_bytes(8, "little") + sender.seal(plain)
    else:
        header = bytes([4, 1]) + hashlib.sha256(public).digest()[:8]
        plain += b" " * (-len(plain) % 256)
        enc, sender = SUITE.create_sender_context(recipient, INFO)
        blob = header + enc + sender.seal(plain, aad_of(header, job["binding"]))
    return {"blob": text_of(blob)}


def open_(job):
    secret = SUITE.kem.deserialize_private_key(base64.b64decode(job["private_key"]))
    blob = base64.b64decode(job["blob"])
    try:
        if blob[0] == 3:
            plain = SUITE.create_recipient_context(blob[1:33], secret).open(blob[41:])
        else:
            aad = aad_of(blob[:10], job["binding"])
            plain = SUITE.create_recipient_context(blob[10:42], secret, INFO).open(blob[42:], aad)
            plain = plain.rstrip(b" ")
    except OpenError:
        return {"plaintext": None}
    return {"plaintext": text_of(plain)}


JOBS = {"generate": generate, "seal": seal, "open": open_}
json.dump([JOBS[job["job"]](job) for job in json.load(sys.stdin)], sys.stdout)

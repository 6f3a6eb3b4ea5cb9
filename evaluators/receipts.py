"""Signed statements about runs, which anyone can verify offline (Ed25519, RFC 8032).

Hidden content (package, exact scores, details) is committed to by HMAC under the package's secret salt, never by a bare
hash; the numbers in a receipt are the ones released to its reader, given by the caller.
"""

import base64
import hashlib
import hmac
import json
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from evaluators.models import Run, Score

FORMAT = "kensa-receipt-1"
_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def issue(run: Run, scores: list[Score]) -> dict:
    """What a finished run keeps: a signed statement with commitments to everything and no number in it."""
    exact = [[s.metric, s.subset, s.part, s.value, s.low, s.high, s.n, s.patients] for s in scores]
    statement = {
        "format": FORMAT,
        "run": run.pk,
        "benchmark": {"slug": run.package.slug, "version": run.package.version},
        "evidence": run.kind,
        "evaluator": run.evaluator,
        "finished": run.finished.isoformat(),
        "answer": {key: run.answer[key] for key in ("model", "revision") if key in run.answer},
        "commitments": {
            "package": commit(run.package.salt, run.package.digest),
            "answer": commit(run.package.salt, run.answer["files"]),
            "scores": commit(run.package.salt, sorted(exact, key=lambda row: row[:3])),
            "details": commit(run.package.salt, run.details),
        },
        "provenance": {
            key: run.provenance[key] for key in ("versions", "device", "precision", "seed") if key in run.provenance
        },
    }
    return sign(statement)


def release(run: Run, scores: list[dict]) -> dict:
    """The receipt of a run with the numbers that its reader may see: `scores` is what the caller releases to them."""
    return sign(run.receipt["statement"] | {"scores": scores})


def sign(statement: dict) -> dict:
    """`{"statement", "public_key", "signature"}`: the signature is over the statement's canonical JSON."""
    key = _key()
    return {
        "statement": statement,
        "public_key": _text(key.public_key().public_bytes(*_RAW)),
        "signature": _text(key.sign(_canonical(statement))),
    }


def verify(receipt: dict, public_key: str | None = None) -> list[str]:
    """What is wrong with a receipt; empty when it is genuine. `public_key` (base64): whose, default this service's."""
    try:
        statement, signature = receipt["statement"], base64.b64decode(receipt["signature"], validate=True)
        if statement["format"] != FORMAT:
            return [f"the format is {statement['format']!r}, not {FORMAT!r}"]
        expected = public_key or public_key_text()
        faults = [] if receipt["public_key"] == expected else ["signed with another key than the expected one"]
        Ed25519PublicKey.from_public_bytes(base64.b64decode(expected, validate=True)).verify(
            signature, _canonical(statement)
        )
    except InvalidSignature:
        return ["the signature does not match: the receipt was changed, or signed with another key"]
    except (KeyError, TypeError, ValueError):
        return ["not a receipt: it needs statement, public_key and signature"]
    return faults


def commit(salt: str, content) -> str:
    """HMAC-SHA256 of any JSON content under a package's salt (hex): checkable by who holds both, silent to all others."""
    return hmac.new(salt.encode(), _canonical(content), hashlib.sha256).hexdigest()


def public_key_text() -> str:
    """This service's public key, base64 of 32 bytes."""
    return _text(_key().public_key().public_bytes(*_RAW))


def _key() -> Ed25519PrivateKey:
    """The signing key: drawn once, kept with mode 0600 in KENSA_DATA_DIR."""
    path = settings.DATA_DIR / "receipt_key"
    if not path.exists():
        draft = path.with_name(f".receipt_key.{os.getpid()}.{os.urandom(4).hex()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
        try:
            os.link(draft, path)  # whole or not at all, and the first one wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def _canonical(content) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()

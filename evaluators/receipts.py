"""Signed statements about runs, which anyone can verify offline (Ed25519, RFC 8032).

Hidden content (package, answer, exact scores, details) is committed to by HMAC under the package's secret salt, never by
a bare hash; the numbers in a receipt are the ones released to its reader, given by the caller. What is the same for every
reader (CORE) is what the chain links (chains.py).
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

from evaluators.models import Link, Run, Score

FORMAT = "kensa-receipt-1"
CORE = ("format", "run", "benchmark", "evidence", "evaluator", "finished", "commitments", "provenance")
PROVENANCE = ("code", "lock", "versions", "device", "precision", "seed")
NOT_ONE = "not a receipt: it needs statement, public_key and signature"
_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def issue(run: Run, scores: list[Score]) -> dict:
    """What a finished run keeps: a signed statement with commitments to everything and no number in it."""
    return sign(
        {
            "format": FORMAT,
            "run": run.pk,
            "benchmark": {"slug": run.package.slug, "version": run.package.version},
            "evidence": run.kind,
            "evaluator": run.evaluator,
            "finished": run.finished.isoformat(),
            "commitments": commitments(run, scores),
            "provenance": {key: run.provenance[key] for key in PROVENANCE if key in run.provenance},
        }
    )


def commitments(run: Run, scores: list[Score]) -> dict[str, str]:
    """HMACs of the package, the answer's files, the model, the exact scores and the details, as they are now."""
    salt = run.package.salt
    numbers = ("value", "low", "high")
    exact = [
        [s.metric, s.subset, s.part, *(_float(getattr(s, name)) for name in numbers), s.n, s.patients] for s in scores
    ]
    return {
        "package": start(run.package),
        "answer": commit(opening(run), run.answer["files"]),
        "model": commit(salt, [run.pk, run.answer.get("model"), run.answer.get("revision")]),
        "scores": commit(salt, sorted(exact, key=lambda row: row[:3])),
        "details": commit(salt, run.details),
    }


def start(package) -> str:
    """The commitment to a package, which is also what its chain starts from."""
    return commit(package.salt, package.digest)


def opening(run: Run) -> str:
    """The secret that opens the commitment to a run's own answer; for its team, who can then check their file."""
    return commit(run.package.salt, ["answer of run", run.pk])


def changed(run: Run) -> list[str]:
    """Which of a run's commitments no longer hold: what was edited after it was signed. Of an answer that its team erased,
    or that was let go after its time, only the commitment is left."""
    kept, now = run.receipt["statement"]["commitments"], commitments(run, list(run.scores.all()))
    gone = ("answer", "model") if run.answer.get("forgotten") and not run.answer["files"] else ()
    return [name for name in now if kept.get(name) != now[name] and name not in gone]


def release(run: Run, link: Link | None, previous: str, shown: dict) -> dict:
    """The receipt of a run for one reader: the core, its place in the chain, and `shown`: what this reader may see."""
    chain = {"chain": {"position": link.position, "previous": previous, "digest": link.digest}} if link else {}
    return sign(run.receipt["statement"] | chain | shown)


def sign(statement: dict) -> dict:
    """`{"statement", "public_key", "signature"}`: the signature is over the statement's canonical JSON."""
    key = _key()
    return {
        "statement": statement,
        "public_key": _text(key.public_key().public_bytes(*_RAW)),
        "signature": _text(key.sign(canonical(statement))),
    }


def verify(receipt: dict, public_key: str | None = None) -> list[str]:
    """What is wrong with a receipt; empty when it is genuine. `public_key` (base64): whose, default this service's."""
    faults = verify_signature(receipt, public_key)
    if faults:
        return faults
    statement = receipt["statement"]
    if statement.get("format") != FORMAT:
        return [f"the format is {statement.get('format')!r}, not {FORMAT!r}"]
    chain = statement.get("chain")
    if chain and chain["digest"] != link_digest(chain["position"], chain["previous"], core_digest(statement)):
        return ["its place in the chain is not that of this statement"]
    return []


def verify_signature(signed: dict, public_key: str | None = None) -> list[str]:
    """What is wrong with the signature over a statement; `public_key` (base64): whose, default this service's."""
    try:
        statement, signature = signed["statement"], base64.b64decode(signed["signature"], validate=True)
        expected = public_key or public_key_text()
        if signed["public_key"] != expected:
            return ["signed with another key than the expected one"]
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(expected, validate=True))
        key.verify(signature, canonical(statement))
    except InvalidSignature:
        return ["the signature does not match: it was changed, or signed with another key"]
    except (KeyError, TypeError, ValueError):
        return [NOT_ONE]
    return [] if isinstance(statement, dict) else [NOT_ONE]


def core_digest(statement: dict) -> str:
    """SHA-256 of what a receipt says to every reader alike (hex)."""
    return hashlib.sha256(canonical({name: statement[name] for name in CORE if name in statement})).hexdigest()


def link_digest(position: int, previous: str, statement: str) -> str:
    """SHA-256 over a place in the chain: the link before it and the statement it holds (hex)."""
    return hashlib.sha256(canonical([position, previous, statement])).hexdigest()


def commit(salt: str, content) -> str:
    """HMAC-SHA256 of any JSON content under a package's salt (hex): checkable by who holds both, silent to all others."""
    return hmac.new(salt.encode(), canonical(content), hashlib.sha256).hexdigest()


def public_key_text() -> str:
    """This service's public key, base64 of 32 bytes."""
    return _text(_key().public_key().public_bytes(*_RAW))


def canonical(content) -> bytes:
    """The bytes that are signed and hashed: JSON with sorted keys and no spaces, in UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


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


def _float(value) -> float | None:
    """A score as the database gives it back, so that a whole number is committed to in one way."""
    return None if value is None else float(value)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()

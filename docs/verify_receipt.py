# fmt: off
"""Verify a Kensa receipt or log of receipts offline: python3 verify_receipt.py FILE PUBLIC_KEY [LOG]
PUBLIC_KEY is in https://<service>/.well-known/kensa-receipts.json. Python's standard library alone; Ed25519 by RFC 8032."""
import base64, hashlib, json, pathlib, sys  # noqa: E401, I001

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, I = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)
CORE = ("format", "run", "benchmark", "evidence", "evaluator", "finished", "commitments", "provenance")
def point(data):
    y = int.from_bytes(data, "little") & (1 << 255) - 1
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P)
    x = pow(x2, (P + 3) // 8, P)
    x = x if (x * x - x2) % P == 0 else x * I % P
    assert y < P and (x * x - x2) % P == 0, "a point off the curve"
    return (P - x if x & 1 != data[31] >> 7 else x), y
def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P
def times(n, a):
    found = (0, 1)
    while n:
        found, a, n = (add(found, a) if n & 1 else found), add(a, a), n >> 1
    return found

def canonical(content):
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
def sha(content):
    return hashlib.sha256(canonical(content)).hexdigest()

B = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
def verify(signed, key):
    said, raw, sig = signed["statement"], base64.b64decode(key), base64.b64decode(signed["signature"])
    s = int.from_bytes(sig[32:], "little")
    k = int.from_bytes(hashlib.sha512(sig[:32] + raw + canonical(said)).digest(), "little") % L
    assert s < L and times(s, B) == add(point(sig[:32]), times(k, point(raw))), "the signature does not match"
    chain, last = said.get("chain"), said.get("start")
    assert not chain or chain["digest"] == sha([chain["position"], chain["previous"], sha({n: said[n] for n in CORE if n in said})]), "not its place in the chain"
    for place, (position, _, statement, digest) in enumerate(signed.get("links", []), 1):
        assert position == place and digest == sha([place, last, statement]), f"link {place} vanished or was edited"
        last = digest
    assert "head" not in said or (len(signed["links"]), last) == (said["length"], said["head"]), "the log was cut"
    return said

if __name__ == "__main__":
    receipt, *logs = (json.loads(pathlib.Path(name).read_text("utf-8")) for name in [sys.argv[1], *sys.argv[3:]])
    said = [verify(signed, sys.argv[2]) for signed in (receipt, *logs)][0]
    chain = said.get("chain") or {"position": said.get("length"), "digest": said.get("head")}
    assert not logs or not chain["position"] or any(chain["position"] == link[0] and chain["digest"] == link[3] for link in logs[0]["links"]), "not in the log"
    print("Genuine.", said["benchmark"], said.get("run", ""), *said.get("scores", []), sep="\n")

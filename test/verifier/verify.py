"""A second verifier of Sluice's evidence, written from docs/verification.md alone: standard library, no code shared with
the first. Usage: verify.py MANIFEST (with the rest of its folder beside it), or verify.py PROOF [MANIFEST].
Prints what does not hold and exits with 1, else with 0."""
import base64, gzip, hashlib, json, pathlib, sys, textwrap, zlib

OUTCOMES = ["uploaded", "duplicate", "rejected", "refused", "exhausted", "held"]
FAILED = ["rejected", "refused", "exhausted"]
# NIST P-256: the field, the order of the base point, the base point.
P, N = 2**256 - 2**224 + 2**192 + 2**96 - 1, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)

def must(holds, sentence):
    if not holds:
        raise ValueError(sentence)

def sha256(data):
    return hashlib.sha256(data).digest()

def root_of(leaves):
    """RFC 6962, 2.1: the left subtree is the largest whole one that leaves something for the right."""
    level = [sha256(b"\x00" + leaf) for leaf in leaves] or [sha256(b"")]
    while len(level) > 1:
        pairs = [level[n : n + 2] for n in range(0, len(level), 2)]
        level = [sha256(b"\x01" + pair[0] + pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]

def add(a, b):
    if a is None or b is None or (a[0] == b[0] and a != b):
        return a or b if a is None or b is None else None
    slope = (3 * a[0] ** 2 - 3) * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope**2 - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P

def times(factor, point):
    half = times(factor // 2, add(point, point)) if factor > 1 else None
    return add(half, point) if factor % 2 else half

def verify_signature(signature, manifest, path):
    if signature is None:
        return must(not path.with_name(path.name + ".sig").exists(), "no signature in the manifest, one beside it")
    pem = path.with_name(signature["public_key_key"].rsplit("/", 1)[-1]).read_bytes().decode()
    key = base64.b64decode("".join(pem.split("\n")[1:-2]))
    body = "\n".join(textwrap.wrap(base64.b64encode(key).decode(), 64))
    must(pem == f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n", "PEM of the public key")
    must(hashlib.sha256(key).hexdigest() == signature["public_key_sha256"], "public key")
    der = path.with_name(signature["signature_key"].rsplit("/", 1)[-1]).read_bytes()
    middle = 4 + der[3]
    r, s = int.from_bytes(der[4:middle], "big", signed=True), int.from_bytes(der[middle + 2 :], "big", signed=True)
    sizes = len(der) == der[1] + 2 == middle + 2 + der[middle + 1]
    must(sizes and (der[0], der[2], der[middle]) == (0x30, 2, 2) and 0 < r < N and 0 < s < N, "form of the signature")
    digest, inverse = int.from_bytes(sha256(manifest), "big"), pow(s, -1, N)
    point = int.from_bytes(key[-64:-32], "big"), int.from_bytes(key[-32:], "big")
    found = add(times(digest * inverse % N, G), times(r * inverse % N, point))
    must(found is not None and found[0] % N == r, "signature")

def lines_of(data):
    return data.split(b"\n")[:-1] if data.endswith(b"\n") else data.split(b"\n")

def verify_manifest(path):
    text = path.read_bytes()
    manifest = json.loads(text)
    archive = manifest["archive"]
    verify_signature(manifest.get("signature"), text, path)

    def beside(key, sub=""):
        found = None if key is None else path.parent / sub / key.rsplit("/", 1)[-1]
        return found if found is not None and found.exists() else None

    total = manifest["total_records"]
    count = {outcome: manifest[outcome + "_records"] for outcome in OUTCOMES}
    must(sum(count.values()) == total and manifest["valid_records"] == total - count["rejected"], "sum, valid records")
    still_open = sum(count[outcome] for outcome in FAILED) - manifest["handled_records"]
    must(manifest["dead_lettered_records"] == still_open and manifest["reconciled"] is True, "dead letters, reconciled")
    source = beside(archive["source_key"], "source")
    raw = source.read_bytes() if source else None
    must(raw is None or hashlib.sha256(raw).hexdigest() == manifest["checksum"], "checksum of the source")
    resolved = {}
    if archive["resolutions_key"] is not None:
        data = beside(archive["resolutions_key"]).read_bytes()
        must(f"resolutions.{hashlib.sha256(data).hexdigest()[:16]}." in archive["resolutions_key"], "resolutions")
        resolved = {entry["record"]: entry["resolution"] for entry in map(json.loads, lines_of(data))}
    if archive["receipts_key"] is None:
        return must(total == count["held"], "no receipts")
    content = gzip.decompress(raw) if raw is not None and manifest["compression"] == "gzip" else raw
    found = {what: beside(archive[what + "_key"]) for what in ("receipts", "dead_letters")}
    packed = {what: path.read_bytes() for what, path in found.items() if path}
    for what, data in packed.items():
        must(archive.get(what + "_sha256") in (None, hashlib.sha256(data).hexdigest()), f"bytes of the {what}")
    lines = lines_of(gzip.decompress(packed["receipts"]))
    verify_receipts(manifest, lines, resolved, count, content)
    failed = [line for line in lines if json.loads(line)["outcome"] in FAILED]
    dead = packed.get("dead_letters")
    must(dead is None or lines_of(gzip.decompress(dead)) == failed, "dead letters' lines")

def verify_receipts(manifest, lines, resolved, count, content):
    held = {entry["first_record"]: entry["last_record"] for entry in manifest["held_ranges"]}
    counted = {outcome: 0 for outcome in OUTCOMES}
    counted["held"] = sum(last - first + 1 for first, last in held.items())
    resolutions = handled = previous = 0
    hashes = []
    for line in lines:
        receipt = json.loads(line)
        superseded = manifest["state"] == "superseded" and receipt["record"] > previous
        must(superseded or receipt["record"] == held.get(previous + 1, previous) + 1, f"what follows {previous}")
        previous = receipt["record"]
        hashes.append(bytes.fromhex(receipt["sha256"]))
        end = resolved.get(previous) if receipt["outcome"] in FAILED else None
        handled += end == "handled"
        resolutions += end in ("uploaded", "duplicate")
        counted[end if end in ("uploaded", "duplicate") else receipt["outcome"]] += 1
        if content is not None and receipt["length"] > 0:
            data = content[receipt["offset"] : receipt["offset"] + receipt["length"]]
            must(sha256(data) == hashes[-1], f"record {previous} in the source")
    must(counted == count, "counts")
    must((resolutions, handled) == (manifest["resolved_records"], manifest["handled_records"]), "resolved, handled")
    proof = manifest.get("proof")
    roots = {"records_root": root_of(hashes).hex(), "receipts_root": root_of(lines).hex()}
    must(proof is None or proof == {"leaves": len(lines), **roots}, "leaves, root over the records, root over the receipts")

def verify_proof(proof, manifest_path):
    node = sha256(b"\x00" + proof["receipt"].encode())
    for step in proof["path"]:
        other = bytes.fromhex(step["hash"])
        node = sha256(b"\x01" + (other + node if step["side"] == "left" else node + other))
    must(node.hex() == proof["receipts_root"], "way to the root")
    first, size = 0, proof["leaves"]
    for step in reversed(proof["path"]):
        must(size > 1, "length of the way")
        half = 1 << ((size - 1).bit_length() - 1)
        first, size = (first + half, size - half) if step["side"] == "left" else (first, half)
    must((first, size) == (proof["index"], 1), "place of the leaf")
    if manifest_path is None:
        return
    text = manifest_path.read_bytes()
    manifest = json.loads(text)
    must(hashlib.sha256(text).hexdigest() == proof["manifest_sha256"], "manifest")
    must(manifest["file_id"] == proof["file_id"], "file of the manifest")
    must(all(manifest["proof"][name] == proof[name] for name in ("receipts_root", "leaves")), "root and leaves")
    verify_signature(manifest.get("signature"), text, manifest_path)

try:
    document = json.loads(pathlib.Path(sys.argv[1]).read_bytes())
    if "sluice_proof" in document:
        verify_proof(document, pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    else:
        verify_manifest(pathlib.Path(sys.argv[1]))
except (ValueError, LookupError, TypeError, AttributeError, OSError, EOFError, zlib.error) as wrong:
    sys.exit(f"does not hold: {wrong}")

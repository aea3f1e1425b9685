"""A second verifier of Sluice's evidence, written from docs/verification.md alone: standard library, no code shared with
the first. Usage: verify.py MANIFEST (with the rest of its folder beside it), or verify.py PROOF [MANIFEST].
Prints what does not hold and exits with 1, else with 0."""

import gzip
import hashlib
import json
import pathlib
import sys

OUTCOMES = ["uploaded", "duplicate", "rejected", "refused", "exhausted", "held"]
FAILED = ["rejected", "refused", "exhausted"]


class Wrong(Exception):
    pass


def must(holds, sentence):
    if not holds:
        raise Wrong(sentence)


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(leaves):
    """RFC 6962, 2.1: the left subtree is the largest whole one that leaves something for the right."""
    if not leaves:
        return sha256(b"")
    level = [sha256(b"\x00" + leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = [level[n : n + 2] for n in range(0, len(level), 2)]
        level = [sha256(b"\x01" + pair[0] + pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


def lines_of(data):
    return data.split(b"\n")[:-1] if data.endswith(b"\n") else data.split(b"\n")


def verify_manifest(path):
    manifest = json.loads(path.read_bytes())
    archive = manifest["archive"]

    def beside(key, sub=""):
        found = None if key is None else path.parent / sub / key.rsplit("/", 1)[-1]
        return found if found is not None and found.exists() else None

    total = manifest["total_records"]
    count = {outcome: manifest[outcome + "_records"] for outcome in OUTCOMES}
    must(sum(count.values()) == total, "sum")
    must(manifest["valid_records"] == total - count["rejected"], "valid")
    still_open = sum(count[outcome] for outcome in FAILED) - manifest["handled_records"]
    must(manifest["dead_lettered_records"] == still_open, "dead letters")
    must(manifest["reconciled"] is True, "reconciled")

    source = beside(archive["source_key"], "source")
    raw = source.read_bytes() if source else None
    if raw is not None:
        must(hashlib.sha256(raw).hexdigest() == manifest["checksum"], "checksum of the source")
    resolved = {}
    if archive["resolutions_key"] is not None:
        data = beside(archive["resolutions_key"]).read_bytes()
        must(f"resolutions.{hashlib.sha256(data).hexdigest()[:16]}." in archive["resolutions_key"], "resolutions")
        resolved = {entry["record"]: entry["resolution"] for entry in map(json.loads, lines_of(data))}
    if archive["receipts_key"] is None:
        must(total == count["held"], "no receipts")
        return
    content = gzip.decompress(raw) if raw is not None and manifest["compression"] == "gzip" else raw
    lines = lines_of(gzip.decompress(beside(archive["receipts_key"]).read_bytes()))
    verify_receipts(manifest, lines, resolved, count, content)
    dead = beside(archive["dead_letters_key"])
    if dead:
        failed = [line for line in lines if json.loads(line)["outcome"] in FAILED]
        must(lines_of(gzip.decompress(dead.read_bytes())) == failed, "dead letters' lines")


def verify_receipts(manifest, lines, resolved, count, content):
    held = {entry["first_record"]: entry["last_record"] for entry in manifest["held_ranges"]}
    counted = {outcome: 0 for outcome in OUTCOMES}
    counted["held"] = sum(last - first + 1 for first, last in held.items())
    resolutions = handled = previous = 0
    hashes = []
    for line in lines:
        receipt = json.loads(line)
        expected = held.get(previous + 1, previous) + 1
        superseded = manifest["state"] == "superseded" and receipt["record"] > previous
        must(superseded or receipt["record"] == expected, f"record {receipt['record']} follows {previous}")
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
    must(resolutions == manifest["resolved_records"], "resolved")
    must(handled == manifest["handled_records"], "handled")
    proof = manifest.get("proof")
    if proof is not None:
        must(proof["leaves"] == len(lines), "leaves")
        must(root_of(hashes).hex() == proof["records_root"], "root over the records")
        must(root_of(lines).hex() == proof["receipts_root"], "root over the receipts")


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
    must(manifest["file_id"] == proof["file_id"], "file")
    must(manifest["proof"]["receipts_root"] == proof["receipts_root"], "root of the manifest")
    must(manifest["proof"]["leaves"] == proof["leaves"], "leaves of the manifest")


def main():
    path = pathlib.Path(sys.argv[1])
    try:
        document = json.loads(path.read_bytes())
        if "sluice_proof" in document:
            verify_proof(document, pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
        else:
            verify_manifest(path)
    except (Wrong, ValueError, KeyError, TypeError, AttributeError, OSError, EOFError) as wrong:
        print(f"does not hold: {wrong}")
        return 1
    except __import__("zlib").error as wrong:
        print(f"does not hold: {wrong}")
        return 1
    return 0


sys.exit(main())

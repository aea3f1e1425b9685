"""A second verifier of Sluice's evidence, written from docs/verification.md alone: standard library, no code shared with
the first. Usage: verify.py [--partial] [--public-key PEM] MANIFEST, with the rest of its folder beside it; or
verify.py [--partial] [--public-key PEM] PROOF [MANIFEST]; or, for a copy of the archive with its night log,
verify.py [--partial] [--public-key PEM] --nights DIR [--head [FEED=]HASH]... [--from NUMBER]; or, with a folder for each revision of
a series, verify.py [--partial] [--public-key PEM] --series DIR.
Exits with 0 where everything was checked and holds, 1 where something does not hold (it says what), 3 where parts of the
evidence are missing (it says which; 0 with --partial)."""
import base64, binascii, collections, csv, datetime, functools, hashlib, io, json, math, os, pathlib, re, sys, zlib

try:
    from compression import zstd
except ImportError:
    zstd = None

MIB = 1024 * 1024
csv.field_size_limit(8 * MIB)
SAFE = 2**53 - 1
OUTCOMES = ["uploaded", "duplicate", "unchanged", "rejected", "refused", "exhausted", "held"]
FAILED = ["rejected", "refused", "exhausted"]
STATES = ["completed", "duplicate", "failed", "superseded", "quarantined"]

def must(holds, sentence):
    if not holds:
        raise ValueError(sentence)

def sha256(data):
    return hashlib.sha256(data).digest()

# --- Strict JSON -------------------------------------------------------------------------------------------------------

ODD = object()  # a number that no field may be: 1.0, -0, 1e3, an integer beyond 2^53 - 1

def whole_number(text):
    return int(text) if len(text) < 18 and text != "-0" and abs(int(text)) <= SAFE else ODD

def broken_number(text):
    value = float(text)
    return value if value not in (float("inf"), float("-inf")) and not value.is_integer() else ODD

def no_constant(name):
    raise ValueError(name)

def without_twins(pairs):
    must(len(dict(pairs)) == len(pairs), "a name twice in an object")
    return dict(pairs)

def parse_json(data):
    text = data.decode("utf-8")
    depth = deepest = 0
    if text.count("[") + text.count("{") > 100:
        for bracket in re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.S):
            depth += (bracket in "[{") - (bracket in "]}")
            deepest = max(deepest, depth)
    must(deepest <= 100, "JSON nested too deep")
    hooks = {"parse_int": whole_number, "parse_float": broken_number, "parse_constant": no_constant}
    return json.loads(text, object_pairs_hook=without_twins, **hooks)

# --- The forms of manifest, receipt and proof --------------------------------------------------------------------------

def text(value):
    return isinstance(value, str)

def boolean(value):
    return isinstance(value, bool)

def integer(least=-SAFE):
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least

def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0

def hexadecimal(value):
    return text(value) and re.fullmatch("[0-9a-f]{64}", value) is not None

def time(value):
    if not text(value) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", value):
        return False
    try:
        return bool(milliseconds(value) or True)
    except ValueError:
        return False

def one_of(*values):
    return lambda value: text(value) and value in values

def exactly(number):
    return lambda value: integer()(value) and value == number

def null_or(form):
    return lambda value: value is None or fits(value, form)

def each(form):
    return lambda value: isinstance(value, list) and all(fits(element, form) for element in value)

def fits(value, form):
    """A form is a test of a value, or an object with exactly these names."""
    if not isinstance(form, dict):
        return form(value)
    return isinstance(value, dict) and value.keys() == form.keys() and all(fits(value[name], form[name]) for name in form)

COUNT, POSITIVE = integer(0), integer(1)
PROBLEM = {"code": text, "message": text}
ERROR = {"record": POSITIVE, "line": POSITIVE, "offset": COUNT, "outcome": one_of(*FAILED), "field": null_or(text),
         "reason": text, "error": text, "status": null_or(integer()), "raw_value": text}
MANIFEST = {
    "manifest_version": exactly(2), "manifest_number": POSITIVE, "previous_manifest_sha256": null_or(hexadecimal),
    "tool": one_of("sluice"), "tool_version": text, "file_id": text, "feed": text, "lane": text, "state": one_of(*STATES),
    "source": {"bucket": text, "key": text, "version_id": null_or(text), "etag": text},
    "archive": {
        "bucket": text, "manifest_key": text, "source_key": null_or(text),
        **{f"{name}_{kind}": null_or(form) for name in ("receipts", "dead_letters", "resolutions", "report")
           for kind, form in (("key", text), ("sha256", hexadecimal))}},
    "checksum": null_or(hexadecimal), "bytes": COUNT, "format": null_or(text), "encoding": null_or(text),
    "compression": null_or(one_of("gzip", "zip", "zstd")), "zip_member": null_or(text),
    "decoded_from": null_or(one_of("utf-16le", "utf-16be")), "content_bytes": COUNT, "body_offset": null_or(COUNT),
    "bundled_files": null_or(COUNT), "total_records": COUNT, "valid_records": COUNT,
    **{outcome + "_records": COUNT for outcome in OUTCOMES},
    "removed_records": COUNT, "compared_with": each(lambda base: is_base(base)),
    "request_ids_have_file_id": boolean,
    "held_ranges": each({"first_record": POSITIVE, "last_record": POSITIVE}),
    "dead_lettered_records": COUNT, "resolved_records": COUNT, "handled_records": COUNT, "reconciled": boolean,
    "proof": null_or({"leaves": COUNT, "records_root": hexadecimal, "receipts_root": hexadecimal}),
    "signature": null_or({"algorithm": one_of("ECDSA_SHA_256"), "key_arn": text, "public_key_sha256": hexadecimal,
                          "public_key_key": text, "public_key_pem_sha256": hexadecimal, "signature_key": text}),
    "duplicate_of": null_or(text), "failure": null_or(PROBLEM), "warnings": each(PROBLEM),
    "errors": each(ERROR), "errors_truncated": boolean,
    "errors_by_reason": each({"outcome": one_of(*FAILED), "reason": null_or(text), "records": POSITIVE}),
    "times": {"received": time, "split": null_or(time), "first_upload": null_or(time), "last_upload": null_or(time),
              "completed": time, "duration_seconds": number, "upload_seconds": number, "records_per_second": number},
}
COMPARISON = {"new_records": COUNT, "changed_records": COUNT, "changes_key": text, "changes_sha256": hexadecimal}
CONTROL = {"name": text, "kind": one_of("sha256sum", "counts", "rows"), "result": one_of("agrees", "differs", "not_compared"),
           "source": null_or({"bucket": text, "key": text, "version_id": null_or(text), "etag": text, "bytes": COUNT}),
           "sha256": null_or(hexadecimal), "control_key": null_or(text), "max_record_bytes": COUNT, "missing": COUNT,
           "extra": COUNT, "differences_key": null_or(text), "differences_sha256": null_or(hexadecimal)}
BASE = {"file_id": text, "manifest_number": POSITIVE, "receipts_key": text, "receipts_sha256": hexadecimal}

def is_base(value):
    # Added later.
    more = {"manifest_sha256": hexadecimal} if isinstance(value, dict) and "manifest_sha256" in value else {}
    return fits(value, {**BASE, **more})

DECISION = {"at": time, "by": null_or(text), "why": null_or(text)}
LIMIT = {"from": POSITIVE, "to": POSITIVE, "window_seconds": number, "until": time}

def is_decision(value):
    kind = value.get("kind") if isinstance(value, dict) else None
    form = {"kind": one_of(kind), **DECISION}
    if kind in ("cancel", "release"):
        sends = {"sends": one_of("changes", "all")} if kind == "release" and "sends" in value else {}
        return fits(value, {**form, "by": text, "stop": POSITIVE, **sends})
    if kind == "without":
        return fits(value, {**form, "by": text, "newer_file_id": text, "earlier_file_id": text})
    if kind in ("resolve", "correct"):
        return fits(value, {**form, "records": POSITIVE}) and (value["by"] is not None or value["why"] is None)
    limit = LIMIT if kind in ("limit", "reset", "expired", "calendar") else {}
    known = kind in ("pause", "resume") or limit
    return bool(known) and fits(value, {**form, "by": text, **{name: test for name, test in limit.items() if name in value}})

# Other names in a receipt or a resolution are not looked at.
RECEIPT = {"record": POSITIVE, "line": POSITIVE, "offset": COUNT, "length": COUNT, "sha256": hexadecimal,
           "outcome": one_of(*OUTCOMES), "request_id": null_or(text), "status": null_or(integer()), "at": time}
RECEIPT_MAY_HAVE = {"earlier_checksums": each(null_or(text)), "supersedes": each(hexadecimal), "source_file": text, "source_version_id": text, "reason": text, "error": text, "field": null_or(text),
                    "raw_encoding": one_of("text", "base64", "head"), "raw_payload": text}
RESOLUTION = {"record": POSITIVE, "resolution": one_of("uploaded", "duplicate", "handled")}
PROOF = {"sluice_proof": exactly(1), "file_id": text, "manifest_number": POSITIVE, "manifest_sha256": hexadecimal,
         "receipt": text, "index": COUNT, "leaves": POSITIVE, "receipts_root": hexadecimal,
         "path": each({"side": one_of("left", "right"), "hash": hexadecimal})}
# What a manifest of version 1 has not, or need not have.
SINCE_2 = {"previous_manifest_sha256": None, "body_offset": None, "errors_by_reason": [], "encoding": None, "compression": None,
           "zip_member": None, "decoded_from": None,
           "content_bytes": None, "bundled_files": None, "held_ranges": [], "handled_records": 0, "proof": None, "signature": None}
SINCE_2_OF = {"archive": {"dead_letters_key": None, "receipts_sha256": None, "dead_letters_sha256": None, "resolutions_key": None,
                          "resolutions_sha256": None, "report_key": None, "report_sha256": None},
              "signature": {"public_key_pem_sha256": None}}

def read_manifest(data, name):
    manifest = parse_json(data)
    must(isinstance(manifest, dict) and "manifest_version" in manifest, "no manifest")
    # Of a CSV with a preamble alone; and of a file about which somebody decided something.
    may_have = {"preamble_bytes": COUNT, "decisions": each(is_decision), "comparison": COMPARISON, "control": CONTROL}
    form = {**MANIFEST, **{name: form for name, form in may_have.items() if name in manifest}}
    times = manifest.get("times")
    if isinstance(times, dict) and "delivered_records" in times:
        form = {**form, "times": {**MANIFEST["times"], "delivered_records": COUNT}}
    # Added later: an older manifest has none.
    manifest = {"unchanged_records": 0, "removed_records": 0, "compared_with": [], "request_ids_have_file_id": False, **manifest}
    if exactly(1)(manifest["manifest_version"]):
        manifest = {**SINCE_2, **manifest}
        for part, missing in SINCE_2_OF.items():
            if isinstance(manifest.get(part), dict):
                manifest[part] = {**missing, **manifest[part]}
        form = {**form, "manifest_version": exactly(1), "content_bytes": null_or(COUNT)}
        form["signature"] = null_or({"algorithm": one_of("ECDSA_SHA_256"), "key_arn": text, "signature_key": text,
                                     "public_key_sha256": hexadecimal, "public_key_key": text,
                                     "public_key_pem_sha256": null_or(hexadecimal)})
        must(fits(manifest, form) and manifest["archive"]["report_key"] is None and manifest["body_offset"] is None and not may_have.keys() & manifest.keys() and "delivered_records" not in times, "version 1 with fields of version 2")
    must(fits(manifest, form), "form of the manifest")
    check_names(manifest, name)
    return manifest

def read_receipt(line):
    receipt = parse_json(line)
    must(isinstance(receipt, dict), "form of a receipt")
    must(fits({name: receipt.get(name, ODD) for name in RECEIPT}, RECEIPT), "form of a receipt")
    must(all(fits(receipt[name], form) for name, form in RECEIPT_MAY_HAVE.items() if name in receipt), "form of a receipt")
    must(("raw_encoding" in receipt) == ("raw_payload" in receipt), "form of a receipt")
    check_superseding(receipt)
    return receipt

# Where the API had earlier versions of a revision's record: null, that it may have had none, is the last of them.
def check_superseding(receipt):
    outcome, earlier, superseded = receipt["outcome"], receipt.get("earlier_checksums"), receipt.get("supersedes")
    known = [checksum for checksum in earlier or () if checksum is not None]
    must(earlier is None or (known and earlier in (known, known + [None]) and len(set(known)) == len(known)), "earlier versions")
    if outcome == "unchanged":
        must(superseded is None and len(earlier or ()) <= 1, "the earlier version of an unchanged record")
    elif superseded is None:
        must(earlier is None or receipt["request_id"] is None, "earlier versions that are not superseded")
    else:
        sent = outcome not in ("rejected", "held") and receipt["request_id"] is not None
        must(sent and known and len(superseded) == len(known) and receipt["request_id"] not in superseded, "superseded requests")

def name_of(manifest_number):
    return "manifest.json" if manifest_number == 1 else f"manifest.{manifest_number}.json"

def folder_of(manifest):
    return manifest["archive"]["manifest_key"].rpartition("/")[0]

def check_names(manifest, name):
    archive, signature, number = manifest["archive"], manifest["signature"], manifest["manifest_number"]
    first_version = manifest["manifest_version"] == 1
    must(name == name_of(number), "name and number of the manifest")
    folder = folder_of(manifest)
    must(archive["manifest_key"] == f"{folder}/{name}", "key of the manifest")
    must(folder == manifest["file_id"] or folder.endswith("/" + manifest["file_id"]), "folder of the manifest")
    names = [
        (archive["source_key"], r"source/(?!\.{1,2}\Z)[^/\0]+"),
        (archive["receipts_key"], r"receipts(\.[a-z0-9-]+)?\.ndjson\.gz"),
        (archive["dead_letters_key"], r"dead-letters(\.[a-z0-9-]+)?\.ndjson\.gz"),
        (archive["resolutions_key"], r"resolutions\.%s\.ndjson" % ("[0-9a-f]{16}" if first_version else archive["resolutions_sha256"])),
        (manifest.get("comparison", {}).get("changes_key"), r"changes(\.[1-9][0-9]*)?\.csv"),
        (manifest.get("control", {}).get("control_key"), r"control-file"),
        (manifest.get("control", {}).get("differences_key"),
         r"control-differences\.%s\.csv" % manifest.get("control", {}).get("differences_sha256")),
        (archive["report_key"], rf"report\.{number}\.{archive['report_sha256']}\.html"),
    ]
    if signature is not None:
        key = signature["public_key_sha256"]
        names.append((signature["signature_key"], re.escape(name) + r"\.sig"))
        names.append((signature["public_key_key"], rf"signing-key\.{key[:16] if first_version else key}\.pem"))
    for key, pattern in names:
        # Half of a surrogate pair is in no name of an object.
        must(key is None or key.isascii() or key.encode("utf-8"), f"name {key!r}")
        must(key is None or (key.startswith(folder + "/") and re.fullmatch(pattern, key[len(folder) + 1 :])), f"name {key!r}")

# --- What has to hold between a manifest's own fields ------------------------------------------------------------------

def milliseconds(time):
    since = datetime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ") - datetime.datetime(1970, 1, 1)
    return since // datetime.timedelta(milliseconds=1)

def is_replaced(manifest):
    """Not read to its end. A file that a newer revision has stopped was."""
    failure = manifest["failure"]
    return manifest["state"] == "superseded" and (failure is None or failure["code"] != "newer_revision")

def held_in(manifest):
    return sum(held["last_record"] - held["first_record"] + 1 for held in manifest["held_ranges"])

def check_manifest(manifest):
    archive, state, total = manifest["archive"], manifest["state"], manifest["total_records"]
    counts = {outcome: manifest[outcome + "_records"] for outcome in OUTCOMES}
    must(sum(counts.values()) == total, "sum")
    must(manifest["valid_records"] == total - counts["rejected"], "valid records")
    still_open = sum(counts[outcome] for outcome in FAILED) - manifest["handled_records"]
    must(manifest["dead_lettered_records"] == still_open and manifest["reconciled"], "dead letters, reconciled")
    must((state == "duplicate") == (manifest["duplicate_of"] is not None), "duplicate_of")
    must(state != "failed" or manifest["failure"] is not None, "failure")
    must(state not in ("duplicate", "failed") or (total == 0 and archive["receipts_key"] is None), "records of no account")
    end = 0
    must(not is_replaced(manifest) or not manifest["held_ranges"], "held ranges of a superseded file")
    for held in manifest["held_ranges"]:
        must((end + 1 if end else 0) < held["first_record"] <= held["last_record"] <= total, "held ranges")
        end = held["last_record"]
    must(held_in(manifest) <= counts["held"], "held records")
    check_decisions(manifest)
    errors = len(manifest["errors"])
    must(errors == min(still_open, 1000) and manifest["errors_truncated"] == (errors < still_open), "number of errors")
    times = manifest["times"]
    first, last = times["first_upload"], times["last_upload"]
    duration = max(0, milliseconds(times["completed"]) - milliseconds(times["received"])) / 1000
    must((first is None) == (last is None) and (first or "") <= (last or ""), "times of uploads")
    upload = 0 if first is None else (milliseconds(last) - milliseconds(first)) / 1000
    delivered = times.get("delivered_records", counts["uploaded"])
    must(first is not None or times.get("delivered_records", 0) == 0, "delivered records without an upload")
    must(delivered <= counts["uploaded"], "delivered records")
    speed = 0 if upload == 0 else (delivered / upload * 100 + 0.5) // 1 / 100
    derived = times["duration_seconds"], times["upload_seconds"], times["records_per_second"]
    must(derived == (duration, upload, speed), "durations")
    if manifest["manifest_version"] == 1:
        return
    comparison = manifest.get("comparison", {"new_records": 0, "changed_records": 0})
    must(manifest["compared_with"] or not (manifest.get("comparison") or manifest["removed_records"]), "changes without a comparison")
    must(comparison["new_records"] + comparison["changed_records"] <= total, "new and changed records")
    for name in ("receipts", "dead_letters", "resolutions", "report"):
        must((archive[name + "_key"] is None) == (archive[name + "_sha256"] is None), f"key and hash of the {name}")
    must((archive["receipts_key"] is None) == (manifest["proof"] is None), "roots and receipts")
    must(archive["receipts_key"] is not None or archive["dead_letters_key"] is None, "dead letters without receipts")
    must((manifest["manifest_number"] == 1) == (manifest["previous_manifest_sha256"] is None), "previous manifest")
    body, content = manifest["body_offset"], manifest["content_bytes"]
    must((manifest["format"] is None) == (body is None) and (body or 0) <= content, "body_offset")
    preamble = manifest.get("preamble_bytes")
    must(preamble is None or (manifest["format"] == "csv" and preamble < (body or 0)), "preamble_bytes")
    plain = manifest["compression"] is None and manifest["decoded_from"] is None
    must(not plain or content == manifest["bytes"], "content_bytes")
    must(manifest["compression"] == "zip" or manifest["zip_member"] is None, "zip_member")
    bundled = manifest["bundled_files"]
    must((manifest["format"] == "bundle") == (bundled is not None), "bundled files")
    must(bundled is None or state != "completed" or bundled == total, "bundled files")
    settled = manifest["resolved_records"] + manifest["handled_records"]
    must(archive["resolutions_key"] is not None or settled == 0, "resolutions")
    reasons = manifest["errors_by_reason"]
    must(sum(counted["records"] for counted in reasons) == still_open, "counts by reason")
    must(sum(counted["reason"] is not None for counted in reasons) <= 1000, "number of reasons")

def about(manifest, *kinds):
    return [decision for decision in manifest.get("decisions", ()) if decision["kind"] in kinds]

def check_decisions(manifest):
    decisions = manifest.get("decisions")
    must(decisions is None or decisions, "an empty list of decisions")
    times = [decision["at"] for decision in decisions or ()]
    must(times == sorted(times), "order of the decisions")
    for without in about(manifest, "without"):
        newer, earlier, own = without["newer_file_id"], without["earlier_file_id"], manifest["file_id"]
        must(own in (newer, earlier) and newer != earlier, "files of a decision")
    stop, released, last = 0, 0, None
    for last in about(manifest, "cancel", "release"):
        number = last["stop"]
        if last["kind"] == "cancel":
            must(number > stop == released, "a cancel")
        else:
            must(number >= stop and number > released, "a release")
            released = number
        stop = number
    cancelled = last is not None and last["kind"] == "cancel"
    must(manifest["state"] != "completed" or not cancelled, "a cancelled file that is completed")
    if (manifest["failure"] or {}).get("code") == "cancelled":
        must(cancelled and manifest["failure"]["message"] == f"Cancelled by {last['by']} at {last['at']}: {last['why']}", "who cancelled it")

# --- The signature: ECDSA on NIST P-256 --------------------------------------------------------------------------------

P, N = 2**256 - 2**224 + 2**192 + 2**96 - 1, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5, 1)
KEY_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")

# A point is (x, y, z) for x / z^2 and y / z^3, so that only the last step divides; z is 0 where it is the point at infinity.
INFINITY = (1, 1, 0)

def double(a):
    x, y, z = a
    y2, slope = y * y % P, 3 * (x - z * z) * (x + z * z) % P
    middle = 4 * x * y2 % P
    found = (slope * slope - 2 * middle) % P
    return found, (slope * (middle - found) - 8 * y2 * y2) % P, 2 * y * z % P

def add(a, b):
    if a[2] == 0 or b[2] == 0:
        return b if a[2] == 0 else a
    (x1, y1, z1), (x2, y2, z2) = a, b
    u1, u2, s1, s2 = x1 * z2**2 % P, x2 * z1**2 % P, y1 * z2**3 % P, y2 * z1**3 % P
    h, slope = (u2 - u1) % P, (s2 - s1) % P
    if h == 0:
        return double(a) if slope == 0 else INFINITY
    h2 = h * h % P
    x = (slope * slope - h * h2 - 2 * u1 * h2) % P
    return x, (slope * (u1 * h2 - x) - s1 * h * h2) % P, h * z1 * z2 % P

def sum_of_products(one, a, other, b):
    """one * a + other * b"""
    points = [INFINITY, a, b, add(a, b)]
    total = INFINITY
    for bit in reversed(range(256)):
        total = add(double(total), points[(one >> bit & 1) + 2 * (other >> bit & 1)])
    return total

def read_key(pem):
    """The SubjectPublicKeyInfo, and the point in it."""
    body = b"".join(pem.split(b"\n")[1:-2])
    key = base64.b64decode(body, validate=True)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    must(pem == b"\n".join([b"-----BEGIN PUBLIC KEY-----", *lines, b"-----END PUBLIC KEY-----", b""]), "PEM of the public key")
    must(base64.b64encode(key) == body and len(key) == 91 and key.startswith(KEY_PREFIX), "form of the public key")
    x, y = int.from_bytes(key[-64:-32], "big"), int.from_bytes(key[-32:], "big")
    must(x < P and y < P and (y * y - x**3 + 3 * x - B) % P == 0, "point of the public key")
    return key, (x, y, 1)

def read_integer(der, at):
    must(len(der) > at + 2 and der[at] == 2, "form of the signature")
    end = at + 2 + der[at + 1]
    value = der[at + 2 : end]
    must(0 < len(value) == der[at + 1] and value[0] < 0x80, "form of the signature")
    must(value[0] > 0 or len(value) == 1 or value[1] >= 0x80, "form of the signature")
    return int.from_bytes(value, "big"), end

@functools.lru_cache
def is_signed(digest, der, point):
    must(8 <= len(der) <= 72 and der[0] == 0x30 and der[1] == len(der) - 2, "form of the signature")
    r, middle = read_integer(der, 2)
    s, end = read_integer(der, middle)
    must(end == len(der) and 0 < r < N and 0 < s < N, "form of the signature")
    inverse = pow(s, -1, N)
    x, _, z = sum_of_products(int.from_bytes(digest, "big") * inverse % N, G, r * inverse % N, point)
    return z != 0 and x * pow(z, -2, P) % P % N == r

def check_signature(manifest, data, folder, expected_pem, missing):
    signature = manifest["signature"]
    der = beside(folder, manifest["archive"]["manifest_key"] + ".sig")
    if signature is None:
        return must(expected_pem is None and der is None, "no signature in the manifest, but a key given or a signature beside it")
    must(der is not None, "no signature beside the manifest")
    pem = beside(folder, signature["public_key_key"])
    must(pem is not None or expected_pem is not None, "no public key beside the manifest")
    if pem is None:
        missing.append("public key")
    key, point = read_key(expected_pem if pem is None else pem)
    sha256_of_pem = signature["public_key_pem_sha256"]
    must(None in (pem, sha256_of_pem) or sha256(pem).hex() == sha256_of_pem, "file of the public key")
    must(sha256(key).hex() == signature["public_key_sha256"], "public key")
    must(expected_pem is None or read_key(expected_pem)[0] == key, "signed by another key")
    must(is_signed(sha256(data), der, point), "signature")

# --- Objects -----------------------------------------------------------------------------------------------------------

def there(folder, key, sub=""):
    """The path of an object that the manifest names; None where it names none, or where that is not here."""
    path = None if key is None else os.path.join(folder, sub, key.rsplit("/", 1)[-1])
    return pathlib.Path(path) if path is not None and os.path.isfile(path) else None

def beside(folder, key):
    """Its bytes, of an object that is small."""
    path = there(folder, key)
    return None if path is None else path.read_bytes()

def pieces_of(path, size=MIB):
    with open(path, "rb") as file:
        while piece := file.read(size):
            yield piece

def digest_of(path):
    digest = hashlib.sha256()
    for piece in pieces_of(path):
        digest.update(piece)
    return digest.hexdigest()

def unpack(file, most=None, padding=b""):
    """Gzip members, one behind the other. Behind the last only padding."""
    # Small pieces: what lies behind a member is copied, and there may be many members.
    piece, length, members = file.read(4096), 0, 0
    while piece and (members == 0 or piece[0] != 0):
        member = zlib.decompressobj(31)
        while not member.eof:
            piece = piece or file.read(4096)
            must(piece, "gzip ends early")
            found = member.decompress(piece)
            length += len(found)
            must(most is None or length <= most, "more content than content_bytes")
            yield found
            piece = member.unused_data
        members += 1
        piece = piece or file.read(4096)
    must(members > 0, "an empty gzip")
    while piece:
        must(not piece.translate(None, padding), "what follows the gzip")
        piece = file.read(4096)

def unpacked_lines(path):
    with open(path, "rb") as file:
        yield from lines_of(unpack(file))

def lines_of(pieces):
    parts, size = [], 0
    for piece in pieces:
        *lines, last = piece.split(b"\n")
        for line in lines:
            must(size + len(line) <= 8 * MIB, "a line too long")
            yield b"".join([*parts, line])
            parts, size = [], 0
        parts += [last]
        size += len(last)
        must(size <= 8 * MIB, "a line too long")
    must(size == 0, "last line without a line feed")

def open_content(manifest, path):
    """The content as a file that can be read from its beginning. In memory, if the source is compressed or decoded."""
    file = open(path, "rb")
    head = file.read(4)
    if compression_of(head) is None and encoding_of(head) is None:
        content_of(manifest, head)
        file.seek(0)
        return file
    content = content_of(manifest, path.read_bytes())
    return None if content is None else io.BytesIO(content)

def content_of(manifest, source):
    """The bytes that offsets count in: decompressed, then decoded. None where this Python has no Zstandard (3.14 has)."""
    compression = compression_of(source)
    must(compression == manifest["compression"], "compression of the source")
    must(compression == "zip" or manifest["zip_member"] is None, "member of the source")
    # What is longer can't be right: a unit of UTF-16 takes three bytes of UTF-8 at most.
    most = None if manifest["content_bytes"] is None else 2 * manifest["content_bytes"] + 2
    content = source
    if compression == "gzip":
        content = without_break(source, lambda end: b"".join(unpack(io.BytesIO(source[:end]), most, b"\0\r\n")))
    elif compression == "zip":
        content = without_break(source, lambda end: only_member(source, end, manifest["zip_member"]))
    elif compression == "zstd":
        if zstd is None:
            return None
        content = unpack_zstd(source)
    encoding = encoding_of(content)
    must(encoding == manifest["decoded_from"], "encoding of the source")
    return content if encoding is None else decode_utf16(content, encoding)

def compression_of(source):
    if source[:3] == b"\x1f\x8b\x08":
        return "gzip"
    if source[:4] in (b"PK\3\4", b"PK\5\6"):
        return "zip"
    magic = int.from_bytes(source[:4], "little")
    return "zstd" if len(source) >= 4 and (magic == 0xFD2FB528 or magic & 0xFFFFFFF0 == 0x184D2A50) else None

def encoding_of(content):
    if content[:2] == b"\xfe\xff":
        return "utf-16be"
    return "utf-16le" if content[:2] == b"\xff\xfe" and content[2:4] != b"\0\0" else None

def without_break(source, read):
    """A line break behind an archive is no part of it: it is tried with it, then without."""
    ends = [len(source)] + [len(source) - len(end) for end in (b"\n", b"\r\n") if source.endswith(end)]
    for end in ends:
        try:
            return read(end)
        except (ValueError, zlib.error):
            if end == ends[-1]:
                raise

# What code page 437 has for bytes below 32.
GLYPHS = "\0☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"

def number_at(data, at, size):
    must(0 <= at <= len(data) - size, "the ZIP archive ends early")
    return int.from_bytes(data[at : at + size], "little")

def only_member(source, end, name):
    """By the central directory alone: what local headers repeat of it is not looked at, nor is what else lies in the archive."""
    at = source.rfind(b"PK\5\6", max(0, end - 65577), max(0, end - 18))
    must(at >= 0 and number_at(source, at + 20, 2) == end - at - 22, "end of the ZIP archive")
    disk, count, directory = number_at(source, at + 4, 2), number_at(source, at + 10, 2), number_at(source, at + 16, 4)
    if at >= 20 and source[at - 20 : at - 16] == b"PK\6\7":
        at = number_at(source, at - 12, 8)
        must(source[at : at + 4] == b"PK\6\6", "end of the ZIP64 archive")
        disk, count, directory = number_at(source, at + 16, 4), number_at(source, at + 32, 8), number_at(source, at + 48, 8)
    must(disk == 0 and count <= 1000, "disks or entries of the ZIP archive")
    members = []
    for _ in range(count):
        member, directory = read_entry(source, directory)
        must(member["name"] != "[Content_Types].xml", "an Office document")
        if not re.fullmatch(r".*/|__MACOSX/.*|(.*/)?(\.DS_Store|\._[^/]*)", member["name"], re.S):
            members.append(member)
    must(len(members) == 1 and members[0]["name"] == name, "member of the source")
    return content_of_member(source, end, members[0])

def read_entry(source, at):
    """An entry of the central directory, and where the next one begins."""
    must(source[at : at + 4] == b"PK\1\2", "directory of the ZIP archive")
    flags, method = number_at(source, at + 8, 2), number_at(source, at + 10, 2)
    # In the order in which ZIP64 has those that are too large for four bytes.
    sizes = [number_at(source, at + place, 4) for place in (24, 20, 42)]
    of_name, of_extra, of_comment = (number_at(source, at + place, 2) for place in (28, 30, 32))
    following = at + 46 + of_name + of_extra + of_comment
    must(not flags & 0x40 and following <= len(source), "entry of the ZIP archive")
    named = source[at + 46 : at + 46 + of_name]
    fields = list(extra_fields(source[at + 46 + of_name : at + 46 + of_name + of_extra]))
    large, place = next((data for kind, data in fields if kind == 1), None), 0
    for n, size in enumerate(sizes):
        if large is not None and size == 0xFFFFFFFF:
            sizes[n], place = number_at(large, place, 8), place + 8
    must(method != 0 or sizes[1] == sizes[0] + (12 if flags & 1 else 0), "size of a stored entry")
    member = {"name": entry_name(named, flags, fields), "flags": flags, "method": method, "crc32": number_at(source, at + 16, 4)}
    return {**member, "size": sizes[0], "packed": sizes[1], "local": sizes[2]}, following

def extra_fields(extra):
    while len(extra) >= 4:
        end = 4 + number_at(extra, 2, 2)
        must(end <= len(extra), "extra field of the ZIP archive")
        yield number_at(extra, 0, 2), extra[4:end]
        extra = extra[end:]

def entry_name(named, flags, fields):
    """With the Unicode path (0x7075) that Info-ZIP adds, where it is of this name; a backslash is a slash."""
    for kind, data in fields:
        if kind == 0x7075 and len(data) > 5 and data[0] == 1 and number_at(data, 1, 4) == zlib.crc32(named):
            name = data[5:].decode("utf-8", "replace")
            break
    else:
        name = named.decode("utf-8", "replace") if flags & 0x800 else glyphs_of(named)
    return name.replace("\\", "/")

def glyphs_of(named):
    return "".join(GLYPHS[byte] if byte < 32 else "⌂" if byte == 127 else bytes([byte]).decode("cp437") for byte in named)

def content_of_member(source, end, member):
    local = member["local"]
    must(source[local : local + 4] == b"PK\3\4", "header of the member")
    start = local + 30 + number_at(source, local + 26, 2) + number_at(source, local + 28, 2)
    must(start + member["packed"] <= end, "bytes of the member")
    must(not member["flags"] & 1 and member["method"] in (0, 8), "encryption or method of the member")
    content = source[start : start + member["packed"]]
    if member["method"] == 8:
        inflate = zlib.decompressobj(-15)
        content = inflate.decompress(content, member["size"] + 1)
        must(inflate.eof and not inflate.unused_data, "end of the member")
    must(len(content) == member["size"] and zlib.crc32(content) == member["crc32"], "size or CRC of the member")
    return content

def unpack_zstd(source):
    content, rest = [], source
    while compression_of(rest) == "zstd":
        unpack = zstd.ZstdDecompressor()
        content.append(unpack.decompress(rest))
        must(unpack.eof, "zstd ends early")
        rest = unpack.unused_data
    must(not rest.strip(b"\0\r\n"), "what follows the zstd")
    return b"".join(content)

def decode_utf16(data, encoding):
    units, half = data[: len(data) // 2 * 2], data[len(data) // 2 * 2 :]
    decoded = units.decode(encoding.replace("utf-16", "utf-16-"), "surrogatepass").encode("utf-8", "surrogatepass")
    return decoded + (half if half in (b"", b"\n") else b"\xff")

class Tree:
    """RFC 6962, 2.1: the left subtree is the largest whole one that leaves something for the right."""

    def __init__(self):
        # Of the whole subtrees, the largest first.
        self.leaves, self.roots = 0, []

    def add(self, leaf):
        node, size = sha256(b"\x00" + leaf), self.leaves
        while size % 2 == 1:
            node, size = sha256(b"\x01" + self.roots.pop() + node), size // 2
        self.roots.append(node)
        self.leaves += 1

    def root(self):
        return functools.reduce(lambda right, left: sha256(b"\x01" + left + right), reversed(self.roots)) if self.roots else sha256(b"")

# --- The account -------------------------------------------------------------------------------------------------------

def verify_manifest(path, expected_pem, missing):
    folder, data = path.parent, path.read_bytes()
    manifest = read_manifest(data, path.name)
    archive = manifest["archive"]
    check_signature(manifest, data, folder, expected_pem, missing)
    check_chain(manifest, folder, missing)
    check_manifest(manifest)
    found = {name: there(folder, archive[name + "_key"]) for name in ("receipts", "dead_letters", "resolutions", "report")}
    found["source"] = there(folder, archive["source_key"], "source")
    for name, path_of in found.items():
        expected = manifest["checksum"] if name == "source" else archive[name + "_sha256"]
        if path_of is None:
            # A source that was gone is not there to be checked either.
            missing += [name] if archive[name + "_key"] is not None or name == "source" else []
        elif expected is None:
            missing.append(f"hash of the {name}")
        else:
            must(digest_of(path_of) == expected, f"hash of the {name}")
    comparison = manifest.get("comparison")
    if comparison is not None:
        changes = beside(folder, comparison["changes_key"])
        missing += ["changes"] if changes is None else []
        must(changes is None or sha256(changes).hex() == comparison["changes_sha256"], "hash of the changes")
    source = found["source"]
    must(source is None or source.stat().st_size == manifest["bytes"], "bytes of the source")
    if "control" in manifest:
        check_control(manifest, folder, source, missing)
    if manifest["manifest_version"] == 1:
        missing.append("report, which version 1 does not name")
    resolved = check_resolutions(manifest, found["resolutions"])
    if archive["receipts_key"] is None:
        check_no_receipts(manifest)
        # Of a file that was not read to its end, or not at all, nothing is said but what its bytes are.
        if source is not None and manifest["state"] in ("completed", "quarantined"):
            check_source(manifest, source, missing).end(manifest["total_records"] == 0)
    elif found["receipts"] is not None:
        check_receipts(manifest, found, resolved, missing)
    check_earlier(folder, manifest, expected_pem, missing)

# --- The control file ----------------------------------------------------------------------------------------------------

def check_control_fields(manifest):
    control, archive = manifest["control"], manifest["archive"]
    source, key = control["source"], control["control_key"]
    must((source is None) == (control["sha256"] is None) or (source is not None and key is None), "version and hash of the control file")
    must(key is None or control["sha256"] is not None, "hash of the archived control file")
    must(control["result"] == "not_compared" or source is not None, "a comparison without a control file")
    must(control["result"] != "agrees" or control["missing"] + control["extra"] == 0, "differences of a control file that agrees")
    must((control["differences_key"] is None) == (control["differences_sha256"] is None), "key and hash of the differences")
    released = any(decision["kind"] == "release" for decision in manifest.get("decisions", []))
    must(control["result"] == "agrees" or archive["receipts_key"] is None or released, "records sent against the control file")

def check_control(manifest, folder, source, missing):
    check_control_fields(manifest)
    control = manifest["control"]
    found = {}
    for name, key, expected in (("control file", "control_key", control["sha256"]),
                                ("differences", "differences_key", control["differences_sha256"])):
        found[name] = None if control[key] is None else beside(folder, control[key])
        if found[name] is None:
            missing += [name] if control[key] is not None else []
        else:
            must(sha256(found[name]).hex() == expected, f"hash of the {name}")
    if control["result"] == "not_compared":
        return
    data = found["control file"]
    if control["control_key"] is None:
        missing.append("control file, which was gone")
    if data is None or source is None or manifest["checksum"] is None:
        return
    agrees = COMPARE[control["kind"]](manifest, data, source.read_bytes())
    if agrees is None:
        return missing.append("rows of the control file")
    must(agrees == (control["result"] == "agrees"), "result of the control file")

def compare_sums(manifest, data, source):
    name = manifest["source"]["key"].rpartition("/")[2]
    sums = set()
    if len(data) > 64 * 1024:
        return False
    try:
        lines = data.decode("utf-8").removeprefix("\ufeff").split("\n")
    except UnicodeDecodeError:
        return False
    for line in lines:
        line = line.removesuffix("\r")
        if line == "" or line.startswith("#"):
            continue
        plain = re.fullmatch(r"(\\?)([0-9a-fA-F]{64}) [ *](.+)", line, re.S)
        tagged = re.fullmatch(r"(\\?)SHA256 \((.+)\) = ([0-9a-fA-F]{64})", line, re.S)
        if plain:
            mark, digest, path = plain.groups()
        elif tagged:
            mark, path, digest = tagged.groups()
        else:
            return False
        if mark:
            path = re.sub(r"\\([\\nr])", lambda escape: {"\\": "\\", "n": "\n", "r": "\r"}[escape[1]], path)
        if re.split(r"[/\\]", path)[-1] == name:
            sums.add(digest.lower())
    return sums == {manifest["checksum"]}

def compare_counts(manifest, data, source):
    if len(data) > 64 * 1024:
        return False
    try:
        value = json.loads(data.decode("utf-8").removeprefix("\ufeff"), object_pairs_hook=without_twins, parse_constant=no_constant)
    except (ValueError, RecursionError):
        return False
    known = {"records": manifest["total_records"], "bytes": len(source)}
    if not isinstance(value, dict) or not known.keys() & value.keys():
        return False
    return all(type(value[name]) in (int, float) and value[name] == known[name] for name in known if name in value)

def table_of(data, encoding, wanted):
    """A CSV's header and rows, by the delimiter whose header has the most of the wanted columns, then the most columns."""
    content = data.decode(encoding).removeprefix("\ufeff").rstrip("\x1a")
    best = None
    declared = re.match(r'"?sep=([^\r\n])"?[ \t]*(\r*\n|\r)', content, re.I)
    for delimiter in declared[1] if declared else ",;\t|":
        rows = csv.reader(io.StringIO(content[declared.end() if declared else 0 :], newline=""), delimiter=delimiter, strict=True)
        rows = ([value for value in row] for row in rows if any(value.strip(" \t,;|") for value in row))
        try:
            header = [name.strip() for name in next(rows)]
        except (StopIteration, csv.Error):
            continue
        rank = (sum(name in header for name in wanted), len(header))
        if best is None or rank > best[0]:
            best = (rank, header, rows)
    must(best is not None, "a table without a header")
    return best[1], best[2]

def fitted(row, header):
    """A delimiter too many at the end of the rows, or of the header alone, makes no field."""
    if len(row) == len(header) + 1 and row[-1].strip() == "":
        row = row[:-1]
    elif len(row) == len(header) - 1 and header[-1] == "":
        row = row + [""]
    must(len(row) == len(header), "fields of a row")
    return row

class Literal(str):
    """A JSON number, as it is written."""

def objects_in(format_, content, encoding, body):
    decoder = json.JSONDecoder(parse_int=Literal, parse_float=Literal, object_pairs_hook=without_twins)
    data = content[body:].decode(encoding)
    if format_ == "jsonl":
        yield from (decoder.decode(line.strip("\ufeff \t\r\x1a")) for line in data.split("\n") if line.strip("\ufeff \t\r\x1a"))
        return
    at = 0
    while True:
        at = re.compile(r"[\s,\ufeff\x1a\[]*").match(data, at).end()
        if at == len(data) or data[at] in "]}":
            return
        value, at = decoder.raw_decode(data, at)
        yield value

def cell_of(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None

def rows_of(manifest, content, columns):
    encoding = {"windows-1252": "cp1252"}.get(manifest["encoding"], "utf-8")
    if manifest["format"] is None:
        return
    if manifest["format"] != "csv":
        for value in objects_in(manifest["format"], content, encoding, manifest["body_offset"]):
            must(isinstance(value, dict), "a record that is no object")
            yield [cell_of(value.get(name)) for name in columns]
        return
    header, rows = table_of(content[manifest.get("preamble_bytes", 0) :], encoding, columns)
    must(all(header.count(name) == 1 for name in columns), "columns of the source")
    places = [header.index(name) for name in columns]
    for row in rows:
        if [name.strip() for name in row] == header:
            continue
        row = fitted(row, header)
        must("\0" not in "".join(row), "NUL in a row")
        yield [row[place] for place in places]

def compare_rows(manifest, data, source):
    """Where a row can't be read, the two differ. None where this verifier can't read the source at all."""
    content = content_of(manifest, source)
    if content is None or len(data) > 2 * 1024 * MIB:
        return None if content is None else False
    try:
        columns, rows = table_of(data, {"windows-1252": "cp1252"}.get(manifest["encoding"], "utf-8"), [])
        must(len(set(columns)) == len(columns) and "" not in columns, "columns of the control file")
        left = collections.Counter(hash_of(fitted(row, columns)) for row in rows)
        for row in rows_of(manifest, content, columns):
            if None in row:
                return None
            left[hash_of(row)] -= 1
    except (ValueError, UnicodeDecodeError, csv.Error, RecursionError):
        return False
    return not any(left.values())

def hash_of(row):
    return sha256(json.dumps(row).encode("utf-8", "surrogatepass"))

COMPARE = {"sha256sum": compare_sums, "counts": compare_counts, "rows": compare_rows}

def check_chain(newest, folder, missing):
    manifest = newest
    for number in range(newest["manifest_number"], 1, -1):
        data = beside(folder, name_of(number - 1))
        if data is None or manifest["previous_manifest_sha256"] is None:
            return missing.append("manifests before it")
        must(sha256(data).hex() == manifest["previous_manifest_sha256"], f"manifest {number - 1}")
        later, manifest = manifest, read_manifest(data, name_of(number - 1))
        must(folder_of(manifest) == folder_of(newest), f"file of manifest {number - 1}")
        same = "request_ids_have_file_id"
        # Decided for good when the first record is sent.
        is_unsent = later[same] and manifest["held_records"] == manifest["total_records"]
        must(manifest[same] == later[same] or is_unsent, f"request ids of manifest {number - 1}")
        kept = about(manifest, "cancel", "release", "without")
        must(about(later, "cancel", "release", "without")[:len(kept)] == kept, f"decisions of manifest {number - 1}")

def check_earlier(folder, newest, expected_pem, missing):
    """The signatures of earlier manifests, and the objects that only they name."""
    manifest = newest
    for number in range(newest["manifest_number"] - 1, 0, -1):
        data = beside(folder, name_of(number))
        if data is None or manifest["previous_manifest_sha256"] is None:
            return
        manifest = read_manifest(data, name_of(number))
        check_signature(manifest, data, folder, expected_pem, missing)
        named = [(manifest["archive"][f"{name}_key"], manifest["archive"][f"{name}_sha256"])
                 for name in ("receipts", "dead_letters", "resolutions", "report")]
        named += [(manifest["comparison"][f"changes_{kind}"] for kind in ("key", "sha256"))] if "comparison" in manifest else []
        control = manifest.get("control", {})
        named += [(control.get("control_key"), control.get("sha256")), (control.get("differences_key"), control.get("differences_sha256"))]
        for key, expected in named:
            found = there(folder, key)
            missing += [key] if key is not None and found is None else []
            must(None in (found, expected) or digest_of(found) == expected, f"hash of {key}")

def check_resolutions(manifest, path):
    """By record, in order; None where the manifest names some that are not here."""
    archive, decided = manifest["archive"], {}
    named = about(manifest, "resolve", "correct")
    if archive["resolutions_key"] is None or path is None:
        return iter(()) if archive["resolutions_key"] is None else None
    last = 0
    for entry in map(parse_json, lines_of(pieces_of(path))):
        must(isinstance(entry, dict) and fits({name: entry.get(name, ODD) for name in RESOLUTION}, RESOLUTION), "resolution")
        must(entry["record"] > last, "order of the resolutions")
        last = entry["record"]
        if named:
            count_decision(entry, decided)
    must(last > 0, "no resolutions")
    must(not named or named == sorted(decided.values(), key=lambda decision: decision["at"]), "decisions about records")
    return ((entry["record"], entry["resolution"]) for entry in map(parse_json, lines_of(pieces_of(path))))

def count_decision(entry, decided):
    """Adds a person's decision about a record, if there is one, to those by kind, person and reason."""
    said, kind = (entry, "resolve") if entry["resolution"] == "handled" else (entry.get("correction"), "correct")
    if said is None:
        return
    must(isinstance(said, dict) and fits({name: said.get(name) for name in DECISION}, {**DECISION, "by": text}), "who decided it")
    own = kind, said["by"], said.get("why")
    key = own if own in decided or len(decided) < 1000 else kind
    by, why = own[1:] if key == own else (None, None)
    counted = decided.setdefault(key, {"kind": kind, "at": said["at"], "by": by, "why": why, "records": 0})
    counted["at"] = max(counted["at"], said["at"])
    counted["records"] += 1

def check_no_receipts(manifest):
    total = manifest["total_records"]
    must(total == manifest["held_records"], "no receipts")
    must(is_replaced(manifest) or held_in(manifest) == total, "held ranges without receipts")
    must(manifest["times"]["first_upload"] is None, "time of an upload without receipts")

def check_receipts(manifest, found, resolved, missing):
    """One after the other: there may be hundreds of millions."""
    archive, dead = manifest["archive"], found["dead_letters"]
    dead_lines = None if dead is None else unpacked_lines(dead)
    source = None if found["source"] is None else check_source(manifest, found["source"], missing)
    order, counts, records, lines = Order(manifest), Counts(), Tree(), Tree()
    failed, settled = 0, (0, None)
    for line in unpacked_lines(found["receipts"]):
        receipt = read_receipt(line)
        record, has_failed = receipt["record"], receipt["outcome"] in FAILED
        must(manifest["compared_with"] or "earlier_checksums" not in receipt, "earlier versions, and no comparison")
        is_next = order.add(record)
        while resolved is not None and settled[0] < record:
            settled = next(resolved, (math.inf, None))
        counts.add(receipt, settled[1] if has_failed and settled[0] == record else None)
        records.add(bytes.fromhex(receipt["sha256"]))
        lines.add(line)
        failed += has_failed
        must(not has_failed or dead_lines is None or next(dead_lines, None) == line, "dead letters' lines")
        if source is not None:
            source.add(receipt, is_next)
    order.end()
    if resolved is not None:
        counts.check(manifest)
    must(manifest["manifest_version"] == 1 or (archive["dead_letters_key"] is not None) == (failed > 0), "dead letters named")
    must(dead_lines is None or next(dead_lines, None) is None, "dead letters' lines")
    proof, roots = manifest["proof"], {"records_root": records.root().hex(), "receipts_root": lines.root().hex()}
    must(proof is None or proof == {"leaves": lines.leaves, **roots}, "leaves, root over the records, root over the receipts")
    if proof is None:
        missing.append("Merkle roots")
    if source is not None:
        source.end(not is_replaced(manifest) and order.last == manifest["total_records"])

class Order:
    """Each record once, in order, but those that are held."""

    def __init__(self, manifest):
        self.held = {entry["first_record"]: entry["last_record"] for entry in manifest["held_ranges"]}
        self.superseded, self.total, self.last = is_replaced(manifest), manifest["total_records"], 0

    def add(self, record):
        last = self.last
        must(record > last if self.superseded else record == self.held.get(last + 1, last) + 1, f"record behind {last}")
        self.last = record
        return record == last + 1

    def end(self):
        must(self.last > 0, "receipts")
        must(self.superseded or self.held.get(self.last + 1, self.last) == self.total, "last record")

class Counts:
    """Sums of the receipts, and the first errors."""

    def __init__(self):
        self.outcomes, self.settled = dict.fromkeys(OUTCOMES, 0), {"resolved": 0, "handled": 0}
        self.errors, self.reasons, self.delivered, self.times = [], {}, 0, None

    def add(self, receipt, end):
        outcome = receipt["outcome"]
        self.outcomes[end if end in ("uploaded", "duplicate") else outcome] += 1
        if outcome == "uploaded":
            first, last = self.times or (receipt["at"], receipt["at"])
            self.times = min(first, receipt["at"]), max(last, receipt["at"])
            self.delivered += 1
        if end is not None:
            self.settled["handled" if end == "handled" else "resolved"] += 1
        elif outcome in FAILED:
            self.errors += [error_of(receipt)] if len(self.errors) < 1000 else []
            reason = receipt.get("reason", "unknown")
            # The first 1,000 pairs are counted apart, the others together.
            pair = (outcome, reason if (outcome, reason) in self.reasons or len(self.reasons) < 1000 else None)
            self.reasons[pair] = self.reasons.get(pair, 0) + 1

    def check(self, manifest):
        self.outcomes["held"] += held_in(manifest)
        must(self.outcomes == {outcome: manifest[outcome + "_records"] for outcome in OUTCOMES}, "counts")
        must(self.settled == {name: manifest[name + "_records"] for name in self.settled}, "resolved, handled")
        times = manifest["times"]
        must((times["first_upload"], times["last_upload"]) == (self.times or (None, None)), "first and last upload")
        must(times.get("delivered_records", self.delivered) == self.delivered, "delivered records")
        if manifest["manifest_version"] == 1:
            return
        by_reason = [{"outcome": pair[0], "reason": pair[1], "records": records} for pair, records in self.reasons.items()]
        must(manifest["errors"] == self.errors and manifest["errors_by_reason"] == by_reason, "errors, counts by reason")

def error_of(receipt):
    return {**{name: receipt[name] for name in ("record", "line", "offset", "outcome", "status")},
            "field": receipt.get("field"), "reason": receipt.get("reason", "unknown"), "error": receipt.get("error", ""),
            "raw_value": receipt.get("raw_payload", "")[:500]}

# --- The source --------------------------------------------------------------------------------------------------------

BOM = "\ufeff".encode()
BLANKS = {"csv": b"\r\n\t ,;|\"\x1a" + BOM, "json-array": b"\r\n\t ,[]\x1a" + BOM}
OTHER_BLANKS = b"\r\n\t \x1a" + BOM

def check_source(manifest, path, missing):
    content = open_content(manifest, path)
    if content is None:
        missing.append("content of the source, which is in Zstandard")
        return UnreadSource()
    return Source(manifest, content, missing)

class UnreadSource:
    def add(self, receipt, is_next):
        pass

    def end(self, is_whole):
        pass

class Source:
    """Each record stands where its receipt says, once, and between them are only separators."""

    def __init__(self, manifest, content, missing):
        self.manifest, self.content, self.missing = manifest, content, missing
        self.at, self.last, self.header, self.wrapping = 0, 0, b"", None
        self.length = content.seek(0, io.SEEK_END)
        content.seek(0)
        must(manifest["content_bytes"] in (None, self.length), "bytes of the content")
        if manifest["manifest_version"] == 1:
            missing.append("what stands between the records, as version 1 has no body_offset")

    def add(self, receipt, is_next):
        self.pass_gap(receipt["offset"], is_next, receipt)
        must(self.at + receipt["length"] <= self.length, "a record in the source")
        record = self.take(self.at + receipt["length"])
        must(sha256(record).hex() == receipt["sha256"], "a record in the source")
        check_quote(record, receipt)
        self.last = receipt["record"]

    def end(self, is_whole):
        self.pass_gap(self.length, is_whole, None)
        self.content.close()

    def take(self, end):
        data = self.content.read(end - self.at)
        self.at = end
        return data

    def pass_gap(self, end, is_next, receipt):
        must(self.at <= end <= self.length, "records that overlap, or are outside of the source")
        if self.manifest["manifest_version"] > 1:
            if self.last == 0:
                self.read_head(end)
            if is_next:
                self.check_gap(end, receipt)
        self.content.seek(end)
        self.at = end

    def read_head(self, end):
        body, format_ = self.manifest["body_offset"] or 0, self.manifest["format"]
        must(body <= min(end, MIB), "body_offset")
        head = self.take(body)
        preamble = head[: self.manifest.get("preamble_bytes", 0)]
        must(len(re.findall(rb"\r\n|\r|\n", preamble)) < 20, "lines of the preamble")
        self.header, self.wrapping = read_head(format_, head[len(preamble) :], self.missing)

    def check_gap(self, end, receipt):
        format_, is_short = self.manifest["format"], end - self.at <= MIB
        if receipt is None and self.wrapping is not None and is_short:
            if not is_plain_object(self.wrapping + self.take(end)):
                self.missing.append("object that holds the array, which has more in it, or is not whole")
            return
        must(is_short or format_ != "bundle", "line of a member")
        if is_short:
            return check_gap(format_, self.take(end), self.header, self.last, receipt)
        while self.at < end:
            check_gap(format_, self.take(min(end, self.at + MIB)), b"", self.last, receipt)

def read_head(format_, head, missing):
    """The header of a CSV, by what is no blank in it; and the beginning of an object that holds an array."""
    if format_ == "csv":
        around = BLANKS["csv"].replace(b'"', b"")
        header = re.sub(rb'\A"?sep=[^\r\n]"?[ \t]*(\r*\n|\r)', b"", head.strip(around), flags=re.I).strip(around)
        # A header is a row, and has line breaks within quotes only. Lines before it may be a preamble that the manifest does not name, or rows.
        parts = header.split(b'"')
        if len(parts) % 2 == 0 or re.search(rb"[\r\n]", b"".join(parts[::2])):
            missing.append("lines before the header")
        return header.translate(None, BLANKS["csv"]), None
    inked = head.lstrip(OTHER_BLANKS)
    if format_ == "json-array" and inked.startswith(b"{"):
        return b"", inked
    must(not head.strip(BLANKS.get(format_, OTHER_BLANKS)), "head of the source")
    return b"", None

def is_plain_object(data):
    """With nothing in the array, what holds it is an object without other records."""
    try:
        values = parse_json(data).values()
    except ValueError:
        return False
    return not any(isinstance(value, list) and any(isinstance(each, (dict, list)) for each in value) for value in values)

def check_gap(format_, gap, header, last, receipt):
    if format_ == "bundle":
        return check_member_line(gap, last, receipt)
    ink = gap.translate(None, BLANKS.get(format_, OTHER_BLANKS))
    # Exports that were put one behind the other have a header each, which may be quoted in another way.
    headers = len(ink) // len(header) if header else 0
    must(ink == header * headers, f"what stands behind record {last}")

def check_member_line(gap, last, receipt):
    if receipt is None:
        return must(gap == (b"\n" if last else b""), "what stands behind the last member")
    must(len(gap) <= MIB and (last == 0 or gap.startswith(b"\n")), "line of a member")
    line = gap[1 if last else 0 :]
    must(line.endswith(b"\n") and line.count(b"\n") == 1, "line of a member")
    facts = parse_json(line[:-1])
    facts = facts if isinstance(facts, dict) else {}
    bucket, key = facts.get("bucket"), facts.get("key")
    must(text(bucket) and text(key) and receipt.get("source_file") == f"s3://{bucket}/{key}", "file of a member")
    must(exactly(receipt["length"])(facts.get("bytes")), "bytes of a member")
    must(facts.get("version_id", ODD) == receipt.get("source_version_id", ODD), "version of a member")

def check_quote(record, receipt):
    encoding, payload = receipt.get("raw_encoding"), receipt.get("raw_payload")
    if encoding is None:
        return
    if encoding == "head":
        record = record[:1024]
    must(encoding == "head" or len(record) <= 64 * 1024, "a quoted record")
    quoted = record.decode("utf-8") if encoding == "text" else base64.b64encode(record).decode()
    must(payload == quoted, "a quoted record")

# --- The proof of one record -------------------------------------------------------------------------------------------

def verify_proof(proof, manifest_path, expected_pem, missing):
    must(fits(proof, PROOF) and "\n" not in proof["receipt"] and len(proof["path"]) <= 64, "form of the proof")
    line = proof["receipt"].encode()
    record = read_receipt(line)["record"]
    node = sha256(b"\x00" + line)
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
        return missing.append("manifest")
    data = manifest_path.read_bytes()
    manifest = read_manifest(data, manifest_path.name)
    check_manifest(manifest)
    must(sha256(data).hex() == proof["manifest_sha256"], "manifest")
    must(all(manifest[name] == proof[name] for name in ("manifest_number", "file_id")), "number and file of the manifest")
    roots = manifest["proof"]
    must(roots is not None and all(roots[name] == proof[name] for name in ("receipts_root", "leaves")), "root and leaves")
    if not is_replaced(manifest):
        held = [entry for entry in manifest["held_ranges"] if entry["first_record"] < record]
        before = held_in({"held_ranges": held})
        must(record - 1 - before == proof["index"], "place of the record")
    check_signature(manifest, data, manifest_path.parent, expected_pem, missing)

# --- The night log -----------------------------------------------------------------------------------------------------

UNFINISHED = ["splitting", "split"]
NIGHT_COUNTS = ["total_records", *(outcome + "_records" for outcome in OUTCOMES), "removed_records", "dead_lettered_records",
                "resolved_records", "handled_records"]
NIGHT_FILE = {"file_id": text, "lane": text, "key": text, "bundled_files": null_or(COUNT), "series": null_or(text),
              "state": one_of(*UNFINISHED, *STATES), "failure_code": null_or(text),
              "control": null_or({"state": one_of("waiting", "agrees", "differs", "not_compared"), "key": text,
                                  "missing": null_or(COUNT), "extra": null_or(COUNT)}), "received": time, "finished": null_or(time),
              "counts": null_or({name: COUNT for name in NIGHT_COUNTS}),
              "manifest": null_or({"number": POSITIVE, "key": text, "sha256": hexadecimal})}
EARLIER = {**NIGHT_FILE, "entry": COUNT, "before": {"state": one_of(*UNFINISHED, *STATES), "manifest_number": COUNT}}
EXPECTATION = {"name": text, "key": text, "by": time, "records": COUNT, "state": one_of("met", "late", "missing", "too_few"),
               "late_seconds": null_or(COUNT), "file_id": null_or(text), "obstacle": null_or(text)}
NIGHT = {
    "night_version": exactly(1), "number": POSITIVE, "previous_sha256": null_or(hexadecimal), "tool": one_of("sluice"),
    "tool_version": text, "feed": text, "from": time, "to": time, "written": time, "is_complete": boolean, "continues": boolean,
    "deadline": null_or({"time": text, "time_zone": text, "met": null_or(boolean), "margin_seconds": null_or(integer())}),
    "files": {name: COUNT for name in ("received", *STATES, "unfinished", "bundled")},
    "sums": {name: COUNT for name in NIGHT_COUNTS}, "expectations": each(EXPECTATION),
    "received": each(NIGHT_FILE), "earlier": each(EARLIER),
    "open_dead_letters": {"files": COUNT, "records": COUNT,
                          "most": each({"file_id": text, "key": text, "received": time, "records": COUNT})},
    "archive": {"bucket": text, "entry_key": text, "page_key": null_or(text), "page_sha256": null_or(hexadecimal)},
    "signature": MANIFEST["signature"],
}

def read_night(data, name, feed, number):
    night = parse_json(data)
    must(fits(night, NIGHT), f"form of {name}")
    canonical = json.dumps(night, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    must(canonical.encode("utf-8") == data, f"canonical form of {name}")
    must(night["number"] == number and night["feed"] == feed and night["archive"]["entry_key"] == name, f"number of {name}")
    page, signature = night["archive"]["page_sha256"], night["signature"]
    must(night["archive"]["page_key"] == (page and f"nights/{feed}/{number}.{page}.html"), f"page of {name}")
    if signature is not None:
        key = f"nights/{feed}/signing-key.{signature['public_key_sha256']}.pem"
        must(signature["signature_key"] == name + ".sig" and signature["public_key_key"] == key, f"names in {name}")
    check_night(night, name)
    return night

def check_night(night, name):
    received, files = night["received"], night["files"]
    must(night["from"] < night["to"] and all(file["received"] < night["to"] for file in received), f"times of {name}")
    states = [file["state"] for file in received]
    for state in STATES:
        must(files[state] == states.count(state), f"files of {name}")
    must(files["received"] == len(received) and files["unfinished"] == sum(map(states.count, UNFINISHED)), f"files of {name}")
    must(files["bundled"] == sum(file["bundled_files"] or 0 for file in received), f"files of {name}")
    for count in NIGHT_COUNTS:
        must(night["sums"][count] == sum(file["counts"][count] for file in received if file["counts"]), f"sums of {name}")
    ids = [file["file_id"] for file in received + night["earlier"]]
    must(len(set(ids)) == len(ids), f"a file twice in {name}")
    dead = night["open_dead_letters"]
    named = sum(file["records"] for file in dead["most"])
    must(named == dead["records"] if len(dead["most"]) == dead["files"] else named < dead["records"], f"dead letters of {name}")
    if night["deadline"] is not None:
        margin = margin_of(night)
        must(night["deadline"]["margin_seconds"] == margin, f"deadline of {name}")
        must(night["deadline"]["met"] == (None if margin is None else margin >= 0), f"deadline of {name}")
    for file in received + night["earlier"]:
        unfinished = file["state"] in UNFINISHED
        must(unfinished == (file["counts"] is None) and not (unfinished and file["finished"]), f"a file of {name}")
        must(unfinished or file["manifest"] is not None, f"a file of {name}")
        if file["manifest"] is not None:
            must(re.fullmatch("[a-zA-Z0-9._-]+", file["file_id"]) and file["file_id"].strip("."), f"a file's id in {name}")
            folder = rf"(quarantine/)?{re.escape(night['feed'])}/\d{{4}}/\d{{2}}/\d{{2}}/{re.escape(file['file_id'])}/"
            own = re.escape(name_of(file["manifest"]["number"]))
            must(re.fullmatch(folder + own, file["manifest"]["key"], re.A), f"a manifest's key in {name}")

def margin_of(night):
    """Whole seconds from the end of the last file to the deadline."""
    if not night["received"]:
        return None
    ends = [file["finished"] or night["written"] for file in night["received"]]
    margin = (milliseconds(night["to"]) - max(map(milliseconds, ends))) // 1000
    return min(margin, -1) if night["files"]["unfinished"] else margin

def verify_nights(root, heads, first, expected_pem, missing):
    logs = root / "nights"
    feeds = sorted(path.name for path in logs.iterdir() if path.is_dir()) if logs.is_dir() else []
    must(feeds, "no night log")
    hashes = {feed: verify_log(root, feed, first, expected_pem, missing) for feed in feeds}
    for head in heads:
        feed, _, given = head.rpartition("=")
        known = [hashes.get(feed, set())] if feed else hashes.values()
        must(any(given.lower() in of_feed for of_feed in known), "no entry has the given hash: cut, removed or rewritten")

def verify_log(root, feed, first, expected_pem, missing):
    folder, hashes, said, before = root / "nights" / feed, set(), {}, None
    numbers = sorted(int(path.name[:-5]) for path in folder.iterdir() if re.fullmatch(r"[1-9][0-9]{0,9}\.json", path.name, re.A))
    must(numbers, f"no entry in nights/{feed}")
    if numbers[0] != first:
        missing.append(f"nights/{feed}/{first}.json and others before {numbers[0]}")
    for number in range(numbers[0], numbers[-1] + 1):
        name = f"nights/{feed}/{number}.json"
        must((root / name).is_file(), f"{name} is not there")
        data = (root / name).read_bytes()
        night = read_night(data, name, feed, number)
        must((number == 1) == (night["previous_sha256"] is None), f"the entry before {name}")
        must(number > 1 or not night["continues"], f"the entry before {name}")
        if before is not None:
            must(night["continues"] != before[0]["is_complete"], f"the entry before {name}")
            must(night["previous_sha256"] == sha256(before[1]).hex(), f"the entry before {name}")
            ended = before[0]["to"] if before[0]["is_complete"] else before[0]["from"]
            must(night["from"] == ended and (before[0]["is_complete"] or night["to"] == before[0]["to"]), f"times of {name}")
        naming(name, check_signature, {**night, "archive": {"manifest_key": name}}, data, folder, expected_pem, missing)
        page = night["archive"]["page_key"]
        if page is not None and not (root / page).is_file():
            missing.append(page)
        must(page is None or page in missing or sha256((root / page).read_bytes()).hex() == night["archive"]["page_sha256"], str(page))
        continue_log(said, night, numbers[0])
        for file in night["received"] + night["earlier"]:
            if file["manifest"] is not None:
                check_named(root, file, name, missing)
        hashes.add(sha256(data).hex())
        before = (night, data)
    for _, _, manifest in said.values():
        if manifest is not None and (root / manifest["key"]).is_file():
            parts = []
            naming(manifest["key"], verify_manifest, root / manifest["key"], expected_pem, parts)
            missing += [f"{manifest['key']}: {part}" for part in parts]
    return hashes

def naming(name, check, *arguments):
    try:
        check(*arguments)
    except (ValueError, zlib.error, binascii.Error) as wrong:
        raise ValueError(f"{name}: {wrong}") from wrong

def continue_log(said, night, first):
    """What a night says of a file continues what the nights before said of it."""
    for file in night["received"]:
        must(file["file_id"] not in said, f"{file['file_id']} is received twice")
        said[file["file_id"]] = (night["number"], file["state"], file["manifest"])
    for file in night["earlier"]:
        number_of = lambda manifest: manifest["number"] if manifest else 0
        known, entry, was = said.get(file["file_id"]), file["entry"], file["before"]
        must(entry < night["number"] and (known or entry < first), f"{file['file_id']} was not received in {entry}")
        if known:
            must(known[:2] == (entry, was["state"]) and number_of(known[2]) == was["manifest_number"], f"{file['file_id']} before")
        must(number_of(file["manifest"]) >= was["manifest_number"], f"manifest of {file['file_id']}")
        said[file["file_id"]] = (entry, file["state"], file["manifest"])

def check_named(root, file, name, missing):
    path = root / file["manifest"]["key"]
    if not path.is_file():
        return missing.append(file["manifest"]["key"])
    data = path.read_bytes()
    must(sha256(data).hex() == file["manifest"]["sha256"], f"hash of {file['manifest']['key']} in {name}")
    manifest = read_manifest(data, path.name)
    same = [("file_id", "file_id"), ("lane", "lane"), ("bundled_files", "bundled_files")]
    must(all(manifest[one] == file[other] for one, other in same), f"{file['file_id']} in {name}")
    must(manifest["manifest_number"] == file["manifest"]["number"] and manifest["archive"]["manifest_key"] == file["manifest"]["key"], f"{file['file_id']} in {name}")
    must(manifest["source"]["key"] == file["key"] and manifest["times"]["received"] == file["received"], f"{file['file_id']} in {name}")
    if file["state"] not in UNFINISHED:
        code = manifest["failure"]["code"] if manifest["failure"] else None
        must(manifest["state"] == file["state"] and code == file["failure_code"], f"state of {file['file_id']} in {name}")
        must(all(manifest[count] == file["counts"][count] for count in NIGHT_COUNTS), f"counts of {file['file_id']} in {name}")

# --- The revisions of a series -----------------------------------------------------------------------------------------

COLUMNS = ["change", "earlier_file", "earlier_record", "record", "identity", "before", "after", "note"]
ESCAPED = re.compile(r"(\\+)(?:([=+\-@\uff0b\uff0d\uff1d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212])|u([0-9a-fA-F]{4}))?")
CUT_CELL = re.compile(r"… \[too long for a spreadsheet: [0-9]+ characters, SHA-256 ([0-9a-f]{64})\. ")

class Revision:
    """What a revision's receipts and resolutions say of its records."""

    def __init__(self, folder, manifest):
        self.manifest, self.ids, self.contents, self.delivered, self.had, self.corrected, self.unchanged = manifest, {}, {}, {}, {}, {}, set()
        archive = manifest["archive"]
        receipts, resolutions = there(folder, archive["receipts_key"]), there(folder, archive["resolutions_key"])
        self.here = receipts is not None
        must(receipts is None or digest_of(receipts) == archive["receipts_sha256"], "hash of the receipts")
        must(archive["resolutions_key"] is None or (resolutions is not None and digest_of(resolutions) == archive["resolutions_sha256"]),
             "hash of the resolutions")
        settled = {} if resolutions is None else {entry["record"]: entry for entry in map(parse_json, lines_of(pieces_of(resolutions)))}
        for receipt in map(read_receipt, unpacked_lines(receipts) if self.here else []):
            self.add(receipt, settled.get(receipt["record"]))

    def add(self, receipt, end):
        record, outcome, content = receipt["record"], receipt["outcome"], receipt["sha256"]
        request_id = receipt["request_id"]
        self.contents[record] = content
        # Settled because a newer revision came: nothing was sent.
        if end is not None and not (end["resolution"] == "handled" and end.get("by") == "Sluice"):
            request_id = end.get("request_id") or request_id
            delivered, has_content = end["resolution"] != "handled", "correction" not in end
            if not has_content:
                # The API may have it as it was before as well.
                self.corrected[record] = receipt["request_id"]
        else:
            delivered = outcome in ("uploaded", "unchanged", "duplicate")
            if outcome == "unchanged":
                self.unchanged.add(request_id)
            # With a repeated id, the API has what came first.
            has_content = delivered and not (outcome == "duplicate" and request_id in self.delivered)
        if request_id is None:
            return
        must(hexadecimal(request_id), f"request id of record {record}")
        self.ids[record] = request_id
        if has_content:
            self.had.setdefault(content, record)
        if delivered:
            self.delivered.setdefault(request_id, record)

    def id_of(self, identity):
        own = [*identity, self.manifest["checksum"]] + [self.manifest["file_id"]] * self.manifest["request_ids_have_file_id"]
        return sha256(json.dumps(own, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")).hex()

    def has_text(self, record, cell):
        cp1252, cut = self.manifest["encoding"] == "windows-1252", CUT_CELL.search(cell)
        if (cut and cp1252) or "\ufffd" in cell:
            return True
        return (cut[1] if cut else sha256(encoded(cell, cp1252)).hex()) == self.contents.get(record)

def encoded(text, cp1252):
    if not cp1252:
        return text.encode("utf-8", "replace")
    known = {bytes([byte]).decode("cp1252"): byte for byte in range(256) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
    return bytes(known.get(character, ord(character) & 0xFF) for character in text)

def unescaped(cell):
    def original(found):
        slashes, sign, code = found.groups()
        if sign is None and code is None:
            return found[0]
        return chr(int(code, 16)) if code is not None and len(slashes) == 1 else found[0][1:]
    return ESCAPED.sub(original, cell)

def read_changes(data):
    content = data.decode("utf-8")
    must(content.startswith("\ufeff" + ",".join(COLUMNS) + "\r\n") and content.endswith("\r\n"), "form of the list of changes")
    try:
        rows = list(csv.reader(io.StringIO(content[1:], newline=""), strict=True))[1:]
    except csv.Error as wrong:
        raise ValueError(f"list of changes: {wrong}")
    for cells in rows:
        must(len(cells) == len(COLUMNS), "cells of a change")
        row = dict(zip(COLUMNS, map(unescaped, cells)))
        must(row["change"] in ("new", "changed", "removed", "not listed"), "kind of a change")
        for name in ("earlier_record", "record"):
            must(re.fullmatch("[0-9]{0,10}", row[name]), "number of a change")
            row[name] = int(row[name]) if row[name] else None
        row["identity"] = parse_json(row["identity"].encode("utf-8")) if row["identity"] else None
        must(row["identity"] is None or each(text)(row["identity"]), "identity of a change")
        yield row

def certain_of(bases):
    """How many, the newest first, say what the API has: of one that was stopped, the next says the rest."""
    for place, base in enumerate(bases):
        if base is None or base.manifest["state"] == "completed" or any(one.get("sends") == "all" for one in base.manifest.get("decisions", [])):
            return place + 1
    return len(bases)

def check_change(row, own, bases, covered):
    change, identity, record, earlier = (row[name] for name in ("change", "identity", "record", "earlier_record"))
    must((change == "new") == (earlier is None and not row["earlier_file"]) and (change == "removed") == (record is None), "records of a change")
    must(identity is not None or change == "removed", "identity of a change")
    if record in own.ids:
        must(own.ids[record] == own.id_of(identity), f"identity of record {record}")
        must(not row["after"] or own.has_text(record, row["after"]), f"text of record {record}")
    names = [base.manifest["file_id"] if base else None for base in bases]
    place = names.index(row["earlier_file"]) if row["earlier_file"] in names else None
    must(place is not None or None in names or change == "new", "earlier file of a change")
    must(change != "removed" or place is None or place < certain_of(bases), "a record that was removed before")
    if change == "removed" and place is not None:
        must(1 <= (earlier or 0) <= bases[place].manifest["total_records"], "number of a removed record")
        must(identity is not None or not row["before"] or earlier in bases[place].corrected, "identity of a removed record")
    if place is not None and earlier is not None:
        base = bases[place]
        must(identity is None or base.id_of(identity) in (base.ids.get(earlier), base.corrected.get(earlier)), f"identity of the earlier record {earlier}")
        must(not row["before"] or base.has_text(earlier, row["before"]), f"text of the earlier record {earlier}")
        covered[place].add(base.ids.get(earlier) if identity is None else base.id_of(identity))
        if identity is not None:
            cover(identity, bases[place:], covered[place:])
    if change == "new":
        must(not any(base and base.id_of(identity) in base.delivered for base in bases), f"record {record} is not new")
    return place is not None

def cover(identity, bases, covered):
    for base, said in zip(bases, covered):
        if base is not None:
            said.add(base.id_of(identity))

def stopped_list(stopped, folder, own):
    """Identities of the new and changed records of a stopped revision, and what it delivered of them, by its id in the newer
    file; None if they are not all listed."""
    comparison, identities, delivered = stopped.manifest.get("comparison"), {}, set()
    changes = beside(folder, comparison["changes_key"]) if comparison else None
    if changes is None:
        return None
    must(sha256(changes).hex() == comparison["changes_sha256"], "list of changes of a stopped revision")
    for row in read_changes(changes):
        record, identity = row["record"], row["identity"]
        if row["change"] == "not listed":
            return None
        if row["change"] == "removed" or record is None or identity is None:
            continue
        must(record not in stopped.ids or stopped.ids[record] == stopped.id_of(identity), f"identity of the stopped record {record}")
        identities[record] = identity
        if stopped.id_of(identity) in stopped.delivered:
            delivered.add(own.id_of(identity))
    return identities, delivered

def compare_revision(folder, manifest, found, missing):
    bases = []
    for named in manifest["compared_with"]:
        if named["file_id"] not in found:
            missing.append(f"revision {named['file_id']}")
            bases.append(None)
            continue
        path, number = found[named["file_id"]][0], named["manifest_number"]
        data = beside(path, name_of(number))
        must(data is not None and sha256(data).hex() == named.get("manifest_sha256", sha256(data).hex()), "manifest of an earlier revision")
        earlier = read_manifest(data, name_of(number))
        receipts = earlier["archive"]["receipts_key"], earlier["archive"]["receipts_sha256"], earlier["file_id"]
        must(receipts == (named["receipts_key"], named["receipts_sha256"], named["file_id"]), "receipts of an earlier revision")
        bases.append(Revision(path, earlier))
        must(bases[-1].here, "receipts of an earlier revision")
    own, covered = Revision(folder, manifest), [set() for _ in bases]
    listed, whole = {"new": 0, "changed": 0, "removed": 0}, True
    comparison, records, removed, gone = manifest.get("comparison"), set(), set(), set()
    changes = beside(folder, comparison["changes_key"]) if comparison else None
    for row in read_changes(changes) if changes is not None else []:
        if row["change"] == "not listed":
            whole = False
            continue
        listed[row["change"]] += 1
        is_here = check_change(row, own, bases, covered)
        if row["change"] == "removed" and is_here:
            where = row["earlier_file"], row["earlier_record"]
            must(where not in removed, "a removed record that is listed twice")
            removed.add(where)
            gone |= {own.id_of(row["identity"])} if row["identity"] is not None else set()
        elif row["change"] != "removed":
            must(row["record"] not in records, f"record {row['record']} is listed twice")
            records.add(row["record"])
    if changes is not None:
        expected = {"new": comparison["new_records"], "changed": comparison["changed_records"], "removed": manifest["removed_records"]}
        must(listed["removed"] == expected["removed"], "number of removed records")
        must(listed == expected if whole else all(listed[kind] <= expected[kind] for kind in listed), "number of changes")
    certain = bases[: certain_of(bases)]
    if None in certain or not own.here:
        return
    lists = [stopped_list(base, found[base.manifest["file_id"]][0], own) for base in certain[:-1]]
    for receipt in map(read_receipt, unpacked_lines(there(folder, manifest["archive"]["receipts_key"]))):
        record, outcome = receipt["record"], receipt["outcome"]
        must(receipt["request_id"] not in gone, f"record {record} is here, and listed as removed")
        must(outcome != "unchanged" or record not in records, f"record {record} is unchanged, and listed")
        known = [place for place, base in enumerate(certain) if own.contents[record] in base.had]
        # Of several, the newest that has delivered the record decides.
        decides = next((place for place, of in enumerate(lists) if of and receipt["request_id"] in of[1]), None)
        must(outcome != "unchanged" or (known and decides in (None, *known)), f"record {record} is unchanged")
        must(known or record not in own.ids or changes is None or not whole or record in records, f"record {record} is not listed")
        for place in known:
            earlier = certain[place].had[own.contents[record]]
            covered[place].add(certain[place].ids.get(earlier))
            if place < len(lists) and lists[place] and earlier in lists[place][0]:
                cover(lists[place][0][earlier], certain, covered)
    if changes is not None and whole and manifest["held_records"] == 0 and None not in lists:
        for place, (base, said) in enumerate(zip(certain, covered)):
            # For what a stopped one did not change, the one before it accounts.
            must(base.delivered.keys() - (base.unchanged if place < len(lists) else set()) <= said, "an earlier record of which nothing is said")

def verify_series(folder, expected_pem, missing):
    found = {}
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        numbers = [int(number or 1) for name in os.listdir(path) for number in re.findall(r"\Amanifest(?:\.([1-9][0-9]*))?\.json\Z", name)]
        if not numbers:
            continue
        of_file = []
        verify_manifest(path / name_of(max(numbers)), expected_pem, of_file)
        missing += [f"{path.name}: {part}" for part in of_file]
        manifest = read_manifest((path / name_of(max(numbers))).read_bytes(), name_of(max(numbers)))
        must(manifest["file_id"] not in found, f"two folders of {manifest['file_id']}")
        found[manifest["file_id"]] = path, manifest
    must(found, "no revision in the folder")
    for path, manifest in found.values():
        if manifest["compared_with"]:
            compare_revision(path, manifest, found, missing)

def verify(arguments):
    """Exit code, and what does not hold or is missing."""
    arguments, missing, expected_pem = list(arguments), [], None
    partial = "--partial" in arguments
    if partial:
        arguments.remove("--partial")
    if "--public-key" in arguments:
        at = arguments.index("--public-key")
        expected_pem = pathlib.Path(arguments[at + 1]).read_bytes()
        del arguments[at : at + 2]
    given, heads = {"--nights": None, "--from": None, "--series": None}, []
    for name in [argument for argument in arguments if argument in (*given, "--head")]:
        at = arguments.index(name)
        if name == "--head":
            heads.append(arguments[at + 1])
        else:
            given[name] = arguments[at + 1]
        del arguments[at : at + 2]
    path, *manifest = map(pathlib.Path, arguments) if given["--nights"] is None and given["--series"] is None else [None]
    try:
        if given["--series"] is not None:
            verify_series(pathlib.Path(given["--series"]), expected_pem, missing)
            return (3 if missing and not partial else 0), "".join(f"not checked: {part}\n" for part in missing)
        if path is None:
            verify_nights(pathlib.Path(given["--nights"]), heads, int(given["--from"] or 1), expected_pem, missing)
            return (3 if missing and not partial else 0), "".join(f"not checked: {part}\n" for part in missing)
        document = parse_json(path.read_bytes())
        if isinstance(document, dict) and "sluice_proof" in document:
            verify_proof(document, manifest[0] if manifest else None, expected_pem, missing)
        else:
            verify_manifest(path, expected_pem, missing)
    except (ValueError, zlib.error, binascii.Error) as wrong:
        return 1, f"does not hold: {wrong}"
    return (3 if missing and not partial else 0), "".join(f"not checked: {part}\n" for part in missing)

if __name__ == "__main__":
    code, said = verify(sys.argv[1:])
    print(said, end="" if said.endswith("\n") else "\n")
    sys.exit(code)

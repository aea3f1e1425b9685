"""Runs verify.py on many cases in one process: a JSON array of arguments a line in, a JSON array of exit code and words out."""
import json, sys
import verify

for line in sys.stdin:
    try:
        code, said = verify.verify(json.loads(line))
    except Exception as fault:  # a verifier that crashes says nothing
        code, said = 99, f"{type(fault).__name__}: {fault}"
    print(json.dumps([code, said]), flush=True)

"""Compares a sketch file with the integers that its definition gives for the records of a CSV file.

Arguments: the folder of reference.py, the spec, the sketch, the records, the channels. The spec must have identity
transforms only.
"""

import csv
import json
import sys

import numpy as np
from safetensors.numpy import load_file

folder, spec_path, sketch_path, records_path, channels = sys.argv[1:]
sys.path.insert(0, folder)
import reference  # noqa: E402

spec, sketch = load_file(spec_path), load_file(sketch_path)
channels = channels.split(",")
with open(records_path, newline="") as f:
    x = np.array([[float(row[c]) for c in channels] for row in csv.DictReader(f)])

most = float(2**23 - 1)
q = np.rint(np.clip((x - spec["offset"]) * spec["scale"] * 65536.0, -most, most)).astype(np.int64)
omega, edges = spec["omega"], spec["histogram.edges"]
want = reference.sketch(len(channels), len(omega), omega.tolist(), edges.tolist(), q.tolist())


def wide(words):
    """128-bit sums are pairs [lo, hi]."""
    return [int(hi) * 2**64 + int(np.uint64(np.int64(lo).view(np.uint64))) for lo, hi in words]


have = {
    "count": int(sketch["total/count"][0]),
    "A": wide(sketch["total/A"]),
    "B": wide(sketch["total/B"]),
    "moment1": wide(sketch["total/moment1"]),
    "moment2": wide(sketch["total/moment2"]),
    "min": sketch["total/min"].tolist(),
    "max": sketch["total/max"].tolist(),
    "histogram": sketch["total/histogram"].tolist(),
    "clamped": sketch["total/clamped"].tolist(),
}
wrong = [name for name in want if want[name] != have[name]]
if wrong:
    sys.exit("these differ: " + json.dumps({name: [want[name], have[name]] for name in wrong})[:2000])
print(have["count"], "records agree")

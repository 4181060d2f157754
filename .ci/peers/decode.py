#!/usr/bin/env python3
"""Decoding JSON objects of 10 short numbers on one core, CPU time a record: Phasor's decoder into a vector against
encoding/json and goccy/go-json into a struct with the same 10 fields. All three must agree on every bit of every value
first. go-json is called in the two ways that it offers."""
from common import Report, Worker, options, turns

o = options(__doc__)
w = Worker(o.peers, "worker", "decode")
allocations = []


def ours(seconds):
    a = w.measure("phasor", seconds)
    allocations.append(a["allocations"])
    return a["cost"]


tasks = {"phasor": ours}
for name in w.about["tasks"][1:]:
    tasks[name] = lambda seconds, name=name: w.measure(name, seconds)["cost"]
costs = turns(o, tasks)
r = Report(o)
for name, target in (("encoding/json", 4), ("go-json", 1.3), ("go-json-typed", 1.3)):
    peer = {"go-json": "goccy/go-json, Unmarshal", "go-json-typed": "goccy/go-json, UnmarshalOf"}.get(name, name)
    r.compare("JSON of 10 numbers", "ns/record", 1e9, costs["phasor"], costs[name], peer, target)
r.check("allocations of the decoder a record", f"{max(allocations):.6f}", "0", max(allocations) < 0.0005)
w.close()
r.finish()

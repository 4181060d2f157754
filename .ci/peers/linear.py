#!/usr/bin/env python3
"""How the cost of a record grows, CPU time on one core: over 128 to 4096 frequencies of 10 channels, where the cost a
frequency must stay; and over 1 to 64 partitions that get JSON records in turn, where the cost a record must stay. At few
frequencies what does not depend on them (moments, histograms) shows. A cost counts against the one of 1024 frequencies
or of one partition, of the same turn."""
import statistics

from common import Report, Worker, of, options, short, spread, turns

o = options(__doc__)
w = Worker(o.peers, "worker", "linear")
costs = turns(o, {t: of(w, t) for t in w.about["tasks"]}, 0.1 if o.quick else 0.3)
r = Report(o)
lines = ["| frequencies | ns/record | ps/record/frequency |", "|---|---|---|"]
for name in (t for t in costs if t.startswith("m=")):
    m = int(name[2:])
    lines.append(f"| {m} | {spread([1e9 * v for v in costs[name]])} | {short(statistics.median(costs[name]) * 1e12 / m)} |")
each = [v / 4096 for v in costs["m=4096"]]
for m in (512, 4096):
    r.row(f"cost a frequency, m={m} against m=1024", spread([v * 1e12 / m for v in costs[f"m={m}"]]) + " ps",
          "m=1024: " + spread([v * 1e12 / 1024 for v in costs["m=1024"]]) + " ps",
          [a / m / (b / 1024) for a, b in zip(costs[f"m={m}"], costs["m=1024"])], 1.15, at_least=False)
lines += ["", "| partitions | ns/record, JSON, m=1024 | ns/record over those of one |", "|---|---|---|"]
for name in (t for t in costs if t.startswith("partitions=")):
    more = [1e9 * (a - b) for a, b in zip(costs[name], costs["partitions=1"])]
    lines.append(f"| {name[11:]} | {spread([1e9 * v for v in costs[name]])} | {short(statistics.median(more), 2)} |")
r.row("cost a record, 64 partitions against 1", spread([1e9 * v for v in costs["partitions=64"]]) + " ns",
      "1 partition: " + spread([1e9 * v for v in costs["partitions=1"]]) + " ns",
      [a / b for a, b in zip(costs["partitions=64"], costs["partitions=1"])], 1.15, at_least=False)
r.note("How the cost of a record grows:\n\n" + "\n".join(lines))
w.close()
r.finish()

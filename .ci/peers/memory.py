#!/usr/bin/env python3
"""The resident set of "phasor sketcher" while it folds 10 M JSON records of 8 partitions from a real Kafka, as fast as
one core goes, with 4096 frequencies of 10 channels, sampled each second. It must stay below 150 MiB, and flat after 10 s
of folding: the line fitted to the samples from then on may rise by a tenth of their mean at most. Partitions are saved
every 2 s, not every 10 s, so that saves, which take memory too, come several times in those first 10 s."""
import statistics
import time

from common import Kafka, Report, Sketcher, options

LIMIT, SETTLE = 150, 10
o = options(__doc__)
records = 2_000_000 if o.quick else 10_000_000
settle = 2 if o.quick else SETTLE
samples = []  # seconds, MiB
with Kafka() as k:
    k.fill(o, "records", 8, records, "json")
    with Sketcher(o, k, "records", 4096, interval="2s") as s:
        started, began = time.monotonic(), None
        while (n := s.folded()) < records:
            now = time.monotonic()
            if n > 0:
                began = began or now
                samples.append((now - began, s.resident()))
                time.sleep(max(0, began + len(samples) - time.monotonic()))
            else:
                time.sleep(0.1)
            if now - started > 300:
                raise SystemExit(f"the sketcher folded {n:.0f} of {records} records in 300 s")
        took = time.monotonic() - began

settled = [(t, m) for t, m in samples if t >= settle]
if len(settled) < 3:
    raise SystemExit(f"all records were folded after {took:.1f} s: too soon to see whether memory stays; give more records")
slope = statistics.linear_regression(*zip(*settled)).slope
rise = slope * (settled[-1][0] - settled[0][0]) / statistics.mean(m for _, m in settled)
most = max(m for _, m in samples)
r = Report(o)
what = f"resident set, {records / 1e6:g} M records, 8 partitions, m=4096"
r.check(what, f"at most {most:.0f} MiB", f"< {LIMIT} MiB", most < LIMIT)
if not o.quick:  # Too short a run to settle.
    r.check(f"its rise after {settle} s of folding", f"{slope:+.2f} MiB/s, {100 * rise:+.1f} % in {settled[-1][0] - settled[0][0]:.0f} s", "≤ 10 %", rise <= 0.1)
r.note(f"Resident set each second, MiB: {' '.join(f'{m:.0f}' for _, m in samples)}; {records / took / 1e6:.2f} M records/s.")
r.finish()

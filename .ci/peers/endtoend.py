#!/usr/bin/env python3
"""From a real Kafka to the sketch: JSON records of 10 numbers in 4 partitions through "phasor sketcher", 1024
frequencies, the sketcher on one core and the broker on another. The rate is that of the clock between a tenth of the
records and the last look before the end; calibration and start are before that. It is compared with what one core could
do if it did nothing but fetch (a process that reads the same topic), decode and fold (vectors to sums, moments and
histograms), each measured alone in turns with it, as CPU time."""
import time

from common import Kafka, Report, Sketcher, Worker, of, options, spread, usage_of

o = options(__doc__)
records = 1_000_000 if o.quick else 4_000_000
seconds = 0.2 if o.quick else 0.5
rates, used, queued, costs = [], [], [], {"fetch": [], "decode": [], "fold": []}
decoder, folder = Worker(o.peers, "worker", "decode"), Worker(o.peers, "worker", "sketch")
stages = {"decode": of(decoder, "phasor"), "fold": of(folder, "fold")}


def sketch():
    looks = []  # time, records, CPU, time in the queue for the core
    with Sketcher(o, k, "records", 1024) as s:
        deadline = time.monotonic() + 180
        while not looks or looks[-1][1] < records:
            time.sleep(0.2)  # Answering takes a millisecond of its core.
            n = s.folded()
            looks.append((time.monotonic(), n, s.cpu(), s.kept_waiting()))
            if looks[-1][0] > deadline:
                raise SystemExit(f"the sketcher folded {n} of {records} records in 180 s")
    first = next(i for i, look in enumerate(looks) if look[1] >= records / 10)
    last = max(i for i, look in enumerate(looks) if look[1] < records)
    (t, n, c, q), (t2, n2, c2, q2) = looks[first], looks[last]
    return (n2 - n) / (t2 - t), (c2 - c) / (n2 - n), (q2 - q) / (t2 - t)


with Kafka() as k:
    k.fill(o, "records", 4, records, "json")
    for run in range(o.runs + 1):  # The first one does not count.
        rate, cpu, queue = sketch()
        _, fetch = usage_of([o.peers, "read", "-brokers", k.address, "-topic", "records", "-partitions", "4", "-records", str(records)])
        alone = {"fetch": fetch / records, **{name: do(seconds) for name, do in stages.items()}}
        if run > 0:
            rates.append(rate)
            used.append(cpu)
            queued.append(queue)
            for name, cost in alone.items():
                costs[name].append(cost)

bounds = [1 / sum(c) for c in zip(*costs.values())]
r = Report(o)
r.row("Kafka to sketch, JSON, d=10, m=1024, one core", spread([v / 1e6 for v in rates]) + " M records/s",
      "its stages alone: " + spread([v / 1e6 for v in bounds]) + " M records/s", [a / b for a, b in zip(rates, bounds)], 0.6, percent=True)
r.note("Stages alone, ns CPU a record: " + ", ".join(f"{name} {spread([1e9 * v for v in c])}" for name, c in costs.items())
       + f". The sketcher took {spread([1e9 * v for v in used])}, had its core for {spread([100 * a * b for a, b in zip(rates, used)])} % of the time,"
       + f" was kept from it by other threads for {spread([100 * v for v in queued])} %, and waited for the broker for the rest.")
for w in (decoder, folder):
    w.close()
r.finish()

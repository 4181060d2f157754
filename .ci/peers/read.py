#!/usr/bin/env python3
"""Reading records of 60 bytes from a real Kafka on loopback: CPU time a record of the reading process, user and system,
as the kernel counts it from its start to its end. Phasor's reader against franz-go (PollFetches) and, where it is
installed, kcat; the same topic of 4 partitions, uncompressed, the broker on another core. Each reads everything once
before the runs that count."""
import json
import shutil

from common import Kafka, Report, options, usage_of

o = options(__doc__)
records = 2_000_000 if o.quick else 4_000_000
with Kafka() as k:
    k.fill(o, "small", 4, records, "small")

    def reading(client):
        def run():
            out, cpu = usage_of([o.peers, "read", "-brokers", k.address, "-topic", "small", "-partitions", "4", "-records", str(records), "-client", client])
            return cpu / records, json.loads(out)["wall"]
        return run

    def kcat():
        _, cpu = usage_of(["kcat", "-C", "-b", k.address, "-t", "small", "-o", "beginning", "-c", str(records), "-q"], quiet=True)
        return cpu / records, None

    clients = {"phasor": reading("phasor"), "franz-go": reading("franz-go")}
    if shutil.which("kcat"):
        clients["kcat"] = kcat
    cpu, wall = {name: [] for name in clients}, {name: [] for name in clients}
    for run in range(o.runs + 1):
        order = list(clients)
        for name in order if run % 2 == 0 else reversed(order):
            c, seconds = clients[name]()
            if run > 0:
                cpu[name].append(c)
                wall[name].append(seconds)

r = Report(o)
what = f"reading {records / 1e6:g} M records of 60 bytes"
r.compare(what, "ns CPU/record", 1e9, cpu["phasor"], cpu["franz-go"], "franz-go", 1 / 3, at_least=False, inverse=True)
if "kcat" in cpu:
    r.compare(what, "ns CPU/record", 1e9, cpu["phasor"], cpu["kcat"], "kcat (librdkafka, to /dev/null)", None, inverse=True)
for name in ("phasor", "franz-go"):
    r.note(f"{name}: {min(records / s for s in wall[name]) / 1e6:.2f} to {max(records / s for s in wall[name]) / 1e6:.2f} M records a second with one core for the client and one for the broker.")
r.finish()

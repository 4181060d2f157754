#!/usr/bin/env python3
"""Sketching on one core, CPU time a record of 10 channels and 1024 frequencies: Phasor's fold against torch.compile
(binary32, C++ by inductor, the fastest of several formulations and batches), numpy in binary32, and numpy's complex
exponentials in binary64, each reading records by rows and giving the sums. Phasor's figure is that of the default
kernel with the quantisation of vectors of binary64, and is exact; "with moments" adds moments, extremes and histograms.
The last row compares Phasor's kernels with each other."""
from common import HERE, Report, Worker, of, options, say, spread, turns

o = options(__doc__)
ours = Worker(o.peers, "worker", "sketch")
numpy = Worker(o.python, f"{HERE}/sketch_numpy.py")
say("compiling with torch, about a minute")
torch = Worker(o.python, f"{HERE}/sketch_torch.py", *["--quick"] * o.quick)
names = {"records": of(ours, "records"), "torch": of(torch, "float32"), "numpy": of(numpy, "float32"), "complex": of(numpy, "complex128"), "fold": of(ours, "fold")}
kernels = [k for k in ours.about["tasks"] if k.startswith("kernel/")]
names.update({k: of(ours, k) for k in kernels})
costs = turns(o, names)
r = Report(o)
what = "sketch, d=10, m=1024"
r.compare(what, "ns/record", 1e9, costs["records"], costs["torch"], f"torch.compile {torch.about['version'].split('+')[0]}, float32", 4)
r.compare(what, "ns/record", 1e9, costs["records"], costs["numpy"], f"numpy {numpy.about['version']}, float32", 6)
r.compare(what, "ns/record", 1e9, costs["records"], costs["complex"], f"numpy {numpy.about['version']}, complex128", 140)
r.compare("the same with moments and histograms", "ns/record", 1e9, costs["fold"], costs["torch"], "torch.compile, no moments", None)
if {"kernel/avx2", "kernel/avx512"} <= set(kernels):
    share = [a / b for a, b in zip(costs["kernel/avx512"], costs["kernel/avx2"])]
    fastest = [a / b for a, b in zip(costs[kernels[0]], costs["kernel/avx2"])]
    nanoseconds = {k: [1e9 * v for v in costs[k]] for k in kernels}
    r.row("AVX2 against AVX-512, share of its rate", spread(nanoseconds["kernel/avx2"]) + " ns/record",
          f"avx512: {spread(nanoseconds['kernel/avx512'])} ns/record", share, 0.4, percent=True)
    if kernels[0] != "kernel/avx512":
        name = kernels[0].removeprefix("kernel/")
        r.row(f"AVX2 against {name}", spread(nanoseconds["kernel/avx2"]) + " ns/record", f"{name}: {spread(nanoseconds[kernels[0]])} ns/record", fastest, None, percent=True)
    r.note("Kernels alone, ns a record: " + ", ".join(f"{k.removeprefix('kernel/')} {spread(nanoseconds[k])}" for k in kernels) + ".")
r.note(f"torch.compile was measured as: {torch.about['chosen']}. All that were tried, ns a record: "
       + "; ".join(f"{name} {v}" for name, v in torch.about["tried"].items()) + ".")
r.note(f"numpy's batches, of 64 to 4096: {numpy.about['chosen']['float32'].removeprefix('batch ')} for float32, {numpy.about['chosen']['complex128'].removeprefix('batch ')} for complex128.")
for w in (ours, numpy, torch):
    w.close()
r.finish()

"""Sums of cosines and sines of 1024 random frequencies over records of 10 channels, with numpy: in binary32, and with
complex exponentials in binary64, as the published implementations of sketching do. The size of the batch is the one,
of several, with the least cost on this machine."""
import numpy

import worker

D, M = 10, 1024
rng = numpy.random.default_rng(1)
W = rng.standard_normal((D, M)) / 6 * 2 * numpy.pi


def float32(size):
    x, w = rng.standard_normal((size, D)).astype(numpy.float32), W.astype(numpy.float32)
    phase, value = numpy.empty((size, M), numpy.float32), numpy.empty((size, M), numpy.float32)

    def do():
        numpy.matmul(x, w, out=phase)
        numpy.cos(phase, out=value).sum(axis=0)
        numpy.sin(phase, out=value).sum(axis=0)
        return size

    return do


def complex128(size):
    x = rng.standard_normal((size, D))

    def do():
        numpy.exp(1j * (x @ W)).mean(axis=0)
        return size

    return do


tasks, about = {}, {}
for name, make in ("float32", float32), ("complex128", complex128):
    sizes = {str(n): make(n) for n in (64, 256, 1024, 4096)}
    best, costs = worker.fastest(sizes)
    tasks[name] = sizes[best]
    about[name] = f"batch {best}"
worker.serve(tasks, version=numpy.__version__, chosen=about)

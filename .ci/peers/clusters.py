#!/usr/bin/env python3
"""The cost of the centres that "phasor clusters --method k-means" finds in a sketch, over that of the best of ten runs of
scikit-learn's KMeans on the records themselves: the mean squared distance to the nearest centre, each channel in units of
its standard deviation. 50,000 records each; it must be at most 1.05. Then the worst mean of a mixture of six normal
distributions in the plane, in deviations of its component; it must be within 0.1."""
import json
import os
import subprocess
import tempfile

import numpy
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs, make_s_curve

from common import Report, options

RECORDS, LIMIT, NEAR = 50_000, 1.05, 0.1
o = options(__doc__)
rng = numpy.random.default_rng(11)


def blobs():
    return make_blobs(RECORDS, n_features=5, centers=8, cluster_std=1.0, center_box=(-8, 8), random_state=5)[0]


def long_clusters():
    centres = rng.uniform(-6, 6, (5, 6))
    turn = numpy.linalg.qr(rng.standard_normal((6, 6)))[0] * [2, 1, 1, 0.5, 0.5, 0.3]
    return centres[rng.integers(0, 5, RECORDS)] + rng.standard_normal((RECORDS, 6)) @ turn.T


def curve():
    return make_s_curve(RECORDS, noise=0.05, random_state=7)[0]


def clusters(folder, x, *how):
    names = [f"x{i}" for i in range(x.shape[1])]
    records, spec, sketch = (os.path.join(folder, n) for n in ("records.csv", "spec.safetensors", "sketch.safetensors"))
    numpy.savetxt(records, x, delimiter=",", header=",".join(names), comments="", fmt="%.9g")
    subprocess.run([o.phasor, "calibrate", "--input", records, "--out", spec, "--seed", "1"], check=True, capture_output=True)
    subprocess.run([o.phasor, "sketch", "--spec", spec, "--input", records, "--out", sketch], check=True, capture_output=True)
    out = subprocess.run([o.phasor, "clusters", "--spec", spec, "--sketch", sketch, "--json", *how], check=True, capture_output=True, text=True)
    found = json.loads(out.stdout)
    return numpy.array([[c["centre"][n] for n in names] for c in found["clusters"]])


def cost(x, centres):
    return (((x[:, None, :] - centres[None, :, :]) ** 2).sum(-1)).min(1).mean()


r = Report(o)
with tempfile.TemporaryDirectory() as folder:
    for name, make, k in (("8 blobs, 5 channels", blobs, 8), ("5 long clusters, 6 channels", long_clusters, 5), ("an S in 3 channels", curve, 10)):
        x = make()
        centres = clusters(folder, x, "--method", "k-means", "-k", str(k))
        mean, sd = x.mean(0), x.std(0)
        z = (x - mean) / sd
        theirs = KMeans(k, n_init=10, random_state=1).fit(z).cluster_centers_
        ratio = cost(z, (centres - mean) / sd) / cost(z, theirs)
        r.check(f"k-means from the sketch, {name}, over scikit-learn's best of 10 on the records", f"{ratio:.4f} of its cost", f"≤ {LIMIT}", ratio <= LIMIT)
    angle = 2 * numpy.pi * numpy.arange(6) / 6
    means = 5 * numpy.stack([numpy.cos(angle), numpy.sin(angle)], 1)
    x = means[rng.integers(0, 6, RECORDS)] + rng.standard_normal((RECORDS, 2))
    centres = clusters(folder, x, "-k", "6")
    worst = max(numpy.abs(centres - m).max(1).min() for m in means)
    r.check("a mixture of 6 in the plane: worst mean", f"{worst:.3f} deviations off", f"≤ {NEAR}", worst <= NEAR)
r.finish()

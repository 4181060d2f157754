"""The integers of a sketch from their definition, in exact integer arithmetic.

Reads {"d", "m", "omega" (m rows of d), "edges" (d rows of 129), "q" (n rows of d)}
as JSON from stdin and writes the accumulator's fields to stdout. A number m 2^e is
the pair (m, e) of integers; nothing here is floating point except the decimal
constants, which Python parses to binary64 exactly as any other language does.
"""

import json
import sys


def nearest(m, shift):
    """m / 2^shift, to the nearest integer, half to even."""
    if shift <= 0:
        return m << -shift
    whole, rest, half = m >> shift, m & ((1 << shift) - 1), 1 << (shift - 1)
    return whole + (rest > half or (rest == half and whole & 1))


def round32(x):
    """x rounded to the 24 bits of binary32, half to even."""
    m, e = x
    extra = abs(m).bit_length() - 24
    return (nearest(m, extra), e + extra) if extra > 0 else x


def multiply(x, y):
    return x[0] * y[0], x[1] + y[1]


def add(x, y):
    e = min(x[1], y[1])
    return (x[0] << (x[1] - e)) + (y[0] << (y[1] - e)), e


def constant(c):
    numerator, denominator = c.as_integer_ratio()
    m, e = round32((numerator, 1 - denominator.bit_length()))
    return m, e + 11  # times 2048


S = [constant(c) for c in (4.442882834150685, -7.308241154578656, 3.606288958638492, -0.8457635981866104, 0.10920575707384743)]
C = [constant(c) for c in (1.4142134966405506, -6.9788509922865964, 5.739461229122794, -1.8835632995335314, 0.3106987475835834)]


def horner(c, u):
    y = c[4]
    for k in (3, 2, 1, 0):
        y = round32(add(multiply(u, y), c[k]))
    return y


def element(p):
    p = (p + (1 << 31)) % (1 << 32) - (1 << 31)
    m, e = round32((p, 0))
    r = m, e - 32
    u = round32(multiply(r, r))
    sine = round32(multiply(horner(S, u), r))
    cosine = horner(C, u)
    a = round32(multiply(sine, sine))
    b = round32(multiply(sine, cosine))
    return nearest(a[0], -a[1]), nearest(b[0], -b[1])


def reduce(q):
    return max(-32767, min(32767, (q + 32) >> 6))


def bin_of(edges, q):
    found = 0
    for b in range(128):
        if edges[b] <= q:
            found = b
    return found


def sketch(d, m, omega, edges, q):
    n = len(q)
    a, b = [0] * m, [0] * m
    for j, w in enumerate(omega):
        for x in q:
            s, t = element(sum(x[k] * w[k] for k in range(d)))
            a[j] += s
            b[j] += t
    v = [[reduce(y) for y in x] for x in q]
    pairs = [(k, l) for k in range(d) for l in range(k, d if d <= 128 else k + 1)]
    histogram = [[0] * 128 for _ in range(d)]
    for x in q:
        for k in range(d):
            histogram[k][bin_of(edges[k], x[k])] += 1
    columns = list(zip(*q))
    return {
        "count": n,
        "A": a,
        "B": b,
        "moment1": [sum(x[k] for x in v) for k in range(d)],
        "moment2": [sum(x[k] * x[l] for x in v) for k, l in pairs],
        "min": [min(c) for c in columns],
        "max": [max(c) for c in columns],
        "histogram": histogram,
        "clamped": [sum(abs(y) == (1 << 23) - 1 for y in c) for c in columns],
    }


if __name__ == "__main__":
    json.dump(sketch(**json.load(sys.stdin)), sys.stdout)

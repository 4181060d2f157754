"""One optimiser step of a generator with torch.compile in binary32 on one core: 1024 latents of 16 through 128, 128,
128 and 10 with tanh between, the mean phasors at 1024 frequencies, the weighted squared distance to a target, backward,
Adam. The latents stay the same. Several ways are compiled, and the one of least cost is measured: frequencies along
rows or columns; Adam fused, or each step as one compiled graph with its loss, or with foreach."""
import glob
import os
import sys

import torch

import worker

torch.set_num_threads(1)
B, L, H, D, M = 1024, 16, 128, 10, 1024


def network():
    torch.manual_seed(1)
    layers = []
    for a, b in ((L, H), (H, H), (H, H)):
        layers += [torch.nn.Linear(a, b), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(H, D))


def loss_by_columns(y, omega, re, im, weight):
    p = y @ omega
    return (weight * ((p.cos().mean(0) - re) ** 2 + (p.sin().mean(0) - im) ** 2)).sum()


def loss_by_rows(y, omega, re, im, weight):
    p = omega.t() @ y.t()
    return (weight * ((p.cos().mean(1) - re) ** 2 + (p.sin().mean(1) - im) ** 2)).sum()


def variant(loss, optimiser, mode):
    torch._dynamo.reset()
    net = network()
    u, omega = torch.randn(B, L), torch.randn(D, M) / 6 * 2 * torch.pi
    re, im, weight = torch.randn(M) / 10, torch.randn(M) / 10, torch.full((M,), 1 / M)
    adam = torch.optim.Adam(net.parameters(), lr=5e-3, **{"fused": {"fused": True}, "foreach": {"foreach": True}}[optimiser])

    def forward():
        return loss(net(u), omega, re, im, weight)

    compiled = torch.compile(forward, fullgraph=True, dynamic=False, mode=mode, backend="inductor")
    update = adam.step
    if optimiser == "foreach":
        update = torch.compile(adam.step, backend="inductor")

    def do():
        adam.zero_grad(set_to_none=True)
        value = compiled()
        value.backward()
        update()
        return 1

    with torch.no_grad():
        before = float(compiled())
    for _ in range(20):
        do()
    with torch.no_grad():
        assert float(compiled()) < before, "the loss does not fall"
    return do


quick = "--quick" in sys.argv
ways = [(loss_by_rows, "fused", "default"), (loss_by_columns, "fused", "default")]
if not quick:
    ways += [(loss_by_rows, "foreach", "default"), (loss_by_rows, "fused", "max-autotune")]
variants = {f"{f.__name__}, Adam {adam}, {mode}": variant(f, adam, mode) for f, adam, mode in ways}
best, costs = worker.fastest(variants, 0.3)
compiled = glob.glob(os.path.join(torch._inductor.codecache.cache_dir(), "**", "*.so"), recursive=True)
assert compiled, "inductor compiled nothing: is there a C++ compiler?"
worker.serve({"step": variants[best]}, version=torch.__version__, chosen=best,
             tried={name: round(1e6 * value) for name, value in sorted(costs.items(), key=lambda item: item[1])})

#!/usr/bin/env python3
"""One optimiser step of a generator on one core, CPU time: 1024 latents, a network of 16-128-128-128-10 with tanh, the
loss over all frequencies, backward, Adam; Phasor against torch.compile. Phasor fits 1037 frequencies of 1152, because a
tenth is held out, and draws new latents in each step; torch fits 1024, on the same latents again and again."""
from common import HERE, Report, Worker, of, options, say, turns

o = options(__doc__)
ours = Worker(o.peers, "worker", "step")
say("compiling with torch, about a minute")
torch = Worker(o.python, f"{HERE}/step_torch.py", *["--quick"] * o.quick)
costs = turns(o, {"phasor": of(ours, "step"), "torch": of(torch, "step")}, 0.4 if o.quick else 1)
r = Report(o)
r.compare("trainer step, d=10, m=1024, 1024 latents", "ms", 1e3, costs["phasor"], costs["torch"],
          f"torch.compile {torch.about['version'].split('+')[0]}, float32", 0.7, at_least=False, inverse=True)
r.note(f"torch's step was measured as: {torch.about['chosen']}. All that were tried, us a step: "
       + "; ".join(f"{name} {v}" for name, v in torch.about["tried"].items()) + ".")
for w in (ours, torch):
    w.close()
r.finish()

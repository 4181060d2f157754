"""The Python side of the protocol of worker.go: a line with the names of the tasks, then an answer to each request
"NAME SECONDS" on standard input. A task does work for a millisecond or more and returns the units that it did."""
import gc
import json
import sys
import time


def cost(do, seconds):
    """CPU seconds a unit, in user and kernel mode."""
    units, took = 0.0, 0.0
    began = time.process_time()
    while took < seconds:
        units += do()
        took = time.process_time() - began
    return took / units


def fastest(variants, seconds=0.2, rounds=3):
    """The variant of least cost, as its name, and all costs; they take turns."""
    costs = {name: [] for name in variants}
    for do in variants.values():
        do()
    for _ in range(rounds):
        for name, do in variants.items():
            costs[name].append(cost(do, seconds))
    best = {name: min(values) for name, values in costs.items()}
    return min(best, key=best.get), best


def serve(tasks, **about):
    for do in tasks.values():
        do()
    print(json.dumps({"tasks": list(tasks), **about}), flush=True)
    for line in sys.stdin:
        name, seconds = line.rsplit(" ", 1)
        gc.collect()
        print(json.dumps({"cost": cost(tasks[name], float(seconds))}), flush=True)

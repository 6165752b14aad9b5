"""What the floor costs and leaves undone, on walks from zero that pop the largest mass first."""

import time

import store
import torch
from sets import items, network
from torch import Tensor, nn

import heapwidget as hw

FLOORS = (1e-2, 1e-3, 1e-4, 1e-5)
COUNTS = {"digits": 12, "photos": 4}


def measure(kind: str) -> None:
    """One row an item and floor, as far as the file does not hold them."""
    net, done = network(kind), {(row["kind"], row["item"]) for row in store.read("floors")}
    for name, x in list(items(kind))[: COUNTS[kind]]:
        if (kind, name) in done:
            continue
        found = []
        for floor in FLOORS:
            seconds, e = min((timed(net, x, floor) for _ in range(2)), key=lambda run: run[0])
            pops, columns, target = e.trace.header["phases"]["walk"], e.trace.columns, abs(e.ledger.target)
            arrived, bound = float(columns["explained"][pops - 1]), float(columns["bound"][pops - 1])
            # z+ only ever adds to the input, so what is missing is the error.
            shares = {"arrived": arrived, "missing": e.ledger.explained - arrived, "bound": bound}
            figures = {"pops": str(pops), "seconds": f"{seconds:.4f}"}
            figures |= {column: f"{share / target:.5f}" for column, share in shares.items()}
            found.append({"kind": kind, "item": name, "floor": f"{floor:g}"} | figures)
        store.write("floors", store.read("floors") + found)
        print(f"floors: {kind} {name}", flush=True)


def timed(net: nn.Module, x: Tensor, floor: float) -> tuple[float, hw.Explanation]:
    """Seconds of an explanation, without those that the processor gave to others; and the explanation."""
    options = {"baseline": None, "rule": "zplus", "priority": "mass", "max_pops": 1_000_000, "progress": False}
    start = time.process_time()
    explanation = hw.attribute(net, x, target=int(best(net, x)), floor=floor, **options)
    return time.process_time() - start, explanation


def best(net: nn.Module, x: Tensor) -> Tensor:
    """The class with the largest score."""
    with torch.inference_mode():
        return net(x).argmax()

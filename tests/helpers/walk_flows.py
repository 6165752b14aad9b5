"""The slow twin of the viewer's `core/replay/flows.ts`: every flow of a walk so far, by going through the rows."""

from __future__ import annotations

from collections import defaultdict

from heapwidget.trace.trace import Trace

TARGET = -1
Flows = dict[tuple[int, ...], float]


def all_flows(trace: Trace, step: int) -> Flows:
    """The relevance that has come by each way from the target to the input in the first `step` rows of the walk.

    A node passes on what it got until then, a part of it from each of those that sent it; what it got after its last
    pop is not passed on yet.
    """
    columns, n_inputs = trace.columns, trace.input_nodes
    sign = -1.0 if trace.header.target.value < 0 else 1.0
    keys: dict[int, float] = defaultdict(float)
    waiting: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    consumed: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for node, key in trace.header.start:
        keys[node] = key
        waiting[node][TARGET] = key
    for row in range(min(step, trace.header.phases.walk)):
        popped = int(columns["pop_node"][row])
        for source, amount in waiting.pop(popped).items():
            consumed[popped][source] += amount
        keys[popped] = 0.0
        for i in range(int(columns["log_offset"][row]), int(columns["log_offset"][row + 1])):
            node, key = int(columns["log_node"][i]), float(columns["log_key"][i])
            amount = (key - keys[node]) * (sign if node < n_inputs else 1.0)
            (consumed if node < n_inputs else waiting)[node][popped] += amount
            keys[node] = key
    found: Flows = {}
    for node in [n for n in consumed if n < n_inputs]:
        for source, amount in consumed[node].items():
            _up(consumed, source, amount, (node,), found)
    return found


def _up(consumed: dict[int, dict[int, float]], node: int, flow: float, way: tuple[int, ...], found: Flows) -> None:
    if node == TARGET:
        found[way] = flow
        return
    total = sum(consumed[node].values())
    for source, amount in consumed[node].items():
        if amount > 0:
            _up(consumed, source, flow * amount / total, (node, *way), found)

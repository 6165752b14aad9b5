"""What a walk costs its heap alone: the pushes, re-keys and pops of its log, carried out with bare `heapq`."""

from __future__ import annotations

import heapq
from itertools import pairwise

from heapwidget.trace.trace import Trace


class Replayed:
    """The walk of a trace as plain lists: for each pop the ids and keys that its row logs."""

    def __init__(self, trace: Trace) -> None:
        first = trace.input_nodes
        ends = trace.columns["log_offset"].tolist()
        nodes, keys = trace.columns["log_node"].tolist(), trace.columns["log_key"].tolist()
        self.start = [(-key, node) for node, key in trace.header.start]
        self.rows = [
            [(-key, node) for node, key in zip(nodes[a:b], keys[a:b], strict=True) if node >= first]
            for a, b in pairwise(ends)
        ][: trace.header.phases.walk]

    def run(self) -> int:
        """Pop once for each row, stale pairs skipped; gives the pops."""
        held = dict[int, float]()
        heap = list[tuple[float, int]]()
        for key, node in self.start:
            held[node] = key
            heapq.heappush(heap, (key, node))
        pops = 0
        for row in self.rows:
            while True:
                key, node = heapq.heappop(heap)
                if held.get(node) == key:
                    del held[node]
                    break
            pops += 1
            for pair in row:
                held[pair[1]] = pair[0]
                heapq.heappush(heap, pair)
        return pops

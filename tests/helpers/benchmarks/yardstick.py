"""Fixed work beside which time is measured, so that a figure is the same on a slower machine.

It is of the kind of what it stands for and knows nothing of heapwidget; to change it is to change all limits that are
counted in it. `python tests/helpers/benchmarks/yardstick.py` prints what it takes on this machine.
"""

import heapq
import time
from typing import NamedTuple

import numpy as np

NODES = 4096


class Kind(NamedTuple):
    """What a round is like."""

    matrices: int
    """How many matrices there are: more than a cache holds, or few."""
    shape: tuple[int, int]
    """Their shape: what a pop's mass is spread by."""
    touches: int
    """How often small arrays are cut out, summed and written back."""


# A unit's pop spreads over some dozen others; a position's over the channels of its neighbours, with cold weights.
UNIT = Kind(64, (1, 25), 2)
POSITION = Kind(24, (192, 1152), 6)


def rounds(count: int, kind: Kind = UNIT) -> float:
    """Seconds of the processor for so many rounds of a heap in Python and arrays in NumPy, as a pop's are."""
    rng = np.random.default_rng(0)
    height, width = kind.shape
    weights = rng.random((kind.matrices, height, width), dtype=np.float32)
    given = rng.random(height, dtype=np.float32)
    masses = np.zeros(NODES + width, np.float32)
    heap = [(-1.0, node) for node in range(kind.matrices)]
    start = time.process_time()
    for _ in range(count):
        key, node = heapq.heappop(heap)
        shares = given @ weights[node % kind.matrices]
        shares *= np.float32(-key / float(shares.sum()))
        first = node * 31 % NODES
        masses[first : first + width] += shares
        for touch in range(kind.touches):
            window = masses[first + touch : first + touch + 25].reshape(5, 5)
            largest = int(window.sum(axis=0).argmax())
            window[largest] *= 0.5
        heapq.heappush(heap, (-float(shares[largest]) - 0.5, first + largest))
    return time.process_time() - start


if __name__ == "__main__":
    for name, kind in (("unit", UNIT), ("position", POSITION)):
        print(f"{min(rounds(1000, kind) for _ in range(20)) * 1e3:.1f} ms for 1,000 rounds, {name}")

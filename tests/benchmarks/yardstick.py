"""Fixed work beside which time is measured, so that a figure is the same on a slower machine.

It is of the kind of what it stands for and knows nothing of heapwidget; to change it is to change all limits that are
counted in it. `python tests/benchmarks/yardstick.py` prints what it takes on this machine.
"""

import heapq
import time

import numpy as np

# Width of an array, and how many there are to choose from: a unit's pop moves some dozen numbers that are at hand, a
# position's some thousand, of weights that no cache holds.
UNIT, POSITION = (25, 64), (4096, 2048)
NODES = 4096


def rounds(count: int, kind: tuple[int, int] = UNIT) -> float:
    """Seconds of the processor for so many rounds of a heap in Python and arrays in NumPy, as a pop's are."""
    width, choice = kind
    rng = np.random.default_rng(0)
    weights = rng.random((choice, width), dtype=np.float32)
    reach = np.arange(width)
    masses = np.zeros(NODES + width, np.float32)
    heap = [(-1.0, node) for node in range(64)]
    log: list[np.ndarray] = []
    start = time.process_time()
    for _ in range(count):
        key, node = heapq.heappop(heap)
        row = weights[node % len(weights)]
        shares = row * np.float32(-key / float(row.sum()))
        first = node * 31 % NODES
        masses[first : first + width] += shares
        log.append(np.stack([reach[: UNIT[0]] + first, masses[first : first + UNIT[0]]]))
        largest = int(shares.argmax())
        heapq.heappush(heap, (-float(shares[largest]) - 0.5, first + largest))
    return time.process_time() - start


if __name__ == "__main__":
    for name, kind in (("unit", UNIT), ("position", POSITION)):
        print(f"{min(rounds(1000, kind) for _ in range(20)) * 1e3:.2f} ms for 1,000 rounds, {name}")

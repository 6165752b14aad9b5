"""The heap of a walk, and what all layers share beside it: the keys of all nodes, their log, the sums of the ledger.

Keys are the masses as float32, so a key's bit pattern orders like the key. A heap entry packs (largest first, smaller
place first) into one integer: the node's place less its rank, shifted above it. Best first, a node's rank is its key's
bits and its place its id. In a wave the rank is the key's size class, each of a factor of 16, the target's size the top
of one, and places are counted from the output down, so that of one class the node nearest the output goes first.
Entries that no longer match their node's rank are stale.
"""

from __future__ import annotations

from heapq import heappush

import numpy as np
from numpy.typing import NDArray

ID_BITS = 32
ID_MASK = (1 << ID_BITS) - 1
# No key has a class as low as this.
NOT_QUEUED = -(2**30)
# What a key's bits lose to tell its size class: 23 of the mantissa, 2 of the exponent.
CLASS_BITS = 25

PRIORITIES = ("mass", "bound", "wave")

# NumPy takes an array of no axes faster than a Python number.
_SHIFT = np.array(ID_BITS)


class Board:
    """What all layers share: the heap, the keys of all nodes, the log, and the running sums of the ledger.

    Attributes
    ----------
    heap
        Packed entries, stale ones included.
    keys
        For each node the bits of its key, or `NOT_QUEUED`.
    by_bound
        Whether keys are a node's part of the bound, sum of k * abs(residual), and not its mass.
    class_top
        The largest key of a size class, of which others follow; 0 where rank is by key alone.
    explained, mass, bound
        Relevance on the input; sum of abs(residual); sum of k * abs(residual).
    absorbed
        By layer number and cause.
    """

    def __init__(
        self, n_nodes: int, floor: float, signed: bool, priority: str = "mass", class_top: float = 0.0
    ) -> None:
        self.heap: list[int] = []
        self.keys = np.full(n_nodes, NOT_QUEUED, np.int32)
        self.priority, self.by_bound, self.wave = priority, priority == "bound", priority == "wave"
        self.signed = signed or self.by_bound
        self.class_top = np.float32(class_top)
        # A key's rank is its bits less the first, shifted by the second, also as arrays of no axes.
        self.rank_from, self.rank_shift = (int(self.class_top.view(np.int32)) + 1, CLASS_BITS) if self.wave else (0, 0)
        self._from, self._shift = np.array(self.rank_from, np.int32), np.array(self.rank_shift, np.int32)
        self.set_floor(floor)
        self.explained = self.mass = self.bound = 0.0
        self.absorbed: dict[tuple[int, str], float] = {}
        self.absorbed_total = 0.0
        self.log_nodes: list[NDArray[np.int64]] = []
        self.log_keys: list[NDArray[np.float32]] = []
        self.log_size = 0

    def set_floor(self, floor: float) -> None:
        """The least key, as a number and as an array of no axes."""
        self.floor_value, self.floor = floor, np.array(floor)

    def absorb(self, layer: int, causes: dict[str, float]) -> None:
        """Write what a layer absorbed into the ledger."""
        for cause, value in causes.items():
            self.absorbed[layer, cause] = self.absorbed.get((layer, cause), 0.0) + value
            self.absorbed_total += value

    def log(self, nodes: NDArray[np.int64], keys: NDArray[np.float32]) -> None:
        """Note new keys."""
        self.log_nodes.append(nodes)
        self.log_keys.append(keys)
        self.log_size += len(nodes)

    def rank(self, bits: NDArray[np.int32]) -> NDArray[np.int32]:
        """The ranks of keys, by their bits."""
        ranks: NDArray[np.int32] = (bits - self._from) >> self._shift
        return ranks

    def queue(self, nodes: NDArray[np.int64], bits: NDArray[np.int32], to_place: int) -> None:
        """Push or re-key nodes of one layer, whose places are their ids and `to_place`."""
        self.log(nodes, bits.view(np.float32))
        if self.wave:
            # Within its class a node stays where it is.
            ranks = self.rank(bits)
            moved = ranks != self.rank(self.keys[nodes])
            self.keys[nodes] = bits
            nodes, bits = nodes[moved] + to_place, ranks[moved]
        else:
            self.keys[nodes] = bits
        heap = self.heap
        for entry in (nodes - (bits.astype(np.int64) << _SHIFT)).tolist():
            heappush(heap, entry)

    def queue_one(self, node: int, bits: int, to_place: int) -> None:
        """Push or re-key one node."""
        before = (int(self.keys[node]) - self.rank_from) >> self.rank_shift
        self.keys[node] = bits
        self.log(np.array([node]), np.array([bits], np.int32).view(np.float32))
        rank = (bits - self.rank_from) >> self.rank_shift
        if rank != before:
            heappush(self.heap, node + to_place - (rank << ID_BITS))

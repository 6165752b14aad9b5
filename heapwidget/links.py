"""Which nodes an op reads from: its operands, entry by entry, as node ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heapwidget.engine.boxes import Partition
from heapwidget.engine.graph import Graph

NO_NODE = -1


class Links:
    """The nodes of a graph under a partition of its layers, and where each operand's entries lie in them.

    Attributes
    ----------
    first
        The first node of each layer, and the number of all nodes.
    """

    def __init__(self, graph: Graph, parts: Sequence[Partition]) -> None:
        self._graph, self._parts = graph, parts
        self.first = np.cumsum([0, *(p.n_nodes for p in parts)])
        self._nodes: dict[tuple[int, int], NDArray[np.int32]] = {}

    def layer_of(self, node: int) -> int:
        """The layer that a node lies in."""
        return int(np.searchsorted(self.first, node, side="right")) - 1

    def nodes(self, layer: int, operand: int) -> NDArray[np.int32]:
        """Node ids in the shape of an operand of a layer; `NO_NODE` where an entry is no unit."""
        found = self._nodes.get((layer, operand))
        if found is None:
            found = self._nodes[layer, operand] = self._find(layer, operand)
        return found

    def _find(self, layer: int, number: int) -> NDArray[np.int32]:
        operand = self._graph.layers[layer].operands[number]
        if operand.layer is not None:
            return self._of_layer(operand.layer).reshape(operand.shape)
        assert operand.index is not None
        index = operand.index.cpu().numpy()
        found = np.full(index.shape, NO_NODE, np.int32)
        for source in self._graph.sources(layer):
            below = self._graph.layers[source]
            mine = (index >= below.offset) & (index < below.offset + below.n_units)
            found[mine] = self._of_layer(source).reshape(-1)[index[mine] - below.offset]
        return found

    def _of_layer(self, layer: int) -> NDArray[np.int32]:
        """Node ids in the shape of a layer."""
        nodes: NDArray[np.int32] = (self._parts[layer].node_of_unit + self.first[layer]).astype(np.int32)
        return nodes

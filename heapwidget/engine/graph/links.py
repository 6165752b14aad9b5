"""Which nodes an op reads from: its operands, entry by entry, as node ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Partition, Window
from heapwidget.engine.graph.layers import Graph, Operand

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
        self._grids: dict[int, NDArray[np.int32]] = {}
        self._nodes: dict[tuple[int, int], NDArray[np.int32]] = {}

    def layer_of(self, node: int) -> int:
        """The layer that a node lies in."""
        return int(np.searchsorted(self.first, node, side="right")) - 1

    def nodes(self, layer: int, operand: int) -> NDArray[np.int32]:
        """Node ids in the shape of an operand of a layer; `NO_NODE` where an entry is no unit."""
        found = self._nodes.get((layer, operand))
        if found is None:
            found = self._nodes[layer, operand] = self._find(self._graph.layers[layer].operands[operand])
        return found

    def sums(
        self, layer: int, operand: int, window: Window, values: NDArray[np.floating]
    ) -> tuple[NDArray[np.int32], NDArray[np.floating]]:
        """Add up `values` over the nodes that a window of an operand touches: node ids, which may repeat, and sums."""
        source = self._graph.layers[layer].operands[operand]
        if source.layer is None or source.shape != self._parts[source.layer].shape:
            return self.nodes(layer, operand)[window].reshape(-1), values.reshape(-1)
        # An operand that is a layer as it stands costs no look-up unit by unit.
        window, values = self._parts[source.layer].fold(window, values)
        return self._grid(source.layer)[window].reshape(-1), values.reshape(-1)

    def output_sums(self, values: NDArray[np.floating]) -> tuple[NDArray[np.int32], NDArray[np.floating]]:
        """The same for all of the graph's output."""
        return self._find(self._graph.output).reshape(-1), values.reshape(-1)

    def _grid(self, layer: int) -> NDArray[np.int32]:
        """A layer's node ids, in the shape of its grid of boxes."""
        if layer not in self._grids:
            part, first = self._parts[layer], int(self.first[layer])
            self._grids[layer] = np.arange(first, first + part.n_nodes, dtype=np.int32).reshape(part.grid)
        return self._grids[layer]

    def _find(self, operand: Operand) -> NDArray[np.int32]:
        if operand.layer is not None:
            return self._of_layer(operand.layer).reshape(operand.shape)
        index = self._graph.units(operand).cpu().numpy()
        found = np.full(index.shape, NO_NODE, np.int32)
        for source, below in enumerate(self._graph.layers):
            mine = (index >= below.offset) & (index < below.end)
            if mine.any():
                found[mine] = self._of_layer(source).reshape(-1)[index[mine] - below.offset]
        return found

    def _of_layer(self, layer: int) -> NDArray[np.int32]:
        """Node ids in the shape of a layer."""
        nodes: NDArray[np.int32] = (self._parts[layer].node_of_unit + self.first[layer]).astype(np.int32)
        return nodes

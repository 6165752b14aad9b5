"""A walk of relevance, and the trace that it leaves: told anew whenever it went on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from heapwidget.engine.flow import Array
from heapwidget.engine.walk.search import Finish, Row, Walk
from heapwidget.errors import check_number
from heapwidget.methods.traces import Log, collect, told
from heapwidget.trace.header import VERSIONS, Header, Phases
from heapwidget.trace.ledger import Ledger
from heapwidget.trace.trace import Trace


@dataclass
class RelevanceWalk:
    """A walk with what is needed to tell its trace, now and again after it went on.

    Attributes
    ----------
    header
        Of its traces, without what depends on the pops.
    seeds
        What the walk starts with, in the shape of the graph's output.
    finishing
        Whether what the walk leaves is passed on in whole-layer passes, each time that it stops.
    lock
        Held by whoever lets the walk go on: a viewer may ask for it while a cell does.
    """

    walk: Walk
    header: Header
    seeds: Array
    finishing: bool
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.walk.rank([layer.field for layer in self.header.layers], -1 if self.turned else 1)

    @property
    def turned(self) -> bool:
        """Whether the lowest contributions are taken for the first as the walk goes on: those of a negative target."""
        return self.header.target.change < 0 and not self._of_class

    @property
    def _of_class(self) -> bool:
        """Whether it is the change for a class: what speaks for it goes first."""
        target = self.header.target
        return target.baseline is not None and target.index is not None

    def go_on(self, max_pops: int, floor: float | None, tick: Callable[[int], object]) -> tuple[Trace, list[Array]]:
        """Pop on, with a lower floor if one is given or the heap is empty, and tell it all as `trace` does."""
        walk = self.walk
        with self.lock:
            if floor is None and not walk.pending:
                floor = walk.floor / 10
            if floor is not None:
                check_number("floor", floor)
                if not 0 <= floor <= walk.floor:
                    raise ValueError(f"floor {floor} is not between 0 and the walk's floor so far, {walk.floor}")
                walk.lower_floor(floor)
            walk.run(max_pops, tick)
            return self.trace()

    def finish(self) -> tuple[Trace, list[Array]]:
        """Pass on what the walk left, now and whenever it stops again, and tell it all as `trace` does."""
        with self.lock:
            self.finishing = True
            return self.trace()

    def trace(self) -> tuple[Trace, list[Array]]:
        """Tell all of the walk, finished on the side: the trace, and the contributions of each input's units."""
        walk, board = self.walk, self.walk.board
        finish = walk.finish() if self.finishing else walk.stopped()
        n_inputs = walk.input_nodes
        contributions = [c * walk.sign for c in finish.contributions]
        turned = self._lowest_first(contributions)
        collected, final = collect(walk.partitions, contributions, ascending=turned, zeros=False)
        pops = walk.rows()
        rows = [*pops, *finish.rows]
        settled = self.finishing or walk.spent
        if rows and not finish.rows and settled:
            # The walk left nothing at all, so what its running sums still show is rounding.
            rows[-1] = rows[-1]._replace(residual_mass=0.0, bound=0.0)
        nodes = np.concatenate([*board.log_nodes, finish.log_nodes])
        keys = np.concatenate([*board.log_keys, finish.log_keys])
        keys = np.where(nodes < n_inputs, keys * np.float32(walk.sign), keys)
        start, reached = walk.start_log, np.flatnonzero(nodes[: walk.start_log] < n_inputs)
        started = zip(nodes[:start].tolist(), keys[:start].tolist(), strict=True)
        told_since = any(layer.square for layer in self.header.layers)
        header = replace(
            self.header,
            version=VERSIONS[board.wave or told_since],
            floor=walk.floor,
            priority=board.priority,
            class_top=float(board.class_top) if board.wave else None,
            phases=Phases(len(pops), len(finish.rows), len(collected)),
            collect_order="ascending" if turned else None,
            start=tuple((node, key) for node, key in started if node >= n_inputs),
            ledger=self._ledger(finish, contributions),
        )
        # What started on an input itself is told with the first row.
        logged = np.r_[reached, start : len(nodes)] if rows else reached[:0]
        ends = np.array([0, *(len(reached) + row.log_end - start for row in rows)])
        columns = told(
            np.r_[[row.node for row in rows], collected],
            np.r_[[row.mass for row in rows], final],
            contributions,
            Log(ends, nodes[logged], keys[logged]),
            explained=walk.sign * np.array([row.explained for row in rows] or [board.explained]),
            absorbed=walk.sign * np.array([row.absorbed for row in rows] or [board.absorbed_total]),
            dust=self._dust(rows, nodes, keys),
            bound=np.maximum([row.bound for row in rows], 0),
            certain=self._certain(len(rows), len(collected) if settled else None, turned),
        )
        return Trace(header, columns), contributions

    def _certain(self, rows: int, settled: int | None, turned: bool) -> NDArray[np.int64]:
        """How many of the first positions are certain after each row: in the end all, `settled`, if nothing is left."""
        walked = self.walk.certain()
        if turned != self.turned:
            # The walk took the other end for the first.
            walked = np.zeros_like(walked)
        # Without any row, what started on the input itself is told.
        certain = np.append(walked, np.full(max(rows, 1) - len(walked), walked[-1] if len(walked) else 0))
        if settled is not None:
            certain[-1] = settled
        return certain

    def _lowest_first(self, contributions: Sequence[Array]) -> bool:
        """Whether the lowest contributions go first: those of a negative target are its largest parts.

        Of the change for a class, what speaks for it goes first all the same, if there is any.
        """
        if self.header.target.change >= 0:
            return False
        return not (self._of_class and any(bool((c > 0).any()) for c in contributions))

    def _ledger(self, finish: Finish, contributions: Sequence[Array]) -> Ledger:
        labels = [layer.label for layer in self.walk.graph.layers]
        absorbed = {(labels[n], cause): v * self.walk.sign for (n, cause), v in sorted(finish.absorbed.items()) if v}
        explained = sum(float(c.sum(dtype=np.float64)) for c in contributions)
        residual = 0.0 if self.finishing else self.walk.residual_sum()
        return replace(self.header.ledger, explained=explained, residual=residual, absorbed=absorbed)

    def _dust(self, rows: list[Row], nodes: NDArray[np.int64], keys: NDArray[np.float32]) -> NDArray[np.float64]:
        """What lies below the floor after each row: the residual mass less the keys in the heap."""
        walk = self.walk
        pops = walk.rows()
        ends = np.array([walk.start_log, *(row.log_end for row in pops)])
        # Every event gives a node a new key: each entry of the log, and each pop, which gives it none.
        logged = np.flatnonzero(nodes[: ends[-1]] >= walk.input_nodes)
        popped = np.array([row.node for row in pops], np.int64)
        node = np.concatenate([popped, nodes[logged]])
        key = np.concatenate([np.zeros(len(popped)), keys[logged]])
        row = np.concatenate([np.arange(len(popped)), np.searchsorted(ends, logged, side="right") - 1])
        # Row i's pop comes before row i's log; the start's log (row -1) before all.
        order = np.lexsort((np.arange(len(node)), row, node))
        node, key, row = node[order], key[order], row[order]
        before = np.where(np.r_[True, node[1:] != node[:-1]], 0.0, np.r_[0.0, key[:-1]])
        changes = np.bincount(row + 1, key - before, minlength=len(pops) + 1)
        in_heap = np.cumsum(changes)[1:]
        mass = np.array([r.bound if walk.board.by_bound else r.residual_mass for r in rows])
        mass[: len(in_heap)] -= in_heap
        dust: NDArray[np.float64] = np.maximum(mass, 0)
        return dust

"""What was found, frozen, and the questions that its numbers answer."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.boxes import picture_fits
from heapwidget.engine.alone import alone
from heapwidget.engine.flow import Array
from heapwidget.errors import check_number
from heapwidget.findings.curves import Faithfulness
from heapwidget.findings.probe import Probe
from heapwidget.methods.walked import RelevanceWalk
from heapwidget.progress import progress_bar
from heapwidget.trace import file as trace_file
from heapwidget.trace.ledger import Ledger
from heapwidget.trace.trace import Trace
from heapwidget.words.percents import fixed

if TYPE_CHECKING:
    from typing_extensions import Self

NO_NET = "a file or a copy (deepcopy, pickle) keeps the trace, not the net; explain again with attribute(net, x)"

T = TypeVar("T")


@dataclass(frozen=True, eq=False, repr=False)
class Findings:
    """What was found of one target. It never changes: what goes on with its walk gives other findings.

    Copied or sent, columns and inputs go along as plain arrays, not the walk, nor the net.

    Attributes
    ----------
    inputs, images, trace, relevance, measured
        See `Explanation`. All findings of one walk share it.
    several
        Whether x was a tuple of inputs.
    contributions
        Of each input's units.
    probe
        The net, to be asked again.
    """

    inputs: tuple[Tensor, ...]
    images: tuple[NDArray[np.uint8] | None, ...]
    several: bool
    trace: Trace
    contributions: tuple[Array, ...]
    relevance: RelevanceWalk | None
    probe: Probe | None
    measured: Faithfulness | None

    @classmethod
    def of(
        cls,
        x: Tensor | Sequence[Tensor],
        trace: Trace,
        contributions: Sequence[Array],
        relevance: RelevanceWalk | None,
        images: Sequence[NDArray[np.uint8] | None],
        probe: Probe | None = None,
    ) -> Self:
        """The findings of x as it is now: the caller may write into it later.

        Raises
        ------
        ValueError
            For a picture that has other positions than its input.
        """
        several = not isinstance(x, Tensor)
        for number, image in enumerate(images):
            if image is not None and not picture_fits(image, trace.positions(number)):
                size = " x ".join(map(str, trace.positions(number)))
                given = " x ".join(map(str, image.shape[:2]))
                place = f"[{number}]" if several else ""
                raise ValueError(f"image{place} has {given} pixels, but x{place} has {size} positions; they must agree")
        inputs = tuple(a.detach().clone() for a in ((x,) if isinstance(x, Tensor) else x))
        return cls(inputs, tuple(images), several, trace, tuple(contributions), relevance, probe, None)

    def __repr__(self) -> str:
        target = self.trace.header.target
        text = f"Explanation of {target.label} = {target.value:.4g} by {self.trace.header.method}"
        if self.trace.conserved and target.change:
            share = fixed(self.ledger.explained / target.change, 1)
            text += f": {share} on the input after {self.trace.n_steps} pops"
        return f"<{text}>"

    @property
    def findings(self) -> Findings:
        """What is found by now, frozen: these."""
        return self

    def _as_given(self, parts: Sequence[T]) -> T | tuple[T, ...]:
        """A tuple with a part for each input where x was a tuple, else the one part."""
        return tuple(parts) if self.several else parts[0]

    @property
    def x(self) -> Tensor | tuple[Tensor, ...]:
        """The input that was explained."""
        return self._as_given(self.inputs)

    @property
    def image(self) -> NDArray[np.uint8] | tuple[NDArray[np.uint8] | None, ...] | None:
        """The picture to show for the input, (H, W) or (H, W, 3), if one was given."""
        return self._as_given(self.images)

    @property
    def attribution(self) -> Tensor | tuple[Tensor, ...]:
        """Contributions in the shape, dtype and device of x; where conserved they sum to the ledger's `explained`."""
        pairs = zip(self.contributions, self.inputs, strict=True)
        return self._as_given([torch.tensor(c, device="cpu").reshape(x.shape).to(x) for c, x in pairs])

    @property
    def order(self) -> NDArray[np.int64]:
        """Flat positions of the input in the order they were popped; channels of a position go together.

        The positions of several inputs are counted on, from one input to the next.
        """
        nodes: NDArray[np.int64] = self.trace.columns["pop_node"][self.trace.selecting].astype(np.int64)
        return nodes

    def selected(self, step: int) -> NDArray[np.bool_] | tuple[NDArray[np.bool_], ...]:
        """A mask over the input's positions: those popped by `step`.

        Parameters
        ----------
        step
            From 0 (nothing popped) to the number of steps.

        Raises
        ------
        ValueError
            If the step is out of range.
        """
        trace = self.trace
        if not 0 <= step <= trace.n_steps:
            raise ValueError(f"step {step} is out of range: this explanation has steps 0 to {trace.n_steps}")
        mask = np.zeros(trace.input_nodes, np.bool_)
        mask[self.order[trace.selecting < step]] = True
        return self._as_given([part.reshape(trace.positions(n)) for n, part in enumerate(trace.by_input(mask))])

    @property
    def ledger(self) -> Ledger:
        """Where the target's relevance went.

        Raises
        ------
        ValueError
            For a method whose keys are not shares of the target.
        """
        header = self.trace.header
        if not header.conserved:
            raise ValueError(
                f"method={header.method!r} conserves nothing, so it keeps no ledger; use method='relevance'"
            )
        # The reader's own, to write into.
        return replace(header.ledger, absorbed=dict(header.ledger.absorbed))

    @property
    def bound(self) -> float:
        """Certified L1 error of `attribution` as it stands: 0 once finished, nan where nothing is certified."""
        if not self.trace.conserved:
            return math.nan
        bounds = self.trace.columns["bound"]
        return float(bounds[-1]) if len(bounds) else 0.0

    @property
    def certain(self) -> int:
        """How many of the first positions of `order` no relevance on its way can displace, as it stands.

        As a set: `order[:certain]` holds the first positions of the finished attribution, whatever still arrives. Once
        finished these are all, and 0 where nothing is certified. How many were certain after each pop is the column
        `trace.columns["certain"]`.
        """
        return int(self.trace.columns["certain"].max(initial=0))

    @property
    def pops(self) -> NDArray[np.void]:
        """One record a pop: step (from 1), layer, box (as slices), label, mass, phase."""
        return self.trace.pops

    @property
    def can_refine(self) -> bool:
        """Whether the walk is at hand, to be continued."""
        return self.relevance is not None

    @alone()
    def refine(
        self,
        max_pops: int = 1000,
        floor: float | None = None,
        *,
        progress: bool | Callable[[int], object] = True,
    ) -> Self:
        """Go on popping where the walk stopped, then finish as before.

        Gives other findings, as these never change; an explanation gives itself, changed.

        Ctrl-C stops between two pops, and what was found by then is kept. Viewers keep what they were sent; their own
        `HeapViewer.refine` shows the longer walk.

        Parameters
        ----------
        max_pops
            How many more pops at most.
        floor
            A lower floor; by default the same, or a tenth of it once the heap is empty.
        progress
            Whether pops that take more than a second show a progress bar, or a function that is told how many pops
            were done since it was last called.

        Raises
        ------
        RuntimeError
            If there is no walk: for other methods, and for explanations from a file or a copy.
        """
        relevance = self._walked()
        check_number("max_pops", max_pops)
        if max_pops < 1:
            raise ValueError(f"max_pops must be at least 1, not {max_pops}")
        with progress_bar(max_pops, "pops", progress is True) as shown:
            tick = progress if callable(progress) else shown
            return self._retold(lambda: relevance.go_on(max_pops, floor, tick))

    @alone()
    def finish(self) -> Self:
        """Pass on in one sweep what the walk left, so that the attribution is exact; gives as `refine` does.

        Raises
        ------
        RuntimeError
            As for `refine`.
        """
        return self._retold(self._walked().finish)

    def _walked(self) -> RelevanceWalk:
        if self.relevance is None:
            raise RuntimeError(f"there is no walk to continue: only method='relevance' walks, and {NO_NET}")
        return self.relevance

    def _retold(self, tell: Callable[[], tuple[Trace, list[Array]]]) -> Self:
        """These findings with a trace of the walk that goes further; the order of its pops is not measured yet."""
        with torch.autocast(self.inputs[0].device.type, enabled=False):
            trace, contributions = tell()
        return self._now(replace(self, trace=trace, contributions=tuple(contributions), measured=None))

    def _now(self, found: Self) -> Self:
        """What is handed on once more was found: other findings, since these stay as they are."""
        return found

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __getstate__(self) -> dict[str, Any]:
        # Contributions that are the trace's own go with it.
        known = all(
            c.dtype == np.float32 and np.array_equal(c.reshape(-1), own.reshape(-1))
            for c, own in zip(self.contributions, self.trace.contributions, strict=True)
        )
        return vars(self) | {
            "relevance": None,
            "probe": None,
            "inputs": [_packed(x) for x in self.inputs],
            "contributions": None if known else self.contributions,
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        found = state["contributions"]
        inputs = tuple(_unpacked(*parts) for parts in state["inputs"])
        contributions = state["trace"].contributions if found is None else found
        vars(self).update(state, inputs=inputs, contributions=contributions)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write trace and inputs to one `.npz` file, for `heapwidget.load`."""
        inputs = tuple(x.cpu().to(torch.float32).numpy() for x in self.inputs)
        trace_file.save(path, trace_file.Saved(self.trace, inputs, self.images, self.several))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote; what it raises is what the trace's file raises."""
        saved = trace_file.load(path)
        inputs = tuple(map(torch.from_numpy, saved.inputs))
        x = inputs if saved.several else inputs[0]
        return cls.of(x, saved.trace, saved.trace.contributions, None, saved.images)


def _packed(x: Tensor) -> tuple[bytes, torch.dtype, tuple[int, ...], str]:
    """A tensor as bytes, with its type, its shape and where it was: NumPy does not know all types.

    Tensors of a worker process would be shared memory that is gone with it, and those of a GPU need one where they
    arrive.
    """
    flat = x.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes(), x.dtype, tuple(x.shape), str(x.device)


def _unpacked(data: bytes, dtype: torch.dtype, shape: tuple[int, ...], device: str) -> Tensor:
    """The tensor again, where it was if there is such a place here."""
    x = torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
    try:
        return x.to(device)
    except (RuntimeError, AssertionError):
        return x

"""What was found, and the questions one can ask it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.arguments.checks import check_number
from heapwidget.arguments.pictures import picture_fits
from heapwidget.engine.alone import alone
from heapwidget.engine.flow import Array
from heapwidget.findings.copies import NO_NET, Sendable
from heapwidget.findings.ledger import Ledger
from heapwidget.findings.paths import Path, strongest_paths
from heapwidget.methods.walked import RelevanceWalk
from heapwidget.progress import progress_bar
from heapwidget.trace.trace import Trace
from heapwidget.words.percents import fixed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from heapwidget.display.viewer import HeapViewer
    from heapwidget.findings.faithfulness import Baseline, Faithfulness, Probe

T = TypeVar("T")


class Explanation(Sendable):
    """One explanation: the pops, what they found, and how far it can be trusted.

    Made by `heapwidget.attribute` and `heapwidget.load`, not by hand. Where x was a tuple of inputs, so are `x`,
    `image`, `attribution` and `selected(step)`.

    `copy.deepcopy` and `pickle` (so joblib and multiprocessing too) leave the net behind: like one from a file, a copy
    cannot `refine`, `finish`, follow `paths` or measure its `faithfulness`. `copy.copy` shares the walk.

    Attributes
    ----------
    relevance
        The walk itself, where there is one to continue.
    measured
        What `faithfulness` gave last; viewers made from then on show its curves.
    """

    def __init__(
        self,
        x: Tensor | Sequence[Tensor],
        trace: Trace,
        contributions: Sequence[Array],
        relevance: RelevanceWalk | None,
        images: Sequence[NDArray[np.uint8] | None],
        probe: Probe | None = None,
    ) -> None:
        self._several = not isinstance(x, Tensor)
        for number, image in enumerate(images):
            if image is not None and not picture_fits(image, trace.positions(number)):
                size = " x ".join(map(str, trace.positions(number)))
                given = " x ".join(map(str, image.shape[:2]))
                place = f"[{number}]" if self._several else ""
                raise ValueError(f"image{place} has {given} pixels, but x{place} has {size} positions; they must agree")
        self.relevance = relevance
        # The caller may write into x later, and this explains what it was.
        self._inputs = tuple(a.detach().clone() for a in ((x,) if isinstance(x, Tensor) else x))
        self._images = tuple(images)
        self._trace, self._contributions = trace, contributions
        self._probe = probe
        self.measured: Faithfulness | None = None

    def _as_given(self, parts: Sequence[T]) -> T | tuple[T, ...]:
        """A tuple with a part for each input where x was a tuple, else the one part."""
        return tuple(parts) if self._several else parts[0]

    def __repr__(self) -> str:
        target = self._trace.header["target"]
        text = f"Explanation of {target['label']} = {target['value']:.4g} by {self._trace.header['method']}"
        if self._trace.conserved and target["value"]:
            share = fixed(self.ledger.explained / target["value"], 1)
            text += f": {share} on the input after {self._trace.n_steps} pops"
        return f"<{text}>"

    @property
    def x(self) -> Tensor | tuple[Tensor, ...]:
        """The input that was explained."""
        return self._as_given(self._inputs)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The inputs that were explained, one by one, also where there is but one."""
        return self._inputs

    @property
    def image(self) -> NDArray[np.uint8] | tuple[NDArray[np.uint8] | None, ...] | None:
        """The picture to show for the input, (H, W) or (H, W, 3), if one was given."""
        return self._as_given(self._images)

    @property
    def images(self) -> tuple[NDArray[np.uint8] | None, ...]:
        """The pictures to show for the inputs, one by one, where they were given."""
        return self._images

    @property
    def trace(self) -> Trace:
        """The pops as columns; see `docs/trace.md`."""
        return self._trace

    @property
    def attribution(self) -> Tensor | tuple[Tensor, ...]:
        """Contributions in the shape, dtype and device of x; where conserved they sum to the ledger's `explained`."""
        return self._as_given(
            [
                torch.tensor(c, device="cpu").reshape(x.shape).to(device=x.device, dtype=x.dtype)
                for c, x in zip(self._contributions, self._inputs, strict=True)
            ]
        )

    @property
    def order(self) -> NDArray[np.int64]:
        """Flat positions of the input in the order they were popped; channels of a position go together.

        The positions of several inputs are counted on, from one input to the next.
        """
        nodes: NDArray[np.int64] = self._trace.columns["pop_node"][self._trace.selecting].astype(np.int64)
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
        if not 0 <= step <= self._trace.n_steps:
            raise ValueError(f"step {step} is out of range: this explanation has steps 0 to {self._trace.n_steps}")
        trace = self._trace
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
        if not self._trace.conserved:
            method = self._trace.header["method"]
            raise ValueError(f"method={method!r} conserves nothing, so it keeps no ledger; use method='relevance'")
        saved = self._trace.header["ledger"]
        absorbed = {(layer, cause): value for layer, cause, value in saved["absorbed"]}
        return Ledger(saved["target"], saved["explained"], saved["residual"], absorbed)

    @property
    def bound(self) -> float:
        """Certified L1 error of `attribution` as it stands: 0 once finished, nan where nothing is certified."""
        if not self._trace.conserved:
            return math.nan
        bounds = self._trace.columns["bound"]
        return float(bounds[-1]) if len(bounds) else 0.0

    @property
    def pops(self) -> NDArray[np.void]:
        """One record a pop: step (from 1), layer, box (as slices), label, mass, phase."""
        return self._trace.pops

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
    ) -> Explanation:
        """Go on popping where the walk stopped, then finish as before; gives this explanation, changed.

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
            self._retell(lambda: relevance.go_on(max_pops, floor, tick))
        return self

    @alone()
    def finish(self) -> Explanation:
        """Pass on in one sweep what the walk left, so that the attribution is exact; gives this explanation, changed.

        Raises
        ------
        RuntimeError
            As for `refine`.
        """
        self._retell(self._walked().finish)
        return self

    def _walked(self) -> RelevanceWalk:
        if self.relevance is None:
            raise RuntimeError(f"there is no walk to continue: only method='relevance' walks, and {NO_NET}")
        return self.relevance

    def _retell(self, tell: Callable[[], tuple[Trace, list[Array]]]) -> None:
        """Take over a trace of the walk that goes further than this one."""
        with torch.autocast(self._inputs[0].device.type, enabled=False):
            self._trace, self._contributions = tell()
        # The order of the pops may be another one now.
        self.measured = None

    def paths(self, k: int = 5, *, progress: bool = True) -> list[Path]:
        """The k strongest flows from the target to the inputs, strongest first.

        A path's relevance is the target times the product of the shares of its steps, from node to node, in the full
        layer-wise pass: what J passes to I, over all that J holds. The paths that end in a position add up to its
        contribution. They are found best first, each way with the best product that any path through it can reach.

        Parameters
        ----------
        k
            How many, at most.
        progress
            Whether a search of more than a second shows a progress bar.

        Raises
        ------
        ValueError
            For rules or targets with negative shares: there no bound tells which way is the strongest.
        RuntimeError
            For methods that move no relevance, and for explanations from a file or a copy.
        """
        if self.relevance is None:
            raise RuntimeError(f"there are no flows to follow: only method='relevance' moves relevance, and {NO_NET}")
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        return strongest_paths(self.relevance.walk, self.relevance.seeds, self._trace, k, progress)

    @alone()
    def faithfulness(
        self,
        *,
        baseline: Baseline | Sequence[Baseline] = 0.0,
        score: str | None = None,
        steps: int = 50,
        random_orders: int = 3,
        batch_size: int = 32,
        seed: int = 0,
        progress: bool = True,
    ) -> Faithfulness:
        """Deletion and insertion curves of the pop order, with their areas, beside random orders.

        The net that was explained is run again, in eval mode and without gradients, and left as it was found; if it
        was trained since, the curves are those of the net as it is now.

        Parameters
        ----------
        baseline
            What stands where a position is taken away: a number, a tensor like x, or `"blur"`. For several inputs it
            holds for all, or is a tuple with one for each.
        score
            `"probability"`, the softmax of the target's class, or the sigmoid of a single output (by default where the
            target is a class), or `"logit"`, the target's own value.
        steps
            In so many steps all positions are replaced.
        random_orders
            How many random orders are measured too.
        batch_size
            Inputs run at a time.
        seed
            Of the random orders, and of the order of positions that were never popped.
        progress
            Whether runs of more than a second show a progress bar.

        Raises
        ------
        RuntimeError
            For an explanation from a file or a copy: there is no net to ask.
        ValueError
            For a probability of a target that is no single class, or a baseline that does not fit.
        """
        from heapwidget.findings.faithfulness import faithfulness

        if self._probe is None:
            raise RuntimeError(f"there is no net to ask: {NO_NET}")
        self.measured = faithfulness(
            self,
            self._probe,
            baseline=baseline,
            score=score,
            steps=steps,
            random_orders=random_orders,
            batch_size=batch_size,
            seed=seed,
            progress=progress,
        )
        return self.measured

    def summary(self) -> str:
        """A few lines that tell what was found, and how far it can be trusted."""
        from heapwidget.findings.summary import summary

        return summary(self)

    def plot(self) -> Figure:
        """A matplotlib figure: input, contributions, what happened over the pops, and the ledger.

        It is made without pyplot, so no figure stays open; notebooks show it, `savefig` writes PNG, PDF or SVG.
        """
        from heapwidget.display.figures.figures import plot

        return plot(self)

    def to_dataframe(self) -> Any:
        """`pops` as a pandas DataFrame; needs pandas."""
        import pandas as pd

        return pd.DataFrame(self.pops)

    def view(self, **traits: Any) -> HeapViewer:
        """An interactive viewer of this explanation; keyword arguments set its traits."""
        from heapwidget.display.viewer import HeapViewer

        return HeapViewer(self, **traits)

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        step: int = 0,
        bookmarks: Mapping[int, str] | Iterable[Any] = (),
        panels: Sequence[str] | None = None,
    ) -> None:
        """Write the viewer with this explanation to one page that needs nothing else and asks for nothing.

        Parameters
        ----------
        path
            Where the page goes.
        step
            Where the viewer opens; beyond the last step, at the last.
        bookmarks
            Marked moments: `{12: "the stroke"}`, or any other form that `HeapViewer.bookmarks` takes.
        panels
            What is shown at first, as `HeapViewer.panels`; by default what suits the method.

        Raises
        ------
        TypeError, ValueError
            For bookmarks and panels that cannot be meant.
        """
        from heapwidget.display.page import Shown, write_page

        write_page(path, Shown.at(self, step, bookmarks, panels))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write trace and inputs to one `.npz` file, for `heapwidget.load`."""
        from heapwidget.findings.file import save

        save(self, path)

"""An explanation: what was found, and the conveniences to go on with it, to show it and to keep it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from heapwidget.arguments.baseline import Single
from heapwidget.display.page import Shown, write_page
from heapwidget.display.viewer import HeapViewer
from heapwidget.engine.alone import alone
from heapwidget.findings.curves import Faithfulness
from heapwidget.findings.faithfulness import orders_of, trial_of
from heapwidget.findings.findings import Findings
from heapwidget.findings.paths import Path, strongest_paths
from heapwidget.findings.summary import summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Explanation(Findings):
    """One explanation: the pops, what they found, and how far it can be trusted.

    Made by `heapwidget.attribute` and `heapwidget.load`, not by hand. Where x was a tuple of inputs, so are `x`,
    `image`, `attribution` and `selected(step)`.

    It goes on with its walk: `refine`, `finish` and `faithfulness` change what it holds, and `findings` is what it
    holds now, which stays as it is.

    `copy.deepcopy` and `pickle` (so joblib and multiprocessing too) leave the net behind: like one from a file, a copy
    cannot `refine`, `finish`, follow `paths` or measure its `faithfulness`. `copy.copy` shares the walk.

    Attributes
    ----------
    inputs, images
        The inputs that were explained and the pictures to show for them, one by one, also where there is but one.
    trace
        The pops as columns; see `docs/trace.md`.
    relevance
        The walk itself, where there is one to continue.
    measured
        What `faithfulness` gave last; viewers made from then on show its curves.
    """

    def _now(self, found: Findings) -> Explanation:
        # The one place where an explanation changes; what it held before stays as it is with whoever has it.
        vars(self).update(vars(found))
        return self

    @property
    def findings(self) -> Findings:
        """What is found by now, frozen."""
        held = dict(vars(self))
        return Findings(**{field.name: held[field.name] for field in fields(Findings)})

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

        Where shares have both signs, paths may be negative, and the strongest are those of the largest size.

        Raises
        ------
        RuntimeError
            For methods that move no relevance, and for explanations from a file or a copy.
        """
        return strongest_paths(self, k, progress)

    @alone()
    def faithfulness(
        self,
        *,
        baseline: Single | Sequence[Single] = 0.0,
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
            target is a class, alone or against the rest), or `"logit"`, the target's own value: of a class against the
            rest with the weights that the others have on x.
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
        trial, orders = trial_of(self, baseline, score), orders_of(self, random_orders, seed)
        measured = trial.faithfulness(orders, steps, batch_size, progress)
        self._now(replace(self, measured=measured))
        return measured

    def summary(self) -> str:
        """A few lines that tell what was found, and how far it can be trusted."""
        return summary(self)

    def plot(self) -> Figure:
        """A matplotlib figure: input, contributions, what happened over the pops, and the ledger.

        It is made without pyplot, so no figure stays open; notebooks show it, `savefig` writes PNG, PDF or SVG.
        """
        from heapwidget.display.figures.overview import plot  # noqa: PLC0415 - loads matplotlib

        return plot(self)

    def to_dataframe(self) -> Any:
        """`pops` as a pandas DataFrame; needs pandas."""
        return import_module("pandas").DataFrame(self.pops)

    def view(self, **traits: Any) -> HeapViewer:
        """An interactive viewer of this explanation; keyword arguments set its traits."""
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
        write_page(path, Shown.at(self, step, bookmarks, panels))


def load(path: str | os.PathLike[str]) -> Explanation:
    """Read an explanation that `Explanation.save` wrote; nothing in the file is executed.

    Raises
    ------
    TraceFormatError
        If the file is damaged or no trace.
    """
    return Explanation.load(path)

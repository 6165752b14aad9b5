"""`explain` and `attribute`: arguments in, the engine's flow above, a result out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from heapwidget.arguments.checks import (
    Inputs,
    accepted,
    batched,
    batched_inputs,
    check_choice,
    check_differentiable,
    check_nodes,
    check_number,
    check_single,
    check_surroundings,
    listed_inputs,
    listed_names,
    listed_pictures,
    plain_module,
)
from heapwidget.arguments.embeddings import fed_embeddings
from heapwidget.arguments.ends import EACH_ALONE, scores_below, with_below
from heapwidget.arguments.kinds import channel_axes, listed_positions, with_names
from heapwidget.arguments.targets import Target, head_of
from heapwidget.engine.alone import alone
from heapwidget.engine.capture import Recording, confirm, record
from heapwidget.engine.composites import RuleLike, composite
from heapwidget.engine.finite import check_finite, check_found
from heapwidget.engine.flow import Array
from heapwidget.errors import brief
from heapwidget.explanation import Explanation
from heapwidget.findings.probe import Probe
from heapwidget.methods.article import CONTRIBUTIONS, article
from heapwidget.methods.methods import Relevance, gradient
from heapwidget.progress import progress_bar
from heapwidget.trace.trace import Trace

if TYPE_CHECKING:
    from heapwidget.display.viewer import HeapViewer

METHODS = ("relevance", "gradient", "article")
ORDERS = ("descending", "ascending")
PRIORITIES = ("mass", "bound")


@alone()
def attribute(
    net: nn.Module,
    x: Tensor | Sequence[Tensor],
    *,
    target: Target = None,
    method: str = "relevance",
    rule: RuleLike = "zplus",
    nodes: str | Mapping[str, str] = "auto",
    floor: float = 1e-3,
    max_pops: int = 20_000,
    finish: bool = True,
    order: str = "descending",
    priority: str = "mass",
    contribution: str = "activation_x_gradient",
    class_names: Sequence[str] | None = None,
    image: NDArray[Any] | Sequence[NDArray[Any] | None] | None = None,
    feature_names: Sequence[str] | Sequence[Sequence[str] | None] | None = None,
    tokens: Sequence[str] | Sequence[Sequence[str] | None] | None = None,
    verify: bool = True,
    progress: bool = True,
) -> Explanation:
    """Take a net's decision apart, pop by pop.

    Parameters
    ----------
    net
        Any `torch.nn.Module`. A copy of its structure runs in eval mode; the module itself is not touched.
    x
        One input, with a batch axis of one (without it, one is added where the net wants it). For a net that takes
        several, a tuple of them: the net is called `net(*x)`, and relevance is collected on each; what is asked of the
        explanation by input, such as its `attribution`, is a tuple then, too.
    target
        What to explain: a class index or name, a pair for a contrast (first minus second), a list of (class, weight)
        pairs, or a callable from the net's output to a tensor of one number. By default the class with the largest
        score; for `method="gradient"` the sum of all scores, as in the founding article. Where the net ends in a
        softmax, a sigmoid or the logarithm of one, a class is explained at its score below (`method="gradient"` takes
        the output as it is); a callable is given the output itself.
    method
        `"relevance"`: a best-first walk that moves relevance from the target to the input, conserving it.
        `"gradient"`: the article's code, a heap of the gradient at each position of the input.
        `"article"`: the article's five steps on the whole network: all nodes start in the heap with contributions of
        their own, and a popped key is added to the keys of the node's children; nothing is conserved.
    rule
        How a layer's relevance is shared: the name of a rule or composite (`"zplus"`, `"epsilon"`, `"epsilon_plus"`,
        ...), a `Rule`, a `Composite`, or a mapping from patterns to rules, the first that fits a layer counts:
        `{"first": "flat", "conv": "zplus", "*": hw.epsilon(0.1)}`. Patterns are those of `Composite`.
    nodes
        What the heap holds: `"unit"`, `"channel"`, `"position"`, `"token"` (a position, by another name), `"tile"`
        (squares of positions, at most 256 a layer), `"layer"`, or `"auto"`, the finest of unit, position and squares
        with at most 4,096 nodes in the layer; or a mapping from patterns to these, the first that fits a layer counts:
        `{"conv2": "channel", "features": "tile", "*": "unit"}`.
    floor
        A node enters the heap once its mass reaches this fraction of the target.
    max_pops
        Where a walk of relevance stops at the latest. (`method="article"` always pops every node.)
    finish
        Whether what a walk of relevance leaves is passed on in one sweep, so that the attribution is exact. Without it
        the attribution is what the pops brought, with its ledger and bound; `Explanation.finish` makes up for it.
    order
        For `method="gradient"`: `"descending"`, or `"ascending"` as the article's min-heap pops.
    priority
        What the walk pops first: the node with the largest `"mass"`, sum(abs(residual)), or the one with the largest
        part of the `"bound"`, sum(k * abs(residual)), which needs fewer pops for signed rules.
    contribution
        For `method="article"`: what a unit starts with, `"activation_x_gradient"`, or `"gradient"` as in the article's
        own code.
    class_names
        Names of the classes, for `target` and the viewer.
    image
        A picture to show for x: (H, W) or (H, W, 3), uint8 or floats in [0, 1], with the positions of x. For several
        inputs a tuple, with a picture or `None` for each.
    feature_names
        What the columns of a table are called, one name for each number in x, of shape (features,). For several inputs
        a tuple, with a list of names or `None` for each.
    tokens
        The words of a text whose embeddings x holds, one for each row of (tokens, features). For several inputs a
        tuple, as above.
    verify
        Whether the net is run once more, plainly, to see that what was recorded is its own answer. A net that is not
        the same twice is refused; without this, the one recorded run is explained. (`method="gradient"` records
        nothing.)
    progress
        Whether walks of more than a second show a progress bar.

    Returns
    -------
    Explanation

    Raises
    ------
    TypeError, ValueError
        For arguments that cannot be meant; the message says what to do.
    UnsupportedOpError
        If the net holds an op that has neither a rule nor a derivative.
    """
    check_surroundings(x)
    net = plain_module(net)
    inputs = listed_inputs(x, net)
    net = fed_embeddings(net)
    _check_options(method, order, priority, contribution, nodes, floor, max_pops, finish)
    if method != "relevance":
        check_differentiable(net)
    class_names = listed_names(class_names)
    pictures, named = listed_pictures(image, x), listed_positions(feature_names, tokens, x)
    axes = channel_axes(named, inputs)

    def run(taken: Inputs) -> Recording:
        return record(net, *taken, head=head_of(target), channel_axes=axes)

    def explained(
        trace: Trace, found: list[Array], relevance: Relevance | None, taken: Inputs, below: str | None, decides: bool
    ) -> Explanation:
        probe = Probe(net, tuple(tuple(a.shape) for a in taken), target, class_names, below, decides)
        trace = Trace(with_below(with_names(trace.header, named), below), trace.columns)
        return Explanation.of(x, trace, found, relevance, pictures, probe)

    if method == "gradient":
        taken, ascending = batched_inputs(run, inputs), order == "ascending"
        trace, found = accepted(lambda a: gradient(net, a, target, class_names, ascending, axes), taken)
        return explained(trace, found, None, taken, None, False)
    recording = batched(run, inputs)
    check_single(recording.inputs, recording.output, lambda rows: run(rows).output)
    begins = check_finite(net, recording)
    if verify:
        confirm(net, recording, head_of(target))
    recording, below = (recording, None) if callable(target) else scores_below(recording)
    decides = recording.output.numel() == 1 or below in EACH_ALONE
    # The net may run with autocast, as its caller has it; relevance is worked out in full numbers.
    with torch.autocast(inputs[0].device.type, enabled=False):
        if method == "article":
            trace, found = article(recording, target, class_names, nodes, contribution, progress, begins)
            return explained(trace, found, None, recording.inputs, below, False)
        rules, by_bound = composite(rule), priority == "bound"
        relevance = Relevance.start(recording, target, class_names, rules, nodes, floor, by_bound, finish)
        # The trace is told anew from this header when the walk goes on.
        relevance.header = with_below(with_names(relevance.header, named), below)
        with progress_bar(max_pops, "pops", progress) as tick:
            relevance.walk.run(max_pops, tick)
        trace, found = relevance.trace()
        told = [trace.columns[name] for name in ("pop_mass", "log_key", "explained", "absorbed")]
        check_found([*found, *told], begins, "rule='zplus', whose shares are parts of the target")
    return explained(trace, found, relevance, recording.inputs, below, decides)


def _check_options(
    method: str,
    order: str,
    priority: str,
    contribution: str,
    nodes: str | Mapping[str, str],
    floor: float,
    max_pops: int,
    finish: bool,
) -> None:
    """Refuse options that cannot be meant, and those that the method does not know."""
    check_choice("method", method, METHODS)
    check_choice("order", order, ORDERS)
    check_choice("priority", priority, PRIORITIES)
    check_choice("contribution", contribution, CONTRIBUTIONS)
    check_nodes(nodes)
    check_number("floor", floor)
    check_number("max_pops", max_pops)
    if not 0 <= floor <= 1:
        raise ValueError(f"floor {floor} is not a fraction of the target between 0 and 1")
    if not max_pops >= 0:
        raise ValueError(f"max_pops must not be negative, but is {max_pops}")
    if not isinstance(finish, bool):
        raise TypeError(f"finish must be True or False, not {brief(finish)}")
    if not finish and method != "relevance":
        raise ValueError("finish=False is for method='relevance', the one whose walk can be stopped half-way")
    if not finish and max_pops < 1:
        raise ValueError("finish=False leaves what no pop brought, so max_pops must be at least 1")
    if order == "ascending" and method != "gradient":
        raise ValueError("order='ascending' is for method='gradient'; a walk pops the largest first")
    if contribution != CONTRIBUTIONS[0] and method != "article":
        raise ValueError(f"contribution={contribution!r} is for method='article'; other methods know only their own")
    if priority != "mass" and method != "relevance":
        raise ValueError(f"priority={priority!r} is for method='relevance', the one that has a bound")


def explain(
    net: nn.Module, x: Tensor | Sequence[Tensor], *, panels: Sequence[str] | None = None, **options: Any
) -> HeapViewer:
    """Take a net's decision apart and show it: the last line of a notebook cell.

    Parameters
    ----------
    net, x
        As for `attribute`.
    panels
        What the viewer shows at first; by default what suits the method.
    **options
        All keyword arguments of `attribute`.

    Returns
    -------
    HeapViewer
        A widget; its `explanation` holds the numbers.
    """
    traits = {} if panels is None else {"panels": list(panels)}
    return attribute(net, x, **options).view(**traits)

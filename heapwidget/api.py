"""`explain` and `attribute`: arguments in, the engine's flow above, a result out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Signature, signature
from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn

from heapwidget.arguments.baseline import Baseline
from heapwidget.arguments.inputs import check_surroundings, listed_inputs, listed_pictures
from heapwidget.arguments.names import listed_names, listed_positions
from heapwidget.arguments.nets import fed_embeddings, plain_module
from heapwidget.arguments.question import Question
from heapwidget.arguments.targets import Target
from heapwidget.display.viewer import HeapViewer
from heapwidget.engine.alone import alone
from heapwidget.engine.composites import RuleLike
from heapwidget.explanation import Explanation
from heapwidget.findings.probe import Probe
from heapwidget.methods.table import method_of


@alone()
def attribute(
    net: nn.Module,
    x: Tensor | Sequence[Tensor],
    *,
    target: Target = None,
    method: str = "relevance",
    baseline: Baseline = None,
    rule: RuleLike | None = None,
    nodes: str | Mapping[str, str] = "auto",
    floor: float = 3e-4,
    max_pops: int = 20_000,
    finish: bool = True,
    order: str = "descending",
    priority: str = "wave",
    contribution: str = "activation_x_gradient",
    class_names: Sequence[str] | None = None,
    image: NDArray[Any] | Sequence[NDArray[Any] | None] | None = None,
    feature_names: Sequence[str] | Sequence[Sequence[str] | None] | None = None,
    tokens: Sequence[str] | Sequence[Sequence[str] | None] | None = None,
    verify: bool = True,
    progress: bool = True,
    **options: Any,
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
        What to explain: a class index or name, a pair for a contrast (first minus second), a pair with `None` for the
        class against the rest, a list of (class, weight) pairs, or a callable from the net's output to a tensor of one
        number. By default, of changes from a baseline, what the net decided: the class with the largest score against
        the rest, `(None, None)`, or of a single score the side that its sign is on; with `baseline=None` and for
        `method="article"` the largest score alone, and for `method="gradient"` the sum of all, as in the founding
        article. Where the net ends in a softmax, a sigmoid or the logarithm of one, a class is explained at its score
        below (`method="gradient"` takes the output as it is); a callable is given the output itself.
    method
        `"relevance"`: a best-first walk that moves relevance from the target to the input, conserving it.
        `"gradient"`: the article's code, a heap of the gradient at each position of the input.
        `"article"`: the article's five steps on the whole network: all nodes start in the heap with contributions of
        their own, and a popped key is added to the keys of the node's children; nothing is conserved.
    baseline
        What x is compared with: the change of the target from there to here is explained. A number such as 0, a tensor
        like x, `"blur"`, `"mean"` (of each channel), or a list of these, whose changes are averaged; for several inputs
        a tuple with one for each. `None` hands down the whole target from zero, as older rules do: biases take their
        parts, and classes are hardly told apart.
    rule
        How a layer's relevance is shared: the name of a rule or composite (`"zplus"`, `"epsilon"`, `"epsilon_plus"`,
        ...), a `Rule`, a `Composite`, or a mapping from patterns to rules, the first that fits a layer counts. By
        default `"zplus"`, and with a baseline `"signed_head"`: what goes the way of the change, below a head that tells
        for from against. A mapping reads
        `{"first": "flat", "conv": "zplus", "*": hw.epsilon(0.1)}`. Patterns are those of `Composite`.
    nodes
        What the heap holds: `"unit"`, `"channel"`, `"position"`, `"token"` (a position, by another name), `"tile"`
        (squares of positions, at most 256 a layer), `"layer"`, or `"auto"`, the finest of unit, position and squares
        that gives all layers together at most 750 nodes; or a mapping from patterns to these, the first that fits a
        layer counts: `{"conv2": "channel", "features": "tile", "*": "unit"}`.
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
        What the walk pops first: `"wave"`, of the nodes whose mass, sum(abs(residual)), is the largest to within a
        factor of 16, the one nearest the output, so that a node has gathered its share before it goes; the node with
        the largest `"mass"`; or the one with the largest part of the `"bound"`, sum(k * abs(residual)).
    contribution
        For `method="article"`: what a unit starts with, `"activation_x_gradient"`, or `"gradient"` as in the article's
        own code.
    class_names
        Names of the classes, for `target` and the viewer. For a net with a single score one name, or two: what it is
        called where the score is negative, and where it is positive.
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
    **options
        Those of methods that were added to `heapwidget.methods.table.METHODS`.

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
    named = listed_positions(feature_names, tokens, x)
    question = Question(fed_embeddings(net), inputs, target, listed_names(class_names), named, verify, progress)
    pictures = listed_pictures(image, x)
    walk = {
        "baseline": baseline,
        "rule": rule,
        "nodes": nodes,
        "floor": floor,
        "max_pops": max_pops,
        "finish": finish,
        "priority": priority,
    }
    how = method_of(method, walk | {"order": order, "contribution": contribution} | options)
    answer = how.answer(question)
    shapes = tuple(tuple(a.shape) for a in answer.inputs)
    below = answer.trace.header.target.below
    weights = None if answer.choice is None else answer.choice.weights
    probe = Probe(question.net, shapes, target, weights, below, answer.decides)
    return Explanation.of(x, answer.trace, answer.contributions, answer.walk, pictures, probe)


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


def _all_keywords() -> Signature:
    """That of `attribute`, with the panels: for `help`, and for what completes as one types."""
    *keywords, others = signature(attribute).parameters.values()
    panels = signature(explain).parameters["panels"]
    return signature(explain).replace(parameters=[*keywords, panels, others])


explain.__signature__ = _all_keywords()  # type: ignore[attr-defined]

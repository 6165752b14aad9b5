"""`explain` and `attribute`: arguments in, the engine's flow above, a result out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from heapwidget.engine.boxes import GRANULARITIES
from heapwidget.engine.capture import Recording, record
from heapwidget.engine.errors import UnsupportedOpError
from heapwidget.engine.rules import RULES, Rule
from heapwidget.explanation import Explanation
from heapwidget.methods import Relevance, gradient
from heapwidget.targets import Target, head_of

if TYPE_CHECKING:
    from heapwidget.viewer import HeapViewer

METHODS = ("relevance", "gradient")
ORDERS = ("descending", "ascending")


def attribute(
    net: nn.Module,
    x: Tensor,
    *,
    target: Target = None,
    method: str = "relevance",
    rule: str | Rule = "zplus",
    nodes: str | Mapping[str, str] = "auto",
    floor: float = 1e-3,
    max_pops: int = 20_000,
    order: str = "descending",
    class_names: Sequence[str] | None = None,
    image: NDArray[Any] | None = None,
    progress: bool = True,
) -> Explanation:
    """Take a net's decision apart, pop by pop.

    Parameters
    ----------
    net
        Any `torch.nn.Module`. It runs in eval mode and is left exactly as it was found.
    x
        One input, with a batch axis of one (without it, one is added where the net wants it).
    target
        What to explain: a class index or name, a pair for a contrast (first minus second), or a callable from the net's
        output to a tensor of one number. By default the class with the largest score; for `method="gradient"` the
        sum of all scores, as in the founding article.
    method
        `"relevance"`: a best-first walk that moves relevance from the target to the input, conserving it.
        `"gradient"`: the article's code, a heap of the gradient at each position of the input.
    rule
        How a layer's relevance is shared: `"zplus"`, `"epsilon"`, `"flat"`, or a `Rule`.
    nodes
        What the heap holds: `"unit"`, `"channel"`, `"position"`, `"layer"`, or `"auto"`, the finest of unit,
        position and tile with at most 4,096 nodes in the layer; or a mapping from layer labels to these.
    floor
        A node enters the heap once its mass reaches this fraction of the target.
    max_pops
        Where the walk stops at the latest. Whatever is left is passed on in one sweep, so the attribution is exact.
    order
        For `method="gradient"`: `"descending"`, or `"ascending"` as the article's min-heap pops.
    class_names
        Names of the classes, for `target` and the viewer.
    image
        A picture to show for x: (H, W) or (H, W, 3), uint8 or floats in [0, 1], with the positions of x.
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
    net = _plain(net)
    _check_input(x)
    _check_choice("method", method, METHODS)
    _check_choice("order", order, ORDERS)
    for name in [nodes] if isinstance(nodes, str) else nodes.values():
        _check_choice("nodes", name, GRANULARITIES)
    if not 0 <= floor <= 1:
        raise ValueError(f"floor {floor} is not a fraction of the target between 0 and 1")
    if max_pops < 0:
        raise ValueError(f"max_pops must not be negative, but is {max_pops}")
    if order == "ascending" and method != "gradient":
        raise ValueError("order='ascending' is for method='gradient'; a walk pops the largest first")
    picture = None if image is None else _picture(image)
    recording = _recorded(net, x, target)
    if method == "gradient":
        trace, contributions = gradient(net, recording.input, target, class_names, order == "ascending")
        return Explanation(x, trace, contributions, None, picture)
    relevance = Relevance.start(net, recording, target, class_names, _rule(rule), nodes, floor)
    with tqdm(total=max_pops, desc="pops", delay=1, disable=not progress, leave=False) as bar:
        relevance.walk.run(max_pops, bar.update)
    trace, contributions = relevance.trace()
    return Explanation(x, trace, contributions, relevance, picture)


def explain(net: nn.Module, x: Tensor, *, panels: Sequence[str] = ("input", "heap"), **options: Any) -> HeapViewer:
    """Take a net's decision apart and show it: the last line of a notebook cell.

    Parameters
    ----------
    net, x
        As for `attribute`.
    panels
        What the viewer shows at first.
    **options
        All keyword arguments of `attribute`.

    Returns
    -------
    HeapViewer
        A widget; its `explanation` holds the numbers.
    """
    return attribute(net, x, **options).view(panels=list(panels))


def _plain(net: Any) -> nn.Module:
    """The module itself, out of the wrappers that compile or spread it."""
    if isinstance(net, torch.jit.ScriptModule):
        raise UnsupportedOpError(
            "a scripted net runs outside Python, where no op can be seen; pass the original module"
        )
    if not isinstance(net, nn.Module):
        raise TypeError(f"net must be a torch.nn.Module, not {type(net).__name__}; a function can be wrapped in one")
    if isinstance(net, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return _plain(net.module)
    original = getattr(net, "_orig_mod", None)
    return _plain(original) if isinstance(original, nn.Module) else net


def _check_input(x: Any) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"x must be a torch.Tensor, not {type(x).__name__}; for an array, torch.from_numpy(x)")
    if not x.is_floating_point():
        raise TypeError(
            f"x is of {x.dtype}, and whole numbers have no share of relevance; for images use x.float() / 255, for "
            "token ids explain the embeddings, with a net that takes inputs_embeds: "
            "attribute(net, net.get_input_embeddings()(ids))"
        )
    if x.numel() == 0:
        raise ValueError(f"x of shape {tuple(x.shape)} is empty")
    if not bool(torch.isfinite(x).all()):
        raise ValueError("x holds NaN or infinite values; replace them first, for example with torch.nan_to_num(x)")


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name}={value!r} is not one of {', '.join(map(repr, choices))}")


def _rule(rule: str | Rule) -> Rule:
    if isinstance(rule, Rule):
        return rule
    _check_choice("rule", rule, tuple(RULES))
    return RULES[rule]()


def _recorded(net: nn.Module, x: Tensor, target: Target) -> Recording:
    """A recording of the net on x, with a batch axis added where the net refuses x as it is."""
    try:
        recording = record(net, x, head_of(target))
    except (TypeError, ValueError):
        raise
    except (RuntimeError, IndexError) as refusal:
        try:
            recording = record(net, x[None], head_of(target))
        except (RuntimeError, IndexError):
            reason = str(refusal).strip().splitlines()[0]
            raise ValueError(
                f"the net does not run on x of shape {tuple(x.shape)}: {reason}; pass one input as the net takes it, "
                "with its batch axis"
            ) from refusal
    output = recording.output
    taken = recording.input
    batch = len(taken) if taken.ndim > 1 else 1
    if batch > 1 and output.ndim > 0 and len(output) == batch and not callable(target):
        raise ValueError(f"x is a batch of {batch} inputs; explain one at a time, with x[i:i+1]")
    _check_finite(net, recording)
    return recording


def _check_finite(net: nn.Module, recording: Recording) -> None:
    """Find NaN and inf where they first appear: one pass over each activation, by its sum."""
    for call in recording.calls:
        for out in call.out if isinstance(call.out, tuple | list) else (call.out,):
            if not isinstance(out, Tensor) or not out.is_floating_point() or bool(out.sum().isfinite()):
                continue
            if bool(out.isfinite().all()):
                continue
            where = f"'{call.module}'" if call.module else "the net itself"
            for name, parameter in net.named_parameters():
                if name.rpartition(".")[0] == call.module and not bool(parameter.isfinite().all()):
                    raise ValueError(f"the weight {name!r} holds NaN or infinite values; load or train the net again")
            raise ValueError(f"the activations of {where} ({call.name}) hold NaN or infinite values; they begin there")


def _picture(image: Any) -> NDArray[np.uint8]:
    """A picture as uint8, (H, W) or (H, W, 3)."""
    a = np.asarray(image)
    if a.ndim not in (2, 3) or (a.ndim == 3 and a.shape[2] != 3):
        raise ValueError(f"image has shape {a.shape}; it must be (height, width) or (height, width, 3)")
    if a.dtype != np.uint8:
        a = np.rint(np.clip(a, 0, 1) * 255).astype(np.uint8)
    return a

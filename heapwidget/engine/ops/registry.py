"""Rules of the user's own for ops: how they are registered and found, and what a call becomes under them."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from heapwidget.boxes import unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.capture.parts import PARTS
from heapwidget.engine.flow import Flow
from heapwidget.engine.generic import JACOBIAN_LIMIT, rerun
from heapwidget.engine.graph.builder import Builder, Handler, short_name, tensors
from heapwidget.engine.ops.dense import Dense, matrix_of
from heapwidget.engine.ops.shared import Share, Shared
from heapwidget.engine.rules import Rule
from heapwidget.errors import UnsupportedOpError, brief

OpRule = Literal["pass", "linear", "gradient"] | Rule | Share

_registrations: dict[str, list[Registration]] = {}


class Registration:
    """A rule in force for an op, until `remove` or the end of a `with` block; the latest one for an op counts."""

    def __init__(self, op: str, handler: Handler) -> None:
        self.op, self._handler = op, handler
        _registrations.setdefault(op, []).append(self)

    def remove(self) -> None:
        """Put things back as they were before; again, it does nothing."""
        mine = _registrations.get(self.op, [])
        if self in mine:
            mine.remove(self)

    def __enter__(self) -> Registration:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<rule of one's own for {self.op}>"


def register_rule(op: Any, rule: OpRule) -> Registration:
    """Say how an op shares relevance: one that the engine does not know, or one that it treats otherwise.

    Parameters
    ----------
    op
        The op's name as warnings and refusals give it, `"aten.cumsum"` or `"mylib.my_op"`, for all its overloads, or
        with one of them, `"aten.cumsum.default"`; or the op itself, `torch.ops.mylib.my_op` or what
        `torch.library.custom_op` made.
    rule
        `"pass"`: the result's entries are those of the first input from x, each scaled or squashed; relevance stays
        with its entry.
        `"linear"`: the op is linear in its one input from x, up to a bias. Its matrix is found by running it on unit
        vectors, and the rule that `attribute` was given is applied to that.
        A `Rule`: the same, but always with this rule.
        `"gradient"`: gradient times input of the op alone, without a warning.
        A function `share(inputs, output, relevance)`: `inputs` are the op's arguments in the order of its schema,
        `relevance` has the shape of `output`. It gives a list with an entry for each argument, a tensor of the
        argument's shape, or `None` for those that get nothing (the last of these may be left out); where one argument
        alone comes from x, its tensor will do.
        It must be linear in the relevance. What it gives to constants, and what it gives to none, is absorbed and
        told in the ledger.

    Returns
    -------
    Registration
        With `remove()`, and for `with register_rule(...):`, which removes the rule at its end.

    Raises
    ------
    TypeError, ValueError
        If there is no such op, if it is only a name for other ops, or if the rule is none of these.

    Examples
    --------
    >>> register_rule("mylib.soft_threshold", "pass")
    >>> register_rule("mylib.weigh", lambda inputs, output, relevance: [relevance, None])
    """
    return Registration(_full_name(op), _handler(rule))


def registered(call: Call) -> Handler | None:
    """The user's own handler of a call's op: for its very overload, else for all of them."""
    packet = f"{call.op.namespace}.{call.name}"
    for name in (f"{packet}.{call.op._overloadname}", packet):
        if _registrations.get(name):
            return _registrations[name][-1]._handler
    return None


def _full_name(op: Any) -> str:
    """The name of an op that exists and that can be met in a recording."""
    name = str(getattr(op, "_opoverload", op)).replace("::", ".")
    parts = name.split(".")
    if len(parts) not in (2, 3) or not all(part.isidentifier() for part in parts):
        raise TypeError(f"op must be a name such as 'aten.cumsum' or an op of torch.ops, not {brief(op)}")
    try:
        found = getattr(getattr(torch.ops, parts[0]), parts[1])
        overloads = [getattr(found, n) for n in (parts[2:] or found.overloads())]
    except AttributeError:
        raise ValueError(
            f"no op is named {brief(name)}; define it before its rule, and name it as warnings do"
        ) from None
    composite = torch._C._dispatch_has_kernel_for_dispatch_key
    recorded = [o for o in overloads if not o._schema.is_mutable]
    if all(o in PARTS or composite(o.name(), "CompositeImplicitAutograd") for o in recorded):
        raise ValueError(f"{name} is made of other ops, and these are what is recorded; register rules for them")
    return name


def _handler(rule: Any) -> Handler:
    """What takes the calls of an op with this rule."""
    if isinstance(rule, Rule):
        return partial(_linear, own=rule)
    named: dict[Any, Handler] = {"pass": _pass, "linear": _linear, "gradient": _gradient}
    if isinstance(rule, str) and rule in named:
        return named[rule]
    if isinstance(rule, str):
        raise ValueError(
            f"rule={brief(rule)} is not one of {', '.join(map(repr, named))}; others are Rules and functions"
        )
    if not callable(rule) or isinstance(rule, type):
        raise TypeError(f"rule must be a word, a Rule or a function (inputs, output, relevance), not {brief(rule)}")
    return partial(_by_function, share=rule)


def _pass(builder: Builder, call: Call) -> bool:
    out, operands = _only_result(builder, call), _operands(builder, call)
    if operands and out.numel() != operands[0].numel():
        raise UnsupportedOpError(
            f"the rule 'pass' does not fit {call.where}, whose result has {out.numel()} entries where its input has "
            f"{operands[0].numel()}; register a function"
        )
    if operands:
        builder.same_units(operands[0], out, gate=builder.is_gate(operands[0]))
    return bool(operands)


def _gradient(builder: Builder, call: Call) -> bool:
    builder.generic(call, warn=False)
    return True


def _linear(builder: Builder, call: Call, own: Rule | None = None) -> bool:
    out, operands = _only_result(builder, call), _operands(builder, call)
    if not operands:
        return False
    t = operands[0]
    if len(operands) > 1 or out.numel() * t.numel() > JACOBIAN_LIMIT:
        reason = "several of its inputs come from x" if len(operands) > 1 else "its matrix would be too large"
        raise UnsupportedOpError(f"the rule 'linear' does not fit {call.where}: {reason}; register a function")
    value = builder.value(t)

    def make(rule: Rule) -> Flow:
        try:
            w, b = matrix_of(rerun(call, [t], 0, builder.dtype), value)
        except ValueError as error:
            raise UnsupportedOpError(
                f"the rule 'linear' does not fit {call.where}: it {error}; register a function"
            ) from error
        return Dense(value, w, b, own or rule)

    # With channels and positions it is a kind of convolution, else a product along the last axis.
    rank = len(unbatched(tuple(out.shape)))
    family, axis = ("conv", 0) if rank > 2 else ("linear", rank - 1)
    builder.layer(call, out, family, [builder.operand(t)], make, channel_axis=axis)
    return True


def _by_function(builder: Builder, call: Call, share: Share) -> bool:
    out = _only_result(builder, call)
    given = list(call.bound.values())
    among = [t for t in tree_leaves(given) if isinstance(t, Tensor)]
    places = [i for i, t in enumerate(among) if builder.active(t) and t.is_floating_point()]
    if not places:
        return False

    def plain(a: Any) -> Any:
        if not isinstance(a, Tensor):
            return a
        return a.detach().to(builder.dtype) if a.is_floating_point() else a.detach()

    inputs, output, name = tree_map(plain, given), plain(out), str(call.op)
    operands = [builder.operand(among[i]) for i in places]
    builder.layer(call, out, short_name(call.name), operands, lambda _: Shared(name, share, inputs, output, places))
    return True


def _operands(builder: Builder, call: Call) -> list[Tensor]:
    """The tensors among a call's arguments that hold units."""
    return [t for t in tensors(call) if builder.active(t) and t.is_floating_point()]


def _only_result(builder: Builder, call: Call) -> Tensor:
    """The one tensor that an op gives; others must not be read."""
    outs = [o for o in (call.out if isinstance(call.out, tuple | list) else [call.out]) if isinstance(o, Tensor)]
    read = [o for o in outs if builder.reads[id(o)]]
    if len(read) > 1 or not outs:
        raise UnsupportedOpError(f"a registered rule is for one result, but of {call.where} {len(read)} are read")
    return (read or outs)[0]

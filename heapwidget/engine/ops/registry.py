"""Rules of the user's own for ops: how they are registered and found, and what a call becomes under them."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import torch

from heapwidget.engine.capture import Call
from heapwidget.engine.capture.decompositions import DECOMPOSITIONS
from heapwidget.engine.graph.builder import Builder, Handler
from heapwidget.engine.ops.dense import linear
from heapwidget.engine.ops.generic import by_gradient
from heapwidget.engine.ops.shared import Share, by_function
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
    if all(o in DECOMPOSITIONS or composite(o.name(), "CompositeImplicitAutograd") for o in recorded):
        raise ValueError(f"{name} is made of other ops, and these are what is recorded; register rules for them")
    return name


def _handler(rule: Any) -> Handler:
    """What takes the calls of an op with this rule."""
    if isinstance(rule, Rule):
        return partial(linear, own=rule)
    named: dict[Any, Handler] = {"pass": _pass, "linear": linear, "gradient": partial(by_gradient, warn=False)}
    if isinstance(rule, str) and rule in named:
        return named[rule]
    if isinstance(rule, str):
        raise ValueError(
            f"rule={brief(rule)} is not one of {', '.join(map(repr, named))}; others are Rules and functions"
        )
    if not callable(rule) or isinstance(rule, type):
        raise TypeError(f"rule must be a word, a Rule or a function (inputs, output, relevance), not {brief(rule)}")
    return partial(by_function, share=rule)


def _pass(builder: Builder, call: Call) -> bool:
    out, operands = builder.only_result(call), builder.operands_of(call)
    if operands and out.numel() != operands[0].numel():
        raise UnsupportedOpError(
            f"the rule 'pass' does not fit {call.where}, whose result has {out.numel()} entries where its input has "
            f"{operands[0].numel()}; register a function"
        )
    if operands:
        builder.same_units(operands[0], out, gate=builder.is_gate(operands[0]))
    return bool(operands)

"""Functions of one entry: activations, roots, powers, and the shares of a softmax. Relevance stays with its unit."""

from __future__ import annotations

from torch import Tensor

from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Builder, OpFamily

# Entry by entry with no other unit in play.
UNARY = [
    *("relu", "relu6", "hardtanh", "leaky_relu", "sigmoid", "tanh", "gelu", "silu", "mish", "elu", "selu", "celu"),
    *("softplus", "hardswish", "hardsigmoid", "_prelu_kernel", "clamp", "clamp_min", "clamp_max", "neg"),
    *("log_sigmoid_forward", "rrelu_with_noise_functional", "softshrink", "hardshrink", "threshold", "nan_to_num"),
    *("abs", "square", "sqrt", "rsqrt", "reciprocal", "pow", "exp", "expm1", "exp2", "log", "log1p", "log2", "logit"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "deg2rad", "rad2deg"),
    *("erf", "erfc", "erfinv", "sgn", "sign"),
    # Nearly their entry, but for what rounding takes or adds.
    *("round", "floor", "ceil", "trunc"),
    # Shares of one: an output of theirs stands for the entry it came from.
    *("_softmax", "_safe_softmax", "_log_softmax"),
]

# What they give only scales the signal that it meets: gates, attention weights, statistics.
GATES = {"sigmoid", "hardsigmoid", "_softmax", "_safe_softmax", "sqrt", "rsqrt", "reciprocal"}

# Of changes, those that are shares alone: all others change as their unit does.
SHARES = {"_softmax", "_safe_softmax"}


def unary(builder: Builder, call: Call) -> bool:
    """One unit in, one unit out."""
    active = [t for t in call.args if builder.active(t)]
    if len(active) != 1:
        return False
    t, out = active[0], call.out if isinstance(call.out, Tensor) else call.out[0]
    gates = SHARES if builder.bases else GATES
    builder.same_units(t, out, gate=call.name in gates or builder.is_gate(t))
    return True


FAMILY = OpFamily(dict.fromkeys(UNARY, unary))

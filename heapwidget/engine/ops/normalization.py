"""Norms: each unit is scaled by statistics that are held constant."""

from __future__ import annotations

import torch
from torch import Tensor

from heapwidget.boxes import unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Builder, OpFamily

NORMS = [
    "native_layer_norm",
    "native_group_norm",
    "_fused_rms_norm",
    # So are the steps of numbers that are rounded as a quantised net would round them.
    "fake_quantize_per_tensor_affine_cachemask",
    "fake_quantize_per_channel_affine_cachemask",
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
]

BATCH_NORMS = [
    *("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"),
    *("miopen_batch_norm", "_batch_norm_no_update"),
]


def norm(builder: Builder, call: Call) -> bool:
    """Each unit scaled by statistics that are held constant."""
    t = call.args[0]
    if not builder.active(t):
        return False
    builder.same_units(t, call.out if isinstance(call.out, Tensor) else call.out[0])
    return True


def batch_norm(builder: Builder, call: Call) -> bool:
    """Merge into the convolution or product right before; else pass through, the statistics held constant."""
    bound = call.bound
    x, gamma, beta, mean, var = (bound[n] for n in ("input", "weight", "bias", "running_mean", "running_var"))
    if not builder.active(x):
        return False
    if bound.get("training") is True or mean is None:
        return norm(builder, call)
    layer = builder.made_by(x)
    fits = layer is not None and layer.shape == unbatched(tuple(x.shape))
    if layer is not None and fits and layer.merge is not None and layer.merged == 1 - (x.ndim - len(layer.shape)):
        scale = torch.rsqrt(var.to(builder.dtype) + float(bound["eps" if "eps" in bound else "epsilon"]))
        if gamma is not None:
            scale = scale * gamma.detach().to(builder.dtype)
        shift = -mean.to(builder.dtype) * scale
        if beta is not None:
            shift = shift + beta.detach().to(builder.dtype)
        layer.merge(scale, shift)
    builder.same_units(x, call.out[0])
    return True


FAMILY = OpFamily(dict.fromkeys(NORMS, norm) | dict.fromkeys(BATCH_NORMS, batch_norm))

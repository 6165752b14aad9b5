"""All that a call could leave behind: in the net, and in the process around it."""

from __future__ import annotations

import random
import signal
from collections import deque
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

Snapshot = dict[str, Any]


def frozen(value: Any) -> Any:
    """A copy that compares by value."""
    if isinstance(value, Tensor):
        return (
            value.dtype,
            tuple(value.shape),
            value.requires_grad,
            value.detach().clone().double().nan_to_num().tolist(),
        )
    if isinstance(value, dict):
        return [(str(k), frozen(v)) for k, v in value.items()]
    if isinstance(value, list | tuple | deque | set):
        return [frozen(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else id(value)


def snapshot(net: nn.Module) -> Snapshot:
    """All that a run could change, of the net and of the world around it."""
    state: Snapshot = {"state_dict": frozen(dict(net.state_dict()))}
    for name, module in net.named_modules():
        state[f"{name} attributes"] = frozen({k: v for k, v in module.__dict__.items() if not k.startswith("_forward")})
        state[f"{name} hooks"] = [list(module._forward_hooks), list(module._forward_pre_hooks)]
        state[f"{name} backward hooks"] = [list(module._backward_hooks), list(module._backward_pre_hooks)]
    for name, parameter in net.named_parameters():
        state[f"{name} grad"] = frozen(parameter.grad), id(parameter.grad), parameter.requires_grad, id(parameter)
    for kind in ("forward", "forward_pre", "backward", "backward_pre"):
        state[f"global {kind}"] = list(getattr(hooks, f"_global_{kind}_hooks"))
    state["random"] = random.getstate(), frozen(torch.get_rng_state())
    state["numpy"] = [str(part) for part in np.random.get_state()]  # noqa: NPY002 - what nets may use
    state["modes"] = (
        torch.is_grad_enabled(),
        torch.backends.mha.get_fastpath_enabled(),
        torch.is_inference_mode_enabled(),
    )
    return state


def switches() -> dict[str, Any]:
    """All of the process that a call may have changed for a while."""
    return {
        "handler": signal.getsignal(signal.SIGINT),
        "modes": len(_get_current_dispatch_mode_stack()),
        "functions": torch._C._len_torch_function_stack(),
        "overridable": torch._C._is_torch_function_enabled(),
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "dtype": torch.get_default_dtype(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "flash": torch.backends.cuda.flash_sdp_enabled(),
        "fast path": torch.backends.mha.get_fastpath_enabled(),
    }

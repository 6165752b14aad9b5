"""The baseline: the input that x is compared with, from what the user says to tensors like x."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Partition, positions, unbatched
from heapwidget.errors import brief, check_choice

BLUR, MEAN = "blur", "mean"
KINDS = (BLUR, MEAN)

Single = float | str | Tensor
Baseline = Single | Sequence[Single] | None
"""A number, a tensor like x, `"blur"`, `"mean"`, or several of these, one an input, or to be averaged over."""


def check_baseline(baseline: Any) -> None:
    """Refuse what can be no baseline, whatever x is.

    Raises
    ------
    TypeError, ValueError
        The message says what can be one.
    """
    if baseline is None:
        return
    for one in [baseline] if isinstance(baseline, str | Tensor) or not isinstance(baseline, Sequence) else baseline:
        if isinstance(one, str):
            check_choice("baseline", one, KINDS)
        elif isinstance(one, Sequence) and not isinstance(baseline, Tensor):
            check_baseline(one)
        elif not isinstance(one, Tensor) and (isinstance(one, bool) or not isinstance(one, int | float)):
            raise TypeError(
                f"baseline must be a number, a tensor like x, {', '.join(map(repr, KINDS))} or None, not {brief(one)}"
            )
        elif not isinstance(one, Tensor) and not math.isfinite(one):
            raise ValueError(f"baseline must be finite, but is {one}")


def baseline_inputs(
    baseline: Baseline, inputs: tuple[Tensor, ...], channel_axes: Sequence[int | None]
) -> list[tuple[Tensor, ...]]:
    """The inputs of each baseline: one, or several that are averaged over."""
    each = by_input(baseline, len(inputs))
    several = [one if isinstance(one, list | tuple) else [one] for one in each]
    count = max(map(len, several))
    if not count or any(len(one) not in (1, count) for one in several):
        counts = " and ".join(str(len(one)) for one in several)
        raise ValueError(
            f"baseline holds {counts} parts to average over; give as many for each input, and at least one"
        )
    return [
        tuple(
            stand_in(one[k % len(one)], x, _positions(x, axis)).reshape(x.shape)
            for one, x, axis in zip(several, inputs, channel_axes, strict=True)
        )
        for k in range(count)
    ]


def label_of(baseline: Baseline) -> str:
    """What a baseline is called."""
    if isinstance(baseline, str):
        return baseline
    if isinstance(baseline, Tensor | Sequence):
        return "yours"
    return f"{baseline:g}"


def by_input(baseline: Any, count: int) -> list[Any]:
    """What is said for each of several inputs."""
    if isinstance(baseline, Sequence) and not isinstance(baseline, str):
        if count == 1:
            return [baseline]
        if len(baseline) != count:
            raise ValueError(f"baseline has {len(baseline)} parts, but x holds {count} inputs; they must agree")
        return list(baseline)
    if isinstance(baseline, Tensor) and count > 1:
        raise ValueError(f"x holds {count} inputs, so a baseline of tensors must be a tuple of {count}")
    return [baseline] * count


def _positions(x: Tensor, axis: int | None) -> Partition:
    """The positions of an input; where it is not said which axis counts channels, of three or more it is the first."""
    shape = unbatched(tuple(x.shape))
    return positions(shape, 0 if axis is None and len(shape) > 2 else axis)


def stand_in(baseline: Single, x: Tensor, part: Partition) -> Tensor:
    """What stands where a position was taken away, in the shape of `part`."""
    x = x.reshape(part.shape)
    if isinstance(baseline, str):
        check_choice("baseline", baseline, KINDS)
        return _blurred(x, part) if baseline == BLUR else _mean(x, part)
    if isinstance(baseline, Tensor):
        given = baseline.detach().to(device=x.device, dtype=x.dtype)
        try:
            return (given.reshape(x.shape) if given.numel() == x.numel() else given).expand(x.shape)
        except RuntimeError as error:
            raise ValueError(
                f"baseline of shape {tuple(baseline.shape)} does not fit an input of shape {tuple(x.shape)}; "
                "give a number or a tensor like x"
            ) from error
    return torch.full_like(x, baseline)


def _mean(x: Tensor, part: Partition) -> Tensor:
    """The mean of each channel over all positions."""
    axes = [axis for axis, (size, box) in enumerate(zip(part.shape, part.box, strict=True)) if box < size]
    return x.mean(axes, keepdim=True).expand(x.shape) if axes else x.clone()


def _blurred(x: Tensor, part: Partition) -> Tensor:
    """A Gaussian blur along each axis of positions, a twentieth of the axis wide, the edges repeated."""
    out = x.cpu().double()
    for axis, (size, box) in enumerate(zip(part.shape, part.box, strict=True)):
        if box > 1 or size < 3:
            continue
        sigma = max(1.0, size / 20)
        at = torch.arange(size, dtype=torch.float64)
        reach = int(np.ceil(3 * sigma))
        offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
        weights = torch.exp(-((offsets / sigma) ** 2) / 2)
        seen = (at[:, None] + offsets).clamp(0, size - 1).long()
        matrix = torch.zeros(size, size, dtype=torch.float64)
        matrix.scatter_add_(1, seen, (weights / weights.sum()).expand(size, -1).contiguous())
        out = torch.movedim(torch.tensordot(matrix, out, dims=([1], [axis])), 0, axis)
    return out.to(x)

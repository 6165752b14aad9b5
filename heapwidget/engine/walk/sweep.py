"""Whole-layer passes over a graph: relevance down to the inputs, one layer at a time, and amplification up."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from heapwidget.boxes import Shape, Window
from heapwidget.engine.flow import CONSTANT, PADDING, Flow, add_up
from heapwidget.engine.graph.layers import PADDED, Graph, Operand

# What lies on each layer; `None` where nothing does.
Left = list[Tensor | None]


def device_of(flows: Sequence[Flow | None]) -> torch.device:
    """Where whole passes run."""
    return next((f.device for f in flows if f is not None), torch.device("cpu"))


def whole_pass(graph: Graph, flow: Flow, number: int, left: Left) -> dict[str, float]:
    """Move all of `left[number]` one step down, into `left`; gives what was absorbed on the way, by cause."""
    r, left[number] = left[number], None
    if r is None:
        return {}
    messages, absorbed = flow.whole(r)
    for operand, message in zip(graph.layers[number].operands, messages, strict=True):
        deliver(graph, operand, message, left, absorbed)
    return absorbed


def deliver(graph: Graph, operand: Operand, message: Tensor, left: Left, absorbed: dict[str, float]) -> None:
    """Add a whole message to the units that its operand is made of; no tensor is written into."""
    if operand.layer is not None:
        _add(left, operand.layer, message.reshape(graph.layers[operand.layer].shape))
        return
    if operand.blocks:
        for block in operand.blocks:
            part, shape = message[block.at], graph.layers[block.layer].shape
            _add(left, block.layer, part if part.shape == shape else _placed(part, block.within, shape))
        if operand.rest:
            outside = message.clone()
            for block in operand.blocks:
                outside[block.at] = 0
            add_up(absorbed, operand.rest, float(outside.sum()))
        return
    assert operand.index is not None
    index, message = operand.index.reshape(-1), message.reshape(-1)
    outside = index < 0
    if bool(outside.any()):
        padded = index == PADDED
        add_up(absorbed, PADDING, float(message[padded].sum()))
        add_up(absorbed, CONSTANT, float(message[outside & ~padded].sum()))
    for number, layer in enumerate(graph.layers):
        mine = (index >= layer.offset) & (index < layer.end)
        if bool(mine.any()):
            part = message.new_zeros(layer.n_units).index_add_(0, index[mine] - layer.offset, message[mine])
            _add(left, number, part.reshape(layer.shape))


def _add(left: Left, number: int, message: Tensor) -> None:
    before = left[number]
    left[number] = message if before is None else before + message


def _placed(part: Tensor, window: Window, shape: Shape) -> Tensor:
    """A part of a layer with nothing around it."""
    whole = part.new_zeros(shape)
    whole[window] = part
    return whole


def gather(graph: Graph, operand: Operand, values: list[Tensor]) -> Tensor:
    """An operand's entries of per-unit `values`; 0 where an entry is no unit."""
    if operand.layer is not None:
        return values[operand.layer].reshape(operand.shape)
    result = torch.zeros(operand.shape, dtype=values[0].dtype, device=values[0].device)
    if operand.blocks:
        for block in operand.blocks:
            result[block.at] = values[block.layer][block.within]
        return result
    assert operand.index is not None
    index = operand.index
    for layer, value in zip(graph.layers, values, strict=False):
        mine = (index >= layer.offset) & (index < layer.end)
        if bool(mine.any()):
            result[mine] = value.reshape(-1)[index[mine] - layer.offset]
    return result


def amplifications(graph: Graph, flows: Sequence[Flow | None]) -> list[Tensor]:
    """For every unit its k: how far a residual there can still move the input attribution (L1); 1 at the inputs.

    It is infinite where an op gives none, and where a share of nothing might lead there.
    """
    k: list[Tensor] = []
    for layer, flow in zip(graph.layers, flows, strict=True):
        if flow is None:
            k.append(torch.ones(layer.shape, dtype=graph.dtype, device=device_of(flows)))
        else:
            below = [gather(graph, operand, k) for operand in layer.operands]
            k.append(flow.amplification(below).nan_to_num(torch.inf, torch.inf))
    return k

"""Certified ranking: what is called certain stays first, however the walk goes on, and it is all that fields allow."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from helpers import certain
from helpers.examples import examples
from helpers.random_nets import Net, joined_nets, nets, token_nets
from helpers.walks import attribute, choices, walk_of
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

any_nets = st.one_of(nets(), token_nets(), joined_nets())
# Pops between two stops of a walk.
strides = st.lists(st.integers(1, 12), min_size=10, max_size=10)


# At night 1,000 nets, ten stops each.
@examples(100)
@given(any_nets, choices, strides)
def test_what_is_certain_stays_first(
    drawn: tuple[Net, Tensor | tuple[Tensor, ...]], options: dict[str, Any], pops: list[int]
) -> None:
    e = attribute(*drawn, **options, max_pops=pops[0], finish=False)
    called, counts = [], []
    for stride in pops[1:]:
        if not walk_of(e).pending:
            break
        assert e.certain <= len(e.order)
        called.append(set(e.order[: e.certain].tolist()))
        counts.append((e.trace.n_steps - e.trace.header.phases.collect, e.certain))
        e.refine(stride, progress=False)
    e.refine(10**4, progress=False).finish()
    assert e.certain == len(e.order)
    column = e.trace.columns["certain"].astype(np.int64)
    assert (np.diff(column) >= 0).all()
    for first, (row, count) in zip(called, counts, strict=True):
        assert first == set(e.order[:count].tolist())
        # A walk that was not stopped there looks less often.
        assert column[row - 1] <= count


@examples(50)
@given(st.one_of(nets(torch.float32), token_nets(torch.float32)), choices, st.integers(1, 60))
def test_rounding_is_accounted_for(drawn: tuple[Net, Tensor], options: dict[str, Any], pops: int) -> None:
    net, x = drawn
    e = attribute(net, x, **options, max_pops=pops, finish=False)
    if walk_of(e).spent:
        return
    exact = attribute(net.double(), x.double(), **options)
    assert set(e.order[: e.certain].tolist()) == set(exact.order[: e.certain].tolist())


@examples(50)
@given(any_nets, choices, st.integers(1, 60))
def test_all_is_certain_that_fields_tell(
    drawn: tuple[Net, Tensor | tuple[Tensor, ...]], options: dict[str, Any], pops: int
) -> None:
    e = attribute(*drawn, **options, max_pops=pops, finish=False)
    if not walk_of(e).spent:
        ranking = walk_of(e).ranking
        assert ranking is not None
        assert ranking.count() == certain.certain(e)

"""What walks leave is what a file and a page take: all the zoo, in every way to walk, is found sound."""

from __future__ import annotations

import json
import warnings
from itertools import product
from typing import Any

import pytest
from helpers.examples import NIGHTLY
from helpers.traces import validate
from helpers.zoo import ZOO, animal
from torch import Tensor

import heapwidget as hw

WAYS: dict[str, dict[str, Any]] = {
    "default": {},
    "negative": {"target": lambda out: -first(out).abs().sum()},
    "signed": {"rule": "epsilon", "max_pops": 200, "floor": 1e-5},
    "bound": {"priority": "bound", "max_pops": 100},
    "unfinished": {"max_pops": 50, "finish": False},
    "all": {"floor": 0.0, "max_pops": 500},
    "layers": {"nodes": "layer"},
    "gradient": {"method": "gradient", "order": "ascending"},
    "article": {"method": "article", "nodes": "tile"},
}


def first(out: Any) -> Tensor:
    while not isinstance(out, Tensor):
        out = next(iter(out.values() if isinstance(out, dict) else out))
    return out


# At night all of them, else a sample in which each net and each way comes up.
EVERY = 1 if NIGHTLY else 5


@pytest.mark.parametrize(("name", "way"), list(product(ZOO, WAYS))[::EVERY])
def test_a_walk_leaves_a_sound_trace(name: str, way: str) -> None:
    net, x = animal(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            e = hw.attribute(net, x, progress=False, **WAYS[way])
        except (TypeError, ValueError):
            # Not every net can be explained in every way, and other tests hold which.
            pytest.skip("this net is not explained this way")
        traces = [e.trace]
        if e.can_refine:
            traces.append(e.refine(max_pops=40, progress=False).trace)
            traces.append(e.finish().trace)
    for trace in traces:
        validate(json.loads(json.dumps(dict(trace.header))), trace.columns)

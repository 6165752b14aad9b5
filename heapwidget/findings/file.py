"""Findings in a file: the trace's own file, with tensors for the inputs' arrays."""

from __future__ import annotations

import os
from typing import TypeVar

import torch

from heapwidget.findings.findings import Findings
from heapwidget.trace import file as trace_file

F = TypeVar("F", bound=Findings)


def save(findings: Findings, path: str | os.PathLike[str]) -> None:
    """Write findings, less what needs the net."""
    inputs = tuple(x.cpu().to(torch.float32).numpy() for x in findings.inputs)
    trace_file.save(path, trace_file.Saved(findings.trace, inputs, findings.images, findings.several))


def load(path: str | os.PathLike[str], kind: type[F]) -> F:
    """Read what `save` wrote, as findings of a kind; what it raises is what the trace's file raises."""
    saved = trace_file.load(path)
    inputs = tuple(map(torch.from_numpy, saved.inputs))
    x = inputs if saved.several else inputs[0]
    return kind.of(x, saved.trace, saved.trace.contributions, None, saved.images)

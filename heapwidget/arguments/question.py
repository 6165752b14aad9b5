"""What is asked of a net, whatever the method: all arguments that each method reads, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from heapwidget.arguments.inputs import Inputs
from heapwidget.arguments.names import Names
from heapwidget.arguments.targets import Choice, Target, choose, head_of
from heapwidget.engine.capture import Recording, RunAs, apart, record

PLAINLY = RunAs()


@dataclass(frozen=True)
class Question:
    """A net, its inputs and what is to be explained of its output.

    Attributes
    ----------
    named
        What the positions of each input are called, if they are.
    verify
        Whether a recorded run is held against a plain one.
    progress
        Whether long work shows a bar.
    """

    net: nn.Module
    inputs: Inputs
    target: Target
    class_names: list[str] | None
    named: tuple[Names | None, ...]
    verify: bool
    progress: bool

    @property
    def head(self) -> Callable[[Any], Tensor]:
        """The part of the target that runs with the net."""
        return head_of(self.target)

    @property
    def channel_axes(self) -> tuple[int | None, ...]:
        """For each input the axis that counts channels, as far as names tell."""
        return tuple(None if given is None else given.channel_axis for given in self.named)

    def choice(self, output: Tensor) -> Choice:
        """The target on the scores that the net gave."""
        return choose(self.target, output, self.class_names)

    def record(self, inputs: Inputs) -> Recording:
        """A recorded run of the net on some inputs."""
        return record(self.net, *inputs, head=self.head, channel_axes=self.channel_axes)

    def output(self, inputs: Inputs, run_as: RunAs = PLAINLY) -> Any:
        """What a plain run gives on some inputs."""
        with apart(self.net) as run:
            return run.plain(inputs, self.head, run_as)

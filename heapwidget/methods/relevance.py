"""`method="relevance"`: a best-first walk that moves relevance from the target to the input, conserving it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from heapwidget.arguments.baseline import Baseline, check_baseline, label_of
from heapwidget.arguments.question import Question
from heapwidget.arguments.targets import LOSS, Choice
from heapwidget.engine.capture.pairs import paired
from heapwidget.engine.composites import RuleLike, composite
from heapwidget.engine.finite import check_found
from heapwidget.engine.flow import host
from heapwidget.engine.graph.builder import build
from heapwidget.engine.multipliers import flows_of_changes, flows_of_values, worth
from heapwidget.engine.ops import add_call
from heapwidget.engine.walk.heap import PRIORITIES
from heapwidget.engine.walk.search import Walk
from heapwidget.errors import brief, check_choice, check_number
from heapwidget.methods.base import Answer, Run, at_baseline, run_of
from heapwidget.methods.direction import misdirected, slopes
from heapwidget.methods.ends import EACH_ALONE, is_loss
from heapwidget.methods.traces import Nodes, check_nodes, make_header, net_layers, partitions, with_squares
from heapwidget.methods.walked import RelevanceWalk
from heapwidget.progress import progress_bar
from heapwidget.words.vocabulary import rule_label


@dataclass(frozen=True)
class Relevance:
    """Pop the node that is next, move its relevance one layer down, and so on; `engine.walk` does it."""

    name: ClassVar = "relevance"

    baseline: Baseline = None
    rule: RuleLike | None = None
    nodes: Nodes = "auto"
    floor: float = 3e-4
    max_pops: int = 20_000
    finish: bool = True
    priority: str = "wave"

    def __post_init__(self) -> None:
        check_baseline(self.baseline)
        check_choice("priority", self.priority, PRIORITIES)
        check_nodes(self.nodes)
        check_number("floor", self.floor)
        check_number("max_pops", self.max_pops)
        if not 0 <= self.floor <= 1:
            raise ValueError(f"floor {self.floor} is not a fraction of the target between 0 and 1")
        if not self.max_pops >= 0:
            raise ValueError(f"max_pops must not be negative, but is {self.max_pops}")
        if not isinstance(self.finish, bool):
            raise TypeError(f"finish must be True or False, not {brief(self.finish)}")
        if not self.finish and self.max_pops < 1:
            raise ValueError("finish=False leaves what no pop brought, so max_pops must be at least 1")

    def answer(self, question: Question) -> Answer:
        """Walk, and tell what was found."""
        with run_of(question) as run:
            walked, choice = self._start(question, run)
            with progress_bar(self.max_pops, "pops", question.progress) as tick:
                walked.walk.run(self.max_pops, tick)
            trace, contributions = walked.trace()
            found = [trace.columns[name] for name in ("pop_mass", "log_key", "explained", "absorbed")]
            check_found([*contributions, *found], run.begins, "rule='zplus', whose shares are parts of the target")
        decides = run.recording.output.numel() == 1 or run.below in EACH_ALONE
        return Answer(trace, contributions, run.recording.inputs, walked, decides, choice)

    def _start(self, question: Question, run: Run) -> tuple[RelevanceWalk, Choice]:
        """Build the graph of a recording, let that go, and put the target's relevance into the heap."""
        recording, differs = run.recording, self.baseline is not None
        rules = composite(("signed_head" if differs else "zplus") if self.rule is None else self.rule)
        others = [] if self.baseline is None else at_baseline(question, run, self.baseline)
        graph = build(recording, add_call, [paired(recording, other) for other in others])
        choice = (question.decision if differs else question.choice)(recording.output, run.below in EACH_ALONE)
        if callable(question.target) and is_loss(recording):
            choice = replace(choice, kind=LOSS)
        slope = None if differs else slopes(graph, recording, choice.value)
        output = recording.output.detach().to(graph.dtype)
        outputs = [other.output.detach().to(graph.dtype) for other in others]
        there = sum(outputs[1:], outputs[0]) / len(outputs) if outputs else torch.zeros_like(output)
        for one in (recording, *others):
            one.let_go()
        graph = replace(graph, layers=tuple(replace(layer, raw=None) for layer in graph.layers))
        value, value_there = (float(choice.value(t)) for t in (output, there))
        change = ((output - there) * choice.weights).reshape(graph.output.shape)
        by_layer = rules.rules(graph)
        flows = flows_of_changes(graph, by_layer) if differs else flows_of_values(graph, by_layer)
        held, seeds = host(worth(graph, flows, graph.output, change)), host(change)
        astray = None if slope is None else misdirected(graph, flows, change, slope, callable(question.target))
        # The flows hold what they need of the activations that they were made of.
        graph = replace(graph, layers=tuple(replace(layer, make=None) for layer in graph.layers))
        for warning in filter(
            None, dict.fromkeys([*(layer.warning for layer in graph.layers), rules.warning(graph), astray])
        ):
            warnings.warn(warning, stacklevel=5)
        walk = Walk(graph, flows, partitions(graph, self.nodes), seeds, self.floor, self.priority, held)
        layers = with_squares(net_layers(graph, walk.partitions, flows, question.named))
        # A rule of one's own, or one with numbers: its name alone tells no reader.
        label = rules.label if rules.name and rules.label != rule_label(rules.name) else None
        named = {"rule": rules.name, "rule_label": label}
        header = make_header(self.name, choice, value, layers, run.below, conserved=True, **named)
        if self.baseline is not None:
            there = {"baseline": label_of(self.baseline), "at_baseline": value_there}
            header = replace(
                header,
                target=replace(header.target, **there),
                ledger=replace(header.ledger, baseline=value_there),
            )
        return RelevanceWalk(walk, header, seeds, self.finish), choice

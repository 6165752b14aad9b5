"""Composites: which rule each layer gets, as ordered data.

Names follow Zennit's documentation; why depth matters to the choice: Montavon et al. 2019, section 10.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

from heapwidget.engine.graph import Graph
from heapwidget.engine.rules import RULES, Rule, alpha_beta, epsilon, flat, gamma, z_box, zplus

FIRST = "first"


@dataclass(frozen=True)
class Composite:
    """An ordered list of (pattern, rule); the first pattern that fits a layer gives its rule.

    A pattern is an op family (`"conv"`, `"linear"`), a layer label, in which `*` stands for anything, or `"first"`:
    the layers that read the input itself. `"*"` fits every layer.
    """

    name: str
    entries: tuple[tuple[str, Rule], ...]

    @property
    def label(self) -> str:
        """The name as the viewer shows it."""
        return self.name.replace("_", " ")

    def rules(self, graph: Graph) -> list[Rule]:
        """The rule of each layer.

        Raises
        ------
        ValueError
            If no pattern fits a layer that needs a rule.
        """
        return [self._rule(graph, number) for number in range(len(graph.layers))]

    def _rule(self, graph: Graph, number: int) -> Rule:
        layer = graph.layers[number]
        for pattern, rule in self.entries:
            first = pattern == FIRST and 0 in graph.sources(number)
            if first or pattern == layer.op or fnmatchcase(layer.label, pattern):
                return rule
        if layer.op in ("conv", "linear"):
            raise ValueError(f"rule names nothing for layer {layer.label!r}; end the list with ('*', 'zplus')")
        return zplus()


def everywhere(rule: Rule) -> Composite:
    """One rule for all layers."""
    return Composite(rule.name, (("*", rule),))


def _made_everywhere(make: Callable[[], Rule]) -> Composite:
    return everywhere(make())


COMPOSITES: dict[str, Callable[[], Composite]] = {
    **{name: partial(_made_everywhere, make) for name, make in RULES.items()},
    "epsilon_plus": lambda: Composite("epsilon_plus", (("conv", zplus()), ("*", epsilon()))),
    "epsilon_plus_flat": lambda: Composite("epsilon_plus_flat", ((FIRST, flat()), ("conv", zplus()), ("*", epsilon()))),
    "epsilon_gamma_box": lambda: Composite(
        "epsilon_gamma_box", ((FIRST, z_box(0.0, 1.0)), ("conv", gamma()), ("*", epsilon()))
    ),
    "alpha2_beta1": lambda: Composite("alpha2_beta1", (("conv", alpha_beta(2, 1)), ("*", epsilon()))),
}

RuleLike = str | Rule | Composite | Mapping[str, "str | Rule"]


def composite(rule: RuleLike) -> Composite:
    """A composite from what users write: a name, a rule, a composite, or a mapping from patterns to rules.

    Raises
    ------
    ValueError
        For a name that is none.
    """
    if isinstance(rule, Composite):
        return rule
    if isinstance(rule, Rule):
        return everywhere(rule)
    if isinstance(rule, Mapping):
        return Composite("custom", tuple((pattern, _single(r)) for pattern, r in rule.items()))
    if not isinstance(rule, str):
        raise TypeError(f"rule must be a name, a Rule, a Composite or a mapping from patterns to rules, not {rule!r}")
    if rule not in COMPOSITES:
        raise ValueError(f"rule={rule!r} is not one of {', '.join(map(repr, COMPOSITES))}")
    return COMPOSITES[rule]()


def _single(rule: str | Rule) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if not isinstance(rule, str):
        raise TypeError(f"a pattern's rule must be a name or a Rule, not {rule!r}")
    if rule not in RULES:
        raise ValueError(f"rule={rule!r} is not one of {', '.join(map(repr, RULES))}")
    return RULES[rule]()

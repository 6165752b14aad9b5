"""Composites: which rule each layer gets, as ordered data.

Names follow Zennit's documentation; why depth matters to the choice: Montavon et al. 2019, section 10.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.patterns import FIRST, HEAD, check_patterns, fits
from heapwidget.engine.rules import RULES, Rule, alpha_beta, epsilon, flat, gamma, z_box, zplus
from heapwidget.errors import brief
from heapwidget.words.vocabulary import rule_label

CONV = "conv"


@dataclass(frozen=True)
class Composite:
    """An ordered list of (pattern, rule); the first pattern that fits a layer gives its rule.

    Parameters
    ----------
    name
        What the viewer calls it.
    entries
        A pattern is a layer's label, in which `*` stands for anything; the path of a module, for all layers in it; an
        op family (`"conv"`, `"linear"`, `"matmul"`); `"first"`, the layers that read an input itself, and
        `"first conv"`, those of them that are of a family; or `"head"`, those that decide: all from the output down to
        the last weights, and on through linear layers with nothing but functions of one unit between, up to the first
        that mixes positions. `"*"` fits every layer. A rule is a `Rule`, or the name of one.

    Raises
    ------
    TypeError, ValueError
        If an entry is no such pair.
    """

    name: str
    entries: tuple[tuple[str, Rule], ...]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"a composite's name must be text, not {brief(self.name)}")
        if isinstance(self.entries, str) or not all(_is_entry(entry) for entry in self.entries):
            raise TypeError(f"a composite's entries must be pairs (pattern, rule), not {brief(self.entries)}")
        object.__setattr__(self, "entries", tuple((pattern, _single(rule)) for pattern, rule in self.entries))

    @property
    def label(self) -> str:
        """What is shown for it: of one rule for all layers, that rule's own label."""
        if len(self.entries) == 1 and self.entries[0][1].name == self.name:
            return self.entries[0][1].label
        return rule_label(self.name)

    def rules(self, graph: Graph) -> list[Rule]:
        """The rule of each layer.

        Raises
        ------
        ValueError
            If no pattern fits a layer that needs a rule, or if a pattern names a layer that is none.
        """
        check_patterns("rule", (pattern for pattern, _ in self.entries), graph)
        return [self._rule(graph, number) for number in range(len(graph.layers))]

    def warning(self, graph: Graph) -> str | None:
        """What to know of a composite that tells convolutions from other layers, on a net that has none."""
        ruled = [number for number, layer in enumerate(graph.layers) if layer.ruled]
        families = {graph.layers[number].op for number in ruled}
        if self.name not in COMPOSITES or CONV not in dict(self.entries) or not families or CONV in families:
            return None
        names = " and ".join(dict.fromkeys(repr(self._rule(graph, number).name) for number in ruled))
        return (
            f"rule={self.name!r} has a rule of its own for convolutions, of which this net has none, so all its layers "
            f"get {names}; a rule for any net is 'zplus', 'gamma' or 'epsilon'"
        )

    def _rule(self, graph: Graph, number: int) -> Rule:
        layer = graph.layers[number]
        for pattern, rule in self.entries:
            if fits(pattern, graph, number):
                return rule
        if layer.ruled:
            raise ValueError(f"rule names nothing for layer {layer.label!r}; end the list with ('*', 'zplus')")
        return zplus()


def _is_entry(entry: object) -> bool:
    return isinstance(entry, tuple | list) and len(entry) == 2 and isinstance(entry[0], str)


def everywhere(rule: Rule) -> Composite:
    """One rule for all layers."""
    return Composite(rule.name, (("*", rule),))


# By name, as are RULES, each of which is one everywhere.
COMPOSITES: dict[str, Callable[[], Composite]] = {
    "signed_head": lambda: Composite("signed_head", ((HEAD, epsilon()), ("*", zplus()))),
    "epsilon_plus": lambda: Composite("epsilon_plus", ((CONV, zplus(bias=True)), ("*", epsilon()))),
    "epsilon_plus_flat": lambda: Composite(
        "epsilon_plus_flat", ((FIRST, flat()), (CONV, zplus(bias=True)), ("*", epsilon()))
    ),
    "epsilon_gamma_box": lambda: Composite(
        "epsilon_gamma_box", ((f"{FIRST} {CONV}", z_box(0.0, 1.0)), (CONV, gamma()), ("*", epsilon()))
    ),
    "alpha2_beta1": lambda: Composite("alpha2_beta1", ((CONV, alpha_beta(2, 1, bias=True)), ("*", epsilon()))),
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
        return Composite("custom", tuple(rule.items()))  # type: ignore[arg-type]
    if not isinstance(rule, str):
        raise TypeError(
            f"rule must be a name, a Rule, a Composite or a mapping from patterns to rules, not {brief(rule)}"
        )
    if rule in COMPOSITES:
        return COMPOSITES[rule]()
    return everywhere(_named(rule, [*RULES, *COMPOSITES]))


def _single(rule: str | Rule) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if not isinstance(rule, str):
        raise TypeError(f"a pattern's rule must be a name or a Rule, not {brief(rule)}")
    return _named(rule, list(RULES))


def _named(name: str, names: list[str]) -> Rule:
    """The rule of a name, which is to be one of several."""
    if name not in RULES:
        raise ValueError(f"rule={brief(name)} is not one of {', '.join(map(repr, names))}")
    return RULES[name]()

"""The ledger: where every bit of the target went."""

from __future__ import annotations

from dataclasses import dataclass

from heapwidget.words.percents import fixed


@dataclass(frozen=True)
class Ledger:
    """Where every bit of the target went, to float accuracy: target = baseline + explained + residual + absorbed_total.

    Attributes
    ----------
    target
        The scalar explained.
    explained
        Relevance on the inputs.
    residual
        Relevance still on its way: 0 once finished.
    absorbed
        What ended in no input, by (layer label, cause).
    baseline
        The target at the baseline, where its change from there is explained; else 0.
    """

    target: float
    explained: float
    residual: float
    absorbed: dict[tuple[str, str], float]
    baseline: float = 0.0

    @property
    def change(self) -> float:
        """What is shared out, of which all shares are parts."""
        return self.target - self.baseline

    @property
    def absorbed_total(self) -> float:
        """All that was absorbed."""
        return sum(self.absorbed.values())

    def __str__(self) -> str:
        rows = [("explained: on the input", self.explained)]
        by_size = sorted(self.absorbed.items(), key=lambda item: -abs(item[1]))
        rows += [(f"absorbed: {layer}, {cause}", value) for (layer, cause), value in by_size]
        rows += [("residual: still on its way", self.residual)]
        ends = [("target", self.target)]
        given = set[str]()
        if self.baseline:
            given = {"target", "at the baseline"}
            ends = [("change", self.change), ("at the baseline", self.baseline), *ends]
        rows += ends
        width = max(len(name) for name, _ in rows)
        lines = []
        for name, value in rows:
            share = f"{fixed(value / self.change, 2):>8}" if self.change and name not in given else " " * 8
            lines.append(f"{name:<{width}} {value:12.6g} {share}")
        lines.insert(-len(ends), "-" * max(map(len, lines)))
        return "\n".join(lines)

    __repr__ = __str__

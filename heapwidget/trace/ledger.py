"""The ledger: where every bit of the target went."""

from __future__ import annotations

from dataclasses import dataclass

from heapwidget.words.percents import fixed


@dataclass(frozen=True)
class Ledger:
    """Where every bit of the target went: target = explained + residual + absorbed_total, to float accuracy.

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
    """

    target: float
    explained: float
    residual: float
    absorbed: dict[tuple[str, str], float]

    @property
    def absorbed_total(self) -> float:
        """All that was absorbed."""
        return sum(self.absorbed.values())

    def __str__(self) -> str:
        rows = [("explained: on the input", self.explained)]
        by_size = sorted(self.absorbed.items(), key=lambda item: -abs(item[1]))
        rows += [(f"absorbed: {layer}, {cause}", value) for (layer, cause), value in by_size]
        rows += [("residual: still on its way", self.residual), ("target", self.target)]
        width = max(len(name) for name, _ in rows)
        lines = []
        for name, value in rows:
            share = f"{fixed(value / self.target, 2):>8}" if self.target else " " * 8
            lines.append(f"{name:<{width}} {value:12.6g} {share}")
        lines.insert(-1, "-" * len(lines[-1]))
        return "\n".join(lines)

    __repr__ = __str__

"""What an explanation found, in words and few numbers: for `Explanation.summary()` and the figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heapwidget.findings.findings import Findings
from heapwidget.findings.targetwords import effect, number, shared_noun, target_worth, verb, whole_noun
from heapwidget.kinds import position_noun
from heapwidget.words.percents import percent, percent_bound, percent_digits
from heapwidget.words.vocabulary import ROUNDING, rule_label

# So many single entries of the ledger are told apart.
MOST_ROWS = 6
STRONGEST = 5
# Where the first position has less of the target, its relevance itself is told.
LEAST_SHARE = 1e-3


def shortened(text: str, most: int) -> str:
    """At most so many characters; of a longer text the beginning and the end, which tell layers' names apart."""
    if len(text) <= most:
        return text
    end = most // 6
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def title(findings: Findings) -> tuple[str, str]:
    """What is explained, and by which method."""
    header = findings.trace.header
    method = header.method.replace("_", " ")
    rule = f", {rule_label(header.rule_label or header.rule)}" if header.rule else ""
    words = {"article": "the article's five steps, keys are added", "gradient": "gradient, as in the article"}
    return header.target.label, f"{target_worth(header.target)} · {words.get(header.method, method + rule)}"


def popped(findings: Findings) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Positions in pop order, and their keys."""
    keys = findings.trace.columns["pop_mass"][findings.trace.selecting].astype(np.float64)
    return findings.order, keys


def half(findings: Findings) -> NDArray[np.int64]:
    """The first positions popped, until they hold half of all that the pops add up to at most."""
    order, keys = popped(findings)
    sums = np.cumsum(-keys if findings.trace.collects_ascending else keys)
    if not len(sums) or sums.max() <= 0:
        return order[:0]
    return order[: int(np.argmax(sums >= sums.max() / 2)) + 1]


def rows(findings: Findings) -> list[tuple[str, float, str]]:
    """The ledger as (name, share of the target, kind); the first positions and their keys where there is no ledger."""
    trace = findings.trace
    if not trace.conserved:
        order, keys = popped(findings)
        count = STRONGEST + 1
        return [(trace.label(int(n)), float(k), "explained") for n, k in zip(order[:count], keys[:count], strict=True)]
    ledger = findings.ledger
    target = ledger.change or 1.0
    found = [("on the input", ledger.explained / target, "explained")]
    absorbed = sorted(ledger.absorbed.items(), key=lambda item: -abs(item[1]))
    absorbed = [entry for entry in absorbed if abs(entry[1] / target) >= 5e-4]
    kept = absorbed if len(absorbed) <= MOST_ROWS else absorbed[: MOST_ROWS - 1]
    found += [(f"{cause} of {layer}", value / target, "absorbed") for (layer, cause), value in kept]
    rest = sum(value for _, value in absorbed[len(kept) :])
    if len(absorbed) > len(kept):
        found.append((f"{len(absorbed) - len(kept)} more", rest / target, "absorbed"))
    if abs(ledger.residual / target) >= 5e-4:
        found.append(("still on its way", ledger.residual / target, "residual"))
    return found


def summary(findings: Findings) -> str:
    """A few lines that tell what was found, and how far it can be trusted."""
    name, words = title(findings)
    lines = [f"{name}: {words}", ""]
    lines += [f"{head:<10}{text}" for head, text in _facts(findings)]
    return "\n".join(lines)


def _facts(findings: Findings) -> list[tuple[str, str]]:
    trace, facts = findings.trace, []
    order, keys = popped(findings)
    positions = f"{trace.input_nodes:,} {position_noun(trace.input_kinds)}{'' if trace.input_nodes == 1 else 's'}"
    if trace.conserved:
        ledger = findings.ledger
        target = ledger.change or 1.0
        share, reached = percent(ledger.explained / target), int(np.count_nonzero(keys))
        text = f"{share} is on the input, on {reached:,} of {positions}"
        first = len(half(findings))
        facts.append(("explained", f"{text}; half of that on the first {first:,}" if first else text))
        facts += _input_facts(findings, target)
        gone = [f"{percent(share)} {name}" for name, share, kind in rows(findings) if kind == "absorbed"]
        if gone:
            facts.append(("absorbed", f"{percent(ledger.absorbed_total / target)}: {', '.join(gone)}"))
        if ledger.residual:
            facts.append(("residual", f"{percent(ledger.residual / target)} is still on its way"))
        if trace.collects_ascending:
            whole = whole_noun(trace.header.target)
            facts.append(("order", f"the {whole} is negative: what lowers it most comes first"))
        facts += _sign_facts(findings)
        facts += _walk_facts(findings)
    else:
        facts.append(("popped", f"{positions}; keys are no shares of the target"))
    # Of very many positions each has next to nothing of the target: then the relevance itself tells them apart.
    # So it does where what comes first goes against the change.
    large = trace.conserved and len(keys) > 0 and abs(keys[0] / target) >= LEAST_SHARE
    large = large and (trace.header.target.baseline is None or keys[0] / target > 0)
    unit = (lambda k: percent(k / target)) if large else number
    strongest = [f"{trace.label(int(n))} {unit(k)}" for n, k in zip(order[:STRONGEST], keys[:STRONGEST], strict=True)]
    if strongest:
        facts.append(("first", ", ".join(strongest)))
    return facts


def _input_facts(findings: Findings, target: float) -> list[tuple[str, str]]:
    """Where there are several inputs, the share of each."""
    trace = findings.trace
    if trace.n_inputs == 1:
        return []
    sums = [float(c.sum(dtype=np.float64)) / target for c in trace.contributions]
    shares = (f"{percent(share)} {layer.label}" for layer, share in zip(trace.inputs, sums, strict=True))
    return [("inputs", ", ".join(shares))]


def _sign_facts(findings: Findings) -> list[tuple[str, str]]:
    """What contributions of a change do, where they have both signs."""
    target = findings.trace.header.target
    sums = [float(total) for c in findings.trace.contributions for total in (c.min(initial=0), c.max(initial=0))]
    if target.baseline is None or not min(sums) < 0 < max(sums):
        return []
    return [("signs", f"what is positive {effect(target, 1)}; what is negative {verb(target, -1)} it")]


def _walk_facts(findings: Findings) -> list[tuple[str, str]]:
    trace = findings.trace
    pops, target = trace.header.phases.walk, trace.header.target.change or 1.0
    whole = shared_noun(trace.header.target)
    if not pops:
        return []
    arrived = float(trace.columns["explained"][pops - 1]) / target
    text = f"{pops:,} pop{'' if pops == 1 else 's'} brought {percent(arrived)} to the input"
    if trace.repops:
        text += f", {trace.repops:,} of them popped a node again"
    if trace.header.floor is not None:
        text += f"; the floor was {percent_digits(trace.header.floor)} of the {whole}"
    facts = [("walk", text), *_certain_facts(findings)]
    bound = findings.bound / abs(target)
    if bound < ROUNDING["noise"]:
        return [*facts, ("error", "exact: what the walk left was passed on layer by layer")]
    return [*facts, ("error", f"at most {percent_bound(bound)} of the {whole}")]


def _certain_facts(findings: Findings) -> list[tuple[str, str]]:
    """How many of the first positions the walk alone made certain, and when."""
    trace = findings.trace
    if not len(trace.settling):
        return []
    first, last = int(trace.settling[0]), int(trace.settling[-1])
    count, noun = int(trace.columns["certain"][last]), position_noun(trace.input_kinds)
    text = f"the first {count:,} of {len(findings.order):,} {noun}s by pop {last + 1:,}"
    return [("certain", text if first == last else f"{text}, the earliest by pop {first + 1:,}")]

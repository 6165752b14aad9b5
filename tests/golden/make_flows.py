"""Write `flows.json`, the strongest flows of the golden walks at a few steps: `python tests/golden/make_flows.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from helpers.traces import trace_of  # noqa: E402
from helpers.walk_flows import all_flows  # noqa: E402

WALKS = ("trace_units", "trace_positions", "trace_stopped", "trace_negative")
STRONGEST = 8


def flows() -> dict[str, Any]:
    """For each walk and step, how many flows there are, and the strongest with their relevance."""
    found: dict[str, Any] = {}
    for name in WALKS:
        data = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
        trace = trace_of(data["header"], data["columns"])
        walk = trace.header.phases.walk
        found[name] = {}
        for step in sorted({walk // 3, walk // 2, walk, trace.n_steps}):
            ways = sorted(all_flows(trace, step).items(), key=lambda way: (-way[1], way[0]))
            strongest = [[list(nodes), relevance] for nodes, relevance in ways[:STRONGEST]]
            found[name][str(step)] = {"count": len(ways), "flows": strongest}
    return found


if __name__ == "__main__":
    (HERE / "flows.json").write_text(json.dumps(flows(), separators=(",", ":")) + "\n", encoding="utf-8")

"""Print the peak memory of one explanation in bytes, and the bytes of what its recording holds. Linux only.

Run as a program, in a process of its own: `python peak.py '{"nodes": "position"}'`.
"""

import gc
import json
import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

sys.path.insert(0, str(Path(__file__).parents[2]))

from helpers.benchmarks import efficientnet

import heapwidget as hw
from heapwidget.engine.capture import record


def in_use(field: str) -> int:
    """Memory of this process in bytes: `VmRSS` now, `VmHWM` at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def recorded_bytes(net: torch.nn.Module, x: Tensor) -> int:
    """Bytes of all results of recorded calls; what several share counts once."""
    storages = {}
    for call in record(net, x).calls:
        for out in tree_leaves(call.out):
            if isinstance(out, Tensor):
                storages[out.untyped_storage().data_ptr()] = out.untyped_storage().nbytes()
    return sum(storages.values())


def main(options: dict[str, object]) -> None:
    torch.set_num_threads(1)
    net, x = efficientnet.net(), efficientnet.cat()
    recorded = recorded_bytes(net, x)
    # Code that is loaded at first use is no memory of the explanation.
    hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255, progress=False)
    gc.collect()
    before = in_use("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    explanation = hw.attribute(net, x, progress=False, **options)
    print(in_use("VmHWM") - before, recorded)
    assert explanation.trace.n_steps


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

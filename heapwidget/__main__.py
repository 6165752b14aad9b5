"""The command line: ``python -m heapwidget lab`` and ``python -m heapwidget demo``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from heapwidget.demo import PAGE, write_demo
from heapwidget.lab import WORKING_FOLDER, LabError, open_lab


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; without one, print what there is.

    Returns
    -------
    int
        The exit status: 0, or 1 with one sentence on stderr.
    """
    parser = argparse.ArgumentParser(
        prog="python -m heapwidget",
        description="Watch a network's answer flow back to its input, one heap pop at a time.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", title="commands", metavar="")
    commands.add_parser(
        "lab",
        help="open JupyterLab on the quickstart notebook",
        description=(
            f"Open JupyterLab on the quickstart, copied into ./{WORKING_FOLDER} (files already there stay as they "
            "are). Other arguments are handed on to JupyterLab, for example --no-browser or --port=8899."
        ),
        allow_abbrev=False,
    )
    demo = commands.add_parser(
        "demo",
        help="write the viewer of a sample digit to a page that opens in any browser",
        description="Write the viewer of a sample digit to one page that needs no notebook, no server and no network.",
        allow_abbrev=False,
    )
    demo.add_argument("-o", "--output", metavar="FILE", type=Path, default=Path(PAGE), help=f"default: {PAGE}")
    options, extra = parser.parse_known_args(arguments)
    if extra and options.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(extra)}")
    if options.command is None:
        parser.print_help()
        return 0
    if options.command == "demo":
        return _demo(options.output)
    try:
        open_lab(extra)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _demo(path: Path) -> int:
    try:
        write_demo(path)
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(path.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())

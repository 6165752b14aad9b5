"""The front end's own checks, run from here so that ``pytest`` alone says whether all is well."""

import pytest
from helpers.frontend import FRONTEND, packages, run

# Long tables of traces and of pops in slow motion: apart, so that a quick run does without.
LONG = ("judged", "keyframes", "slowpop")


@pytest.mark.parametrize(
    "command",
    [
        ["tsc", "--noEmit"],
        ["biome", "ci", "."],
        ["vitest", "run", *(f"--exclude=**/{name}.test.ts" for name in LONG)],
        ["vitest", "run", *LONG],
    ],
    ids=["types", "lint", "tests", "long tests"],
)
def test_front_end(node: str, command: list[str]) -> None:
    run(command, node)


def test_lock_file_holds_no_addresses() -> None:
    assert not any("resolved" in entry for entry in packages(FRONTEND / "package-lock.json").values())

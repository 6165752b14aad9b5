"""The front end's own checks, run from here so that ``pytest`` alone says whether all is well."""

import re
import shutil
from pathlib import Path

import pytest
from helpers.frontend import FRONTEND, packages, run

# Long tables of traces and of pops in slow motion: apart, so that a quick run does without.
LONG = ("judged", "keyframes", "slowpop")


@pytest.mark.parametrize(
    "command",
    [
        ["tsc", "--noEmit"],
        ["tsc", "--noEmit", "-p", "src/core"],
        ["biome", "ci", "."],
        ["vitest", "run", *(f"--exclude=**/{name}.test.ts" for name in LONG)],
        ["vitest", "run", *LONG],
    ],
    ids=["types", "core without a screen", "lint", "tests", "long tests"],
)
def test_front_end(node: str, command: list[str]) -> None:
    run(command, node)


# Files that go through a wall, and the rule that stops each.
INTRUDERS = {
    "core/replay/new.ts": ('import type { Session } from "../session/session";', "noRestrictedImports"),
    "core/trace/new.ts": ('import type { View } from "../../kit/panel";', "noRestrictedImports"),
    "kit/new.ts": ('import type { Card } from "../panels/heap/card";', "noRestrictedImports"),
    "panels/code/neighbour.ts": ('import type { Card } from "../heap/card";', "noRestrictedImports"),
    "panels/code/table.ts": ('import { PANELS } from "../table";', "noRestrictedImports"),
    "panels/code/chrome.ts": ('import { onKey } from "../../chrome/keys";', "noRestrictedImports"),
    "panels/input/kinds/new.ts": ('import type { Card } from "../../heap/card";', "noRestrictedImports"),
    "chrome/new.ts": ('import { mountPage } from "../host/page";', "noRestrictedImports"),
    "host/new.ts": ('import { PANELS } from "../panels/table";', "noRestrictedImports"),
    "core/trace/one.ts": ('import type { Two } from "./two";\nexport type One = Two;', "noImportCycles"),
    "core/trace/two.ts": ('import type { One } from "./one";\nexport type Two = One;', "noImportCycles"),
    "core/long.ts": ("\n" * 300 + "export {};", "noExcessiveLinesPerFile"),
    "core/function.ts": ("export const long = () => {" + "long();\n" * 70 + "};", "noExcessiveLinesPerFunction"),
}


def test_walls_stand(node: str, tmp_path: Path) -> None:
    shutil.copytree(FRONTEND / "src", tmp_path / "src")
    shutil.copy(FRONTEND / "biome.json", tmp_path)
    for file, (text, _) in INTRUDERS.items():
        (tmp_path / "src" / file).write_text(text + "\n", encoding="utf-8")
    with pytest.raises(AssertionError) as refused:
        run(["biome", "lint", str(tmp_path), f"--config-path={tmp_path}", "--reporter=github"], node)
    for file, (_, rule) in INTRUDERS.items():
        assert re.search(rf"{rule},file=[^,]*/src/{file},", str(refused.value)), file


def test_lock_file_holds_no_addresses() -> None:
    assert not any("resolved" in entry for entry in packages(FRONTEND / "package-lock.json").values())

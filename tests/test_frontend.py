"""The front end's own checks, run from here so that ``pytest`` alone says whether all is well."""

import shutil
from pathlib import Path

import pytest
from frontend import FRONTEND, packages, run


@pytest.mark.parametrize(
    "command",
    [["tsc", "--noEmit"], ["tsc", "--noEmit", "-p", "src/core"], ["biome", "ci", "."], ["vitest", "run"]],
    ids=["types", "core without a screen", "lint", "tests"],
)
def test_front_end(node: str, command: list[str]) -> None:
    run(command, node)


# A file that goes through a wall, and the rule that stops it.
INTRUDERS = [
    ("core/replay/new.ts", 'import type { Session } from "../session/session";', "noRestrictedImports"),
    ("core/trace/new.ts", 'import type { View } from "../../kit/panel";', "noRestrictedImports"),
    ("kit/new.ts", 'import type { Card } from "../panels/heap/card";', "noRestrictedImports"),
    ("panels/code/new.ts", 'import type { Card } from "../heap/card";', "noRestrictedImports"),
    ("panels/code/new.ts", 'import { PANELS } from "../table";', "noRestrictedImports"),
    ("panels/code/new.ts", 'import { onKey } from "../../chrome/keys";', "noRestrictedImports"),
    ("panels/input/kinds/new.ts", 'import type { Card } from "../../heap/card";', "noRestrictedImports"),
    ("chrome/new.ts", 'import { mountPage } from "../host/page";', "noRestrictedImports"),
    ("core/trace/error.ts", 'import { readHeader } from "./header";', "noImportCycles"),
    ("core/new.ts", "\n" * 300 + "export {};", "noExcessiveLinesPerFile"),
    ("core/new.ts", "export const long = () => {" + "long();\n" * 70 + "};", "noExcessiveLinesPerFunction"),
]


@pytest.mark.parametrize(("file", "text", "rule"), INTRUDERS)
def test_walls_stand(node: str, tmp_path: Path, file: str, text: str, rule: str) -> None:
    shutil.copytree(FRONTEND / "src", tmp_path / "src")
    shutil.copy(FRONTEND / "biome.json", tmp_path)
    place = tmp_path / "src" / file
    place.write_text(text + "\n" + (place.read_text(encoding="utf-8") if place.exists() else ""), encoding="utf-8")
    with pytest.raises(AssertionError, match=rule):
        run(["biome", "lint", str(tmp_path), f"--config-path={tmp_path}"], node)


def test_lock_file_holds_no_addresses() -> None:
    assert not any("resolved" in entry for entry in packages(FRONTEND / "package-lock.json").values())

"""The version stands in one place, and what is said of the project beside it agrees with pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

import heapwidget as hw

ROOT = Path(__file__).resolve().parents[2]
METADATA = ProjectMetadata(str(ROOT), PluginManager())
PROJECT = METADATA.config["project"]


def test_the_package_is_built_with_its_own_version() -> None:
    assert "version" not in PROJECT
    assert METADATA.version == hw.__version__


def test_no_other_file_has_the_version() -> None:
    number = re.compile(rf'version[\W_]{{0,6}}[:=]\s*["\']?{re.escape(hw.__version__)}(?![\d.])')
    places = [ROOT / "pyproject.toml", *(ROOT / "docs").glob("*.*"), *(ROOT / "heapwidget").rglob("*.py")]
    places += [ROOT / "heapwidget" / "frontend" / "package.json"]
    found = [p for p in places if p.suffix != ".png" and number.search(p.read_text("utf-8", errors="ignore"))]
    assert found == [ROOT / "heapwidget" / "__init__.py"]


def test_the_changelog_tells_of_it() -> None:
    text = (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(.+?)\](?: - (.+))?$", text, re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    assert hw.__version__ in [version for version, _ in versions]
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_citation_is_that_of_the_project() -> None:
    """What the Citation File Format 1.2 asks for, as the project says it."""
    cited = yaml.safe_load((ROOT / "docs" / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["message"]
    assert (cited["title"], cited["type"]) == (PROJECT["name"], "software")
    assert cited["authors"] == PROJECT["authors"]
    assert (cited["license"], cited["abstract"]) == (PROJECT["license"], PROJECT["description"])
    assert cited["keywords"] == PROJECT["keywords"]

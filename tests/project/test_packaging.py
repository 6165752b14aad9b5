"""The build hook, and what wheel and sdist hold."""

import base64
import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import heapwidget as hw

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, hook: ModuleType) -> Path:
    """A front end with a fresh bundle."""
    frontend, static = tmp_path / "heapwidget" / "frontend", tmp_path / "heapwidget" / "static"
    (frontend / "src" / "core").mkdir(parents=True)
    (frontend / "src" / "core" / "heap.ts").write_text("export {}")
    (frontend / "package.json").write_text("{}")
    (tmp_path / "heapwidget" / "words").mkdir()
    (tmp_path / "heapwidget" / "words" / "vocabulary.json").write_text("{}")
    static.mkdir()
    (static / hook.HASH_FILE).write_text(hook.source_hash(frontend) + "\n")
    return tmp_path


def is_fresh(hook: ModuleType, project: Path) -> bool:
    return bool(hook.is_fresh(project / "heapwidget" / "frontend", project / "heapwidget" / "static"))


def dependencies(hook: ModuleType, project: Path) -> list[str]:
    return list(hook.FrontendHook(str(project), {}, None, None, "", "wheel").dependencies())


@pytest.fixture
def no_npm(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, hook: ModuleType) -> Path:
    """A PATH with a single empty folder."""
    folder = tmp_path_factory.mktemp("bin")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(hook.sysconfig, "get_path", lambda name: str(folder))
    return folder


def test_bundle_is_fresh_until_a_source_changes(hook: ModuleType, project: Path) -> None:
    frontend = project / "heapwidget" / "frontend"
    assert is_fresh(hook, project)
    (frontend / "test").mkdir()
    (frontend / "test" / "heap.test.ts").write_text("")
    (frontend / "node_modules").mkdir()
    assert is_fresh(hook, project), "tests and node_modules are no part of the bundle"
    (frontend.parent / "words" / "percents.py").touch()
    assert is_fresh(hook, project), "of Python's own files only the vocabulary is a part of it"
    (frontend / "src" / "core" / "heap.ts").write_text("export { }")
    assert not is_fresh(hook, project)


def test_bundle_is_stale_when_the_vocabulary_changes(hook: ModuleType, project: Path) -> None:
    (project / "heapwidget" / "words" / "vocabulary.json").write_text('{"rules": {}}')
    assert not is_fresh(hook, project)


@pytest.mark.parametrize("change", ["added", "removed", "renamed"])
def test_bundle_is_stale_when_files_come_and_go(hook: ModuleType, project: Path, change: str) -> None:
    source = project / "heapwidget" / "frontend" / "src" / "core" / "heap.ts"
    if change == "added":
        source.with_name("trace.ts").touch()
    elif change == "removed":
        source.unlink()
    else:
        source.rename(source.with_name("pile.ts"))
    assert not is_fresh(hook, project)


def test_node_comes_from_pypi_only_where_it_is_needed_and_missing(
    hook: ModuleType, project: Path, no_npm: Path
) -> None:
    assert dependencies(hook, project) == []
    shutil.rmtree(project / "heapwidget" / "static")
    assert dependencies(hook, project) == [hook.NODE_FROM_PYPI]
    npm = no_npm / "npm"
    npm.write_text("#!/bin/sh\nexit 1\n")
    npm.chmod(0o755)
    assert dependencies(hook, project) == [hook.NODE_FROM_PYPI], "an npm that does not run is no npm"
    npm.write_text("#!/bin/sh\nexit 0\n")
    assert dependencies(hook, project) == []


def test_missing_npm_is_one_sentence(hook: ModuleType, project: Path, no_npm: Path) -> None:
    with pytest.raises(RuntimeError, match="install Node"):
        hook.build(project / "heapwidget" / "frontend", project / "heapwidget" / "static")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[Path]:
    """A folder with a wheel and an sdist, made from a copy so that the tree stays as it is."""
    folder = tmp_path_factory.mktemp("build")
    copy = folder / "copy"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".git", "node_modules", "__pycache__", ".*_cache", ".hypothesis")
    )
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    yield folder
    shutil.rmtree(copy)


BUNDLE = {f"heapwidget/static/{name}" for name in ("widget.js", "widget.css", "standalone.js", "sources.sha256")}


def test_wheel_holds_what_runs_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    assert names >= BUNDLE
    assert {"heapwidget/notebooks/quickstart.ipynb", "heapwidget/py.typed", "heapwidget/samples/lenet.npz"} <= names
    assert "heapwidget/words/vocabulary.json" in names
    assert f"heapwidget-{hw.__version__}.dist-info/METADATA" in names, "the version stands in one place"
    assert not any(name.startswith(("heapwidget/frontend", "tests", "docs")) for name in names)
    assert all(name.startswith(("heapwidget/", "heapwidget-")) for name in names)


def test_sdist_holds_sources_and_bundle(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    assert names >= BUNDLE
    assert {
        "heapwidget/frontend/build.mjs",
        "heapwidget/frontend/hatch_build.py",
        "heapwidget/words/vocabulary.json",
        "notebooks/quickstart.ipynb",
    } <= names
    assert not any("node_modules" in name for name in names)


def test_installed_package_finds_its_notebooks(built: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path)
    code = "from heapwidget.lab import originals; print(originals())"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == tmp_path / "heapwidget" / "notebooks"


def test_bundle_is_small_and_calls_nobody(bundle: Path) -> None:
    widget = (bundle / "widget.js").read_text(encoding="utf-8")
    style = (bundle / "widget.css").read_text(encoding="utf-8")
    assert len(widget) + len(style) < 150_000
    packed = re.search(r'const packed = "([\w+/=]+)";', widget)
    assert packed is not None
    module = gzip.decompress(base64.b64decode(packed[1])).decode("utf-8")
    assert "heapwidget" in module
    for text in (widget, style, module, (bundle / "standalone.js").read_text(encoding="utf-8")):
        for address in ("http://", "https://"):
            assert address not in text.replace("http://www.w3.org/", ""), "the viewer asks no other host for anything"

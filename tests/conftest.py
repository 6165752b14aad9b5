"""What every test shares: where things are, and how much chance and skipping is allowed."""

import importlib.util
import os
import shutil
import signal
import sysconfig
from collections.abc import Generator
from pathlib import Path
from types import ModuleType

import pytest
from filelock import FileLock
from helpers.frontend import install
from helpers.quick import holds_quick, is_quick
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
BENCHMARKS = TESTS / "benchmarks"
IN_CI = os.environ.get("CI") == "true"

# CI draws the same examples each time: a red build is the fault of the change, not of luck.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
settings.register_profile("nightly", deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=10)


def pytest_configure(config: pytest.Config) -> None:
    """A quick run draws few examples, as `helpers.examples` reads too; Ctrl-C interrupts."""
    usual = "quick" if config.option.markexpr == "quick" else "ci" if IN_CI else "dev"
    settings.load_profile(os.environ.setdefault("HYPOTHESIS_PROFILE", usual))
    # A process that was begun in the background ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Benchmarks run only where they are named, ``pytest tests/benchmarks -s``; a quick run reads only what it runs."""
    if config.option.markexpr == "quick" and collection_path.name.startswith("test_"):
        return None if holds_quick(room_of(collection_path), collection_path.stem) else True
    if collection_path != BENCHMARKS:
        return None
    here = config.invocation_params.dir
    named = (Path(here, argument.split("::")[0]).resolve() for argument in config.args)
    return None if any(path.is_relative_to(BENCHMARKS) for path in named) else True


def room_of(path: Path) -> str:
    """The folder of a test, as `helpers.quick` names it."""
    return path.parent.relative_to(TESTS).as_posix().removeprefix(".")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """All tests are run two at a time, as browsers and kernels wait much; what is named runs as it always did."""
    whole = config.args == config.getini("testpaths")
    return min(2, os.cpu_count() or 1) if whole else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All below ``e2e`` drives a browser; `helpers.quick` says what is quick."""
    for item in items:
        room = room_of(item.path)
        if room == "e2e":
            item.add_marker("browser")
        if is_quick(room, item.path.stem, item.name):
            item.add_marker("quick")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A browser test may be skipped on a machine without a browser, but not in CI."""
    report = yield
    if IN_CI and report.skipped and item.get_closest_marker("browser"):
        report.outcome = "failed"
        report.longrepr = f"a browser test was skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def tool_path() -> str:
    """The PATH for outside tools: the machine's own come first, then those that the test extra installs."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])


@pytest.fixture(scope="session")
def one_at_a_time(request: pytest.FixtureRequest) -> FileLock:
    """Held by whoever makes what tests that run side by side share."""
    return FileLock(request.config.cache.mkdir("locks") / "frontend")


@pytest.fixture(scope="session")
def node(tool_path: str, one_at_a_time: FileLock) -> str:
    """The PATH for the front end's tools, which are installed."""
    with one_at_a_time:
        install(tool_path)
    return tool_path


@pytest.fixture(scope="session")
def hook() -> ModuleType:
    """The build hook, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "heapwidget" / "frontend" / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def bundle(hook: ModuleType, one_at_a_time: FileLock) -> Path:
    """The folder of the bundle, made anew where the front end has changed since the last install."""
    frontend, static = ROOT / "heapwidget" / "frontend", ROOT / "heapwidget" / "static"
    with one_at_a_time:
        if not hook.is_fresh(frontend, static):
            hook.build(frontend, static)
    return static


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium")
    return program

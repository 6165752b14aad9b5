"""What tests in a browser share."""

from pathlib import Path

import pytest
from helpers.browser.fixtures import browser, page, server, show, watch  # noqa: F401 - fixtures
from helpers.browser.gallery import write_gallery


@pytest.fixture(scope="session")
def gallery(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of a page for each kind of trace and input."""
    return write_gallery(tmp_path_factory.mktemp("gallery"))

"""The viewer's benchmark page: a large trace that steps, seeks and plays, and prints under it what its frames cost.

``PYTHONPATH=tests python -m helpers.benchmarks.page FOLDER`` writes the pages, to be opened in any browser.
"""

import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from helpers.benchmarks.synthetic import LONG, MILLION, Sizes, explanation

from heapwidget.display.page import Shown, page

SCRIPT = Path(__file__).with_name("frames.js")
PAGES = {"long": LONG, "million": MILLION}


def benchmark_page(sizes: Sizes) -> str:
    """The page that `to_html` writes, with the measuring script, which its policy is told of."""
    script = SCRIPT.read_text(encoding="utf-8")
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    text = page(Shown.at(explanation(sizes)))
    for place, added in (
        ("; style-src", f" 'sha256-{digest}'"),
        ("</body>\n</html>\n", f"<script>{script}</script>\n"),
    ):
        assert text.count(place) == 1, place
        text = text.replace(place, added + place)
    return text


if __name__ == "__main__":
    for name, sizes in PAGES.items():
        file = Path(sys.argv[1], f"{name}.html")
        file.write_text(benchmark_page(sizes), encoding="utf-8", newline="\n")
        print(file)

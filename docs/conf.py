"""How Sphinx makes the documentation: `sphinx-build -W docs OUT`."""

project = "heapwidget"
copyright = "heapwidget contributors"  # noqa: A001 - Sphinx names it so
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["evidence/*"]
# Headings can be linked to as on GitHub.
myst_heading_anchors = 3
# Docstrings have code between single backticks, and blocks without a language are what was printed.
default_role = "code"
highlight_language = "text"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
html_theme = "furo"
html_title = "heapwidget"
# Signatures as they are written in the source.
autodoc_preserve_defaults = True

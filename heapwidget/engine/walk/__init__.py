"""The walk: where relevance lies, which node is next, and what it passes on."""

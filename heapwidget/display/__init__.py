"""What is shown: the viewer, pages, stills and figures."""

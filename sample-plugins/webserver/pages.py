"""What the server shows. Edit it while it is served."""

import html

PAGE = """<!doctype html>
<title>replug</title>
<h1>It works</h1>
<p>You asked for <code>{path}</code>; generation {generation} answered.</p>
"""


def render(path: str, generation: int) -> str:
    """The page for a path."""
    return PAGE.format(path=html.escape(path), generation=generation)

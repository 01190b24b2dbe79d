"""The page. Edit the text and save: every browser that shows it shows the new one."""

PLUGIN_METADATA = {"id": "page", "version": "1.0.0"}

TEXT = "Edit plugins/page.py and save."


def render() -> str:
    return f"<h1>{TEXT}</h1>"


def initialize() -> None:
    """There is nothing to make ready."""

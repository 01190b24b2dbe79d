"""How the greeter shows what it says."""


def framed(text: str, mark: str) -> str:
    """`text` between two marks: `* Hello *`. An empty mark leaves it alone."""
    return f"{mark} {text} {mark}" if mark else text

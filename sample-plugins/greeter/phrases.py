"""What the greeter says."""


def greeting(word: str, name: str) -> str:
    """A greeting for `name` that begins with `word`."""
    return f"{word}, {name}!"

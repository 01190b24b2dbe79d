"""What @NAME@ says."""


def hello(whom: str) -> str:
    return f"Hello, {whom}!"

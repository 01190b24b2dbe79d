PLUGIN_METADATA = {"id": "org.needs", "dependencies": ["org.named"]}


def initialize(context):
    pass


def shutdown():
    print("needs: shutdown")


def answer(value=1):
    """Gives it back."""
    return value

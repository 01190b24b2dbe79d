"""A plugin as QtForge's own sample is: it knows nothing of replug."""

STARTED = {"success": True, "message": "started"}


class SamplePlugin:
    """Counts what it processes."""

    def __init__(self):
        self.name = "Sample Python Plugin"
        self.version = "1.2.0"
        self.description = "Shows what a plugin can do"
        self.author = "The authors"
        self.license = "MIT"
        self.category = "samples"
        self.counter = 0
        self.initialized = False
        self._hidden = 1

    def initialize(self):
        print("sample: initialize")
        self.initialized = True
        return STARTED

    def shutdown(self):
        print("sample: shutdown")
        self.initialized = False
        return {"success": True}

    def process_data(self, input_data, *, factor: int = 2) -> dict:
        """Processes something."""
        self.counter += 1
        return {"processed": True, "input": input_data, "counter": self.counter}

    def get_counter(self) -> int:
        return self.counter

    def set_counter(self, value):
        self.counter = int(value)

    def add(self, one, other=0):
        return one + other

    def fail(self):
        return self._deeper()

    def _deeper(self):
        raise KeyError("no such thing")

    async def later(self):
        return 1


def create_plugin():
    return SamplePlugin()

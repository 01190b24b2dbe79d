class Refuses:
    def initialize(self, context):
        context.on_cleanup(lambda: print("refuses: cleaned up"))
        return {"success": False, "error": "no device"}

    def shutdown(self):
        print("refuses: shutdown")


class No(Refuses):
    def initialize(self):
        return False


class Raises(Refuses):
    def initialize(self):
        raise OSError("no network")


class Bare:
    pass


def none():
    return None


number = 3

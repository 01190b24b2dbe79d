import helper


class Plugin:
    def get_metadata(self):
        return {"id": "org.folder"}

    def initialize(self):
        pass

    def answer(self):
        return helper.ANSWER

"""The raw streams below `sys.stdout` and `sys.stderr` of a host whose output is shown to a person.

Each write says which plugin and which thread it comes from; `src/host/prints/parse.rs` has the form.
"""

import io
from _thread import get_ident
from os import write as write_to
from sys import _getframe

# As much as a pipe takes at once without mixing it with what others write.
AT_ONCE = 4096

# Less room than this is not worth a tag.
LEAST = 512


def opener(mark, owners):
    """Gives what opens a stream; `owners` maps names of packages below qtforge.plugins to ids.

    To be called by Python's main thread.
    """
    begin = b"\x1b_%s;" % mark.encode()
    main = get_ident()

    def owner_of(frame):
        while frame is not None:
            name = frame.f_globals.get("__name__")
            if type(name) is str and name.startswith("qtforge.plugins."):
                return owners.get(name.split(".", 3)[2], "")
            frame = frame.f_back
        return ""

    class Tagged(io.RawIOBase):
        def __init__(self, number, name):
            self._number = number
            self.name = name

        def fileno(self):
            return self._number

        def writable(self):
            return True

        def write(self, data):
            data = bytes(data)
            thread = get_ident()
            owner = owner_of(_getframe(1))
            head = b"%s%d;%s;" % (begin, 0 if thread == main else thread, owner.encode())
            room = AT_ONCE - len(head) - 8
            # Without a tag it belongs to the call under way.
            if room < LEAST or (not owner and thread == main):
                head, room = b"", AT_ONCE
            for start in range(0, len(data), room):
                piece = data[start : start + room]
                tag = b"%s%d\x1b\\" % (head, len(piece)) if head else b""
                write_to(self._number, tag + piece)
            return len(data)

    return Tagged

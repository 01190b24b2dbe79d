"""Interrupts a plugin that is over its deadline, where it stands.

The supervisor's watchdog sends a signal to the interpreter's main thread; this is its handler.
`watch` tells which strike it is, 0 if the call that was meant is over.
"""

import sys


class PluginTimeout(BaseException):
    """A plugin did not come back in time; not an Exception, so that a retry loop lets it pass."""


def handler(watch):
    """Gives the handler of the signal, and what gives the first exception that it raised in a call.

    That knows where the plugin stood, also if the plugin caught it and came back as if nothing had
    happened.
    """
    first = []

    def timeout():
        error = PluginTimeout(watch.message())
        if not first:
            first.append(error)
        return error

    def struck(message):
        return first.pop() if first else PluginTimeout(message)

    def trace(frame, event, argument):
        # Raising at an "exception" event would happen inside the very try that swallows it; raising
        # at a "return", which an exception that leaves the frame is too, would lose its traceback.
        if event not in ("exception", "return"):
            if watch.armed():
                raise timeout()
            sys.settrace(None)
        return trace

    def strike(_number, frame):
        count = watch.strike()
        if not count:
            return
        if frame is not None and frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            # Its locks would stay locked; a moment later it is somewhere else, unless it waits for
            # a module that another thread imports and never will have imported.
            if watch.again():
                return
        # Made first: what is called below would be traced.
        error = timeout()
        if count > 1:
            # The first exception was swallowed: raise at each next line until nothing is left.
            while frame is not None:
                frame.f_trace = trace
                frame = frame.f_back
            sys.settrace(trace)
        raise error

    return strike, struck

"""``Supervisor`` in a program: events, callbacks, reloads and calls, from threads and from async code."""

from __future__ import annotations

import asyncio
import builtins
import faulthandler
import os
import subprocess
import sys
import textwrap
import threading
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import trio
from qtforge.core import (
    Events,
    PluginExecutionError,
    PluginLoadError,
    PluginNotLoadedError,
    Supervisor,
    SupervisorError,
)
from support import DEADLINE, Case

PLUGIN = """
import threading

PLUGIN_METADATA = {"id": "it", "version": "1.0.0"}
ANSWER = 1


class Plugin:
    def get_metadata(self):
        return PLUGIN_METADATA

    def initialize(self, context):
        self.context = context

    def shutdown(self):
        pass

    def answer(self, add=0):
        return ANSWER + add

    def thread(self):
        return threading.current_thread().name

    def fail(self):
        raise KeyError("no")
"""


def edited(answer: object) -> str:
    return PLUGIN.replace("ANSWER = 1", f"ANSWER = {answer}")


def wait(events: Iterator[dict[str, Any]], name: str, **fields: object) -> dict[str, Any]:
    for event in events:
        if event["event"] == name and fields.items() <= event.items():
            return event
    raise AssertionError(f"it ended before {name}")


class Watched(Case):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.put("it.py", PLUGIN)
        # Only a fault reaches it; the whole run ends then, and says where every thread is.
        faulthandler.dump_traceback_later(DEADLINE * 2, exit=True)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)


class Supervising(Watched):
    def test_it_loads_watches_and_ends(self) -> None:
        with Supervisor(self.folder) as supervisor:
            events = supervisor.events()
            self.assertEqual(supervisor.call("it", "answer", 4), 5)
            self.assertEqual(next(events)["event"], "starting")
            loaded = next(events)
            self.assertEqual((loaded["event"], loaded["path"]), ("loaded", str(self.path)))
            self.assertEqual(next(events)["plugins"], 1)
            self.put("it.py", edited(2))
            reloaded = next(events)
            self.assertEqual((reloaded["event"], reloaded["because"]), ("reloaded", "edit"))
            self.assertEqual(supervisor.call("it", "answer"), 2)
        self.assertEqual([event["event"] for event in events], ["unloaded", "stopped"])

    def test_every_reader_sees_all_from_the_first_on_wherever_it_waits(self) -> None:
        supervisor = Supervisor([str(self.folder)])
        early = supervisor.events()
        seen: list[list[str]] = []

        def read() -> None:
            seen.append([event["event"] for event in early])

        reader = threading.Thread(target=read)
        reader.start()
        supervisor.start()
        supervisor.stop()
        reader.join()
        late = [event["event"] for event in supervisor.events()]
        self.assertEqual(late, ["starting", "loaded", "ready", "unloaded", "stopped"])
        self.assertEqual(seen, [late])

    def test_events_that_nobody_reads_are_bounded_and_counted(self) -> None:
        with Supervisor(self.folder, keep_events=3) as supervisor:
            for _ in range(10):
                supervisor.reload("it")
            events = supervisor.events()
            dropped = next(events)
            # Of starting, loaded, ready and ten reloads.
            self.assertEqual((dropped["event"], dropped["count"]), ("dropped", 10))
            self.assertEqual([next(events)["generation"] for _ in range(3)], [9, 10, 11])

    def test_asyncio_is_woken_by_the_event(self) -> None:
        async def main() -> list[str]:
            seen = []
            async with Supervisor(self.folder) as supervisor:

                async def read(events: Events) -> None:
                    async for event in events:
                        seen.append(event["event"])
                        if event["event"] == "reloaded":
                            return

                readers = [asyncio.create_task(read(supervisor.events())) for _ in range(2)]
                cancelled = asyncio.create_task(read(supervisor.events()))
                await asyncio.sleep(0)
                cancelled.cancel()
                self.put("it.py", edited(2))
                await asyncio.gather(*readers)
            return seen

        seen = asyncio.run(main())
        self.assertEqual(seen.count("reloaded"), 2)
        self.assertGreaterEqual(seen.count("starting"), 2)

    def test_trio_is_woken_by_the_event(self) -> None:
        async def main() -> list[str]:
            seen = []
            async with Supervisor(self.folder) as supervisor:

                async def read(events: Events) -> None:
                    async for event in events:
                        seen.append(event["event"])
                        if event["event"] == "reloaded":
                            return

                async with trio.open_nursery() as nursery:
                    nursery.start_soon(read, supervisor.events())
                    nursery.start_soon(read, supervisor.events())
                    await trio.lowlevel.checkpoint()
                    self.put("it.py", edited(2))
            return seen

        self.assertEqual(trio.run(main).count("reloaded"), 2)

    def test_callbacks_come_in_order_and_may_call_back(self) -> None:
        supervisor = Supervisor(self.folder)
        told: list[object] = []
        supervisor.on("*", lambda event: told.append(event["event"]))

        def reload(event: dict[str, Any]) -> None:
            answer = supervisor.reload("it")
            assert answer is not None
            told.append(answer["generation"])

        supervisor.on("loaded", reload)
        supervisor.on("reloaded", lambda event: 1 / 0)
        remove = supervisor.on("stopped", told.append)
        remove()
        with self.assertLogs("qtforge", "ERROR") as logs:
            with supervisor:
                wait(supervisor.events(), "reloaded")
        self.assertIn("ZeroDivisionError", logs.output[0])
        self.assertEqual(sorted(map(str, told)), sorted(
            ["2", "loaded", "ready", "reloaded", "starting", "stopped", "unloaded"]
        ))
        self.assertEqual(told[:2], ["starting", "loaded"])

    def test_a_reload_takes_what_is_on_disk_and_tells_what_it_came_to(self) -> None:
        with Supervisor(self.folder) as supervisor:
            for number in range(2, 6):
                # Written in place, so that the watch may be slower than this, or not.
                self.path.write_text(edited(number))
                event = supervisor.reload("it")
                assert event is not None
                self.assertEqual(event["event"], "reloaded")
                self.assertEqual(supervisor.call("it", "answer"), number)
            self.path.write_text(PLUGIN + "def")
            with self.assertRaises(PluginLoadError) as caught:
                supervisor.reload("it")
            self.assertEqual((caught.exception.phase, caught.exception.plugin_id), ("parse", "it"))
            self.assertEqual(supervisor.call("it", "answer"), 5)
            self.put("it.py", edited(7))
            supervisor.reload("it")
            self.assertEqual(supervisor.call("it", "answer"), 7)

    def test_calls_run_on_the_thread_that_calls(self) -> None:
        with Supervisor(self.folder) as supervisor:
            answers: list[str] = []
            thread = threading.Thread(
                target=lambda: answers.append(supervisor.call("it", "thread")), name="mine"
            )
            thread.start()
            thread.join()
            self.assertEqual(answers, ["mine"])
            with self.assertRaises(PluginExecutionError) as caught:
                supervisor.call("it", "fail")
            self.assertIsInstance(caught.exception.__cause__, KeyError)
            self.assertEqual(caught.exception.plugin_id, "it")

    def test_what_is_lazy_is_loaded_by_a_call(self) -> None:
        settings = {"it": {"activation": "lazy"}}
        with Supervisor(self.folder, plugins=settings) as supervisor:
            self.assertEqual(next(e for e in supervisor.events() if e["event"] == "ready")["plugins"], 0)
            self.assertEqual(supervisor.call("it", "answer"), 1)

    def test_settings_come_from_a_file_if_one_is_named(self) -> None:
        config = self.put("watch.toml", '[plugins.it]\nenabled = false\n')
        with Supervisor(self.folder, config=config) as supervisor:
            self.assertRaises(PluginNotLoadedError, supervisor.call, "it", "answer")
            self.put("watch.toml", "")
            wait(supervisor.events(), "loaded")
        with Supervisor(self.folder) as supervisor:
            self.assertEqual(supervisor.call("it", "answer"), 1)


class InAChild(Watched):
    def test_it_loads_watches_and_ends(self) -> None:
        with Supervisor(self.folder, isolation="shared") as supervisor:
            events = supervisor.events()
            wait(events, "ready")
            self.put("it.py", edited(2))
            self.assertEqual(wait(events, "reloaded")["generation"], 2)
            event = supervisor.reload("it")
            assert event is not None
            self.assertEqual(event["because"], "manual")
        self.assertEqual([event["event"] for event in events][-2:], ["unloaded", "stopped"])

    def test_calls_cross_as_json(self) -> None:
        answers = "    def same(self, *args):\n        return args\n"
        odd = "    def odd(self):\n        return object()\n"
        hang = "    def hang(self):\n        while True: pass\n"
        die = "    def die(self):\n        import os; os._exit(7)\n"
        self.put("it.py", PLUGIN + answers + odd + hang + die)
        with Supervisor(self.folder, isolation="shared", timeout=1) as supervisor:
            there = [1, 2**80, 0.5, "é\0", None, True, {"a": [1]}]
            self.assertEqual(supervisor.call("it", "same", *there), there)
            calls: list[tuple[Callable[[], object], str]] = [
                (lambda: supervisor.call("it", "fail"), "fail\\(\\) raised KeyError: 'no'"),
                (lambda: supervisor.call("it", "odd"), "not JSON serializable"),
                (lambda: supervisor.call("it", "nothing"), "it has no method .nothing."),
                (lambda: supervisor.call("it", "hang"), "PluginTimeout"),
                (lambda: supervisor.call("it", "die"), "exit code 7"),
            ]
            for call, told in calls:
                with self.assertRaisesRegex(PluginExecutionError, told):
                    call()
            with self.assertRaises(PluginExecutionError) as caught:
                supervisor.call("it", "fail")
            self.assertIn('raise KeyError("no")', str(caught.exception.__cause__))
            self.assertRaises(TypeError, supervisor.call, "it", "same", object())
            self.assertRaises(PluginNotLoadedError, supervisor.call, "nobody", "same")
            # It died, and came back.
            self.assertEqual(wait(supervisor.events(), "reloaded")["because"], "host")
            self.assertEqual(supervisor.call("it", "answer"), 1)

    def test_what_is_lazy_is_loaded_by_a_call(self) -> None:
        settings = {"it": {"activation": "lazy"}}
        with Supervisor(self.folder, isolation="shared", plugins=settings) as supervisor:
            self.assertEqual(wait(supervisor.events(), "ready")["plugins"], 0)
            self.assertEqual(supervisor.call("it", "answer"), 1)

    def test_a_hang_is_ended(self) -> None:
        self.put("it.py", "PLUGIN_METADATA = {'id': 'it'}\nwhile True: pass\n")
        with Supervisor(self.folder, isolation="shared", timeout=0.3) as supervisor:
            failed = wait(supervisor.events(), "failed")
            self.assertEqual(failed["error"]["type"], "PluginTimeout")

    def test_an_interpreter_that_is_none_is_told_at_the_start(self) -> None:
        supervisor = Supervisor(self.folder, isolation="shared", python="/nonexistent/python")
        with self.assertRaisesRegex(RuntimeError, "/nonexistent/python"):
            supervisor.start()
        supervisor.stop()
        self.assertEqual(list(supervisor.events()), [])


class Misuse(Watched):
    def test_wrong_types_and_values(self) -> None:
        for settings in [
            {"timeout": "x"},
            {"timeout": True},
            {"gitignore": 1},
            {"ignore": "*.py"},
            {"ignore": [1]},
            {"python": 3},
            {"poll": 1.5},
            {"isolation": None, "plugins": []},
            {"plugins": {"it": 3}},
            {"plugins": {"it": {"configuration": {"x": object()}}}},
            {"shared": [b"x"]},
            {"config": 3},
            {"nonsense": 1},
        ]:
            with self.subTest(settings=settings):
                self.assertRaises(TypeError, Supervisor, self.folder, **settings)  # type: ignore[arg-type]
        for settings in [
            {"timeout": 0},
            {"shutdown_timeout": float("nan")},
            {"isolation": "process"},
            {"isolation": "both"},
            {"mode": "both"},
            {"poll": 0},
            {"settle_ms": -1},
            {"plugins": {"it": {"timout": 1}}},
            {"plugins": {"no id": {}}},
            {"keep_events": 0},
            {"config": "/nonexistent/watch.toml"},
        ]:
            with self.subTest(settings=settings):
                self.assertRaises(ValueError, Supervisor, self.folder, **settings)  # type: ignore[arg-type]
        self.assertRaises(TypeError, Supervisor, 3)
        self.assertRaises(TypeError, Supervisor, [b"x"])
        self.assertRaises(ValueError, Supervisor, [])
        self.assertRaises(ValueError, Supervisor, "nul\0")

    def test_before_its_start_and_after_its_end(self) -> None:
        supervisor = Supervisor(self.folder)
        for when in ["before", "after"]:
            with self.subTest(when):
                self.assertRaises(SupervisorError, supervisor.call, "it", "answer")
                self.assertRaises(SupervisorError, supervisor.reload, "it")
            if when == "before":
                supervisor.start()
                self.assertRaises(SupervisorError, supervisor.start)
                supervisor.stop()
        supervisor.stop()
        self.assertRaises(SupervisorError, supervisor.start)
        never = Supervisor(self.folder)
        never.stop()
        self.assertRaises(SupervisorError, never.start)
        self.assertEqual(list(never.events()), [])

    def test_ids_and_methods_that_are_not_there(self) -> None:
        with Supervisor(self.folder) as supervisor:
            self.assertRaises(PluginNotLoadedError, supervisor.call, "nobody", "answer")
            self.assertRaises(PluginNotLoadedError, supervisor.reload, "nobody")
            self.assertRaises(PluginNotLoadedError, supervisor.reload, "no id")
            self.assertRaises(PluginExecutionError, supervisor.call, "it", "nothing")
            self.assertRaises(PluginExecutionError, supervisor.call, "it", "context")
            self.assertRaises(TypeError, supervisor.call, 3, "answer")
            self.assertRaises(TypeError, supervisor.call, "it", 3)
            self.assertRaises(TypeError, supervisor.reload, None)
            self.assertRaises(TypeError, supervisor.on, 3, print)
            self.assertRaises(TypeError, supervisor.on, "loaded", 3)

    def test_a_plugin_may_call_and_reload_and_stop_from_anywhere(self) -> None:
        self.put(
            "caller.py",
            """
            import builtins
            import threading

            PLUGIN_METADATA = {"id": "caller", "dependencies": ["it"]}

            class Plugin:
                def get_metadata(self):
                    return PLUGIN_METADATA
                def initialize(self, context):
                    builtins.told.append(builtins.supervisor.call("it", "answer"))
                    # Its end waits for this thread, which asks for that end.
                    self.thread = threading.Thread(target=self.renew)
                def renew(self):
                    builtins.told.append(builtins.supervisor.reload("caller"))
                def begin(self):
                    self.thread.start()
                def shutdown(self):
                    builtins.told.append(builtins.supervisor.call("it", "answer", 10))
                    if self.thread.ident:
                        self.thread.join()
                def end(self):
                    builtins.supervisor.stop()
            """,
        )
        told: list[object] = []
        supervisor = Supervisor(self.folder)
        builtins.told = told  # type: ignore[attr-defined]
        builtins.supervisor = supervisor  # type: ignore[attr-defined]
        supervisor.start()
        supervisor.call("caller", "begin")
        events = supervisor.events()
        wait(events, "reloaded", id="caller")
        supervisor.call("caller", "end")
        wait(events, "stopped")
        self.assertEqual(told, [1, None, 11, 1, 11])

    def test_what_a_plugin_reads_is_followed(self) -> None:
        text = edited("int(Path(__file__).with_suffix('.txt').read_text())")
        self.put("it.py", f"from pathlib import Path\n{text}")
        self.put("it.txt", "5")
        with Supervisor(self.folder) as supervisor:
            self.assertEqual(supervisor.call("it", "answer"), 5)
            self.put("it.txt", "6")
            wait(supervisor.events(), "reloaded")
            self.assertEqual(supervisor.call("it", "answer"), 6)

    def test_two_on_one_folder_do_not_meddle(self) -> None:
        meets = """
    def meet(self):
        self.context.register_service("me", self)
        self.context.get_event_bus().subscribe("ping", lambda told: told.append(self))

    def ping(self):
        told = []
        self.context.get_event_bus().publish("ping", told)
        return told, self.context.get_service("me")
"""
        self.put("it.py", PLUGIN + meets)
        with Supervisor(self.folder) as one, Supervisor(self.folder) as two:
            two.reload("it")
            for supervisor in one, two:
                supervisor.call("it", "meet")
            (mine,), service = two.call("it", "ping")
            self.assertIs(mine, service)
            self.assertIsNot(mine, one.call("it", "ping")[1])
            one.stop()
            self.assertEqual(two.call("it", "ping"), ([mine], mine))
            self.assertEqual(two.call("it", "answer"), 1)
            self.put("it.py", edited(2))
            wait(two.events(), "reloaded", because="edit")
            self.assertEqual(two.call("it", "answer"), 2)

    def test_a_fork_is_refused_and_may_make_its_own(self) -> None:
        with Supervisor(self.folder) as supervisor:
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                answer = "nothing"
                try:
                    refused = []
                    attempts: list[Callable[[], object]] = [
                        lambda: supervisor.call("it", "answer"),
                        lambda: supervisor.reload("it"),
                        lambda: next(supervisor.events()),
                        supervisor.start,
                    ]
                    for attempt in attempts:
                        try:
                            attempt()
                        except SupervisorError as error:
                            refused.append("another process" in str(error))
                    supervisor.stop()
                    with Supervisor(self.folder) as own:
                        answer = f"{refused} {own.call('it', 'answer')}"
                finally:
                    os.write(writing, answer.encode())
                    os._exit(0)
            os.close(writing)
            self.addCleanup(os.close, reading)
            os.waitpid(child, 0)
            self.assertEqual(os.read(reading, 1000).decode(), "[True, True, True, True] 1")
            self.assertEqual(supervisor.call("it", "answer"), 1)


class AtTheEnd(Watched):
    def run_program(self, program: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(program)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )

    def test_a_program_that_forgets_to_stop_it_ends_all_the_same(self) -> None:
        self.put("it.py", PLUGIN.replace("        pass\n", "        print('down')\n"))
        for isolation in ["none", "shared"]:
            with self.subTest(isolation):
                run = self.run_program(
                    f"""
                    import threading
                    from qtforge.core import Supervisor
                    supervisor = Supervisor(".", isolation={isolation!r})
                    supervisor.on("*", lambda event: None)
                    supervisor.start()
                    threading.Thread(target=list, args=(supervisor.events(),), daemon=True).start()
                    """
                )
                self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "down\n", ""))

    def test_a_plugin_that_hangs_does_not_keep_the_program(self) -> None:
        for loop in ["time.sleep(0.001)", "pass", "time.sleep(1e6)"]:
            with self.subTest(loop):
                hangs = f"import time\n        while True: {loop}\n"
                self.put("it.py", PLUGIN.replace("        pass\n", f"        {hangs}"))
                run = self.run_program(
                    """
                    from qtforge.core import Supervisor
                    supervisor = Supervisor(".", shutdown_timeout=0.2)
                    supervisor.start()
                    """
                )
                self.assertEqual(run.returncode, 0, run.stderr)
                told = "does not come back" if "1e6" in loop else "came back after"
                self.assertIn(told, run.stderr)

    def test_ctrl_c_ends_every_wait(self) -> None:
        self.put("it.py", PLUGIN.replace("self.context = context", "import time; time.sleep(1e6)"))
        run = self.run_program(
            """
            import os, signal, threading
            from qtforge.core import Supervisor
            supervisor = Supervisor(".", shutdown_timeout=0.2)
            def press(event):
                os.kill(os.getpid(), signal.SIGINT)
            supervisor.on("starting", press)
            try:
                supervisor.start()
            except KeyboardInterrupt:
                print("pressed")
            """
        )
        self.assertEqual((run.returncode, run.stdout), (0, "pressed\n"), run.stderr)

    def test_a_sub_interpreter_is_refused(self) -> None:
        run = self.run_program(
            """
            try:
                import _interpreters as interpreters
            except ImportError:
                import _xxsubinterpreters as interpreters
            import qtforge._core
            other = interpreters.create()
            program = '''if True:
                from qtforge.core import PythonPluginLoader, Supervisor
                for make in PythonPluginLoader, lambda: Supervisor('.'):
                    try:
                        make()
                    except RuntimeError as error:
                        print(error, flush=True)
            '''
            interpreters.run_string(other, program)
            """
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stdout.count("sub-interpreter"), 2, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()

"""`qtforge.core` as a plugin sees it, and `qtforge._host` as the host uses it."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import threading
import unittest
import uuid
from pathlib import Path
from typing import Any

from qtforge import _host
from qtforge.core import (
    PluginContext,
    PluginException,
    PluginExecutionError,
    PluginInterface,
    PluginLoadError,
    PluginMetadata,
    PluginState,
    PluginType,
    ServiceInterface,
    ServicePlugin,
)


def fresh(plugin: str) -> str:
    """A plugin id that no other test uses, because the hub is one for the process."""
    return f"{plugin}.{uuid.uuid4().hex}"


class Metadata(unittest.TestCase):
    def test_the_defaults_are_those_of_the_contract(self) -> None:
        metadata = PluginMetadata("a")
        self.assertEqual(metadata.version, "0.0.0")
        self.assertEqual(metadata.activation, "eager")
        self.assertEqual(metadata.configuration, {})
        self.assertEqual(metadata.dependencies, [])
        self.assertIsNot(metadata.dependencies, PluginMetadata("b").dependencies)

    def test_qtforges_own_way_of_writing_it_works(self) -> None:
        metadata = PluginMetadata(
            id="com.example.a",
            name="A",
            version="1.0.0",
            description="",
            author="me",
            plugin_type=PluginType.SERVICE,
            dependencies=None,  # type: ignore[arg-type]
        )
        self.assertEqual(metadata.dependencies, [])
        self.assertIs(metadata.plugin_type, PluginType.SERVICE)

    def test_unknown_fields_survive_a_round_trip(self) -> None:
        data = {
            "id": "a-1.b",
            "plugin_type": "filter",
            "homepage": "x",
            "extra": {"deep": [1, None]},
            "configuration": {"sizes": (1, 2), "kind": PluginType.UI},
            "dependencies": ["b"],
        }
        metadata = PluginMetadata.from_dict(data)
        self.assertIs(metadata.plugin_type, PluginType.FILTER)
        self.assertEqual(metadata.extra, {"homepage": "x", "extra": {"deep": [1, None]}})
        written = json.loads(json.dumps(metadata.to_dict()))
        self.assertEqual(written["homepage"], "x")
        self.assertEqual(written["plugin_type"], "filter")
        self.assertEqual(written["configuration"], {"sizes": [1, 2], "kind": "ui"})
        self.assertEqual(PluginMetadata.from_dict(written).to_dict(), written)

    def test_a_kind_of_the_authors_own_is_kept(self) -> None:
        self.assertEqual(PluginMetadata("a", plugin_type="theme").to_dict()["plugin_type"], "theme")

    def test_a_fault_names_the_field(self) -> None:
        wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (ValueError, "id", {}),
            (ValueError, "id", {"id": ""}),
            (ValueError, "id", {"id": "-a"}),
            (ValueError, "id", {"id": "a b"}),
            (ValueError, "id", {"id": "a\n"}),
            (ValueError, "id", {"id": "ä"}),
            (TypeError, "id", {"id": 3}),
            (TypeError, "version", {"id": "a", "version": 1.0}),
            (TypeError, "author", {"id": "a", "author": None}),
            (TypeError, "dependencies", {"id": "a", "dependencies": "b"}),
            (TypeError, "dependencies[1]", {"id": "a", "dependencies": ["b", 1]}),
            (ValueError, "dependencies[0]", {"id": "a", "dependencies": [""]}),
            (TypeError, "tags", {"id": "a", "tags": {"x": 1}}),
            (TypeError, "configuration", {"id": "a", "configuration": []}),
            (TypeError, "plugin_type", {"id": "a", "plugin_type": 1}),
            (TypeError, "activation", {"id": "a", "activation": True}),
            (ValueError, "activation", {"id": "a", "activation": "later"}),
        ]
        for kind, field, data in wrong:
            with self.subTest(data=data), self.assertRaises(kind) as caught:
                PluginMetadata.from_dict(data)
            self.assertTrue(str(caught.exception).startswith(field + ":"), caught.exception)
        with self.assertRaises(TypeError):
            PluginMetadata.from_dict(["id"])  # type: ignore[arg-type]

    def test_what_json_cannot_hold_is_named(self) -> None:
        with self.assertRaisesRegex(TypeError, r"configuration\.a\[0\]: set"):
            PluginMetadata("a", configuration={"a": [{1}]}).to_dict()

    def test_words_print_as_words(self) -> None:
        self.assertEqual(f"{PluginType.UI} {PluginState.RUNNING}", "ui running")
        self.assertEqual(PluginType("service"), "service")


class Exceptions(unittest.TestCase):
    def test_they_carry_what_they_are_about(self) -> None:
        for kind in (PluginLoadError, PluginExecutionError):
            error = kind("no luck", plugin_id="a", phase="import", path=Path("/a.py"))
            self.assertIsInstance(error, PluginException)
            for one in (error, pickle.loads(pickle.dumps(error))):
                self.assertEqual(str(one), "no luck")
                self.assertEqual((one.plugin_id, one.phase, one.path), ("a", "import", "/a.py"))

    def test_everything_is_optional(self) -> None:
        self.assertIsNone(PluginException().plugin_id)


class Plain(PluginInterface):
    def __init__(self) -> None:
        """Does not call the base class, as many plugins do not."""

    def get_metadata(self) -> PluginMetadata:
        return PluginMetadata("plain")

    def initialize(self, context: PluginContext) -> bool | None:
        return super().initialize(context)

    def shutdown(self) -> bool | None:
        return super().shutdown()


class Service(ServicePlugin, ServiceInterface):
    def __init__(self) -> None:
        """Does not call the base class either."""

    get_metadata = Plain.get_metadata

    def initialize(self, context: PluginContext) -> bool:
        self._context = context
        return True

    def shutdown(self) -> bool:
        return True


class BaseClasses(unittest.TestCase):
    def test_three_methods_are_asked_for(self) -> None:
        self.assertEqual(
            PluginInterface.__abstractmethods__, {"get_metadata", "initialize", "shutdown"}
        )
        self.assertEqual(ServicePlugin.__abstractmethods__, PluginInterface.__abstractmethods__)

    def test_state_is_there_without_the_bases_init(self) -> None:
        plugin = Plain()
        self.assertFalse(plugin.is_initialized())
        self.assertIsNone(plugin.get_context())
        context = PluginContext()
        self.assertTrue(plugin.initialize(context))
        self.assertTrue(plugin.is_initialized())
        self.assertIs(plugin.get_context(), context)
        plugin.shutdown()
        self.assertFalse(plugin.is_initialized())

    def test_a_service_plugin_has_working_defaults(self) -> None:
        plugin = Service()
        self.assertFalse(plugin.is_service_running())
        self.assertTrue(plugin.start_service())
        self.assertTrue(plugin.is_service_running())
        self.assertIs(plugin.get_service_interface(), plugin)
        self.assertTrue(plugin.stop_service())
        self.assertFalse(plugin.is_service_running())


class Listener:
    def __init__(self) -> None:
        self.got: list[Any] = []

    def hear(self, data: Any) -> None:
        self.got.append(data)


class Context(unittest.TestCase):
    def test_one_made_by_hand_works_and_stands_alone(self) -> None:
        context, other = PluginContext(), PluginContext()
        listener = Listener()
        context.get_event_bus().subscribe("e", listener.hear)
        other.get_event_bus().publish("e", 1)
        context.get_event_bus().publish("e", 2)
        context.get_event_bus().publish("e")
        context.register_service("s", 3)
        self.assertEqual(listener.got, [2, None])
        self.assertEqual(context.get_service("s"), 3)
        self.assertEqual(other.get_service("s", "none"), "none")
        self.assertEqual(context.get_configuration_manager().get_plugin_config(), {})
        self.assertEqual(context._dispose(), [])

    def test_its_logger_is_named_after_the_plugin(self) -> None:
        self.assertEqual(PluginContext("a.b").logger.name, "qtforge.plugins.a.b")

    def test_state_is_the_dict_that_was_given_even_when_assigned(self) -> None:
        state: dict[str, Any] = {"n": 1}
        context = PluginContext("a", state)
        context.state["n"] += 1
        context.state = context.state
        self.assertEqual(state, {"n": 2})
        context.state = {"m": 3}
        self.assertEqual(state, {"m": 3})
        self.assertIs(context.state, state)

    def test_configurations_are_copies(self) -> None:
        mine, yours = fresh("mine"), fresh("yours")
        context = _host.new_context(mine, {}, {"list": [1]})
        _host.configure(yours, {"x": 1})
        manager = context.get_configuration_manager()
        manager.get_plugin_config()["list"].append(2)
        self.assertEqual(manager.get_plugin_config(mine), {"list": [1]})
        self.assertEqual(manager.get_plugin_config(yours), {"x": 1})
        _host.HUB.forget(yours)
        self.assertEqual(manager.get_plugin_config(yours), {})

    def test_a_kept_generation_keeps_its_configuration(self) -> None:
        plugin = fresh("a")
        old = _host.new_context(plugin, {}, {"v": 1})
        new = _host.new_context(plugin, {}, {"v": 2})
        self.assertEqual(old.get_configuration_manager().get_plugin_config(plugin), {"v": 1})
        self.assertEqual(new.get_configuration_manager().get_plugin_config(plugin), {"v": 2})

    def test_wrong_arguments_are_refused_at_once(self) -> None:
        context = PluginContext()
        for call in (
            lambda: context.get_event_bus().subscribe("e", None),  # type: ignore[arg-type]
            lambda: context.get_event_bus().subscribe(1, print),  # type: ignore[arg-type]
            lambda: context.get_event_bus().publish(None),  # type: ignore[arg-type]
            lambda: context.register_service(1, 1),  # type: ignore[arg-type]
            lambda: context.on_cleanup(1),  # type: ignore[arg-type]
        ):
            self.assertRaises(TypeError, call)


class Events(unittest.TestCase):
    def setUp(self) -> None:
        self.one = _host.new_context(fresh("one"), {}, {})
        self.two = _host.new_context(fresh("two"), {}, {})
        self.addCleanup(self.one._dispose)
        self.addCleanup(self.two._dispose)

    def test_plugins_hear_each_other_in_the_order_of_subscribing(self) -> None:
        heard: list[str] = []
        self.two.get_event_bus().subscribe("e", lambda data: heard.append(f"two {data}"))
        self.one.get_event_bus().subscribe("e", lambda data: heard.append(f"one {data}"))
        self.one.get_event_bus().publish("e", 1)
        self.assertEqual(heard, ["two 1", "one 1"])

    def test_a_bound_method_can_be_unsubscribed_and_counts_once(self) -> None:
        listener, bus = Listener(), self.one.get_event_bus()
        bus.subscribe("e", listener.hear)
        bus.subscribe("e", listener.hear)
        bus.publish("e", 1)
        self.assertTrue(bus.unsubscribe("e", listener.hear))
        self.assertFalse(bus.unsubscribe("e", listener.hear))
        bus.publish("e", 2)
        self.assertEqual(listener.got, [1])

    def test_nobody_unsubscribes_for_another(self) -> None:
        listener = Listener()
        self.one.get_event_bus().subscribe("e", listener.hear)
        self.assertFalse(self.two.get_event_bus().unsubscribe("e", listener.hear))
        self.two.get_event_bus().publish("e", 1)
        self.assertEqual(listener.got, [1])

    def test_unsubscribing_in_a_callback_takes_effect_at_once(self) -> None:
        bus, later = self.one.get_event_bus(), Listener()

        def once(data: Any) -> None:
            bus.unsubscribe("e", once)
            bus.unsubscribe("e", later.hear)
            bus.subscribe("e", later.hear)

        bus.subscribe("e", once)
        bus.subscribe("e", later.hear)
        bus.publish("e", 1)
        self.assertEqual(later.got, [])
        bus.publish("e", 2)
        self.assertEqual(later.got, [2])

    def test_a_failing_subscriber_is_logged_as_its_plugins(self) -> None:
        listener = Listener()

        def fail(data: Any) -> None:
            raise SystemExit(3) if data else ValueError("boom")

        self.two.get_event_bus().subscribe("e", fail)
        self.one.get_event_bus().subscribe("e", listener.hear)
        for data in (0, 1):
            with self.assertLogs(f"qtforge.plugins.{self.two.plugin_id}", "ERROR") as logs:
                self.one.get_event_bus().publish("e", data)
            self.assertIn("fail failed on event 'e'", logs.output[0])
        self.assertEqual(listener.got, [0, 1])

    def test_no_lock_is_held_while_subscribers_run(self) -> None:
        def other_thread_publishes(_: Any) -> None:
            thread = threading.Thread(target=self.two.get_event_bus().publish, args=("inner",))
            thread.start()
            thread.join()

        listener = Listener()
        self.one.get_event_bus().subscribe("outer", other_thread_publishes)
        self.two.get_event_bus().subscribe("inner", listener.hear)
        self.one.get_event_bus().publish("outer")
        self.assertEqual(listener.got, [None])

    def test_threads_lose_nothing(self) -> None:
        rounds, threads = 300, 4
        barrier = threading.Barrier(threads)

        def work(context: PluginContext, mine: str) -> None:
            bus, listener = context.get_event_bus(), Listener()
            barrier.wait()
            for number in range(rounds):
                bus.subscribe("shared", listener.hear)
                bus.subscribe(mine, listener.hear)
                bus.publish(mine, number)
                context.register_service("s", number)
                bus.unsubscribe(mine, listener.hear)
                bus.unsubscribe("shared", listener.hear)
            failures.extend(n for n in range(rounds) if n not in listener.got)

        failures: list[int] = []
        contexts = [_host.new_context(fresh("t"), {}, {}) for _ in range(threads)]
        # Four plugins fight for one name on purpose; the warnings about it are not the point.
        logging.getLogger("qtforge.plugins.t").setLevel(logging.ERROR)
        pool = [
            threading.Thread(target=work, args=(context, context.plugin_id)) for context in contexts
        ]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join()
        for context in contexts:
            self.assertEqual(context._dispose(), [])
        self.assertEqual(failures, [])
        self.assertNotIn("shared", _host.HUB.subscriptions)
        self.assertNotIn("s", _host.HUB.services)


class TheEndOfAGeneration(unittest.TestCase):
    def test_everything_is_undone_in_reverse_order(self) -> None:
        context, order, listener = PluginContext("a"), [], Listener()
        bus = context.get_event_bus()
        context.on_cleanup(lambda: order.append(("first", context.get_service("s"))))
        context.register_service("s", 1)
        context.on_cleanup(lambda: order.append(("second", context.get_service("s"))))
        bus.subscribe("e", listener.hear)
        self.assertEqual(context._dispose(), [])
        bus.publish("e", 1)
        self.assertEqual(order, [("second", 1), ("first", None)])
        self.assertEqual(listener.got, [])
        self.assertEqual(context._dispose(), [])
        self.assertEqual(len(order), 2)

    def test_the_same_context_can_be_used_again(self) -> None:
        context, listener = PluginContext("a", {"n": 1}), Listener()
        context.get_event_bus().subscribe("e", listener.hear)
        context._dispose()
        context.get_event_bus().subscribe("e", listener.hear)
        context.get_event_bus().publish("e", 1)
        self.assertEqual((listener.got, context.state), ([1], {"n": 1}))
        context._dispose()
        context.get_event_bus().publish("e", 2)
        self.assertEqual(listener.got, [1])

    def test_failures_are_told_logged_and_stop_nothing(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        def fail(error: BaseException) -> None:
            raise error

        context, done = PluginContext("a"), []
        context.on_cleanup(lambda: done.append(1))
        context.on_cleanup(lambda: fail(SystemExit(1)))
        context.on_cleanup(lambda: fail(Mute()))
        context.on_cleanup(lambda: fail(OSError("full")))
        with self.assertLogs("qtforge.plugins.a", "ERROR") as logs:
            failures = context._dispose()
        self.assertEqual((len(failures), len(logs.output), done), (3, 3, [1]))
        self.assertTrue(failures[0].endswith("OSError: full"), failures[0])
        self.assertIn("Mute", failures[1])

    def test_a_deadline_passes_through_and_the_rest_is_done_next_time(self) -> None:
        class Deadline(BaseException):
            pass

        def hang() -> None:
            raise Deadline

        context, done = PluginContext("a"), []
        context.on_cleanup(lambda: done.append(1))
        context.on_cleanup(hang)
        self.assertRaises(Deadline, context._dispose)
        self.assertEqual((context._dispose(), done), ([], [1]))

    def test_a_cleanup_may_add_a_cleanup_but_not_for_ever(self) -> None:
        context, done = PluginContext("a"), []
        context.on_cleanup(lambda: context.on_cleanup(lambda: done.append(1)))
        self.assertEqual((context._dispose(), done), ([], [1]))

        def again() -> None:
            context.on_cleanup(again)

        context.on_cleanup(again)
        with self.assertLogs("qtforge.plugins.a", "ERROR"):
            self.assertEqual(len(context._dispose()), 1)
        self.assertEqual(context._dispose(), [])

    def test_with_overlap_the_newer_service_stays(self) -> None:
        plugin = fresh("a")
        old = _host.new_context(plugin, {}, {})
        old.register_service(plugin, "old")
        new = _host.new_context(plugin, {}, {})
        new.register_service(plugin, "new")
        self.assertEqual(old.get_service(plugin), "new")
        # A thread of the old generation is late.
        old.register_service(plugin, "old again")
        self.assertEqual(old.get_service(plugin), "new")
        old._dispose()
        self.assertEqual(new.get_service(plugin), "new")
        new._dispose()
        self.assertIsNone(new.get_service(plugin))

    def test_a_newer_generation_that_failed_gives_the_service_back(self) -> None:
        plugin, listener = fresh("a"), Listener()
        old = _host.new_context(plugin, {}, {})
        old.register_service(plugin, "old")
        old.get_event_bus().subscribe(plugin, listener.hear)
        new = _host.new_context(plugin, {}, {})
        new.register_service(plugin, "new")
        new.get_event_bus().subscribe(plugin, listener.hear)
        new._dispose()
        self.assertEqual(old.get_service(plugin), "old")
        old.get_event_bus().publish(plugin, 1)
        self.assertEqual(listener.got, [1])
        old._dispose()

    def test_hiding_another_plugins_service_is_told_and_ends(self) -> None:
        name = fresh("service")
        one = _host.new_context(fresh("one"), {}, {})
        two = _host.new_context(fresh("two"), {}, {})
        one.register_service(name, 1)
        with self.assertLogs(two.logger, "WARNING") as logs:
            two.register_service(name, 2)
        self.assertIn(one.plugin_id, logs.output[0])
        self.assertEqual(one.get_service(name), 2)
        self.assertTrue(two.unregister_service(name))
        self.assertFalse(two.unregister_service(name))
        self.assertEqual(two.get_service(name), 1)
        one._dispose()

    def test_forget_leaves_nothing_of_that_plugin_and_all_of_others(self) -> None:
        gone, stays, event = fresh("gone"), fresh("stays"), fresh("event")
        contexts = [_host.new_context(plugin, {}, {"x": 1}) for plugin in (gone, stays)]
        listeners = [Listener(), Listener()]
        for context, listener in zip(contexts, listeners, strict=True):
            context.register_service(context.plugin_id, 1)
            context.get_event_bus().subscribe(event, listener.hear)
        _host.HUB.forget(gone)
        contexts[1].get_event_bus().publish(event, 1)
        self.assertEqual([listener.got for listener in listeners], [[], [1]])
        self.assertIsNone(contexts[1].get_service(gone))
        self.assertEqual(contexts[1].get_service(stays), 1)
        _host.HUB.forget(gone)
        self.assertEqual(contexts[0]._dispose(), [])
        contexts[1]._dispose()


class StartUp(unittest.TestCase):
    def test_nothing_heavy_is_imported(self) -> None:
        code = "import sys, qtforge; print(*{'asyncio', 'json', 'socket'} & set(sys.modules))"
        root = Path(_host.__file__).parents[1]
        program = f"import sys; sys.path.insert(0, {str(root)!r}); {code}"
        # Isolated and without site, so that what the machine preloads does not count.
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
        )
        self.assertEqual(done.stdout.strip(), "")


if __name__ == "__main__":
    unittest.main()

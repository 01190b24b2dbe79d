"""The sample plugins do what they say."""

from __future__ import annotations

import threading
import unittest

from samples import Generation, load


class Clock(unittest.TestCase):
    def test_ticks_are_counted_over_reloads_and_the_thread_ends(self) -> None:
        old = Generation("clock", tick=0.0).start()
        self.assertEqual(old.printed.count("\n"), 1)
        thread = old.plugin._thread
        # The clock ticks without a pause; nothing but a broken clock makes this wait for long.
        while old.plugin.ticks() < 3:
            self.assertTrue(thread.is_alive())
        self.assertEqual(old.end(), [])
        self.assertFalse(thread.is_alive())
        ticks = old.plugin.ticks()
        new = Generation("clock", old.context.state, tick=3600.0).start()
        self.assertEqual(new.plugin.ticks(), ticks)
        self.assertIn(f" {ticks} ticks", new.printed)
        self.assertEqual(new.end(), [])
        self.assertFalse(new.plugin.is_initialized())

    def test_it_starts_again_after_a_failed_edit(self) -> None:
        clock = Generation("clock", tick=3600.0).start()
        clock.end()
        clock.start()
        self.assertTrue(clock.plugin._thread.is_alive())
        clock.end()


class Greeter(unittest.TestCase):
    def test_it_uses_its_settings_and_its_own_modules(self) -> None:
        greeter = Generation("greeter", greeting="Salut", frame="").start()
        self.assertEqual(greeter.plugin.greet("Ada"), "Salut, Ada!")
        self.assertEqual(greeter.end(), [])

    def test_its_manifest_has_the_settings(self) -> None:
        greeter = Generation("greeter").start()
        self.assertEqual(greeter.printed, "* Hello, everybody! *\n")
        greeter.end()


class Counter(unittest.TestCase):
    def test_the_service_is_there_while_it_runs_and_the_counts_go_on(self) -> None:
        name, user = "com.example.counter", Generation("greeter")
        old = Generation("counter_service").start()
        self.assertTrue(old.plugin.is_service_running())
        first = user.context.get_service(name)
        self.assertEqual((first.increment("a"), first.increment("a", 2)), (1, 3))
        old.end()
        self.assertIsNone(user.context.get_service(name))
        new = Generation("counter_service", old.context.state).start()
        self.assertIsNot(user.context.get_service(name), first)
        self.assertEqual(user.context.get_service(name).value("a"), 3)
        self.assertIs(new.plugin.get_service_interface(), user.context.get_service(name))
        new.end()


class SensorAndAlarm(unittest.TestCase):
    def test_the_alarm_depends_on_the_sensor(self) -> None:
        metadata = load("alarm").PLUGIN_METADATA
        self.assertEqual(metadata["dependencies"], [load("sensor").PLUGIN_METADATA["id"]])

    def test_it_rings_once_for_each_time_that_it_gets_warm(self) -> None:
        sensor = Generation("sensor", interval=3600.0).start()
        alarm = Generation("alarm", limit=25.0).start()
        with self.assertLogs(alarm.context.logger, "WARNING") as logs:
            for celsius in (24.0, 26.0, 27.0, 24.0, 28.0):
                sensor.plugin.publish(celsius)
        self.assertEqual(len(logs.output), 2)
        self.assertTrue(alarm.plugin.is_ringing())
        alarm.end()
        sensor.plugin.publish(20.0)
        self.assertTrue(alarm.plugin.is_ringing())
        sensor.end()

    def test_the_sensor_publishes_by_itself(self) -> None:
        heard = threading.Event()
        alarm = Generation("alarm").start()
        alarm.context.get_event_bus().subscribe("sensor.reading", lambda _: heard.set())
        sensor = Generation("sensor", interval=0.0).start()
        self.assertTrue(heard.wait(60))
        self.assertEqual(sensor.end(), [])
        self.assertFalse(sensor.plugin._thread.is_alive())
        alarm.end()


if __name__ == "__main__":
    unittest.main()

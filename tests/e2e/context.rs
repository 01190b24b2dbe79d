//! What a plugin gets with its context: state, bus, services, configuration, clean-up.

use crate::support::event::{Because, Phase};
use crate::support::{Scene, text};

#[test]
fn the_state_goes_from_generation_to_generation() {
    let scene = Scene::new();
    let init = "n = context.state.get('n', 0) + 1\ncontext.state['n'] = n\nlog(f'a n {n}')";
    scene.plugin("a").init(init).save("a.py");
    let mut watch = scene.watching();
    for (number, tag) in [(2, "two"), (3, "six")] {
        scene.plugin("a").tag(tag).init(init).save("a.py");
        watch.expect_reloaded("a");
        assert_eq!(scene.told(&format!("a n {number}")), 1, "{:?}", scene.log());
    }
}

#[test]
fn what_is_put_into_the_state_later_goes_over_too() {
    let scene = Scene::new();
    let init = "self.state = context.state\nlog('a got ' + str(context.state.get('last')))";
    let shutdown = "self.state['last'] = TAG";
    scene.plugin("a").init(init).shutdown(shutdown).save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").init(init).shutdown(shutdown).save("a.py");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a got one"), 1);
}

#[test]
fn the_state_of_a_failed_generation_does_not_count() {
    let scene = Scene::new();
    scene.plugin("a").init("context.state['kept'] = 'yes'").save("a.py");
    let mut watch = scene.watching();
    let spoil = "context.state['kept'] = 'no'\ncontext.state['new'] = 1\nraise ValueError";
    scene.plugin("a").tag("two").init(spoil).save("a.py");
    assert!(watch.expect_failed("a").kept);
    scene
        .plugin("a")
        .tag("six")
        .init("log('a state ' + str(sorted(context.state.items())))")
        .save("a.py");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a state [('kept', 'yes')]"), 1, "{:?}", scene.log());
}

#[test]
fn the_bus_carries_events_and_subscriptions_end_with_their_generation() {
    let scene = Scene::new();
    let subscribe =
        "context.get_event_bus().subscribe('tick', lambda *a, **k: log('a heard ' + TAG))";
    scene.plugin("a").init(subscribe).save("a.py");
    let publish = "context.get_event_bus().publish('tick', {'n': 1})";
    scene.plugin("b").needs(&["a"]).init(publish).save("b.py");
    let mut watch = scene.watching();
    assert_eq!(scene.told("a heard one"), 1);
    scene.take_log();
    scene.plugin("a").tag("two").init(subscribe).save("a.py");
    watch.expect_reloaded("a");
    watch.expect_reloaded("b");
    assert_eq!(scene.told("a heard two"), 1);
    assert_eq!(scene.told("a heard one"), 0);
}

#[test]
fn the_subscriptions_of_a_failed_generation_are_undone() {
    let scene = Scene::new();
    let subscribe =
        "context.get_event_bus().subscribe('tick', lambda *a, **k: log('a heard ' + TAG))";
    scene.plugin("a").init(subscribe).save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").init(&format!("{subscribe}\nraise ValueError")).save("a.py");
    assert!(watch.expect_failed("a").kept);
    scene.plugin("b").init("context.get_event_bus().publish('tick', 1)").save("b.py");
    watch.expect_loaded("b");
    assert_eq!(scene.told("a heard one"), 1, "{:?}", scene.log());
    assert_eq!(scene.told("a heard two"), 0);
}

#[test]
fn a_service_is_found_by_a_dependent_and_goes_with_its_generation() {
    let scene = Scene::new();
    let give = "context.register_service('clock', {'of': TAG})";
    scene.plugin("a").init(give).save("a.py");
    let take = "log('b takes ' + str(context.get_service('clock')))";
    scene.plugin("b").needs(&["a"]).init(take).save("b.py");
    let mut watch = scene.watching();
    assert_eq!(scene.told("b takes {'of': 'one'}"), 1);
    scene.plugin("a").tag("two").init(give).save("a.py");
    watch.expect_reloaded("a");
    watch.expect_reloaded("b");
    assert_eq!(scene.told("b takes {'of': 'two'}"), 1);
}

#[test]
fn clean_ups_run_when_their_generation_ends() {
    let scene = Scene::new();
    let init = "context.on_cleanup(lambda: log('a clean ' + TAG))";
    scene.plugin("a").init(init).save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").init(init).save("a.py");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a clean one"), 1);
    assert_eq!(scene.told("a clean two"), 0);
    watch.stop();
    assert_eq!(scene.told("a clean two"), 1);
}

#[test]
fn clean_ups_run_even_if_shutdown_raises() {
    let scene = Scene::new();
    let init = "context.on_cleanup(lambda: log('a clean ' + TAG))";
    scene.plugin("a").init(init).shutdown("raise ValueError").save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a clean one"), 1);
}

#[test]
fn a_failed_generation_is_cleaned_up_and_not_shut_down() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    let init = "context.on_cleanup(lambda: log('a clean ' + TAG))\nraise ValueError";
    scene.plugin("a").tag("two").init(init).save("a.py");
    assert!(watch.expect_failed("a").kept);
    assert_eq!(scene.told("a clean two"), 1);
    assert_eq!(scene.told("a shutdown two"), 0);
    let log = scene.log();
    assert_eq!(log.last().unwrap(), "a init one");
}

const CONFIGURED: &str = "config = context.get_configuration_manager().get_plugin_config('a')\n\
                          log('a config ' + str(sorted(dict(config).items())))";

#[test]
fn the_configuration_is_the_metadatas_own() {
    let scene = Scene::new();
    let own = "'configuration': {'tick': 1, 'keep': 'x'},";
    scene.plugin("a").metadata(own).init(CONFIGURED).save("a.py");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.told("a config [('keep', 'x'), ('tick', 1)]"), 1, "{:?}", scene.log());
}

#[test]
fn watch_toml_is_merged_over_the_metadatas_configuration() {
    let scene = Scene::new();
    scene.write_outside("watch.toml", "[plugins.a]\nconfiguration = { tick = 2, more = true }\n");
    let own = "'configuration': {'tick': 1, 'keep': 'x'},";
    scene.plugin("a").metadata(own).init(CONFIGURED).save("a.py");
    scene.watch().expect_loaded("a");
    let wanted = "a config [('keep', 'x'), ('more', True), ('tick', 2)]";
    assert_eq!(scene.told(wanted), 1, "{:?}", scene.log());
}

#[test]
fn a_new_configuration_takes_effect_without_a_restart() {
    let scene = Scene::new();
    scene.write_outside("watch.toml", "[plugins.a]\nconfiguration = { tick = 2 }\n");
    scene.plugin("a").init(CONFIGURED).save("a.py");
    let mut watch = scene.watching();
    scene.write_outside("watch.toml", "[plugins.a]\nconfiguration = { tick = 3 }\n");
    assert_eq!(watch.expect_reloaded("a").because, Because::Metadata);
    assert_eq!(scene.told("a config [('tick', 3)]"), 1, "{:?}", scene.log());
}

#[test]
fn a_service_is_started_after_initialize_and_stopped_before_shutdown() {
    let scene = Scene::new();
    let methods = "    def start_service(self):\n        log('a start ' + TAG)\n        return True\n    \
                   def stop_service(self):\n        log('a stop ' + TAG)";
    let plugin = || scene.plugin("a").base("ServicePlugin").methods(methods);
    plugin().save("a.py");
    let mut watch = scene.watching();
    plugin().tag("two").save("a.py");
    watch.expect_reloaded("a");
    watch.stop();
    let steps: Vec<_> = scene.log().into_iter().filter(|line| !line.contains(" body ")).collect();
    let mut wanted = Vec::new();
    for tag in ["one", "two"] {
        wanted.extend(["init", "start", "stop", "shutdown"].map(|step| format!("a {step} {tag}")));
    }
    assert_eq!(steps, wanted);
}

#[test]
fn a_service_that_does_not_start_brings_the_old_one_back() {
    let scene = Scene::new();
    let methods = |start: &str| {
        format!("    def start_service(self):\n        log('a start ' + TAG)\n        {start}\n")
    };
    let plugin = || scene.plugin("a").base("ServicePlugin");
    plugin().methods(&methods("return True")).save("a.py");
    let mut watch = scene.watching();
    plugin().tag("two").methods(&methods("raise OSError('port')")).save("a.py");
    let failed = watch.expect_failed("a");
    assert_eq!((failed.phase, failed.kept), (Phase::Initialize, true));
    let log = scene.log();
    assert_eq!(log[log.len() - 2..], ["a init one", "a start one"]);
}

#[test]
fn the_context_knows_its_plugin_and_has_a_logger() {
    let scene = Scene::new();
    let init = "log('id ' + context.plugin_id)\ncontext.logger.warning('a word to stderr')";
    scene.plugin("com.example.a").init(init).save("a.py");
    let mut watch = scene.watch();
    watch.expect_loaded("com.example.a");
    assert_eq!(scene.told("id com.example.a"), 1);
    watch.wait_stderr("a word to stderr");
}

#[test]
fn a_disabled_plugin_is_not_loaded_and_may_be_enabled() {
    let scene = Scene::with(&["a", "b"]);
    scene.write_outside("watch.toml", "[plugins.a]\nenabled = false\n");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 1);
    assert_eq!(scene.told("a body one"), 0);
    scene.write_outside("watch.toml", "[plugins.a]\nenabled = true\n");
    assert_eq!(watch.expect_loaded("a").path, text(scene.path("a.py")));
    scene.write_outside("watch.toml", "[plugins.a]\nenabled = false\n");
    let gone = watch.expect_unloaded("a");
    assert_eq!(gone.because, crate::support::event::Gone::Disabled);
    assert_eq!(scene.told("a shutdown one"), 1);
}

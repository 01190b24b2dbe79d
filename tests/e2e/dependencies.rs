//! Plugins that need others: the order, what is missing, circles, and what a reload restarts.

use crate::support::event::{Because, Event, Failed, Gone, Phase};
use crate::support::{Scene, Watch, text};

/// `a` needs `b`, `b` needs `c`: by name in the order opposite to that in which they load.
fn chain() -> Scene {
    let scene = Scene::new();
    scene.plugin("a").needs(&["b"]).save("a.py");
    scene.plugin("b").needs(&["c"]).save("b.py");
    scene.plugin("c").save("c.py");
    scene
}

/// The log without the bodies, of which nothing is said here.
fn steps(scene: &Scene) -> Vec<String> {
    scene.take_log().into_iter().filter(|line| !line.contains(" body ")).collect()
}

fn failures(watch: &mut Watch, count: usize) -> Vec<Failed> {
    let mut failures: Vec<_> = (0..count).map(|_| watch.expect_failure()).collect();
    failures.sort_by_key(|failed| failed.id.clone());
    failures
}

#[test]
fn dependencies_load_first() {
    let scene = chain();
    let mut watch = scene.watch();
    for id in ["c", "b", "a"] {
        watch.expect_loaded(id);
    }
    assert_eq!(watch.wait_ready().plugins, 3);
    assert_eq!(steps(&scene), ["c init one", "b init one", "a init one"]);
}

#[test]
fn a_missing_dependency_is_named_and_waited_for() {
    let scene = Scene::new();
    scene.plugin("a").needs(&["ghost"]).save("a.py");
    let mut watch = scene.watch();
    let failed = watch.expect_failed("a");
    assert_eq!(failed.phase, Phase::Dependency);
    assert!(failed.error.message.contains("ghost"), "{failed:?}");
    assert!(!failed.kept);
    assert_eq!(watch.wait_ready().plugins, 0);
    assert_eq!(scene.log(), Vec::<String>::new());
    scene.plugin("ghost").save("g.py");
    watch.expect_loaded("ghost");
    assert_eq!(watch.expect_loaded("a").generation, 1);
}

#[test]
fn a_dependency_that_failed_fails_its_dependents() {
    let scene = chain();
    scene.plugin("c").init("return False").save("c.py");
    let mut watch = scene.watch();
    let failed = failures(&mut watch, 3);
    assert_eq!(failed[0].phase, Phase::Dependency);
    assert!(failed[0].error.message.contains('b'), "{failed:?}");
    assert_eq!(failed[1].phase, Phase::Dependency);
    assert!(failed[1].error.message.contains('c'), "{failed:?}");
    assert_eq!(failed[2].phase, Phase::Initialize);
    assert_eq!(watch.wait_ready().plugins, 0);
    scene.plugin("c").tag("two").save("c.py");
    for id in ["c", "b", "a"] {
        watch.expect_loaded(id);
    }
}

#[test]
fn a_cycle_fails_every_plugin_on_it() {
    let scene = Scene::with(&["z"]);
    scene.plugin("aa").needs(&["bb"]).save("a.py");
    scene.plugin("bb").needs(&["cc"]).save("b.py");
    scene.plugin("cc").needs(&["aa"]).save("c.py");
    let mut watch = scene.watch();
    let ready = {
        let mut failed = Vec::new();
        for event in watch.outcomes(4) {
            match event {
                Event::Failed(event) => failed.push(event),
                event => assert!(event.is_live("z"), "{event:?}"),
            }
        }
        assert_eq!(failed.len(), 3);
        for failed in failed {
            assert_eq!(failed.phase, Phase::Dependency);
            let message = &failed.error.message;
            assert!(message.contains("cycle"), "{message}");
            assert!(["aa", "bb", "cc"].iter().all(|id| message.contains(id)), "{message}");
            // In order: whoever stands first, each is followed by what it needs.
            let ring = message.replace(|c: char| !c.is_ascii_alphanumeric(), "");
            let turns = ["aabbcc", "bbccaa", "ccaabb"];
            assert!(
                turns.iter().any(|turn| ring.contains(turn)) || message.contains("aa -> bb"),
                "{message}"
            );
        }
        watch.wait_ready()
    };
    assert_eq!(ready.plugins, 1);
    scene.plugin("cc").save("c.py");
    for id in ["cc", "bb", "aa"] {
        watch.expect_loaded(id);
    }
}

#[test]
fn a_plugin_that_needs_itself_is_a_cycle() {
    let scene = Scene::new();
    scene.plugin("a").needs(&["a"]).save("a.py");
    let failed = scene.watch().expect_failed("a");
    assert_eq!(failed.phase, Phase::Dependency);
    assert!(failed.error.message.contains("cycle"), "{failed:?}");
}

#[test]
fn an_edit_that_closes_a_cycle_heals_with_the_next() {
    let scene = Scene::new();
    scene.plugin("a").needs(&["b"]).save("a.py");
    scene.plugin("b").save("b.py");
    let mut watch = scene.watching();
    scene.plugin("b").needs(&["a"]).save("b.py");
    for (id, ring) in [("b", "b -> a -> b"), ("a", "a -> b -> a")] {
        let failed = watch.expect_failed(id);
        assert_eq!((failed.phase, failed.kept), (Phase::Dependency, true));
        assert!(failed.error.message.contains(&format!("cycle: {ring};")), "{failed:?}");
    }
    scene.plugin("b").tag("six").save("b.py");
    watch.wait(|event| event.is_live("b"));
    assert_eq!(scene.told("b init six"), 1);
}

#[test]
fn a_reload_restarts_the_dependents() {
    let scene = chain();
    scene.probe();
    let mut watch = scene.watching();
    scene.take_log();
    scene.plugin("b").needs(&["c"]).tag("two").save("b.py");
    assert_eq!(watch.expect_reloaded("b").because, Because::Edit);
    let dependent = watch.expect_reloaded("a");
    assert_eq!(dependent.because, Because::Dependency);
    assert_eq!(dependent.generation, 2);
    watch.assert_quiet();
    let wanted = ["a shutdown one", "b shutdown one", "b init two", "a init one"];
    assert_eq!(steps(&scene), wanted);
}

#[test]
fn a_reload_restarts_the_dependents_of_dependents() {
    let scene = chain();
    let mut watch = scene.watching();
    scene.take_log();
    scene.plugin("c").tag("two").save("c.py");
    for id in ["c", "b", "a"] {
        watch.expect_reloaded(id);
    }
    let wanted = [
        "a shutdown one",
        "b shutdown one",
        "c shutdown one",
        "c init two",
        "b init one",
        "a init one",
    ];
    assert_eq!(steps(&scene), wanted);
}

#[test]
fn two_ways_to_one_dependency_are_one_restart() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("a").needs(&["b", "c"]).save("a.py");
    scene.plugin("b").needs(&["d"]).save("b.py");
    scene.plugin("c").needs(&["d"]).save("c.py");
    scene.plugin("d").save("d.py");
    let mut watch = scene.watching();
    scene.take_log();
    scene.plugin("d").tag("two").save("d.py");
    watch.expect_reloaded("d");
    let ids: Vec<_> =
        watch.outcomes(3).iter().map(|event| event.id().unwrap().to_owned()).collect();
    assert_eq!(ids[2], "a");
    watch.assert_quiet();
    assert_eq!(scene.told("a shutdown one"), 1);
    assert_eq!(scene.told("a init one"), 1);
}

#[test]
fn a_dependency_that_does_not_parse_touches_nobody() {
    let scene = chain();
    scene.probe();
    let mut watch = scene.watching();
    scene.take_log();
    scene.write("c.py", "PLUGIN_METADATA = {'id': 'c'}\n(\n");
    let failed = watch.expect_failed("c");
    assert_eq!((failed.phase, failed.kept), (Phase::Parse, true));
    watch.assert_quiet();
    assert_eq!(steps(&scene), Vec::<String>::new());
}

#[test]
fn a_dependency_that_fails_to_start_leaves_all_live() {
    let scene = chain();
    let mut watch = scene.watching();
    scene.plugin("c").tag("two").init("return False").save("c.py");
    let Event::Failed(failed) = watch.wait(|event| matches!(event, Event::Failed(_))) else {
        unreachable!()
    };
    assert_eq!((failed.id.as_deref(), failed.kept), (Some("c"), true));
    watch.stop();
    // Whether the dependents were restarted with it is not promised; that all live is.
    let log = scene.log();
    for id in ["a", "b", "c"] {
        let count = |step: &str| log.iter().filter(|l| **l == format!("{id} {step} one")).count();
        assert_eq!(count("init"), count("shutdown"), "{id}: {log:?}");
    }
    let ends: Vec<_> = log.iter().filter(|line| line.contains(" shutdown ")).collect();
    let end: Vec<_> = ends[ends.len() - 3..].iter().map(|line| line.as_str()).collect();
    assert_eq!(end, ["a shutdown one", "b shutdown one", "c shutdown one"]);
}

#[test]
fn a_dependency_that_goes_away_takes_its_dependents_with_it() {
    let scene = chain();
    let mut watch = scene.watching();
    scene.take_log();
    scene.remove("c.py");
    let mut failed = Vec::new();
    for event in watch.outcomes(3) {
        match event {
            Event::Failed(event) => {
                assert_eq!((event.phase, event.kept), (Phase::Dependency, false));
                failed.push(event.id.unwrap());
            }
            Event::Unloaded(event) => {
                assert_eq!((event.id.as_str(), event.because), ("c", Gone::Deleted));
            }
            other => watch.fail(&format!("not expected: {other:?}")),
        }
    }
    failed.sort();
    assert_eq!(failed, ["a", "b"]);
    assert_eq!(steps(&scene), ["a shutdown one", "b shutdown one", "c shutdown one"]);
    scene.plugin("c").tag("two").save("c.py");
    for id in ["c", "b", "a"] {
        assert_eq!(watch.expect_loaded(id).generation, 2);
    }
    assert_eq!(steps(&scene), ["c init two", "b init one", "a init one"]);
}

#[test]
fn a_dependent_alone_reloads_alone() {
    let scene = chain();
    scene.probe();
    let mut watch = scene.watching();
    scene.take_log();
    scene.plugin("a").needs(&["b"]).tag("two").save("a.py");
    watch.expect_reloaded("a");
    watch.assert_quiet();
    assert_eq!(steps(&scene), ["a shutdown one", "a init two"]);
}

#[test]
fn a_lazy_plugin_loads_with_its_first_dependent() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("lazy").metadata("'activation': 'lazy',").save("lazy.py");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 1);
    watch.assert_quiet();
    assert_eq!(scene.log(), Vec::<String>::new());
    scene.plugin("a").needs(&["lazy"]).save("a.py");
    watch.expect_loaded("lazy");
    watch.expect_loaded("a");
}

#[test]
fn a_dependency_that_is_there_and_failed_is_told_with_its_fault() {
    let scene = Scene::new();
    scene.plugin("b").body("raise ValueError('no luck')").save("b.py");
    scene.write("c.py", "PLUGIN_METADATA = {'id': 'c', 'tags': 1}\n");
    scene.write("d.py", "PLUGIN_METADATA = {'id': 'd'}\nx = = 1\n");
    scene.plugin("z").needs(&["b"]).save("x.py");
    scene.plugin("y").needs(&["c"]).save("y.py");
    scene.plugin("x").needs(&["d"]).save("z.py");
    let mut watch = scene.watching();
    let told = |id: &str| -> String {
        let failure = |event: &Event| match event {
            Event::Failed(failed) if failed.id.as_deref() == Some(id) => {
                Some(failed.error.message.clone())
            }
            _ => None,
        };
        watch.seen.iter().find_map(failure).unwrap()
    };
    let at = |name: &str| text(scene.path(name));
    let line = scene.plugin("b").text().lines().count();
    assert!(line > 0);
    let why = told("z");
    let start = "it needs the plugin b, which failed at import: ValueError: no luck (";
    assert!(why.starts_with(&format!("{start}{}:", at("b.py"))), "{why}");
    assert_eq!(
        told("y"),
        format!(
            "it needs the plugin c, which failed at metadata: InvalidMetadata: `tags` must be a \
             list of strings, not a number ({}:1)",
            at("c.py")
        )
    );
    let why = told("x");
    assert!(
        why.starts_with("it needs the plugin d, which failed at parse: SyntaxError: "),
        "{why}"
    );
    // It heals with them, as ever.
    scene.plugin("c").save("c.py");
    watch.expect_loaded("c");
    watch.expect_loaded("y");
    watch.stop();
}

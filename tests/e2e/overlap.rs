//! `reload = "overlap"`: the new generation is live before the old one is shut down.

use crate::support::event::Phase;
use crate::support::{Scene, Watch};

/// A live plugin `a` in a scene where all plugins overlap.
fn overlapping() -> (Scene, Watch) {
    let scene = Scene::with(&["a"]);
    scene.probe();
    scene.write_outside("watch.toml", "[reload]\nmode = \"overlap\"\n");
    let watch = scene.watching();
    (scene, watch)
}

#[test]
fn the_new_one_is_initialized_before_the_old_one_is_shut_down() {
    let (scene, mut watch) = overlapping();
    scene.plugin("a").tag("two").save("a.py");
    assert_eq!(watch.expect_reloaded("a").generation, 2);
    watch.assert_quiet();
    let wanted = ["a body one", "a init one", "a body two", "a init two", "a shutdown one"];
    assert_eq!(scene.log(), wanted);
}

#[test]
fn plugin_json_chooses_it_for_one_plugin() {
    let scene = Scene::new();
    scene.probe();
    scene.write("a/plugin.json", r#"{"id": "a", "reload": "overlap"}"#);
    scene.plugin("a").save("a/plugin.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a/plugin.py");
    watch.expect_reloaded("a");
    watch.assert_quiet();
    assert_eq!(scene.log()[3..], ["a init two", "a shutdown one"]);
}

#[test]
fn a_failure_leaves_the_old_one_untouched() {
    for (body, init, phase) in [
        ("raise ValueError", "", Phase::Import),
        ("", "raise ValueError", Phase::Initialize),
        ("", "return False", Phase::Initialize),
    ] {
        let (scene, mut watch) = overlapping();
        scene.plugin("a").tag("two").body(body).init(init).save("a.py");
        let failed = watch.expect_failed("a");
        assert_eq!((failed.phase, failed.kept), (phase, true));
        watch.assert_quiet();
        assert_eq!(scene.told("a init one"), 1);
        assert_eq!(scene.told("a shutdown one"), 0);
        scene.plugin("a").tag("six").save("a.py");
        assert_eq!(watch.expect_reloaded("a").generation, 2);
        watch.assert_quiet();
        assert_eq!(scene.told("a shutdown one"), 1);
        assert_eq!(scene.told("a shutdown two"), 0);
    }
}

#[test]
fn imports_inside_each_resolve_to_its_own_generation() {
    let scene = Scene::new();
    scene.probe();
    scene.write_outside("watch.toml", "[reload]\nmode = \"overlap\"\n");
    let shutdown = "import helpers, late\nlog('a ends with ' + helpers.NAME + late.NAME)";
    scene.plugin("a").body("import helpers").shutdown(shutdown).save("a/a.py");
    scene.write("a/helpers.py", "NAME = 'one'\n");
    scene.write("a/late.py", "import helpers\nNAME = helpers.NAME\n");
    let mut watch = scene.watching();
    scene.write("a/helpers.py", "NAME = 'two'\n");
    watch.expect_reloaded("a");
    watch.assert_quiet();
    assert_eq!(scene.told("a ends with oneone"), 1, "{:?}", scene.log());
}

#[test]
fn the_state_is_handed_on_while_both_are_alive() {
    let scene = Scene::new();
    scene.write_outside("watch.toml", "[reload]\nmode = \"overlap\"\n");
    let init = "n = context.state.get('n', 0) + 1\ncontext.state['n'] = n\nlog(f'a n {n}')";
    scene.plugin("a").init(init).save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").init(&format!("{init}\nraise ValueError")).save("a.py");
    assert!(watch.expect_failed("a").kept);
    scene.plugin("a").tag("six").init(init).save("a.py");
    watch.expect_reloaded("a");
    // The failed one's count did not count.
    assert_eq!(scene.told("a n 2"), 2);
    assert_eq!(scene.told("a n 3"), 0);
}

#[test]
fn the_old_ones_subscriptions_end_and_the_new_ones_stay() {
    let scene = Scene::new();
    scene.probe();
    scene.write_outside("watch.toml", "[reload]\nmode = \"overlap\"\n");
    let init = "context.get_event_bus().subscribe('tick', lambda *a, **k: log('a heard ' + TAG))";
    scene.plugin("a").init(init).save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").init(init).save("a.py");
    watch.expect_reloaded("a");
    watch.assert_quiet();
    scene.plugin("b").init("context.get_event_bus().publish('tick', 1)").save("b.py");
    watch.expect_loaded("b");
    assert_eq!(scene.told("a heard two"), 1);
    assert_eq!(scene.told("a heard one"), 0);
}

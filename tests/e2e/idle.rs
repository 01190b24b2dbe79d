//! While nothing happens nothing is done: no thread of the program or of the process of plugins wakes
//! up, wherever plugins run.

use crate::support::idle::assert_asleep;
use crate::support::{Scene, Watch};

/// Something that takes a while elsewhere.
struct Elsewhere {
    _scene: Scene,
    watch: Watch,
}

impl Elsewhere {
    fn new() -> Self {
        let scene = Scene::new();
        scene.probe();
        let watch = scene.watching();
        Self { _scene: scene, watch }
    }

    /// A deletion is waited for before it counts; several of them take longer than any period that
    /// a program would wake up in.
    fn go_on(&mut self) {
        for _ in 0..8 {
            self.watch.assert_quiet();
        }
    }
}

fn sleeps(options: &[&str]) {
    let scene = Scene::aside();
    scene.plugin("a").save("a.py");
    scene.write("f/plugin.json", r#"{"id": "f", "watch": ["*.txt"]}"#);
    scene.plugin("f").body("open(__file__).read()").save("f/plugin.py");
    let mut elsewhere = Elsewhere::new();
    let mut watch = scene.watching_with(options);
    assert_asleep(watch.pid(), || elsewhere.go_on());
    // A reload and a failure leave nothing behind that goes on.
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    scene.write("a.py", "import qtforge\n)");
    watch.expect_failed("a");
    assert_asleep(watch.pid(), || elsewhere.go_on());
    watch.stop();
}

#[test]
fn with_plugins_in_a_process_of_their_own() {
    sleeps(&[]);
}

#[test]
fn with_plugins_in_the_supervisor_s_process() {
    sleeps(&["--isolation=none"]);
}

#[test]
fn after_a_process_of_plugins_has_died() {
    let scene = Scene::aside();
    scene.plugin("a").save("a.py");
    scene.plugin("b").save("b.py");
    let mut elsewhere = Elsewhere::new();
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").init("import os\nos.abort()").save("a.py");
    watch.wait(|event| event.is_live("b"));
    assert_asleep(watch.pid(), || elsewhere.go_on());
    watch.stop();
}

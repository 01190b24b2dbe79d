//! `--timings`: where the time of a load or reload went.

use crate::support::Scene;
use crate::support::event::{Event, Timings};

/// A plugin that takes its time in each step, and a helper that imports another.
fn slow(scene: &Scene, tag: &str) {
    scene.write("a/helper.py", "import deep\nimport time\ntime.sleep(0.02)\n");
    scene.write("a/deep.py", "import time\ntime.sleep(0.03)\n");
    let sleep = "import time\ntime.sleep(0.01)";
    scene.plugin("a").tag(tag).body("import helper").init(sleep).shutdown(sleep).save("a/a.py");
}

fn millis(timings: &Timings) -> f64 {
    let Timings { wait, check, shutdown, import, create, metadata, initialize, .. } = timings;
    wait + check + shutdown + import + create + metadata + initialize
}

#[test]
fn fields_tell_of_each_step_and_each_module() {
    let scene = Scene::new();
    slow(&scene, "one");
    let mut watch = scene.watching_with(&["--timings"]);
    let loaded = watch.seen.iter().find_map(|event| match event {
        Event::Loaded(live) => live.timings.clone(),
        _ => None,
    });
    let timings = loaded.unwrap();
    let names: Vec<&str> = timings.modules.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["deep", "helper", "a"]);
    assert!(timings.modules.iter().all(|module| module.compile > 0.0 && module.read >= 0.0));
    let [deep, helper, entry] = &timings.modules[..] else { unreachable!() };
    // A sleep takes at least as long as it was told to.
    assert!(deep.execute >= 30.0 && helper.execute >= 20.0, "{timings:?}");
    assert!(helper.total >= helper.execute + deep.total, "{timings:?}");
    assert!(entry.total >= entry.execute + helper.total, "{timings:?}");
    assert!(timings.import >= entry.total && timings.initialize >= 10.0, "{timings:?}");
    assert!(timings.shutdown == 0.0 && timings.wait == 0.0, "{timings:?}");

    slow(&scene, "two");
    let reloaded = watch.expect_reloaded("a");
    let timings = reloaded.timings.unwrap();
    assert!(timings.wait > 0.0 && timings.shutdown >= 10.0, "{timings:?}");
    assert!(millis(&timings) <= reloaded.ms + 0.1, "{timings:?} {}", reloaded.ms);
    let compiled: Vec<bool> = timings.modules.iter().map(|it| it.compile > 0.0).collect();
    assert_eq!(compiled, [false, false, true]);
}

#[test]
fn a_person_reads_them_on_stderr() {
    let scene = Scene::new();
    slow(&scene, "one");
    let output = scene.command(["--once", "--timings", "plugins"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("timings of a: "), "{told}");
    let modules: Vec<&str> = told.lines().skip(2).filter_map(|line| line.get(40..)).collect();
    assert_eq!(modules, ["      deep", "    helper", "  a"], "{told}");
    assert!(!String::from_utf8(output.stdout).unwrap().contains("timings"));
}

#[test]
fn nobody_is_told_who_does_not_ask() {
    let scene = Scene::with(&["a"]);
    let loaded = scene.watch().expect_loaded("a");
    assert!(loaded.timings.is_none());
}

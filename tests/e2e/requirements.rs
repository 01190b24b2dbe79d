//! Requirements: what is not installed is a failure of the dependencies, which heals.

use std::fs;
use std::path::PathBuf;

use crate::support::event::Phase;
use crate::support::{Scene, Watch};

/// Packages that the interpreter finds beside its own.
fn packages(scene: &Scene) -> PathBuf {
    let folder = scene.outside("packages");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn install(scene: &Scene, name: &str, version: &str) {
    let folder = format!("packages/{name}-{version}.dist-info");
    let text = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    scene.write_outside(format!("{folder}/METADATA"), text);
    scene.write_outside(format!("packages/{name}.py"), format!("VERSION = '{version}'\n"));
}

fn watching(scene: &Scene) -> Watch {
    let mut command = scene.command(["watch", "--json", "plugins"]);
    command.env("PYTHONPATH", packages(scene));
    let mut watch = Watch::start(command);
    watch.wait_ready();
    watch
}

fn asking(scene: &Scene, requirements: &str) {
    let metadata = format!("\n    'requirements': {requirements},\n");
    scene.plugin("a").metadata(&metadata).save("a.py");
}

#[test]
fn a_missing_package_is_told_with_the_line_that_installs_it() {
    let scene = Scene::new();
    asking(&scene, "['surely-absent>=2', 'surely-not-there']");
    let mut watch = watching(&scene);
    let failed = watch.seen.iter().find_map(|event| event.failed()).unwrap().clone();
    assert_eq!((failed.phase, failed.kept), (Phase::Dependency, false));
    assert_eq!(failed.error.kind, "MissingRequirement");
    let message = &failed.error.message;
    assert!(message.contains("the package surely-absent is not installed"), "{message}");
    assert!(message.ends_with("-m pip install 'surely-absent>=2' surely-not-there"), "{message}");
    assert_eq!((failed.error.line, scene.log().len()), (Some(3), 0));
    watch.stop();
}

#[test]
fn it_heals_when_it_is_installed() {
    let scene = Scene::new();
    install(&scene, "alpha", "1.0");
    asking(&scene, "['alpha>=2']");
    let mut watch = watching(&scene);
    let failed = watch.seen.iter().find_map(|event| event.failed()).unwrap();
    assert!(failed.error.message.contains("alpha 1.0 is installed"), "{}", failed.error.message);
    fs::remove_dir_all(scene.outside("packages/alpha-1.0.dist-info")).unwrap();
    install(&scene, "alpha", "2.0");
    watch.expect_loaded("a");
    watch.stop();
}

#[test]
fn an_edit_that_asks_for_more_leaves_what_runs() {
    let scene = Scene::new();
    install(&scene, "alpha", "1.0");
    asking(&scene, "['alpha']");
    let mut watch = watching(&scene);
    asking(&scene, "['alpha', 'surely-absent']");
    let failed = watch.expect_failed("a");
    assert_eq!((failed.phase, failed.kept), (Phase::Dependency, true));
    assert_eq!(scene.told("a shutdown one"), 0);
    asking(&scene, "['alpha', 'surely-absent; python_version < \"3\"']");
    watch.expect_reloaded("a");
    watch.stop();
}

#[test]
fn what_cannot_be_read_as_a_requirement_is_told_as_well() {
    let scene = Scene::new();
    asking(&scene, "['no requirement at all']");
    let watch = watching(&scene);
    let failed = watch.seen.iter().find_map(|event| event.failed()).unwrap();
    assert!(failed.error.message.contains("is no requirement: "), "{}", failed.error.message);
}

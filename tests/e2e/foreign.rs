//! Extension modules from PyPI: a process that reloads plugins over and over imports them once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Scene, Watch};

/// Packages from PyPI for the interpreter of these tests, fetched once.
fn packages() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages-from-pypi");
    let done = folder.join("done");
    if !done.is_file() {
        let fresh = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut pip = Command::new(env!("REPLUG_BUILD_PYTHON"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
        pip.arg(fresh.path()).args(["numpy", "msgpack"]).env_remove("PYTHONDONTWRITEBYTECODE");
        assert!(pip.status().unwrap().success(), "pip could not install numpy and msgpack");
        fs::write(fresh.path().join("done"), "").unwrap();
        // Another test run may have been faster.
        let _ = fs::rename(fresh.keep(), &folder);
    }
    assert!(done.is_file());
    folder
}

#[test]
fn numpy_and_msgpack_are_imported_once_however_often_their_users_are_reloaded() {
    let scene = Scene::new();
    let body = "import msgpack._cmsgpack, numpy, sqlite3\n\
                ARRAY = numpy.arange(5)\n\
                class Total(numpy.ndarray): pass\n\
                marks = [getattr(it, 'mark', 0) for it in (numpy, msgpack, sqlite3)]\n\
                for it in (numpy, msgpack, sqlite3): it.mark = it.__dict__.get('mark', 0) + 1\n\
                assert msgpack.unpackb(msgpack.packb({'a': int(ARRAY.sum())})) == {'a': 10}\n\
                assert int(ARRAY.view(Total).sum()) == 10\n\
                MARKS.extend(marks)";
    let body = format!("MARKS = []\n{body}");
    let save = |id: &str, tag: &str| {
        let init = "log(f'{TAG} marks {MARKS} {id(__import__(\"numpy\"))}')";
        scene.plugin(id).tag(tag).body(&body).init(init).save(&format!("{id}.py"));
    };
    save("a", "0");
    save("b", "0");
    let mut command = scene.command(["watch", "--json", "plugins"]);
    command.env("PYTHONPATH", packages());
    let mut watch = Watch::start(command);
    watch.wait_ready();
    for round in 1..=100 {
        for id in ["a", "b"] {
            save(id, &round.to_string());
            watch.expect_reloaded(id);
        }
    }
    // Each of them found what all before it had left in the very same modules.
    let log = scene.log();
    let last = log.iter().rfind(|line| line.contains("marks")).unwrap();
    assert!(last.starts_with("100 marks [201, 201, 201] "), "{last}");
    let places = log.iter().filter(|line| line.contains("marks"));
    let places: std::collections::BTreeSet<_> =
        places.map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(places.len(), 1);
}

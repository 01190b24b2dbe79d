//! An edit of a shared module is all or nothing: if one of its users fails, every user is back on the
//! version before.

use super::shared::{reloads, sharing, user};
use crate::support::event::{Because, Event, Failed, Phase};
use crate::support::{Scene, Watch, text};

const PICKY: &str =
    "if util.NAME == 'bad':\n    raise ValueError('not with that')\nlog('b has ' + util.NAME)";

/// Three users of `util`, of which `b` refuses to go on with a `util` that is called `bad`.
fn three() -> Scene {
    let scene = sharing();
    user(&scene, "a", "import util", "util.NAME");
    scene.plugin("b").body("import util").init(PICKY).save("b.py");
    user(&scene, "c", "import util", "util.NAME");
    scene
}

fn failures(watch: &mut Watch, ids: &[&str]) -> Vec<Failed> {
    let mut told: Vec<Failed> = ids.iter().map(|_| watch.expect_failure()).collect();
    told.sort_by_key(|failed| failed.id.clone());
    let named: Vec<&str> = told.iter().filter_map(|failed| failed.id.as_deref()).collect();
    assert_eq!(named, ids);
    told
}

#[test]
fn if_one_of_three_users_fails_all_are_on_the_version_before() {
    for isolation in ["shared", "none"] {
        let scene = three();
        let mut watch = scene.watching_with(&["--isolation", isolation]);
        scene.take_log();
        scene.write_outside("lib/util.py", "NAME = 'bad'\n");
        let failed = failures(&mut watch, &["a", "b", "c"]);
        assert!(failed.iter().all(|failed| failed.kept));
        assert_eq!(failed[1].phase, Phase::Initialize);
        assert_eq!(failed[1].error.message, "not with that");
        assert_eq!(failed[0].phase, Phase::Dependency);
        assert!(failed[0].error.message.starts_with("b cannot go on"), "{failed:?}");
        let log = scene.take_log();
        let wanted = [
            "c shutdown one",
            "b shutdown one",
            "a shutdown one",
            "a body one",
            "a init one",
            "a has bad",
            "b body one",
            "b init one",
            "a shutdown one",
            "a init one",
            "a has one",
            "b init one",
            "b has one",
            "c init one",
            "c has one",
        ];
        assert_eq!(log, wanted);
        watch.assert_quiet();
        // The numbers of what was never live are given again.
        scene.write_outside("lib/util.py", "NAME = 'two'\n");
        for id in ["a", "b", "c"] {
            let live = watch.expect_reloaded(id);
            assert_eq!((live.generation, live.because), (2, Because::Shared));
            assert_eq!(scene.told(&format!("{id} has two")), 1);
        }
        watch.assert_quiet();
    }
}

#[test]
fn an_edit_of_who_could_not_go_along_is_another_chance_for_all() {
    let scene = three();
    let mut watch = scene.watching();
    scene.write_outside("lib/util.py", "NAME = 'bad'\n");
    failures(&mut watch, &["a", "b", "c"]);
    // Somebody else's edit is about nobody but itself.
    user(&scene, "a", "import util # again", "util.NAME");
    let live = watch.expect_reloaded("a");
    assert_eq!((live.because, live.generation), (Because::Edit, 2));
    assert_eq!(scene.told("a has one"), 3);
    watch.assert_quiet();
    user(&scene, "b", "import util", "util.NAME");
    reloads(&mut watch, &["a", "b", "c"]);
    for id in ["a", "b", "c"] {
        assert_eq!(scene.told(&format!("{id} has bad")), if id == "a" { 2 } else { 1 }, "{id}");
    }
    watch.assert_quiet();
}

#[test]
fn a_syntax_error_touches_nobody() {
    let scene = three();
    let mut watch = scene.watching();
    scene.take_log();
    let file = scene.write_outside("lib/util.py", "NAME = 'two'\ndef (:\n");
    for failed in failures(&mut watch, &["a", "b", "c"]) {
        assert!(failed.kept);
        assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Parse, "SyntaxError"));
        assert_eq!((failed.error.file, failed.error.line), (Some(text(&file)), Some(2)));
    }
    watch.assert_quiet();
    assert_eq!(scene.take_log(), Vec::<String>::new());
    // Nobody waits for it with edits of their own.
    user(&scene, "a", "import util # again", "util.NAME");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a has one"), 1);
    scene.write_outside("lib/util.py", "NAME = 'two'\n");
    reloads(&mut watch, &["a", "b", "c"]);
}

#[test]
fn a_body_that_raises_brings_the_module_before_back() {
    let scene = three();
    let mut watch = scene.watching();
    scene.write_outside("lib/util.py", "NAME = 'two'\n1 / 0\n");
    let failed = failures(&mut watch, &["a", "b", "c"]);
    assert_eq!(failed.iter().filter(|it| it.phase == Phase::Import).count(), 1);
    assert_eq!(scene.told("b has one"), 2);
    // One that is new gets the one copy that there is.
    user(&scene, "d", "import util", "util.NAME");
    watch.expect_loaded("d");
    assert_eq!(scene.told("d has one"), 1);
    scene.write_outside("lib/util.py", "NAME = 'two'\n");
    reloads(&mut watch, &["a", "b", "c", "d"]);
}

#[test]
fn those_who_overlap_are_never_stopped_for_an_edit_that_fails() {
    for isolation in ["shared", "none"] {
        let scene = sharing();
        let overlaps = "\"reload\": \"overlap\",";
        for id in ["a", "b"] {
            let told = format!("log('{id} has ' + util.NAME)");
            scene
                .plugin(id)
                .metadata(overlaps)
                .body("import util")
                .init(&told)
                .save(&format!("{id}.py"));
        }
        scene
            .plugin("c")
            .metadata(overlaps)
            .body("import util")
            .init(&PICKY.replace("'b ", "'c "))
            .save("c.py");
        let mut watch = scene.watching_with(&["--isolation", isolation]);
        scene.take_log();
        scene.write_outside("lib/util.py", "NAME = 'bad'\n");
        assert!(failures(&mut watch, &["a", "b", "c"]).iter().all(|failed| failed.kept));
        let wanted = [
            "a body one",
            "a init one",
            "a has bad",
            "b body one",
            "b init one",
            "b has bad",
            "c body one",
            "c init one",
            "b shutdown one",
            "a shutdown one",
        ];
        assert_eq!(scene.take_log(), wanted);
        scene.write_outside("lib/util.py", "NAME = 'two'\n");
        reloads(&mut watch, &["a", "b", "c"]);
        let log = scene.take_log();
        assert_eq!(log[log.len() - 3..], ["a shutdown one", "b shutdown one", "c shutdown one"]);
        assert_eq!(log.iter().filter(|line| line.ends_with("shutdown one")).count(), 3);
        watch.assert_quiet();
    }
}

#[test]
fn those_who_depend_on_a_user_go_back_with_it() {
    let scene = three();
    scene.plugin("aa").needs(&["a"]).save("aa.py");
    let mut watch = scene.watching();
    scene.take_log();
    scene.write_outside("lib/util.py", "NAME = 'bad'\n");
    failures(&mut watch, &["a", "b", "c"]);
    watch.assert_quiet();
    let log = scene.log();
    // Its last life is the one that it had before.
    assert_eq!(
        log.iter().filter(|line| *line == "aa init one").count(),
        log.iter().filter(|line| *line == "aa shutdown one").count()
    );
    scene.write_outside("lib/util.py", "NAME = 'two'\n");
    reloads(&mut watch, &["a", "aa", "b", "c"]);
    watch.assert_quiet();
}

#[test]
fn what_is_saved_while_the_users_reload_is_not_lost() {
    let scene = three();
    let mut watch = scene.watching();
    for round in 0..20 {
        let name = if round % 3 == 0 { "bad".to_owned() } else { format!("t{round:02}") };
        scene.write_outside("lib/util.py", format!("NAME = '{name}'\n"));
    }
    scene.write_outside("lib/util.py", "NAME = 'end'\n");
    let ids = ["a", "b", "c"];
    while ids.iter().any(|id| scene.told(&format!("{id} has end")) == 0) {
        watch.outcome();
    }
    // Whatever came before, that is the last word.
    watch.stop();
    for id in ids {
        let last = watch
            .seen
            .iter()
            .rfind(|event| event.id() == Some(id) && !matches!(event, Event::Unloaded(_)));
        assert!(last.unwrap().is_live(id), "{last:?}");
        let log = scene.log();
        let told = log.iter().rfind(|line| line.starts_with(&format!("{id} has ")));
        assert_eq!(told.unwrap(), &format!("{id} has end"));
    }
}

#[test]
fn a_death_in_the_middle_brings_all_back_as_they_were() {
    let scene = sharing();
    user(&scene, "a", "import util", "util.NAME");
    let killer =
        "if util.NAME == 'bad':\n    import os\n    os._exit(7)\nlog('b has ' + util.NAME)";
    scene.plugin("b").body("import util").init(killer).save("b.py");
    user(&scene, "c", "import util", "util.NAME");
    let mut watch = scene.watching();
    scene.take_log();
    scene.write_outside("lib/util.py", "NAME = 'bad'\n");
    let died = watch.expect_failed("b");
    assert_eq!((died.phase, died.kept), (Phase::Host, true));
    // In the new process the bytes that ran, whatever the disk holds.
    let mut told = watch.outcomes(6);
    let failed: Vec<Event> = told.extract_if(.., |event| event.failed().is_some()).collect();
    for live in told {
        let Event::Reloaded(live) = live else { panic!("{live:?}") };
        assert_eq!(live.because, Because::Host);
    }
    let ids: Vec<&str> = failed.iter().filter_map(Event::id).collect();
    assert_eq!(ids, ["a", "c"]);
    for id in ["a", "b", "c", "probe"] {
        assert!(
            id == "probe"
                || scene
                    .log()
                    .iter()
                    .rfind(|line| line.starts_with(&format!("{id} has ")))
                    .unwrap()
                    .ends_with("one")
        );
    }
    watch.assert_quiet();
    scene.write_outside("lib/util.py", "NAME = 'two'\n");
    reloads(&mut watch, &["a", "b", "c"]);
    assert_eq!(scene.told("c has two"), 1);
}

#[test]
fn a_kept_version_outlives_the_process() {
    let scene = three();
    scene.write_outside("lib/fatal.py", "import os\ndef end():\n    os._exit(9)\n");
    scene.plugin("d").body("import fatal\nif TAG == 'two': fatal.end()").save("d.py");
    let mut watch = scene.watching();
    scene.write_outside("lib/util.py", "NAME = 'bad'\n");
    failures(&mut watch, &["a", "b", "c"]);
    scene.take_log();
    scene.plugin("d").tag("two").body("import fatal\nif TAG == 'two': fatal.end()").save("d.py");
    assert_eq!(watch.expect_failed("d").phase, Phase::Host);
    reloads(&mut watch, &["a", "b", "c", "d", "probe"]);
    for id in ["a", "b", "c"] {
        assert_eq!(scene.told(&format!("{id} has one")), 1, "{id}");
        assert_eq!(scene.told(&format!("{id} has bad")), 0, "{id}");
    }
}

#[test]
fn a_carried_module_runs_again_for_a_shared_one_and_goes_back_with_it() {
    let scene = sharing();
    let log = scene.log_function();
    scene.write("a/vendor/plain.py", format!("{log}log('plain runs')\n"));
    scene.write("a/vendor/user.py", format!("{log}import util\nlog('user runs ' + util.NAME)\n"));
    scene.write("a/plugin.json", "{\"id\": \"a\", \"carry\": [\"vendor/\"]}");
    let body = "from vendor import plain, user\nimport vendor.user";
    scene.plugin("a").body(body).init("log('a has ' + vendor.user.util.NAME)").save("a/plugin.py");
    scene.plugin("b").body("import util").init(PICKY).save("b.py");
    let mut watch = scene.watching();
    let runs = |scene: &Scene| -> Vec<String> {
        let log = scene.take_log().into_iter();
        log.filter(|line| line.contains("runs") || line.starts_with("a has")).collect()
    };
    assert_eq!(runs(&scene), ["plain runs", "user runs one", "a has one"]);
    scene.write_outside("lib/util.py", "NAME = 'two'\n");
    reloads(&mut watch, &["a", "b"]);
    assert_eq!(runs(&scene), ["user runs two", "a has two"]);
    scene.write_outside("lib/util.py", "NAME = 'bad'\n");
    failures(&mut watch, &["a", "b"]);
    assert_eq!(runs(&scene), ["user runs bad", "a has bad", "a has two"]);
    scene.write_outside("lib/util.py", "NAME = 'six'\n");
    reloads(&mut watch, &["a", "b"]);
    assert_eq!(runs(&scene), ["user runs six", "a has six"]);
    // What was carried is known to use it in the next generation, too.
    let body = "from vendor import plain, user\nimport vendor.user # again";
    scene.plugin("a").body(body).init("log('a has ' + vendor.user.util.NAME)").save("a/plugin.py");
    watch.expect_reloaded("a");
    assert_eq!(runs(&scene), ["a has six"]);
    scene.write_outside("lib/util.py", "NAME = 'ten'\n");
    reloads(&mut watch, &["a", "b"]);
    assert_eq!(runs(&scene), ["user runs ten", "a has ten"]);
}

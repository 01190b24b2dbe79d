//! Lazy plugins that a look-up of a service wakes: in the middle of a call, in a thread, by hand.

use crate::list::said;
use crate::support::Scene;
use crate::support::event::{Because, Event, Phase};
use crate::support::plugin::Plugin;

/// `a`, which looks up the service `it` when it starts, and tells what it got.
fn asker(scene: &Scene) -> Plugin<'_> {
    scene.plugin("a").init("log('a got %s' % context.get_service('it', 'nobody'))")
}

/// A lazy plugin that offers `it`.
fn provider(scene: &Scene) -> Plugin<'_> {
    let offer = "context.register_service('it', 'it of ' + TAG)";
    scene.plugin("l").metadata("'activation': 'lazy', 'capabilities': ['it'],").init(offer)
}

#[test]
fn a_look_up_loads_it_and_the_call_goes_on() {
    for isolation in ["none", "shared"] {
        let scene = Scene::new();
        scene.probe();
        provider(&scene).save("l.py");
        let mut watch = scene.watching_with(&["--isolation", isolation]);
        watch.assert_quiet();
        assert!(scene.log().is_empty());
        asker(&scene).save("a.py");
        assert_eq!(watch.expect_loaded("l").generation, 1);
        watch.expect_loaded("a");
        let told = ["a body one", "a init one", "l body one", "l init one", "a got it of one"];
        assert_eq!(scene.take_log(), told);
        // It is live now, and reloads like any other.
        asker(&scene).tag("two").save("a.py");
        assert_eq!(watch.expect_reloaded("a").because, Because::Edit);
        provider(&scene).tag("two").save("l.py");
        assert_eq!(watch.expect_reloaded("l").because, Because::Edit);
        watch.assert_quiet();
        assert_eq!(scene.told("a got it of one"), 1);
    }
}

#[test]
fn a_look_up_in_the_first_pass_loads_it_too() {
    let scene = Scene::new();
    for number in 0..50 {
        let look = "log('got %s' % context.get_service('it', 'nobody'))";
        scene.plugin(&format!("p{number}")).init(look).save(&format!("p{number}.py"));
    }
    provider(&scene).save("l.py");
    let (mut watch, _) = scene.first_pass();
    assert_eq!(scene.told("got it of one"), 50);
    assert_eq!(scene.told("l init one"), 1);
    let events = watch.stop();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Unloaded(_))).count(), 51);
}

#[test]
fn its_id_will_do_and_another_name_wakes_nobody() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("l").metadata("'activation': 'lazy',").save("l.py");
    let mut watch = scene.watching();
    scene.plugin("a").init("context.get_service('other')").save("a.py");
    watch.expect_loaded("a");
    watch.assert_quiet();
    scene.plugin("b").init("assert context.get_service('l') is None").save("b.py");
    watch.expect_loaded("l");
    watch.expect_loaded("b");
}

#[test]
fn one_that_fails_gives_none_and_is_not_asked_again_before_its_next_edit() {
    let scene = Scene::new();
    scene.probe();
    provider(&scene).init("raise ValueError('not today')").save("l.py");
    let mut watch = scene.watching();
    asker(&scene).init("context.get_service('it')").save("a.py");
    let failed = watch.expect_failed("l");
    assert_eq!((failed.phase, failed.kept), (Phase::Initialize, false));
    watch.expect_loaded("a");
    watch.assert_quiet();
    assert_eq!(scene.told("a got nobody"), 1);
    assert_eq!(scene.told("l init one"), 1);
    provider(&scene).tag("two").save("l.py");
    watch.expect_loaded("l");
}

#[test]
fn the_time_of_who_asks_stands_still_meanwhile() {
    let scene = Scene::new();
    // Each takes more than half of the time that it has.
    provider(&scene).init("import time\ntime.sleep(0.6)").save("l.py");
    let mut watch = scene.watching_with(&["--timeout", "1"]);
    asker(&scene).init("import time\ntime.sleep(0.6)").save("a.py");
    watch.expect_loaded("l");
    watch.expect_loaded("a");
    assert_eq!(scene.told("a got it of one"), 1);
}

#[test]
fn one_that_hangs_is_struck_alone_and_who_asks_has_its_own_time_left() {
    for isolation in ["none", "shared"] {
        let scene = Scene::new();
        provider(&scene).init("while True: pass").save("l.py");
        let mut watch = scene.watching_with(&["--timeout", "1", "--isolation", isolation]);
        asker(&scene)
            .init("import time\ntry: time.sleep(60)\nfinally: log('a is struck')")
            .save("a.py");
        let failed = watch.expect_failed("l");
        assert_eq!(
            (failed.phase, failed.error.kind.as_str()),
            (Phase::Initialize, "PluginTimeout")
        );
        let failed = watch.expect_failed("a");
        assert_eq!(
            (failed.phase, failed.error.kind.as_str()),
            (Phase::Initialize, "PluginTimeout")
        );
        assert_eq!(scene.log()[4..], ["a got nobody", "a is struck"]);
    }
}

#[test]
fn one_that_ends_the_process_is_to_blame_for_it() {
    let scene = Scene::with(&["b"]);
    provider(&scene).init("import os\nos._exit(7)").save("l.py");
    let mut watch = scene.watching();
    asker(&scene).save("a.py");
    let failed = watch.expect_failed("l");
    assert_eq!((failed.phase, failed.kept), (Phase::Host, false));
    assert!(failed.error.message.contains("exit code 7"), "{failed:?}");
    watch.expect_loaded("a");
    assert_eq!(watch.expect_reloaded("b").because, Because::Host);
    assert_eq!(scene.told("a got nobody"), 1);
    provider(&scene).save("l.py");
    watch.expect_loaded("l");
}

#[test]
fn after_a_death_it_is_there_again_for_who_asks() {
    let scene = Scene::with(&["b"]);
    provider(&scene).save("l.py");
    asker(&scene).save("a.py");
    let mut watch = scene.watching();
    scene.take_log();
    scene.plugin("b").shutdown("import os\nos._exit(1)").save("b.py");
    watch.expect_reloaded("b");
    scene.plugin("b").save("b.py");
    watch.expect_failed("b");
    for id in ["l", "a"] {
        assert_eq!(watch.expect_reloaded(id).because, Because::Host);
    }
    assert_eq!(scene.told("a got it of one"), 1);
}

#[test]
fn what_the_one_changed_in_the_process_the_other_does_not_see() {
    let scene = Scene::new();
    let look = "import os, sys, signal
log(' '.join(['l', os.getcwd(), os.environ.get('SEEN', 'unset'), str('/added' in sys.path), str(sys.stdout is None), str(signal.getsignal(signal.SIGUSR1))]))
os.chdir('/usr'); os.environ['SEEN'] = 'l'; sys.path.append('/other'); sys.stdout = None";
    provider(&scene).init(look).save("l.py");
    let change = "import os, sys, signal
os.chdir('/'); os.environ['SEEN'] = 'a'; sys.path.append('/added'); sys.stdout = None
signal.signal(signal.SIGUSR1, handler := lambda *_: None)
context.get_service('it')
log(' '.join(['a', os.getcwd(), os.environ['SEEN'], str('/added' in sys.path), str('/other' in sys.path), str(sys.stdout is None), str(signal.getsignal(signal.SIGUSR1) is handler)]))";
    scene.plugin("a").init(change).save("a.py");
    let after = "import os, sys
log(' '.join(['z', os.getcwd(), os.environ.get('SEEN', 'unset'), str('/added' in sys.path)]))";
    scene.plugin("z").init(after).save("z.py");
    let (_watch, _) = scene.first_pass();
    let log = scene.log();
    let here = scene.root().parent().unwrap().display().to_string();
    let told = |who: &str| log.iter().find(|line| line.starts_with(&format!("{who} /"))).cloned();
    assert_eq!(told("l").unwrap(), format!("l {here} unset False False 0"));
    assert_eq!(told("a").unwrap(), "a / a True False True True");
    assert_eq!(told("z").unwrap(), format!("z {here} unset False"));
}

#[test]
fn two_that_ask_for_each_other_do_not_wait_for_each_other() {
    let scene = Scene::new();
    let lazy = |id: &str, other: &str| {
        let look = format!(
            "log('{id} got %s' % context.get_service('{other}', 'nobody'))\ncontext.register_service('{id}', '{id}')"
        );
        scene.plugin(id).metadata("'activation': 'lazy',").init(&look).save(&format!("{id}.py"));
    };
    lazy("l", "m");
    lazy("m", "l");
    let mut watch = scene.watching();
    scene.plugin("a").init("log('a got %s' % context.get_service('l'))").save("a.py");
    for id in ["m", "l", "a"] {
        watch.expect_loaded(id);
    }
    let log = scene.log();
    let got: Vec<&String> = log.iter().filter(|line| line.contains(" got ")).collect();
    assert_eq!(got, ["m got nobody", "l got m", "a got l"]);
}

#[test]
fn a_thread_waits_for_its_turn() {
    for isolation in ["none", "shared"] {
        let scene = Scene::new();
        provider(&scene).save("l.py");
        let mut watch = scene.watching_with(&["--isolation", isolation]);
        let thread = "import threading
def work():
    log('thread got %s' % context.get_service('it', 'nobody'))
    context.get_event_bus().publish('done')
self.thread = threading.Thread(target=work)
self.thread.start()
# It asks before this is over.
import time
time.sleep(0.05)";
        scene.plugin("a").init(thread).shutdown("self.thread.join()").save("a.py");
        watch.expect_loaded("a");
        watch.expect_loaded("l");
        watch.stop();
        assert_eq!(scene.told("thread got it of one"), 1);
    }
}

#[test]
fn a_thread_of_what_ends_waits_for_nobody() {
    let scene = Scene::new();
    scene.probe();
    provider(&scene).save("l.py");
    let look = "import threading
def work(): log('thread got %s' % self.context.get_service('it', 'nobody'))
thread = threading.Thread(target=work)
thread.start()
thread.join()
log('shutdown got %s' % self.context.get_service('it', 'nobody'))";
    scene.plugin("a").init("self.context = context").shutdown(look).save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    watch.assert_quiet();
    let told = scene.log();
    assert!(told.contains(&"thread got nobody".to_owned()), "{told:?}");
    assert!(told.contains(&"shutdown got nobody".to_owned()), "{told:?}");
}

#[test]
fn a_copy_that_a_plugin_forked_wakes_nobody() {
    let scene = Scene::new();
    scene.probe();
    provider(&scene).save("l.py");
    let mut watch = scene.watching();
    let fork = "import os
pid = os.fork()
if pid == 0:
    log('copy got %s' % context.get_service('it', 'nobody'))
    os._exit(0)
os.waitpid(pid, 0)";
    scene.plugin("a").init(fork).save("a.py");
    watch.expect_loaded("a");
    watch.assert_quiet();
    assert_eq!(scene.told("copy got nobody"), 1);
}

#[test]
fn watch_toml_can_make_one_lazy() {
    let scene = Scene::new();
    scene.plugin("l").init("context.register_service('l', 'l')").save("l.py");
    scene.write_outside("watch.toml", "[plugins.l]\nactivation = \"lazy\"\n");
    let mut watch = scene.watching();
    scene.plugin("a").init("log('a got %s' % context.get_service('l'))").save("a.py");
    watch.expect_loaded("l");
    watch.expect_loaded("a");
    assert_eq!(scene.told("a got l"), 1);
}

#[test]
fn exec_wakes_what_its_code_asks_for() {
    let scene = Scene::new();
    scene.plugin("a").save("a.py");
    scene.plugin("b").init("context.register_service('b', 'b')").save("b.py");
    provider(&scene).save("l.py");
    let code = "context.get_service('b') + ' ' + context.get_service('it')";
    let output = scene.command(["exec", "a", code, "plugins"]).output().unwrap();
    let (code, stdout, stderr) = said(&output);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "'b it of one'\n", ""));
    let ends = ["l shutdown one", "b shutdown one", "a shutdown one"];
    let log = scene.log();
    assert!(ends.iter().all(|line| log.contains(&(*line).to_owned())), "{log:?}");
}

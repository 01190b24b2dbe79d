//! `replug bridge`: the conversations of `tests/bridge/`, and what lines cannot show: what plugins
//! print, hangs, crashes of the other side, and the end.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::{fs, mem, thread};

use serde_json::{Value, json};

use crate::support::Scene;
use crate::support::pipes::{DEADLINE, Tape, read_lines, reap};

/// The program that a host has started.
pub(crate) struct Bridge {
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Arc<Tape>,
    exit: Receiver<ExitStatus>,
    pub(crate) pid: i32,
}

impl Bridge {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child: Child = command.spawn().unwrap();
        let stderr = Arc::new(Tape::default());
        let tape = stderr.clone();
        crate::support::pipes::drain(child.stderr.take().unwrap(), tape);
        let lines = read_lines(child.stdout.take().unwrap(), Arc::default());
        let (stdin, pid) = (child.stdin.take(), child.id().cast_signed());
        Self { stdin, lines, stderr, exit: reap(child), pid }
    }

    /// In a scene with the plugins of `tests/bridge/plugins`, after it said that it is ready.
    pub(crate) fn ready(scene: &Scene, options: &[&str]) -> Self {
        let mut bridge = Self::start(command(scene, options));
        assert_eq!(bridge.read(), json!({"ready": true}));
        bridge
    }

    pub(crate) fn send(&mut self, line: impl AsRef<[u8]>) {
        let mut line = line.as_ref().to_vec();
        line.push(b'\n');
        self.stdin.as_mut().unwrap().write_all(&line).unwrap();
    }

    /// The next line.
    pub(crate) fn read(&mut self) -> Value {
        let line = self.lines.recv_timeout(DEADLINE);
        let line = line.unwrap_or_else(|error| panic!("{error}: {}", self.stderr.text()));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The answer to a request.
    pub(crate) fn ask(&mut self, request: Value) -> Value {
        self.send(request.to_string());
        let answer = self.read();
        assert_eq!(answer["id"], request["id"], "{answer}");
        answer
    }

    /// Ends what it reads from.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end: the exit code, the lines that were not read, and stderr.
    pub(crate) fn end(self) -> (Option<i32>, Vec<String>, String) {
        let status = self.exit.recv_timeout(DEADLINE).expect("it goes on");
        let left = self.lines.iter().collect();
        assert!(self.stderr.wait(|_, ended| ended), "stderr stays open");
        (status.code(), left, self.stderr.text())
    }

    fn signal(&self, name: &str) {
        let pid = self.pid.to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }
}

fn cases() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bridge")
}

/// `replug bridge` in a folder with the plugins.
fn command(scene: &Scene, options: &[&str]) -> Command {
    copy(&cases().join("plugins"), &scene.root());
    let mut command = scene.command([&["bridge"], options].concat());
    command.current_dir(scene.root());
    command
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Whether `found` is what a case expects; see `tests/bridge/README`.
fn fits(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(expected), Value::String(found)) => match expected.strip_prefix('~') {
            Some(part) => found.contains(part),
            None => found == expected,
        },
        (Value::Array(expected), Value::Array(found)) => {
            let all = |(expected, found)| fits(expected, found);
            expected.len() == found.len() && expected.iter().zip(found).all(all)
        }
        (Value::Object(expected), Value::Object(found)) => {
            if let Some(Value::Object(all)) = expected.get("=") {
                return all.len() == found.len()
                    && fits(&Value::Object(all.clone()), &found.clone().into());
            }
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|it| fits(value, it)))
        }
        _ => expected == found,
    }
}

/// A conversation as it stands in the file; what was on stderr in the end.
fn converse(name: &str) -> String {
    let scene = Scene::new();
    let mut bridge = Bridge::start(command(&scene, &[]));
    let text = fs::read_to_string(cases().join(name)).unwrap();
    let mut last = "";
    for (number, line) in text.lines().enumerate() {
        match line.split_at_checked(1) {
            Some((">", request)) => {
                last = request.strip_prefix(' ').unwrap_or(request);
                bridge.send(last);
            }
            Some(("<", expected)) => {
                let expected: Value = serde_json::from_str(expected).unwrap();
                let found = bridge.read();
                let place = format!("{name}:{}", number + 1);
                assert!(fits(&expected, &found), "{place}\n> {last}\n< {found}\n= {expected}");
            }
            _ => assert!(line.starts_with('#'), "{name}:{}: {line}", number + 1),
        }
    }
    bridge.close();
    let (code, left, stderr) = bridge.end();
    assert_eq!((code, left), (Some(0), Vec::new()), "{stderr}");
    stderr
}

#[test]
fn every_request_is_answered_as_the_table_has_it() {
    let stderr = converse("table.case");
    assert_eq!(stderr.matches("sample: shutdown\n").count(), 3, "{stderr}");
    assert!(stderr.contains("to stderr\n"), "{stderr}");
}

#[test]
fn plugins_are_loaded_by_path_and_class() {
    let stderr = converse("loading.case");
    // At the end of its input: dependents first, each once.
    let order = ["needs: shutdown\n", "named: shutdown\n"];
    let found = order.map(|line| stderr.rfind(line).unwrap_or_else(|| panic!("{stderr}")));
    assert!(found[0] < found[1], "{stderr}");
    assert_eq!(stderr.matches(order[0]).count(), 1, "{stderr}");
}

#[test]
fn what_fails_is_told_and_leaves_nothing() {
    let stderr = converse("failures.case");
    assert_eq!(stderr.matches("refuses: cleaned up\n").count(), 1, "{stderr}");
    assert!(!stderr.contains("refuses: shutdown"), "{stderr}");
    for line in ["raw\n", "dunder\n", "from a child\n"] {
        assert!(stderr.contains(line), "{line:?} is not in {stderr}");
    }
}

#[test]
fn values_that_json_has_not_are_marked() {
    converse("values.case");
}

#[test]
fn bad_lines_are_answered_and_survived() {
    converse("bad_lines.case");
}

#[test]
fn every_case_is_run() {
    let source = fs::read_to_string(file!()).unwrap();
    for entry in fs::read_dir(cases()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        assert!(!name.ends_with(".case") || source.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn bytes_that_are_no_text_and_long_lines_are_answered() {
    let scene = Scene::new();
    let mut bridge = Bridge::ready(&scene, &[]);
    bridge.send(b"{\"type\": \"initialize\", \"id\": 2, \"x\": \"\xff\"}");
    let answer = bridge.read();
    assert_eq!((&answer["id"], &answer["success"]), (&json!(2), &json!(false)), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("not UTF-8"), "{answer}");
    bridge.send(b"\xff\xfe\x00");
    assert_eq!(bridge.read()["id"], Value::Null);
    bridge.send("[".repeat(200_000));
    assert_eq!(bridge.read()["id"], Value::Null);
    let nested = "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000);
    bridge.send(nested);
    assert_eq!(bridge.read()["id"], Value::Null);
    bridge.send(format!("{{\"type\": \"initialize\", \"id\": {}}}", "9".repeat(10_000)));
    assert_eq!(bridge.read()["id"], Value::Null);
    bridge.send(b"\xef\xbb\xbf{\"type\": \"initialize\", \"id\": 4}\r");
    assert_eq!(bridge.read(), json!({"id": 4, "success": true}));

    bridge.ask(json!({"type": "load_plugin", "id": 6, "plugin_path": "values.py", "plugin_class": "Values"}));
    let long = "ä".repeat(500_000);
    let echo = json!({"type": "call_method", "id": 8, "plugin_id": "values", "method_name": "echo", "parameters": [long]});
    assert!(bridge.ask(echo)["result"] == *long);
    // The last line need not end.
    bridge.stdin.as_mut().unwrap().write_all(b"{\"type\": \"initialize\", \"id\": 10}").unwrap();
    bridge.close();
    assert_eq!(bridge.read(), json!({"id": 10, "success": true}));
    assert_eq!(bridge.end().0, Some(0));
}

#[test]
fn requests_that_come_all_at_once_are_answered_in_order() {
    let scene = Scene::new();
    let mut bridge = Bridge::ready(&scene, &[]);
    let mut stdin = bridge.stdin.take().unwrap();
    // More than fits into a pipe, so it is written beside the reading.
    let writer = thread::spawn(move || {
        for id in 0..5000 {
            writeln!(stdin, "{{\"type\": \"initialize\", \"id\": {id}}}").unwrap();
        }
    });
    for id in 0..5000 {
        assert_eq!(bridge.read()["id"], json!(id));
    }
    writer.join().unwrap();
    assert_eq!(bridge.end().0, Some(0));
}

const HANGS: &str = "
import time

class Hangs:
    def initialize(self): pass
    def shutdown(self): print('hangs: shutdown')
    def sleep(self): time.sleep(1e6)
    def spin(self):
        while True:
            try:
                time.sleep(1e6)
            except BaseException:
                pass
    @property
    def slow(self): time.sleep(1e6)
";

#[test]
fn what_hangs_is_a_failure_at_its_deadline() {
    let scene = Scene::new();
    let mut bridge = Bridge::ready(&scene, &["--timeout", "0.3"]);
    scene.write("hangs.py", HANGS);
    scene.write("asleep.py", "import time\ntime.sleep(1e6)\n");
    let load =
        json!({"type": "load_plugin", "id": 2, "plugin_path": "asleep.py", "plugin_class": ""});
    let answer = bridge.ask(load);
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("PluginTimeout: did not come back within 0.3 s"), "{answer}");
    let load =
        json!({"type": "load_plugin", "id": 4, "plugin_path": "hangs.py", "plugin_class": "Hangs"});
    // A property that hangs takes the description of the plugin with it, and nothing else.
    assert_eq!(bridge.ask(load)["success"], json!(false));
    for (id, method) in [(6, "sleep"), (8, "spin")] {
        let call =
            json!({"type": "call_method", "id": id, "plugin_id": "hangs", "method_name": method});
        let answer = bridge.ask(call);
        assert!(answer["error"].as_str().unwrap().contains("PluginTimeout"), "{answer}");
        assert!(
            answer["traceback"].as_str().unwrap().contains(&format!("in {method}")),
            "{answer}"
        );
    }
    let code = json!({"type": "execute_code", "id": 10, "code": "while True: pass"});
    let answer = bridge.ask(code);
    assert!(answer["error"].as_str().unwrap().contains("PluginTimeout"), "{answer}");
    assert_eq!(bridge.ask(json!({"type": "initialize", "id": 12}))["success"], json!(true));
    bridge.close();
    let (code, _, stderr) = bridge.end();
    assert_eq!((code, stderr.matches("hangs: shutdown\n").count()), (Some(0), 1), "{stderr}");
}

#[test]
fn a_signal_stops_it_and_a_call_under_way() {
    let scene = Scene::new();
    for name in ["TERM", "INT"] {
        let mut bridge = Bridge::ready(&scene, &[]);
        scene.write(
            "hangs.py",
            format!("{HANGS}    def told(self):\n        print('now', flush=True); self.sleep()\n")
                .replace("@property", ""),
        );
        bridge.ask(json!({"type": "load_plugin", "id": 2, "plugin_path": "hangs.py", "plugin_class": "Hangs"}));
        bridge.send(
            json!({"type": "call_method", "id": 4, "plugin_id": "hangs", "method_name": "told"})
                .to_string(),
        );
        assert!(
            bridge.stderr.wait(|bytes, _| bytes.ends_with(b"now\n")),
            "{}",
            bridge.stderr.text()
        );
        bridge.signal(name);
        let answer = bridge.read();
        assert!(answer["error"].as_str().unwrap().contains("replug stops"), "{answer}");
        let (code, left, stderr) = bridge.end();
        assert_eq!((code, left.len()), (Some(0), 0), "{stderr}");
        assert_eq!(stderr.matches("hangs: shutdown\n").count(), 1, "{stderr}");
    }
}

#[test]
fn threads_forks_and_children_of_plugins_do_not_hold_it_up() {
    let scene = Scene::new();
    let mut bridge = Bridge::ready(&scene, &[]);
    scene.write(
        "busy.py",
        "
import os, subprocess, threading, time

class Busy:
    def initialize(self):
        threading.Thread(target=time.sleep, args=(1e6,)).start()
    def fork(self):
        return os.fork() != 0
    def child(self):
        self.process = subprocess.Popen(
            ['sleep', '1000'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return self.process.pid
    def shutdown(self):
        pass
",
    );
    bridge.ask(
        json!({"type": "load_plugin", "id": 2, "plugin_path": "busy.py", "plugin_class": "Busy"}),
    );
    let fork = json!({"type": "call_method", "id": 4, "plugin_id": "busy", "method_name": "fork"});
    assert_eq!(bridge.ask(fork)["result"], json!(true));
    let child =
        json!({"type": "call_method", "id": 6, "plugin_id": "busy", "method_name": "child"});
    let child = bridge.ask(child)["result"].as_i64().unwrap();
    assert_eq!(bridge.ask(json!({"type": "shutdown", "id": 8}))["success"], json!(true));
    // The end of the pipe says that no copy of the process and no child has it.
    let (code, left, stderr) = bridge.end();
    assert!(Command::new("kill").arg(child.to_string()).status().unwrap().success());
    assert_eq!((code, left.len()), (Some(0), 0), "{stderr}");
}

#[test]
fn a_host_that_goes_away_ends_it() {
    let scene = Scene::new();
    let mut bridge = Bridge::ready(&scene, &[]);
    bridge.ask(
        json!({"type": "load_plugin", "id": 2, "plugin_path": "named.py", "plugin_class": ""}),
    );
    let (_, nobody) = std::sync::mpsc::channel();
    // The reader's thread ends with the next line, and with it the pipe.
    drop(mem::replace(&mut bridge.lines, nobody));
    bridge.send("{}");
    let (code, _, stderr) = bridge.end();
    assert_eq!((code, stderr.matches("named: shutdown\n").count()), (Some(0), 1), "{stderr}");
}

#[test]
fn a_failed_reload_keeps_the_plugin() {
    let scene = Scene::new();
    let mut bridge = Bridge::ready(&scene, &[]);
    bridge
        .ask(json!({"type": "load_plugin", "id": 2, "plugin_path": "folder", "plugin_class": ""}));
    let reload = |id: u32| json!({"type": "reload_plugin", "id": id, "plugin_id": "org.folder"});
    let call = |id: u32| json!({"type": "call_method", "id": id, "plugin_id": "org.folder", "method_name": "answer"});
    scene.write("folder/helper.py", "ANSWER = 43\n");
    assert_eq!(bridge.ask(reload(4))["success"], json!(true));
    assert_eq!(bridge.ask(call(6))["result"], json!(43));
    for (text, error) in [("ANSWER = (\n", "SyntaxError"), ("raise KeyError\n", "KeyError")] {
        scene.write("folder/helper.py", text);
        let answer = bridge.ask(reload(8));
        assert!(answer["error"].as_str().unwrap().contains(error), "{answer}");
        assert_eq!(bridge.ask(call(10))["result"], json!(43));
    }
    scene.write("folder/helper.py", "ANSWER = 44\n");
    assert_eq!(bridge.ask(reload(12))["success"], json!(true));
    assert_eq!(bridge.ask(call(14))["result"], json!(44));
}

#[test]
fn events_are_told_to_whoever_subscribed() {
    let scene = Scene::new();
    let mut bridge = Bridge::ready(&scene, &[]);
    bridge.ask(json!({"type": "load_plugin", "id": 2, "plugin_path": "named.py", "plugin_class": "", "plugin_id": "n"}));
    let publish = |id: u32, event: &str| json!({"type": "call_method", "id": id, "plugin_id": "n", "method_name": "publish", "parameters": [event, {"a": 1}]});
    bridge.ask(publish(4, "tick"));
    let names = json!({"type": "subscribe_events", "id": 6, "plugin_id": "n", "event_names": ["tick", "reloaded", "failed"]});
    bridge.ask(names);
    bridge.send(publish(8, "tick").to_string());
    assert_eq!(bridge.read(), json!({"event": "tick", "plugin_id": "n", "data": {"a": 1}}));
    assert_eq!(bridge.read()["id"], json!(8));
    bridge.ask(publish(10, "tock"));
    bridge.send(json!({"type": "reload_plugin", "id": 12, "plugin_id": "n"}).to_string());
    let told = bridge.read();
    let expected =
        json!({"event": "reloaded", "plugin_id": "n", "generation": 2, "because": "manual"});
    assert!(fits(&expected, &told) && told.get("id").is_none(), "{told}");
    assert_eq!(bridge.read()["id"], json!(12));
    scene.write("named.py", "def f(:\n");
    bridge.send(json!({"type": "reload_plugin", "id": 14, "plugin_id": "n"}).to_string());
    let told = bridge.read();
    let expected = json!({"event": "failed", "plugin_id": "n", "phase": "parse", "kept": true, "error": {"type": "SyntaxError"}});
    assert!(fits(&expected, &told), "{told}");
    assert_eq!(bridge.read()["id"], json!(14));
}

#[test]
fn with_watch_a_save_reloads_by_itself() {
    let scene = Scene::new();
    let mut bridge = Bridge::ready(&scene, &["--watch"]);
    let load = |id: u32, path: &str| json!({"type": "load_plugin", "id": id, "plugin_path": path, "plugin_class": ""});
    bridge.ask(load(2, "folder"));
    bridge.ask(load(4, "sample.py"));
    let names = ["reloaded", "failed", "unloaded"];
    bridge.ask(json!({"type": "subscribe_events", "id": 6, "plugin_id": "org.folder", "event_names": names}));
    let answer = |bridge: &mut Bridge, expected: u32| {
        let call = json!({"type": "call_method", "id": 8, "plugin_id": "org.folder", "method_name": "answer"});
        assert_eq!(bridge.ask(call)["result"], json!(expected));
    };
    let told = |bridge: &mut Bridge, expected: Value| {
        let event = bridge.read();
        assert!(fits(&expected, &event) && event.get("id").is_none(), "{event}");
    };
    for number in 43..46 {
        scene.write("folder/helper.py", format!("ANSWER = {number}\n"));
        told(
            &mut bridge,
            json!({"event": "reloaded", "plugin_id": "org.folder", "because": "edit"}),
        );
        answer(&mut bridge, number);
    }
    // A bad save is told, and what ran goes on; nobody subscribed to the other plugin.
    scene.write("sample.py", "def f(:\n");
    scene.write("folder/helper.py", "ANSWER = (\n");
    told(
        &mut bridge,
        json!({"event": "failed", "plugin_id": "org.folder", "kept": true, "phase": "parse"}),
    );
    answer(&mut bridge, 45);
    // What it imports now and is missing is waited for.
    scene.write("folder/helper.py", "from other import ANSWER\n");
    told(&mut bridge, json!({"event": "failed", "phase": "import", "kept": true}));
    scene.write("folder/other.py", "ANSWER = 46\n");
    told(&mut bridge, json!({"event": "reloaded", "because": "edit"}));
    answer(&mut bridge, 46);
    // Renamed into place, as editors save.
    let beside = scene.write("folder/new.tmp", "ANSWER = 47\n");
    fs::rename(beside, scene.path("folder/other.py")).unwrap();
    told(&mut bridge, json!({"event": "reloaded"}));
    answer(&mut bridge, 47);
    scene.write("folder/plugin.json", r#"{"id": "org.folder", "version": "3.0.0"}"#);
    told(&mut bridge, json!({"event": "reloaded", "version": "3.0.0", "because": "metadata"}));
    // All of it at once.
    fs::rename(scene.path("folder"), scene.outside("folder")).unwrap();
    told(&mut bridge, json!({"event": "unloaded", "because": "deleted"}));
    let call = json!({"type": "get_plugin_info", "id": 10, "plugin_id": "org.folder"});
    assert_eq!(bridge.ask(call)["success"], json!(false));
    // The other one still runs what it ran.
    let call = json!({"type": "call_method", "id": 12, "plugin_id": "sample", "method_name": "add", "parameters": [1]});
    assert_eq!(bridge.ask(call)["result"], json!(1));
    bridge.close();
    assert_eq!(bridge.end().0, Some(0));
}

#[test]
fn settings_hold_and_bad_usage_is_told() {
    let scene = Scene::new();
    scene.write("watch.toml", "[plugins.\"org.named\"]\nconfiguration = { step = 7 }\n");
    let mut bridge = Bridge::ready(&scene, &[]);
    bridge.ask(
        json!({"type": "load_plugin", "id": 2, "plugin_path": "named.py", "plugin_class": ""}),
    );
    let step =
        json!({"type": "call_method", "id": 4, "plugin_id": "org.named", "method_name": "step"});
    assert_eq!(bridge.ask(step)["result"], json!(7));
    scene.write("watch.toml", "[plugins.\"org.named\"]\nenabled = false\n");
    let mut bridge = Bridge::ready(&scene, &[]);
    let load =
        json!({"type": "load_plugin", "id": 2, "plugin_path": "named.py", "plugin_class": ""});
    assert!(bridge.ask(load)["error"].as_str().unwrap().contains("watch.toml disables it"));
    scene.write("watch.toml", "bad = 1\n");
    let (code, left, stderr) = Bridge::start(command(&scene, &[])).end();
    assert_eq!((code, left.len()), (Some(2), 0), "{stderr}");
    let (code, _, stderr) = Bridge::start(command(&scene, &["--python", "/nowhere"])).end();
    assert_eq!(code, Some(2), "{stderr}");
}

//! What is a plugin: the rules of discovery, told through its public API.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests, too")]

use std::fs;
use std::path::{Path, PathBuf};

use replug::discovery::{Content, FolderVerdict, Index, classify_file, classify_folder};
use replug::model::Verdict;
use replug::model::{Candidate, Phase, PluginFault, PluginKind};
use replug::source::{ReadError, Source};
use serde_json::json;

fn file(text: impl AsRef<[u8]>) -> Verdict {
    classify_file(&Source::new("/plugins/clock.py", text.as_ref()))
}

#[track_caller]
fn plugin(text: impl AsRef<[u8]>) -> Candidate {
    match file(text) {
        Verdict::Plugin(candidate) => *candidate,
        other => panic!("no plugin: {other:?}"),
    }
}

#[track_caller]
fn broken(text: impl AsRef<[u8]>) -> PluginFault {
    match file(text) {
        Verdict::Broken { fault, .. } => fault,
        other => panic!("not broken: {other:?}"),
    }
}

#[track_caller]
fn unparsed(text: impl AsRef<[u8]>) -> (Option<String>, PluginFault, Option<Box<Candidate>>) {
    match file(text) {
        Verdict::Unparsed { id, fault, otherwise } => {
            let candidate = match *otherwise {
                Verdict::Plugin(candidate) => Some(candidate),
                _ => None,
            };
            (id.map(|id| id.to_string()), fault, candidate)
        }
        other => panic!("parsed: {other:?}"),
    }
}

fn id(text: impl AsRef<[u8]>) -> String {
    plugin(text).id.to_string()
}

// --- ids of file plugins ---

#[test]
fn the_id_of_a_literal_dict_is_found_however_it_is_written() {
    for text in [
        "PLUGIN_METADATA = {\"id\": \"com.example.a\"}",
        "PLUGIN_METADATA = {'id': 'com.example.a'}",
        "PLUGIN_METADATA: dict[str, object] = {'''id''': r'com.example.a'}",
        "PLUGIN_METADATA = {'id': 'com.' 'example'\n  '.a'}",
        "PLUGIN_METADATA = {'configuration': {'x': {}}, 'id': 'com.example.a'}",
        "PLUGIN_METADATA = {'author': {'id': 'author.one'}, 'id': 'com.example.a'}",
        "META = PLUGIN_METADATA = {'id': 'com.example.a'}",
        "PLUGIN_METADATA = {'id': 'old'}\nPLUGIN_METADATA = {'id': 'com.example.a'}",
        "if True:\n    try:\n        PLUGIN_METADATA = {'id': 'com.example.a'}\n    finally:\n        pass",
        "# PLUGIN_METADATA = {\"id\": \"ghost\"}\nPLUGIN_METADATA = {'id': 'com.example.a'}",
        "'''PLUGIN_METADATA = {\"id\": \"ghost\"}'''\nPLUGIN_METADATA = {'id': 'com.example.a'}",
        "PLUGIN_METADATA = {'id': 'com.example.a', **more, 'name': NAME}",
        "\u{feff}PLUGIN_METADATA = {'id': 'com.example.a'}",
        "import qtforge\r\nPLUGIN_METADATA = {\r\n 'id': 'com.example.a',\r\n}\r\n",
    ] {
        assert_eq!(id(text), "com.example.a", "{text}");
    }
}

#[test]
fn a_mark_in_comments_and_strings_makes_no_plugin() {
    for text in [
        "# PLUGIN_METADATA = {'id': 'ghost'}",
        "'''PLUGIN_METADATA = {\"id\": \"ghost\"}\nclass A(PluginInterface): pass'''",
        "x = 'from qtforge import core'",
        "",
        "x = 1",
        "from qtforge.core import PluginMetadata",
        "def f():\n    PLUGIN_METADATA = {'id': 'local'}",
        "def f():\n    class A(PluginInterface): pass",
        "class A(Other):\n    PLUGIN_METADATA = {'id': 'inner'}",
    ] {
        assert_eq!(file(text), Verdict::NotAPlugin, "{text}");
    }
}

#[test]
fn metadata_without_a_usable_id_is_a_fault_with_its_place() {
    for (text, line, column) in [
        ("PLUGIN_METADATA = {\n  'id': 'no id'}", 2, 9),
        ("PLUGIN_METADATA = {\n  'id': f'{x}'}", 2, 9),
        ("PLUGIN_METADATA = {'id': 1}", 1, 26),
        ("PLUGIN_METADATA = {'id': ''}", 1, 26),
        ("x = 1\nPLUGIN_METADATA = {'name': 'A'}", 2, 19),
        ("PLUGIN_METADATA = {}\nclass A(PluginInterface): pass", 1, 19),
        ("ä = 1; PLUGIN_METADATA = dict(id='a')", 1, 26),
    ] {
        let fault = broken(text);
        assert_eq!(
            (fault.phase, fault.kind.as_str()),
            (Phase::Metadata, "InvalidMetadata"),
            "{text}"
        );
        let place = fault.place.unwrap();
        assert_eq!((place.line, place.column), (Some(line), Some(column)), "{text}");
        assert_eq!(place.file, Path::new("/plugins/clock.py"));
    }
    assert!(broken("PLUGIN_METADATA = load()").message.contains("must be a literal dict"));
}

#[test]
fn a_computed_dict_leaves_the_word_to_the_next_rules() {
    let getter =
        "class A(PluginInterface):\n def get_metadata(self):\n  return PluginMetadata(id='com.a')";
    assert_eq!(id(format!("PLUGIN_METADATA = load()\n{getter}")), "com.a");
    assert_eq!(id("PLUGIN_METADATA = load()\nclass A(PluginInterface): pass"), "python.clock");
}

#[test]
fn the_id_of_a_metadata_call_is_found() {
    for (head, call) in [
        ("from qtforge.core import PluginMetadata", "PluginMetadata(id='com.a', name=NAME)"),
        ("from qtforge.core import PluginMetadata", "PluginMetadata('com.a', 'A')"),
        ("from qtforge.core import PluginMetadata as Meta", "Meta(id='com.a')"),
        ("import qtforge.core", "qtforge.core.PluginMetadata(id='com.a')"),
        ("import os, qtforge.core as q", "q.PluginMetadata(id='com.a')"),
        ("from qtforge import core", "[core.PluginMetadata(id='com.a')][0]"),
    ] {
        assert_eq!(
            id(format!("{head}\ndef get_metadata():\n    return {call}")),
            "com.a",
            "{call}"
        );
        assert_eq!(
            id(format!(
                "{head}\nclass A:\n  def get_metadata(self):\n    m = {call}\n    return m"
            )),
            "com.a"
        );
        assert_eq!(file(format!("{head}\ndef other():\n    return {call}")), Verdict::NotAPlugin);
    }
    let text =
        "class A(PluginInterface):\n def get_metadata(self):\n  return PluginMetadata(id='no id')";
    assert_eq!(broken(text).kind, "InvalidMetadata");
    let text = "class A(PluginInterface):\n def get_metadata(self):\n  return PluginMetadata(id=self.ID, version='2')";
    let candidate = plugin(text);
    assert_eq!((candidate.id.as_str(), candidate.provisional), ("python.clock", true));
    assert_eq!(candidate.metadata.version, "2");
}

#[test]
fn a_class_that_derives_from_a_plugin_base_gives_a_provisional_id() {
    for text in [
        "class A(PluginInterface): pass",
        "class A(Mixin, qtforge.core.ServicePlugin): pass",
        "from qtforge.core import PluginInterface as Base\nclass A(Base): pass",
        "import qtforge.core as q\nBase = q.PluginInterface\nclass A(Base): pass",
        "class A(PluginInterface): pass\nclass B(A): pass",
        "if x:\n  pass\nelse:\n  class A(ServicePlugin): pass",
        "try:\n  import y\nexcept ImportError:\n  class A(PluginInterface[int]): pass",
    ] {
        let candidate = plugin(text);
        assert_eq!(candidate.id.as_str(), "python.clock", "{text}");
        assert!(candidate.provisional);
        assert_eq!(candidate.metadata.name, "python.clock");
    }
    assert!(!plugin("PLUGIN_METADATA = {'id': 'a'}").provisional);
    let chain: String = (1..5000).map(|n| format!("class C{n}(C{}): pass\n", n - 1)).collect();
    assert!(plugin(format!("class C0(PluginInterface): pass\n{chain}")).provisional);
}

#[test]
fn a_stem_that_is_no_id_is_made_one() {
    let at = |path: PathBuf| match classify_file(&Source::new(
        path,
        &b"class A(PluginInterface): pass"[..],
    )) {
        Verdict::Plugin(candidate) => candidate,
        other => panic!("{other:?}"),
    };
    let candidate = at("/plugins/my clock\n(1).py".into());
    assert_eq!(candidate.id.as_str(), "python.my_clock__1_");
    assert_eq!(candidate.entry, Path::new("/plugins/my clock\n(1).py"));
    assert_eq!(at("/plugins/ähm.py".into()).id.as_str(), "python._hm");
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let path = PathBuf::from(std::ffi::OsString::from_vec(b"/plugins/a\xffb.py".to_vec()));
        let candidate = at(path.clone());
        assert_eq!(candidate.id.as_str(), "python.a_b");
        assert_eq!(candidate.entry, path);
    }
}

// --- the other fields ---

#[test]
fn literal_fields_are_merged_by_trust_and_checked() {
    let candidate = plugin(
        "PLUGIN_METADATA = {\n 'id': 'a', 'version': '1', 'dependencies': ('b',), 'shape': {'x': -1},\n 'tags': [T],\n}\n\
         class A(ServicePlugin):\n def get_metadata(self):\n  return PluginMetadata(id='z', version='2', \
         name='A', plugin_type=PluginType.SERVICE)",
    );
    assert_eq!(candidate.id.as_str(), "a");
    assert_eq!((candidate.kind, candidate.manifest), (PluginKind::File, None));
    assert_eq!(candidate.home, Path::new("/plugins"));
    assert_eq!(candidate.metadata.version, "1");
    assert_eq!(candidate.metadata.name, "A");
    assert_eq!(candidate.metadata.plugin_type, "service");
    assert_eq!(candidate.metadata.dependencies[0].as_str(), "b");
    assert_eq!(candidate.metadata.extra["shape"], json!({"x": -1}));
    assert!(!candidate.fields.contains_key("tags"));
}

#[test]
fn a_wrong_type_in_the_source_is_told_with_its_line() {
    let Verdict::Broken { id, fault } = file("PLUGIN_METADATA = {'id': 'a',\n  'tags': 'x'}")
    else {
        panic!()
    };
    assert_eq!(id.unwrap().as_str(), "a");
    assert_eq!(fault.message, "`tags` must be a list of strings, not a string");
    let place = fault.place.unwrap();
    assert_eq!((place.line, place.column, place.end_column), (Some(2), Some(11), Some(14)));
    assert_eq!(place.text.as_deref(), Some("  'tags': 'x'}"));
}

// --- what cannot be parsed ---

#[test]
fn a_syntax_error_matters_only_with_a_mark_as_text() {
    assert_eq!(file("def f(:\n"), Verdict::NotAPlugin);
    let (id, fault, candidate) = unparsed("# about PluginInterface\nx = = 1");
    assert_eq!((id, candidate), (None, None));
    assert_eq!((fault.phase, fault.kind.as_str()), (Phase::Parse, "SyntaxError"));
    let place = fault.place.unwrap();
    assert_eq!(
        (place.line, place.column, place.text.as_deref()),
        (Some(2), Some(5), Some("x = = 1"))
    );

    let (id, fault, candidate) =
        unparsed("PLUGIN_METADATA = {'id': 'com.a'}\n\nclass A(PluginInterface):\n  def f(:\n");
    assert_eq!(id.as_deref(), Some("com.a"));
    assert_eq!(fault.place.unwrap().line, Some(4));
    assert_eq!(candidate.unwrap().id.as_str(), "com.a");
    assert_eq!(unparsed("PLUGIN_METADATA = {'id': ").0, None);
}

#[test]
fn the_newest_syntax_is_not_refused() {
    assert_eq!(id("type X = int\nclass A[T](PluginInterface): x = f'{'a'}'"), "python.clock");
}

#[test]
fn encodings_are_pythons() {
    let candidate = plugin(b"# coding: latin-1\nPLUGIN_METADATA = {'id': 'a', 'name': '\xe4'}");
    assert_eq!(candidate.metadata.name, "ä");
    for (bytes, line) in [
        (&b"PLUGIN_METADATA = {'id': 'a'}\nx = '\xff'"[..], Some(2)),
        (b"# coding: nonsense\nPLUGIN_METADATA = {'id': 'a'}", Some(1)),
        (b"PLUGIN_METADATA = {'id': 'a'}\n# nul \0 here", Some(2)),
    ] {
        let (id, fault, candidate) = unparsed(bytes);
        assert_eq!(id.as_deref(), Some("a"));
        assert_eq!(fault.kind, "SyntaxError");
        assert_eq!(fault.place.unwrap().line, line);
        assert!(candidate.is_some());
    }
    assert_eq!(file(b"\xff\xfe\0\0x"), Verdict::NotAPlugin);
}

#[test]
fn no_nesting_ends_the_process() {
    let head = "PLUGIN_METADATA = {'id': 'a'}\nx = ";
    for (deep, times) in [
        ("(", 100_000),
        ("[", 1_000_000),
        ("-", 1_000_000),
        ("not ", 1_000_000),
        ("lambda:", 1_000_000),
    ] {
        let (_, fault, candidate) = unparsed(format!("{head}{}1", deep.repeat(times)));
        assert_eq!(
            (fault.phase, fault.kind.as_str(), candidate),
            (Phase::Parse, "SyntaxError", None)
        );
        assert!(fault.message.starts_with("too "), "{}", fault.message);
    }
    // The largest source that is read at all.
    let full = format!("{head}{}", "f(".repeat(8 * 1024 * 1024 - 20));
    assert_eq!(unparsed(full).1.message, "too many nested parentheses");
    assert_eq!(id(format!("{head}1{}", " + 1".repeat(5_000))), "a");
    let elif = "elif y:\n  pass\n".repeat(3_000);
    assert_eq!(id(format!("{head}1\nif x:\n  pass\n{elif}")), "a");
}

// --- folder plugins ---

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            let path = folder.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    /// The plugin's folder is one below, so that there is something beside it.
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("clock").join(name)
    }

    fn classify(&self) -> FolderVerdict {
        let manifest = Source::read(&self.path("plugin.json")).unwrap();
        let mut reads = 0;
        let verdict = classify_folder(&manifest, &|_| true, &mut |path| {
            reads += 1;
            Source::read(path)
        });
        assert!(reads <= 1);
        verdict
    }

    #[track_caller]
    fn plugin(&self) -> Candidate {
        match self.classify().verdict {
            Verdict::Plugin(candidate) => *candidate,
            other => panic!("no plugin: {other:?}"),
        }
    }

    #[track_caller]
    fn broken(&self) -> (Option<String>, PluginFault) {
        match self.classify().verdict {
            Verdict::Broken { id, fault } => (id.map(|id| id.to_string()), fault),
            other => panic!("not broken: {other:?}"),
        }
    }
}

#[test]
fn the_entry_is_found_by_the_rules_in_order() {
    let id = "{\"id\": \"a\"}";
    for (manifest, files, entry) in [
        (
            "{\"id\": \"a\", \"entry\": \"./sub/main.py\"}",
            &["sub/main.py", "plugin.py"][..],
            "sub/main.py",
        ),
        (id, &["plugin.py", "__init__.py", "clock.py", "x.py"], "plugin.py"),
        (id, &["__init__.py", "clock.py", "x.py"], "__init__.py"),
        (id, &["clock.py", "x.py"], "clock.py"),
        (id, &["x.py", ".hidden.py", "y.txt", "sub/z.py"], "x.py"),
    ] {
        let mut all = vec![("plugin.json", manifest)];
        all.extend(files.iter().map(|name| (*name, "x = 1")));
        let folder = Folder::new(&all);
        let FolderVerdict { entry: read, entry_path, .. } = folder.classify();
        assert_eq!(entry_path, Some(folder.path(entry)));
        assert_eq!(read.unwrap().path, folder.path(entry));
        let candidate = folder.plugin();
        assert_eq!((candidate.kind, candidate.provisional), (PluginKind::Folder, false));
        assert_eq!(candidate.entry, folder.path(entry));
        assert_eq!(candidate.home, folder.0.path().join("clock"));
        assert_eq!(candidate.manifest, Some(folder.path("plugin.json")));
    }
}

#[test]
fn no_entry_says_what_was_looked_for() {
    let (id, fault) = Folder::new(&[("plugin.json", "{\"id\": \"a\"}")]).broken();
    assert_eq!(id.as_deref(), Some("a"));
    assert_eq!((fault.phase, fault.kind.as_str()), (Phase::Metadata, "NoEntry"));
    for name in ["plugin.py", "__init__.py", "clock.py"] {
        assert!(fault.message.contains(name), "{}", fault.message);
    }
    let (_, fault) =
        Folder::new(&[("plugin.json", "{\"id\": \"a\"}"), ("x.py", ""), ("y.py", "")]).broken();
    assert!(fault.kind == "NoEntry" && fault.message.contains("x.py, y.py"), "{}", fault.message);
    for entry in ["gone.py", "sub", "", ".", "gone.py/x.py"] {
        let manifest = format!("{{\"id\": \"a\",\n\"entry\": {}}}", json!(entry));
        let (_, fault) = Folder::new(&[("plugin.json", &manifest), ("sub/x.py", "")]).broken();
        assert_eq!(fault.kind, "NoEntry", "{entry:?}");
        assert!(fault.message.contains(entry));
        assert_eq!(fault.place.unwrap().line, Some(2));
    }
}

#[test]
fn the_entry_lies_inside() {
    for entry in ["/etc/hostname", "../other.py", "sub/../../other.py", "../clock/plugin.py"] {
        let manifest = json!({"id": "a", "entry": entry}).to_string();
        let folder =
            Folder::new(&[("plugin.json", &manifest), ("../other.py", ""), ("plugin.py", "")]);
        assert_eq!(folder.broken().1.kind, "EntryOutside", "{entry}");
        assert_eq!(folder.classify().entry, None);
    }
}

#[cfg(unix)]
#[test]
fn symlinks_are_followed_before_the_entry_counts_as_inside() {
    use std::os::unix::fs::symlink;

    let folder =
        Folder::new(&[("plugin.json", "{\"id\": \"a\"}"), ("../other.py", ""), ("lib/in.py", "")]);
    symlink(folder.path("../other.py"), folder.path("plugin.py")).unwrap();
    assert_eq!(folder.broken().1.kind, "EntryOutside");
    fs::remove_file(folder.path("plugin.py")).unwrap();
    symlink(folder.path("lib/in.py"), folder.path("plugin.py")).unwrap();
    assert_eq!(folder.plugin().entry, folder.path("plugin.py"));

    // The folder itself may be reached through a link.
    symlink(folder.0.path().join("clock"), folder.0.path().join("linked")).unwrap();
    let manifest = Source::read(&folder.0.path().join("linked/plugin.json")).unwrap();
    let Verdict::Plugin(candidate) =
        classify_folder(&manifest, &|_| true, &mut Source::read).verdict
    else {
        panic!()
    };
    assert_eq!(candidate.home, folder.0.path().join("linked"));
}

#[test]
fn an_unreadable_entry_is_a_read_failure() {
    let folder = Folder::new(&[("plugin.json", "{\"id\": \"a\"}"), ("plugin.py", "")]);
    let manifest = Source::read(&folder.path("plugin.json")).unwrap();
    let denied = || ReadError::Io(std::io::ErrorKind::PermissionDenied.into());
    let Verdict::Broken { id, fault } =
        classify_folder(&manifest, &|_| true, &mut |_| Err(denied())).verdict
    else {
        panic!()
    };
    assert_eq!(
        (id.unwrap().as_str(), fault.phase, fault.kind.as_str()),
        ("a", Phase::Read, "PermissionError")
    );
    let Verdict::Broken { fault, .. } =
        classify_folder(&manifest, &|_| true, &mut |_| Err(ReadError::Missing)).verdict
    else {
        panic!()
    };
    assert_eq!((fault.phase, fault.kind.as_str()), (Phase::Metadata, "NoEntry"));
}

#[test]
fn the_manifest_is_trusted_more_than_the_entry() {
    let candidate = Folder::new(&[
        ("plugin.json", "{\"id\": \"a\", \"version\": \"1\", \"homepage\": [1]}"),
        (
            "plugin.py",
            "PLUGIN_METADATA = {'id': 'no id', 'version': '2', 'name': 'A', 'tags': ['t']}\n\
             def get_metadata():\n return qtforge.core.PluginMetadata(id='z', name='Z', license='MIT')",
        ),
    ])
    .plugin();
    assert_eq!(candidate.id.as_str(), "a");
    assert_eq!((candidate.metadata.version.as_str(), candidate.metadata.name.as_str()), ("1", "A"));
    assert_eq!((candidate.metadata.license.as_str(), candidate.metadata.tags.len()), ("MIT", 1));
    assert_eq!(candidate.metadata.extra["homepage"], json!([1]));
    assert_eq!(candidate.fields["name"], "A");
}

#[test]
fn the_entry_may_give_the_id() {
    let entry = |text| Folder::new(&[("plugin.json", "{\"name\": \"A\"}"), ("plugin.py", text)]);
    let candidate = entry("PLUGIN_METADATA = {'id': 'a'}").plugin();
    assert_eq!((candidate.id.as_str(), candidate.metadata.name.as_str()), ("a", "A"));
    assert_eq!(
        entry("def get_metadata():\n return PluginMetadata(id='b')").plugin().id.as_str(),
        "b"
    );
    let (id, fault) = entry("class A(PluginInterface): pass").broken();
    assert_eq!((id, fault.kind.as_str()), (None, "InvalidMetadata"));
    assert!(fault.message.contains("`id` is missing"));
}

#[test]
fn a_broken_manifest_is_told_with_its_place() {
    let manifest = |text| Folder::new(&[("plugin.json", text), ("plugin.py", "")]).broken();
    let (id, fault) = manifest("{\n \"id\": \"a\",\n}");
    assert_eq!((id, fault.phase, fault.kind.as_str()), (None, Phase::Metadata, "InvalidManifest"));
    assert_eq!(fault.place.unwrap().line, Some(3));

    let (id, fault) = manifest("{\n \"id\": \"a\",\n \"timeout\": \"10\"}");
    assert_eq!((id.as_deref(), fault.kind.as_str()), (Some("a"), "InvalidMetadata"));
    assert_eq!(fault.message, "`timeout` must be a number of seconds above 0, not a string");
    let place = fault.place.unwrap();
    assert_eq!((place.line, place.column, place.end_column), (Some(3), Some(2), Some(11)));
    assert_eq!(manifest("{\"id\": \"a b\"}").1.kind, "InvalidMetadata");
    assert!(
        manifest("{\"id\": \"a\", \"entry\": 1}").1.message.contains("`entry` must be a string")
    );
}

#[test]
fn an_entry_that_does_not_parse_keeps_the_manifests_id() {
    let folder = Folder::new(&[
        ("plugin.json", "{\"id\": \"a\", \"name\": \"A\"}"),
        ("plugin.py", "x = (\n"),
    ]);
    let FolderVerdict { verdict, entry, entry_path } = folder.classify();
    let Verdict::Unparsed { id, fault, otherwise } = verdict else { panic!("{verdict:?}") };
    assert_eq!((id.unwrap().as_str(), fault.phase), ("a", Phase::Parse));
    let Verdict::Plugin(candidate) = *otherwise else { panic!("{otherwise:?}") };
    assert_eq!(candidate.metadata.name, "A");
    assert_eq!(fault.place.unwrap().file, folder.path("plugin.py"));
    assert!(entry.is_some() && entry_path.is_some());
    let deep = format!("x = {}", "(".repeat(100_000));
    let folder = Folder::new(&[("plugin.json", "{\"id\": \"a\"}"), ("plugin.py", &deep)]);
    let Verdict::Unparsed { id, .. } = folder.classify().verdict else { panic!() };
    assert_eq!(id.unwrap().as_str(), "a");
}

// --- the index ---

#[test]
fn what_was_found_out_ahead_is_what_comes_unless_something_else_came() {
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock.py");
    let entry = folder.path().join("greeter/plugin.py");
    fs::create_dir(folder.path().join("greeter")).unwrap();
    fs::write(folder.path().join("greeter/plugin.json"), r#"{"id": "greeter"}"#).unwrap();
    fs::write(&clock, "PLUGIN_METADATA = {'id': 'a'}").unwrap();
    fs::write(&entry, "").unwrap();
    let files = vec![clock.clone(), entry.clone(), folder.path().join("greeter/plugin.json")];
    let index = || {
        let mut index = Index::default();
        index.fill(files.clone());
        index
    };
    let present = |source: &Source| (source.path.clone(), Content::Present(source.clone()));
    let one = Source::new(&clock, *b"PLUGIN_METADATA = {'id': 'b'}");
    let other = Source::new(&clock, *b"PLUGIN_METADATA = {'id': 'c'}");
    let edited = Source::new(&entry, *b"PLUGIN_METADATA = {'version': '2'}");
    for foreseen in [&one, &other, &edited] {
        for came in [vec![&one], vec![&other], vec![&edited], vec![&one, &edited]] {
            let contents = || came.iter().map(|source| present(source)).collect();
            let mut ahead = index();
            ahead.look_ahead(foreseen);
            assert_eq!(ahead.update(contents()), index().update(contents()));
            assert!(ahead.is_known(&came[0].path, &present(came[0]).1));
        }
    }
}

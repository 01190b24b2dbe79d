//! Plugins that break the interpreter that they share with others: what can be put back is, and what
//! cannot ends that process, in the name of the one that did it, before anybody else is hurt.

use crate::support::Scene;
use crate::support::event::{Because, Event, Phase};

/// However `a` broke things, `b` and `c` go on, and `a` itself can be mended.
fn hurts_nobody(lines: &str) {
    let scene = Scene::with(&["b"]);
    // It imports what nobody has imported yet, prints, logs, starts a thread, makes a class.
    let work = "import colorsys, dataclasses, logging, threading, helper\n\
                @dataclasses.dataclass\nclass Point:\n    x: int = 1\n\
                logging.getLogger('b').warning('%s', Point())\n\
                thread = threading.Thread(target=lambda: log(f'{self.get_metadata().id} at work'))\n\
                thread.start()\nthread.join()";
    scene.write("helper.py", "VALUE = 1\n");
    let mut watch = scene.watching_with(&["--timeout", "1"]);
    scene.plugin("a").init(lines).save("a.py");
    // Whether it goes live, fails, or costs the process, is its own business.
    watch.wait(|event| event.is_outcome() && event.id() == Some("a"));
    for (id, file) in [("b", "b.py"), ("c", "c.py")] {
        scene.plugin(id).tag("two").init(work).save(file);
        let mut failed = Vec::new();
        watch.wait(|event| match event {
            Event::Failed(told) if told.id.as_deref() != Some("a") => {
                failed.push(told.clone());
                true
            }
            Event::Reloaded(live) => live.id == id && live.because == Because::Edit,
            event => event.is_live(id),
        });
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(scene.told(&format!("{id} at work")), 1);
    }
    scene.plugin("a").tag("two").init(work).save("a.py");
    watch.wait(|event| match event {
        Event::Failed(failed) => {
            assert!(failed.phase == Phase::Host, "{failed:?}");
            false
        }
        Event::Reloaded(live) => live.id == "a" && live.because != Because::Host,
        event => event.is_live("a"),
    });
    assert_eq!(scene.told("a at work"), 1);
    let end = watch.stop();
    assert!(!end.iter().any(|event| matches!(event, Event::Failed(_))), "{end:?}");
    for id in ["a", "b", "c"] {
        assert_eq!(scene.told(&format!("{id} shutdown two")), 1, "{id}");
    }
}

#[test]
fn sys_modules_emptied() {
    hurts_nobody("import sys\nsys.modules.clear()");
}

#[test]
fn sys_modules_replaced() {
    hurts_nobody("import sys\nsys.modules = {}");
}

#[test]
fn modules_of_the_standard_library_removed() {
    hurts_nobody(
        "import sys\nfor name in ('os', 'io', 'logging', 'importlib', 'threading'):\n    sys.modules.pop(name, None)",
    );
}

#[test]
fn no_import_in_builtins() {
    hurts_nobody("import builtins\nbuiltins.__import__ = None");
}

#[test]
fn builtins_removed() {
    hurts_nobody(
        "import builtins\ndel builtins.isinstance, builtins.print, builtins.len, builtins.__build_class__",
    );
}

#[test]
fn an_audit_hook_that_raises() {
    hurts_nobody(
        "import sys\n\
         def hook(event, arguments):\n    raise RuntimeError('not allowed')\n\
         sys.addaudithook(hook)",
    );
}

#[test]
fn a_trace_function_that_raises() {
    hurts_nobody(
        "import sys, threading\n\
         def trace(*_):\n    raise RuntimeError('traced')\n\
         sys.settrace(trace)\nsys.setprofile(trace)\nthreading.settrace(trace)\nthreading.setprofile(trace)",
    );
}

#[test]
fn finders_replaced() {
    hurts_nobody(
        "import sys\nsys.meta_path[:] = []\nsys.path_hooks = []\nsys.path_importer_cache = None",
    );
}

#[test]
fn importlib_patched() {
    hurts_nobody(
        "import importlib, importlib._bootstrap\n\
         importlib.import_module = None\n\
         importlib._bootstrap._find_and_load = None\n\
         importlib._bootstrap._ModuleLockManager = None\n\
         importlib._bootstrap._gcd_import = None",
    );
}

#[test]
fn no_collection_of_garbage() {
    hurts_nobody("import gc\ngc.disable()\ngc.set_threshold(0)");
}

#[test]
fn no_depth() {
    hurts_nobody(
        "import sys\ntry:\n    sys.setrecursionlimit(1)\nexcept RecursionError:\n    sys.setrecursionlimit(60)",
    );
}

#[test]
fn the_api_patched() {
    hurts_nobody(
        "import qtforge.core, qtforge._context, qtforge._hub\n\
         qtforge.core.PluginInterface = None\nqtforge._context.PluginContext.__init__ = None\n\
         qtforge._hub.Hub.publish = None\n\
         qtforge.core.PluginMetadata.__init__ = qtforge.core.ServicePlugin.__init__ = None\n\
         qtforge.core.PluginInterface.__subclasshook__ = classmethod(lambda *_: 1 / 0)",
    );
}

#[test]
fn logging_broken() {
    hurts_nobody("import logging\nlogging.getLogger = None\nlogging.Logger.manager = None");
}

#[test]
fn no_hooks() {
    hurts_nobody("import sys\nsys.excepthook = sys.unraisablehook = None\ndel sys.displayhook");
}

#[test]
fn no_streams() {
    hurts_nobody("import sys\nsys.stdout = sys.stderr = sys.stdin = None");
}

#[test]
fn functions_of_the_system_removed() {
    hurts_nobody(
        "import _thread, os, threading, time\n\
         for module in (os, _thread, threading, time):\n    \
         for name, value in list(vars(module).items()):\n        \
         if callable(value) and not name.startswith('__'): delattr(module, name)",
    );
}

#[test]
fn values_of_sys_set_to_none() {
    hurts_nobody(
        "import sys\nsys.flags = sys.implementation = sys.version_info = sys.argv = None\n\
         sys.stdlib_module_names = sys.builtin_module_names = None",
    );
}

#[test]
fn what_classes_and_streams_are_made_of_set_to_none() {
    hurts_nobody(
        "import _io, contextlib, functools, io, marshal, re, types, weakref\n\
         for module in (_io, contextlib, functools, io, marshal, re, types, weakref):\n    \
         for name, value in list(vars(module).items()):\n        \
         if callable(value) and not name.startswith('__'): setattr(module, name, None)",
    );
}

/// The first of them would not even let the next module be read.
#[test]
fn limits_of_the_process_lowered() {
    hurts_nobody(
        "import resource, os\n\
         def lower(what, to): resource.setrlimit(what, (to, resource.getrlimit(what)[1]))\n\
         lower(resource.RLIMIT_NOFILE, 3)\nlower(resource.RLIMIT_AS, 4096)\n\
         lower(resource.RLIMIT_FSIZE, 1)\nos.umask(0o777)",
    );
}

#[test]
fn open_replaced() {
    hurts_nobody(
        "import builtins, io, os\nbuiltins.open = io.open = os.open = None\nbuiltins.str = None",
    );
}

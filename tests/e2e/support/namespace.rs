//! The program on a machine that allows less: in a user namespace of its own.
//!
//! A machine without user namespaces cannot show what happens there, and the tests say so.

use std::process::Command;

use super::files::run;
use super::scene::Scene;

/// The program where one of the limits for inotify, such as `max_inotify_watches`, is `value`.
pub(crate) fn limited(scene: &Scene, limit: &str, value: &str, args: &[&str]) -> Command {
    within(scene, "-Ur", &format!("echo {value} > /proc/sys/user/{limit}"), args)
}

/// The program where `folder`, which has to be there, can be read and not be written to.
pub(crate) fn read_only(scene: &Scene, folder: &str, args: &[&str]) -> Command {
    let mount = format!("mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}");
    within(scene, "-Urm", &mount, args)
}

/// The program in the namespaces that `flags` name, after `before` was done there.
fn within(scene: &Scene, flags: &str, before: &str, args: &[&str]) -> Command {
    run("unshare", [flags, "true"]);
    let program = scene.command(args);
    let mut command = Command::new("unshare");
    command.args([flags, "sh", "-c"]).arg(format!("{before} && exec \"$@\"")).arg("sh");
    command.arg(program.get_program()).args(program.get_args());
    command.current_dir(scene.outside(""));
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

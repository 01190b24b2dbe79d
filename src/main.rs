//! The `replug` command: a thin user of the library.

fn main() {
    replug::cli::leave(replug::cli::run(std::env::args_os()))
}

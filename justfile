# The steps of .ci/run by the same names, for those who have `just`. `just` alone lists them.

[private]
default:
    @just --list --unsorted

# Watch sample-plugins/ (or what ARGS say)
run *ARGS:
    cargo run -- {{ ARGS }}

# Everything that CI runs
ci:
    .ci/run

# The formatting
fmt:
    .ci/run fmt

# The lints
clippy:
    .ci/run clippy

# The documentation builds without a warning
docs:
    .ci/run docs

# All tests
test:
    ./test

//! How much memory the program and the process of its plugins take, for the log.
//!
//! Only Linux tells that in a file; elsewhere nothing is said.

use std::fs;

/// Logs it.
pub(super) fn log(host: Option<u32>) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let Some(own) = resident("self") else { return };
    match host.and_then(|host| Some((host, resident(&host.to_string())?))) {
        Some((host, plugins)) => {
            tracing::info!("memory: replug {own:.1} MB, plugins {plugins:.1} MB (process {host})");
        }
        None => tracing::info!("memory: replug {own:.1} MB"),
    }
}

/// What of a process is in memory now, in MB.
fn resident(process: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

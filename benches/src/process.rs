//! What Linux tells of this process; elsewhere nothing.

use std::fs;

/// Ticks a second of the times in /proc, on every Linux that Rust's standard library runs on.
const TICKS: f64 = 100.0;

/// Seconds that this process has used, summed over all cores.
pub fn core_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name is the second field and may hold spaces; user and system time are the 14th and 15th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: Option<u64> = [11, 12].into_iter().map(|at| fields.get(at)?.parse::<u64>().ok()).sum();
    Some(ticks? as f64 / TICKS)
}

/// The most resident memory since the last [`forget_peak`], mapped files included, in bytes.
pub fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Lets the system count the peak of resident memory anew.
pub fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

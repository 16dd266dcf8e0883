//! What the system tells of this process.

/// The most resident memory since the last [`forget_peak`], mapped keys included, in bytes; where the system tells it.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// Lets the system count the peak anew. Where it cannot, the peak of all before counts on.
pub fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// All memory of the machine and what of it is available, in bytes; where the system tells it.
pub fn memory() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
    };
    Some((field("MemTotal:")?, field("MemAvailable:")?))
}

/// Bytes that are free where a path lies; where the system tells it.
pub fn disk_free(path: &std::path::Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(path).ok()?;
        disk.f_bavail.checked_mul(disk.f_frsize)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Whether the system lets this process write to a folder; nothing is written. Where it does not say, it may.
pub fn may_write(folder: &std::path::Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(Into::into)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}

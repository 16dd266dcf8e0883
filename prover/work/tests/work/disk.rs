//! [`SmallDisk`]: a file system of some kilobytes, which tests fill; and [`apart`], where it may be mounted.
//!
//! Mounting is root's right. A test that needs it runs again in a mount namespace of its own: root's, or one where the system lets its user be root. What
//! is mounted there ends with the last process there, so nothing stays mounted, however the test ends. Where there is no such namespace the test
//! says so and passes.
#![allow(dead_code, reason = "each test program uses a part of this module")]

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set where mounting is allowed.
const INSIDE: &str = "TAPSTONE_TEST_MAY_MOUNT";
/// What fills a disk.
const FILLER: &str = "filler";

/// Runs `body`, the whole of the test of that name (with its modules), in a mount namespace of its own.
#[track_caller]
pub fn apart(test: &str, body: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        return body();
    }
    let root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(if root { &["--mount"][..] } else { &["--map-root-user", "--mount"] });
        command
    };
    let temp = tempfile::tempdir().unwrap();
    let probe = unshare().args(["mount", "-t", "tmpfs", "-o", "size=64k", "none"]).arg(temp.path()).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("NOT TESTED: nothing can be mounted here, neither as root nor by unshare --map-root-user --mount");
        return;
    }
    let program = env::current_exe().unwrap();
    let output = unshare().arg(program).args(["--exact", test, "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // No test of that name would be a success too.
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{test}: {said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A file system in memory, mounted on a folder for as long as this lives.
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Of so many KiB, on a folder that is made if it is missing.
    pub fn mount(at: &Path, kib: u32) -> Self {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={kib}k");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(at).status().unwrap();
        assert!(status.success(), "mount {}", at.display());
        Self { at: at.to_owned() }
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut file = File::create(self.at.join(FILLER)).unwrap();
        let error = loop {
            if let Err(error) = file.write_all(&[0; 512]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    }

    /// Takes away what filled it.
    pub fn make_space(&self) {
        fs::remove_file(self.at.join(FILLER)).unwrap();
    }

    /// The files in it, but for what fills it.
    pub fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.at.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with(FILLER) {
                    files.push(path);
                }
            }
        }
        files
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = |more: &[&str]| Command::new("umount").args(more).arg(&self.at).status().is_ok_and(|s| s.success());
        // Who still has a file of it open must not keep it.
        let _ = unmounted(&[]) || unmounted(&["--lazy"]);
    }
}

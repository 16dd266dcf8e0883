//! Where results go: full disks, folders that cannot be written to, closed pipes. Nothing half-written stays behind.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::*;

fn prove_to<'a>(batch: &'a Path, keys: &'a Path, out: &'a Path) -> [&'a str; 8] {
    ["prove", text(batch), "--shape", "tiny", "--keys", text(keys), "--out", text(out)]
}

/// A small file system of its own; `None`, with the reason on standard error, where none can be mounted.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn new(megabytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={megabytes}m");
        match Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).output() {
            Ok(output) if output.status.success() => Some(Self { folder }),
            Ok(output) => {
                eprintln!("skipped: no tmpfs can be mounted: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(e) => {
                eprintln!("skipped: no tmpfs can be mounted: {e}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves no room.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

#[test]
fn results_do_not_fit_on_a_full_disk() {
    let Some(disk) = Disk::new(1) else { return };
    let (keys, batch, out) = (Proven::once().keys(), batches().join("tiny.jsonl"), disk.path().join("out"));
    fs::create_dir(&out).unwrap();
    let key = fs::read(Proven::once().file("verifying.key")).unwrap();
    fs::write(out.join("verifying.key"), &key).unwrap();
    let filler = disk.fill();
    refused(&prove_to(&batch, &keys, &out), 5, "No space left");
    assert_eq!(names(&out), ["verifying.key"]);
    assert_eq!(fs::read(out.join("verifying.key")).unwrap(), key);
    let secret = disk.path().join("secret");
    refused(&["wallet", "new", text(&secret)], 5, "No space left");
    assert!(!secret.exists(), "half a secret would stand in the way of the next try");
    fs::remove_file(filler).unwrap();
    assert_eq!(tapstone(&["wallet", "new", text(&secret)]).0, 0);
}

#[test]
fn a_key_that_does_not_fit_leaves_the_old_one() {
    let Some(disk) = Disk::new(1) else { return };
    refused(&["setup", "--shape", "tiny", "--keys", text(disk.path())], 5, "No space left");
    assert!(names(disk.path()).is_empty());
    // Room for one key of 19 MB, not for two.
    let Some(disk) = Disk::new(24) else { return };
    let key = disk.path().join("tiny-v3.tapstone-key");
    fs::copy(Proven::once().key(), &key).unwrap();
    refused(&["setup", "--force", "--shape", "tiny", "--keys", text(disk.path())], 5, "No space left");
    assert_eq!(names(disk.path()), ["tiny-v3.tapstone-key"]);
    assert!(fs::read(&key).unwrap() == fs::read(Proven::once().key()).unwrap(), "the old key is untouched");
}

#[cfg(unix)]
#[test]
fn folders_that_cannot_be_written_to_are_found_before_keys_are_made() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (closed, keys) = (folder.path().join("closed"), folder.path().join("keys"));
    let batch = batches().join("tiny.jsonl");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    refused(&prove_to(&batch, &keys, &file), 5, "not a folder");
    refused(&prove_to(&batch, &keys, &file.join("below")), 5, text(&file));
    refused(&["setup", "--shape", "tiny", "--keys", text(&file)], 5, text(&file));
    if Path::new("/dev/full").exists() {
        refused(&prove_to(&batch, &keys, Path::new("/dev/full")), 5, "/dev/full: not a folder");
    }
    assert!(!keys.exists());
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    if File::create(closed.join("probe")).is_ok() {
        eprintln!("skipped: this user writes to folders without the permission");
        return;
    }
    refused(&prove_to(&batch, &keys, &closed), 5, text(&closed));
    refused(&prove_to(&batch, &keys, &closed.join("below")), 5, text(&closed));
    refused(&["setup", "--shape", "tiny", "--keys", text(&closed)], 5, text(&closed));
    assert!(!keys.exists());
}

#[cfg(unix)]
#[test]
fn files_are_for_whom_the_umask_lets() {
    use std::os::unix::fs::PermissionsExt;
    let (keys, batch) = (Proven::once().keys(), batches().join("tiny.jsonl"));
    for (umask, mode) in [("022", 0o644), ("077", 0o600)] {
        let folder = tempfile::tempdir().unwrap();
        let status = Command::new("sh")
            .args(["-c", &format!("umask {umask} && exec \"$@\""), "sh", env!("CARGO_BIN_EXE_tapstone"), "-q"])
            .args(prove_to(&batch, &keys, folder.path()))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        for name in ["state.json", "verifying.key", "batch-1.proven.json"] {
            let had = fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(had, mode, "{name} under umask {umask}");
        }
    }
}

fn verify() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapstone"));
    let proven = Proven::once();
    command.args(["verify", text(&proven.file("batch-1.proven.json")), "--vk-id", &proven.vk_id()]);
    command
}

#[test]
fn a_verdict_that_cannot_be_written_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        eprintln!("skipped: no /dev/full");
        return;
    };
    for format in ["human", "json"] {
        let output = verify().args(["--format", format]).stdout(full.try_clone().unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(5));
        assert!(String::from_utf8(output.stderr).unwrap().contains("standard output: "));
    }
    // Progress and errors that cannot be written change nothing: the exit code is what is left.
    let (keys, batch) = (Proven::once().keys(), batches().join("tiny.jsonl"));
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_tapstone"))
            .args(args)
            .stdout(Stdio::null())
            .stderr(full.try_clone().unwrap())
            .status()
            .unwrap()
            .code()
    };
    assert_eq!(run(&prove_to(&batch, &keys, folder.path())), Some(0));
    assert_eq!(run(&["inspect", "/nonexistent"]), Some(5));
}

#[test]
fn closed_pipes_are_no_errors() {
    let (keys, batch) = (Proven::once().keys(), batches().join("tiny.jsonl"));
    let folder = tempfile::tempdir().unwrap();
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    assert_eq!(verify().stdout(closed()).status().unwrap().code(), Some(0));
    let status = Command::new(env!("CARGO_BIN_EXE_tapstone"))
        .args(prove_to(&batch, &keys, folder.path()))
        .stdout(closed())
        .stderr(closed())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(folder.path().join("state.json").exists());
}

#[test]
fn no_color_is_kept_to() {
    for args in [&["prove"][..], &["inspect", "/nonexistent"], &["--help"]] {
        let output = command().args(args).env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1").output().unwrap();
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{args:?}");
    }
}

//! Runs the tool, and a batch that was proven once for each test program.
#![allow(dead_code, reason = "each test file uses a part of this module")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// The first internal key of BIP86's test vectors.
pub const INTERNAL_KEY: &str = "cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115";

pub fn batches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/batches")
}

pub fn command() -> Command {
    let mut command = Command::cargo_bin("tapstone").unwrap();
    // What whoever runs the tests has configured is not what they test.
    command.env("TAPSTONE_CONFIG", "");
    command
}

/// Exit code, report and standard error.
pub fn tapstone(args: &[&str]) -> (i32, Value, String) {
    let output = command().args(["--quiet", "--format", "json"]).args(args).output().unwrap();
    let code = output.status.code().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let value = serde_json::from_str(&stdout).unwrap_or(Value::String(stdout));
    (code, value, String::from_utf8(output.stderr).unwrap())
}

/// Runs what must fail with `code` and one line that contains `part`.
#[track_caller]
pub fn refused(args: &[&str], code: i32, part: &str) {
    let (had, report, stderr) = tapstone(args);
    assert_eq!(had, code, "{args:?}: {stderr}");
    assert!(stderr.starts_with("tapstone: ") && stderr.contains(part), "{args:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert_eq!((&report["ok"], &report["exit_code"]), (&Value::from(false), &Value::from(code)));
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The names in a folder, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// `tiny.jsonl`, proven.
pub struct Proven {
    folder: TempDir,
}

impl Proven {
    pub fn once() -> &'static Self {
        static ONCE: OnceLock<Proven> = OnceLock::new();
        ONCE.get_or_init(|| {
            let proven = Self { folder: tempfile::tempdir().unwrap() };
            let (keys, out) = (proven.keys(), proven.out());
            let file = batches().join("tiny.jsonl");
            let args = ["prove", text(&file), "--shape", "tiny", "--keys", text(&keys), "--out", text(&out)];
            let (code, _, stderr) = tapstone(&args);
            assert_eq!(code, 0, "{stderr}");
            proven
        })
    }

    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    pub fn key(&self) -> PathBuf {
        self.keys().join("tiny-v3.tapstone-key")
    }

    /// The id of the key.
    pub fn vk_id(&self) -> String {
        let (code, report, stderr) = tapstone(&["keys", "show", "--shape", "tiny", "--keys", text(&self.keys())]);
        assert_eq!(code, 0, "{stderr}");
        report["vk_id"].as_str().unwrap().to_owned()
    }

    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.out().join(name)
    }
}

/// The files of a folder, with their bytes and the times when they were written; and that of the folder, under no name.
pub fn contents(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let written = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let file = |name: String| (name.clone(), (fs::read(folder.join(&name)).unwrap(), written(&folder.join(&name))));
    let mut all: BTreeMap<_, _> = names(folder).into_iter().map(file).collect();
    all.insert(String::new(), (Vec::new(), written(folder)));
    all
}

/// Writes a file that its owner alone may read.
pub fn write_secret(path: impl AsRef<Path>, text: &str) {
    fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// What every page must hold: in each table as many cells in a row as there are headings, or in the first row, and no rectangle of a negative size.
pub fn check_page(page: &str) {
    for table in page.split("<table").skip(1) {
        let table = table.split("</table>").next().unwrap();
        let mut rows = table.split("<tr").skip(1);
        let cells = |row: &str| row.matches("<td").count() + row.matches("<th").count();
        let first = cells(rows.next().unwrap());
        assert!(first > 0, "{table}");
        for row in rows {
            assert_eq!(cells(row), first, "{row}");
        }
    }
    for rectangle in page.split("<rect").skip(1) {
        let rectangle = rectangle.split('>').next().unwrap();
        for side in ["width", "height"] {
            let length = rectangle.split(&format!(" {side}=\"")).nth(1).unwrap().split('"').next().unwrap();
            assert!(length.parse::<f64>().unwrap() >= 0.0, "{rectangle}");
        }
    }
}

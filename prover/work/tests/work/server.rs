//! A PostgreSQL server for tests, on a loopback port in a temporary folder.
//!
//! Where there is no PostgreSQL the test says so and passes, unless `TAPSTONE_REQUIRE_POSTGRES=1`.
#![allow(dead_code, reason = "each test program uses a part of this module")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The user that the server runs as where the tests run as root, which it refuses.
const SERVER_USER: &str = "postgres";

/// A server that ends with the test.
pub struct Server {
    folder: TempDir,
    bin: PathBuf,
    port: u16,
}

fn bin() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0"
}

impl Server {
    pub fn start() -> Option<Self> {
        let Some(bin) = bin() else {
            let required = std::env::var("TAPSTONE_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
            assert!(!required, "TAPSTONE_REQUIRE_POSTGRES is 1 and there is no PostgreSQL here");
            eprintln!("NOT TESTED: there is no PostgreSQL here (initdb and pg_ctl)");
            return None;
        };
        // Not below a folder that only this user may enter.
        let folder = tempfile::Builder::new().prefix("tapstone-pg").tempdir_in("/tmp").unwrap();
        if is_root() {
            assert!(Command::new("chown").arg(SERVER_USER).arg(folder.path()).status().unwrap().success());
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, bin, port };
        server.run("initdb", &["-A", "trust", "-U", "owner", "-E", "UTF8", "--no-sync", "-D"]);
        server.up();
        Some(server)
    }

    /// Runs a program of the server's, as a user that it accepts, with the data folder as its last argument.
    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", SERVER_USER, "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).arg(self.data()).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        assert!(command.status().unwrap().success(), "{command:?}");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn up(&self) {
        // The machine does not crash, only the server does; else recovery would sync every file of every database.
        let options = format!("-p {} -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", self.port);
        let tls = if self.file("server.key").exists() { " -c ssl=on" } else { "" };
        let options = options + tls;
        let log = self.folder.path().join("log");
        self.run("pg_ctl", &["start", "-w", "-l", log.to_str().unwrap(), "-o", &options, "-D"]);
    }

    /// As a crash would.
    pub fn down(&self) {
        self.run("pg_ctl", &["stop", "-m", "immediate", "-D"]);
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    /// Starts it again with a certificate and its key, in PEM; a user named `guarded` may come by TLS and with a password alone.
    pub fn encrypt(&self, certificate: &str, key: &str) {
        self.down();
        let rules = fs::read_to_string(self.file("pg_hba.conf")).unwrap();
        let rules = format!("hostssl all guarded all scram-sha-256\nhost all guarded all reject\n{rules}");
        for (name, text) in [("pg_hba.conf", rules.as_str()), ("server.crt", certificate), ("server.key", key)] {
            fs::write(self.file(name), text).unwrap();
            fs::set_permissions(self.file(name), fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                assert!(Command::new("chown").arg(SERVER_USER).arg(self.file(name)).status().unwrap().success());
            }
        }
        self.up();
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL as the owner, and gives what it says.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let output = Command::new("psql")
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url("owner", database)])
            .output()
            .unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.file("postmaster.pid").exists() {
            self.down();
        }
    }
}

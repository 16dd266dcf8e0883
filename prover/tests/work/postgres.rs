//! PostgreSQL's store on a real server, which the test starts on a loopback port in a temporary folder.
//!
//! Where there is no PostgreSQL the test says so and passes, unless `TAPSTONE_REQUIRE_POSTGRES=1`.

use std::cell::Cell;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

use postgres::{Client, NoTls};
use tapstone_prover::work::{ArtefactId, Completion};
use tapstone_prover::work::{NewTask, Offer, PostgresStore, TaskKey, TaskState, WorkError, WorkStore};
use tapstone_verifier::VkId;
use tempfile::TempDir;

use crate::conformance::RULES;
use crate::tls;

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
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

impl Server {
    fn start() -> Option<Self> {
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
        command
            .args(arguments)
            .arg(self.data())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        assert!(command.status().unwrap().success(), "{command:?}");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn up(&self) {
        // The machine does not crash, only the server does; else recovery would sync every file of every database.
        let options = format!("-p {} -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", self.port);
        let tls = if self.file("server.key").exists() { " -c ssl=on" } else { "" };
        let options = options + tls;
        let log = self.folder.path().join("log");
        self.run("pg_ctl", &["start", "-w", "-l", log.to_str().unwrap(), "-o", &options, "-D"]);
    }

    fn down(&self) {
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

    pub fn client(&self) -> Client {
        Client::connect(&self.url("owner", "postgres"), NoTls).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if Path::new(&self.data()).join("postmaster.pid").exists() {
            self.down();
        }
    }
}

fn task(vk_id: VkId) -> NewTask {
    let bundle = ArtefactId::of(b"bundle");
    let key = TaskKey::of(vk_id, bundle);
    NewTask { key, vk_id, chain_id: 1, batch_number: 1, bundle, memory: 1, deadline: 1, max_attempts: 3 }
}

/// One server for all of it, for starting one takes seconds.
#[test]
fn postgres_keeps_every_rule() {
    let Some(server) = Server::start() else { return };
    let count = Cell::new(0);
    let make = || -> Box<dyn WorkStore> {
        count.set(count.get() + 1);
        let name = format!("rule{}", count.get());
        server.client().batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Box::new(PostgresStore::migrate(&server.url("owner", &name)).unwrap())
    };
    for (name, rule) in RULES {
        eprintln!("{name}");
        rule(&make);
    }
    assert_eq!(count.get(), RULES.len());
    versions_are_checked(&server);
    roles_may_do_what_they_need(&server);
    no_table_is_unlogged(&server);
    a_restart_is_waited_for(&server);
    tls::certificates_are_verified(&server);
}

fn versions_are_checked(server: &Server) {
    server.client().batch_execute("CREATE DATABASE empty").unwrap();
    let url = server.url("owner", "empty");
    assert!(matches!(PostgresStore::open(&url), Err(WorkError::Schema { had: 0, .. })));
    drop(PostgresStore::migrate(&url).unwrap());
    // Again changes nothing.
    drop(PostgresStore::migrate(&url).unwrap());
    drop(PostgresStore::open(&url).unwrap());
    Client::connect(&url, NoTls).unwrap().batch_execute("UPDATE schema_version SET version = 99").unwrap();
    assert!(matches!(PostgresStore::open(&url), Err(WorkError::Schema { had: 99, .. })));
    assert!(matches!(PostgresStore::migrate(&url), Err(WorkError::Schema { had: 99, .. })));
    // Without encryption no other machine is connected to.
    let error = PostgresStore::open("postgres://user@database.example/queue").unwrap_err().to_string();
    assert!(error.contains("another machine"), "{error}");
}

fn roles_may_do_what_they_need(server: &Server) {
    server.client().batch_execute("CREATE DATABASE roles").unwrap();
    let owner = server.url("owner", "roles");
    drop(PostgresStore::migrate(&owner).unwrap());
    let mut client = Client::connect(&owner, NoTls).unwrap();
    client.batch_execute(include_str!("../../src/work/migrations/postgres/roles.sql")).unwrap();
    for name in ["planner", "worker", "observer"] {
        client.batch_execute(&format!("CREATE ROLE {name} LOGIN; GRANT tapstone_{name} TO {name}")).unwrap();
    }
    let open = |user| PostgresStore::open(&server.url(user, "roles")).unwrap();
    let (planner, worker, observer) = (open("planner"), open("worker"), open("observer"));
    let (vk_id, result) = (VkId::from_bytes([1; 32]), ArtefactId::of(b"result"));
    let task = task(vk_id);
    let refused = |outcome: Result<(), WorkError>| assert!(matches!(outcome, Err(WorkError::Database(_))), "{outcome:?}");
    refused(worker.add(std::slice::from_ref(&task)).map(drop));
    refused(observer.add(std::slice::from_ref(&task)).map(drop));
    planner.add(std::slice::from_ref(&task)).unwrap();
    let offer = Offer { worker: "w", vk_ids: &[vk_id], memory: 1, lease: Duration::from_secs(60) };
    refused(observer.claim(&offer).map(drop));
    let lease = worker.claim(&offer).unwrap().unwrap().lease;
    worker.heartbeat(&lease, Duration::from_secs(60)).unwrap();
    assert_eq!(worker.complete(&task.key, "w", &result).unwrap(), Completion::First);
    planner.reject(&task.key, &result, "a test").unwrap();
    planner.pardon("w").unwrap();
    assert_eq!(observer.status().unwrap().queued, 1);
    let mut client = Client::connect(&server.url("worker", "roles"), NoTls).unwrap();
    for wrong in
        ["DELETE FROM tasks", "UPDATE tasks SET deadline = 0", "DROP TABLE tasks", "UPDATE schema_version SET version = 9"]
    {
        assert!(client.batch_execute(wrong).is_err(), "{wrong}");
    }
}

fn no_table_is_unlogged(server: &Server) {
    let mut client = Client::connect(&server.url("owner", "roles"), NoTls).unwrap();
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relpersistence <> 'p'";
    assert_eq!(client.query_one(sql, &[]).unwrap().get::<_, i64>(0), 0);
}

/// The database goes away under a worker, hard, and comes back: nothing that was committed is gone, and calls wait.
fn a_restart_is_waited_for(server: &Server) {
    server.client().batch_execute("CREATE DATABASE restart").unwrap();
    let store = PostgresStore::migrate(&server.url("owner", "restart")).unwrap();
    let vk_id = VkId::from_bytes([1; 32]);
    let task = task(vk_id);
    store.add(std::slice::from_ref(&task)).unwrap();
    let offer = Offer { worker: "w", vk_ids: &[vk_id], memory: 1, lease: Duration::from_secs(60) };
    let lease = store.claim(&offer).unwrap().unwrap().lease;
    server.down();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let late = scope.spawn(|| {
            store.heartbeat(&lease, Duration::from_secs(60)).unwrap();
            let completion = store.complete(&task.key, "w", &ArtefactId::of(b"result")).unwrap();
            done.store(true, Ordering::Relaxed);
            completion
        });
        thread::sleep(Duration::from_millis(300));
        assert!(!done.load(Ordering::Relaxed));
        server.up();
        assert_eq!(late.join().unwrap(), Completion::First);
    });
    assert_eq!(store.task(&task.key).unwrap().unwrap().state, TaskState::Done);
}

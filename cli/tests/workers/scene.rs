//! [`Scene`]: a chain of batches of one deposit each, a work store, and the processes that work on it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use serde_json::Value;
use tapstone_circuits::file::{self, Header};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::World;
use tapstone_work::{PostgresStore, SqliteStore, TaskState, WorkStore};
use tempfile::TempDir;

use crate::common::*;

/// How long anything may take, and how much longer for each batch: scenarios run side by side.
const PATIENCE: Duration = Duration::from_secs(300);
const PATIENCE_A_BATCH: Duration = Duration::from_secs(10);
/// Batches of a scenario, unless TAPSTONE_CHAOS_TASKS says otherwise.
const BATCHES: usize = 4;

/// Batches of a scenario.
pub fn batches() -> usize {
    std::env::var("TAPSTONE_CHAOS_TASKS").map_or(BATCHES, |count| count.parse().unwrap())
}

/// When a test has waited long enough.
fn end_of_patience() -> Instant {
    Instant::now() + PATIENCE + PATIENCE_A_BATCH * batches() as u32
}

pub struct Scene {
    temp: TempDir,
    /// The argument of `--store`.
    pub place: String,
    files: Vec<PathBuf>,
    state_root: Value,
}

/// A process that does not outlive its test.
pub struct Process {
    child: Child,
    stdout: Said,
    stderr: Said,
}

/// What a process writes. It is read at once: a process that nobody reads waits for ever when the pipe is full.
struct Said {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Said {
    fn by(from: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&text);
        let reader = spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = String::new();
            while from.read_line(&mut line).unwrap() > 0 {
                to.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    fn all(&mut self) -> String {
        self.reader.take().unwrap().join().unwrap();
        self.so_far()
    }
}

impl Deref for Process {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    pub fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// The same with variables of its own in the environment.
    pub fn start_with(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("tapstone"));
        command.envs(variables.iter().copied());
        command.args(["--format", "json"]).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (Said::by(child.stdout.take().unwrap()), Said::by(child.stderr.take().unwrap()));
        Self { child, stdout, stderr }
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(status.success(), "kill -{name}");
    }

    /// Waits until its standard error has a line with `part`; the line.
    #[track_caller]
    pub fn until_says(&self, part: &str) -> String {
        let until = end_of_patience();
        loop {
            let said = self.stderr.so_far();
            if let Some(line) = said.lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            assert!(Instant::now() < until, "it does not say {part:?}: {said}");
            sleep(Duration::from_millis(10));
        }
    }

    /// Waits for its end: exit code, report and standard error.
    #[track_caller]
    pub fn end(mut self) -> (i32, Value, String) {
        let until = end_of_patience();
        while self.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "it does not end: {}", self.stderr.so_far());
            sleep(Duration::from_millis(10));
        }
        let (out, err) = (self.stdout.all(), self.stderr.all());
        let code = self.wait().unwrap().code().unwrap_or(-1);
        (code, serde_json::from_str(&out).unwrap_or(Value::String(out)), err)
    }
}

impl Scene {
    /// So many batches, and a work store in a file.
    pub fn new(count: usize) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let place = format!("sqlite:{}", temp.path().join("queue.sqlite").display());
        let mut world = World::new(Shape::registered("tiny").unwrap());
        let mut files = Vec::new();
        let header = |world: &World, batch: usize| Header {
            chain_id: world.ledger.chain_id(),
            batch: batch as u64,
            pre_state_root: world.ledger.state_root(),
            operator: world.operator,
        };
        for batch in 1..=count {
            let header = header(&world, batch);
            world.deposit_new(1, 1000 + batch as u128);
            let path = temp.path().join(format!("{batch}.jsonl"));
            fs::write(&path, file::to_jsonl(&header, &world.open)).unwrap();
            world.apply().unwrap();
            files.push(path);
        }
        let root: tapstone_verifier::Element = world.ledger.state_root().into();
        Self { temp, place, files, state_root: Value::from(root.to_string()) }
    }

    /// The same with a work store in a PostgreSQL database, which is empty.
    pub fn on_postgres(count: usize, url: String) -> Self {
        let scene = Self { place: url, ..Self::new(count) };
        let (code, report, stderr) = tapstone(&["queue", "migrate", "--store", &scene.place]);
        assert_eq!((code, &report["version"]), (0, &Value::from(0)), "{stderr}");
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub fn artefacts(&self) -> PathBuf {
        self.path("queue.artefacts")
    }

    pub fn count(&self) -> usize {
        self.files.len()
    }

    pub fn store(&self) -> Box<dyn WorkStore> {
        match self.place.strip_prefix("sqlite:") {
            Some(path) => Box::new(SqliteStore::open(Path::new(path)).unwrap()),
            None => Box::new(PostgresStore::open(&self.place).unwrap()),
        }
    }

    /// `tapstone prove` of all batches.
    pub fn planner(&self, more: &[&str]) -> Process {
        self.planner_into("out", more)
    }

    /// The same with a folder of its own for results, which one process at a time writes to.
    pub fn planner_into(&self, out: &str, more: &[&str]) -> Process {
        let (keys, out, artefacts) = (Proven::once().keys(), self.path(out), self.artefacts());
        let files: Vec<&str> = self.files.iter().map(|path| text(path)).collect();
        let args = [&["--shape", "tiny", "--keys", text(&keys), "--out", text(&out)][..], more, &files].concat();
        Process::start(&[&["prove", "--store", &self.place, "--artefacts", text(&artefacts)][..], &args].concat())
    }

    /// `tapstone worker`, with a lease of a second.
    pub fn worker(&self, name: &str, more: &[&str]) -> Process {
        self.worker_with(name, more, &[])
    }

    /// The same with variables of its own in the environment.
    pub fn worker_with(&self, name: &str, more: &[&str], variables: &[(&str, &str)]) -> Process {
        let (key, artefacts) = (Proven::once().key(), self.artefacts());
        let place = ["worker", text(&key), "--store", &self.place, "--artefacts", text(&artefacts)];
        Process::start_with(&[&place[..], &["--name", name, "--lease", "1"], more].concat(), variables)
    }

    /// Waits until the store is as it is to be.
    #[track_caller]
    pub fn until(&self, what: &str, is: impl Fn(&dyn WorkStore) -> bool) {
        // The planner makes the file, in one transaction.
        let until = end_of_patience();
        while self.place.strip_prefix("sqlite:").is_some_and(|path| !Path::new(path).exists()) {
            assert!(Instant::now() < until, "no store");
            sleep(Duration::from_millis(5));
        }
        let store = self.store();
        while !is(&*store) {
            assert!(Instant::now() < until, "not {what}: {:?}", store.status());
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits until all tasks are handed out.
    pub fn until_queued(&self) {
        let all = self.count() as u64;
        self.until("queued", |store| {
            let status = store.status().unwrap();
            status.queued + status.leased + status.done == all
        });
    }

    /// Waits until this worker is in the middle of a proof.
    pub fn until_proving(&self, worker: &str) {
        self.until("proving", |store| {
            store.tasks(TaskState::Leased, 10).unwrap().iter().any(|task| task.worker.as_deref() == Some(worker))
        });
        sleep(Duration::from_millis(60));
    }

    /// What must hold whatever happened: each batch has one proof, in order, and the chain of them verifies. What the planner said.
    #[track_caller]
    pub fn check(&self, planner: Process) -> String {
        let (code, report, stderr) = planner.end();
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(report["state_root"], self.state_root);
        let order: Vec<u64> =
            report["batches"].as_array().unwrap().iter().map(|batch| batch["batch"].as_u64().unwrap()).collect();
        assert_eq!(order, (1..=self.count() as u64).collect::<Vec<_>>());
        let proven: Vec<PathBuf> = order.iter().map(|n| self.path("out").join(format!("batch-{n}.proven.json"))).collect();
        let paths: Vec<&str> = proven.iter().map(|path| text(path)).collect();
        let vk_id = report["vk_id"].as_str().unwrap();
        let (code, verdict, refusal) = tapstone(&[&["verify", "--vk-id", vk_id][..], &paths].concat());
        assert_eq!((code, &verdict["verdict"]), (0, &Value::from("valid")), "{refusal}");
        let status = self.store().status().unwrap();
        assert_eq!((status.queued, status.leased, status.dead, status.done), (0, 0, 0, self.count() as u64));
        assert_eq!(status.workers.iter().map(|worker| worker.completed).sum::<u64>(), status.done, "{status:?}");
        let mut numbers: Vec<u64> =
            self.store().tasks(TaskState::Done, u32::MAX).unwrap().iter().map(|task| task.task.batch_number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, order);
        stderr
    }
}

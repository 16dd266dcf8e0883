//! A PostgreSQL server that crashes, or drops its connections, in the middle of proofs.

use std::thread::sleep;
use std::time::Duration;

use tapstone_work::{TaskState, WorkStore};

use crate::clock;
use crate::commands::{ask, metrics_at};
use crate::common::*;
use crate::scene::{Scene, batches};
use crate::server::Server;

/// Longer than anything here takes.
const HOUR: Duration = Duration::from_secs(3600);

/// One server for all of it, for starting one takes seconds.
#[test]
fn postgres_comes_back_and_every_batch_is_proven_once() {
    let Some(server) = Server::start() else { return };
    a_restart_in_the_middle_of_a_proof(&server);
    connections_that_are_cut(&server);
    a_second_interrupt_ends_a_worker_that_waits(&server);
    workers_whose_clocks_are_wrong(&server);
    a_planner_waits_for_its_database(&server);
    what_is_missing_is_told(&server);
}

fn scene(server: &Server, database: &str) -> Scene {
    server.sql("postgres", &format!("CREATE DATABASE {database}"));
    Scene::on_postgres(batches(), server.url("owner", database))
}

fn a_restart_in_the_middle_of_a_proof(server: &Server) {
    let scene = scene(server, "restart");
    let planner = scene.planner(&[]);
    scene.until_queued();
    let workers = ["a", "b"].map(|name| scene.worker(name, &["--drain", "--threads", "1"]));
    scene.until_proving("a");
    server.down();
    sleep(Duration::from_millis(1500));
    server.up();
    scene.check(planner);
    for worker in workers {
        let (code, _, stderr) = worker.end();
        assert_eq!(code, 0, "{stderr}");
    }
}

fn connections_that_are_cut(server: &Server) {
    let scene = scene(server, "cut");
    let planner = scene.planner(&[]);
    scene.until_queued();
    let worker = scene.worker("a", &["--drain"]);
    scene.until_proving("a");
    let cut =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'cut' AND pid <> pg_backend_pid()";
    assert!(server.sql("cut", cut).parse::<u32>().unwrap() >= 3, "planner, worker and its heart");
    scene.check(planner);
    let (code, _, stderr) = worker.end();
    assert_eq!(code, 0, "{stderr}");
}

/// Its database is gone, so it cannot give its task back: a first interrupt leaves it waiting, a second one ends it.
fn a_second_interrupt_ends_a_worker_that_waits(server: &Server) {
    let scene = scene(server, "interrupted");
    let planner = scene.planner(&[]);
    scene.until_queued();
    let mut worker = scene.worker("a", &[]);
    scene.until_proving("a");
    server.down();
    worker.signal("INT");
    sleep(Duration::from_millis(1500));
    assert!(worker.try_wait().unwrap().is_none(), "it waits for the database");
    worker.signal("INT");
    assert_eq!(worker.end().0, 130);
    server.up();
    let worker = scene.worker("b", &["--drain"]);
    scene.check(planner);
    assert_eq!(worker.end().0, 0);
}

/// It says so, again and again, and goes on; interrupted while it waits it says how to go on.
fn a_planner_waits_for_its_database(server: &Server) {
    const GONE: &str = "cannot be reached";
    let scene = scene(server, "planned");
    let planner = scene.planner(&[]);
    let interrupted = scene.planner_into("interrupted", &[]);
    for planner in [&planner, &interrupted] {
        planner.until_says("waiting for workers");
    }
    server.down();
    for planner in [&planner, &interrupted] {
        let line = planner.until_says(GONE);
        assert!(line.contains("the work store's database") && line.contains("Ctrl-C"), "{line}");
    }
    interrupted.signal("INT");
    let (code, _, stderr) = interrupted.end();
    assert!(code == 130 && stderr.contains("the same command takes up"), "{code}: {stderr}");
    // Told at once, after a second, and after two more; each try takes a second or two.
    sleep(Duration::from_secs(10));
    server.up();
    planner.until_says("answers again");
    let worker = scene.worker("a", &["--drain"]);
    let said = scene.check(planner);
    assert!((3..10).contains(&said.matches(GONE).count()), "{said}");
    assert_eq!(worker.end().0, 0);
}

/// Leases are by the database's clock: two hours ahead or behind, a worker takes nothing from others, loses nothing to them, and is not taken for
/// dead. Its log has its own times; its metrics are lengths of time.
fn workers_whose_clocks_are_wrong(server: &Server) {
    const AHEAD: &str = "+2h";
    const BEHIND: &str = "-2h";
    let Some(library) = clock::library() else { return };
    let scene = scene(server, "clocks");
    let workers = [("ahead", AHEAD), ("right", "+0"), ("behind", BEHIND)].map(|(name, offset)| {
        let variables = [("LD_PRELOAD", library), ("FAKETIME", offset), ("DONT_FAKE_MONOTONIC", "1")];
        (name, scene.worker_with(name, &["--threads", "1", "--metrics", "127.0.0.1:0"], &variables))
    });
    let heard = |store: &dyn WorkStore| store.status().unwrap().workers.len() == workers.len();
    scene.until("heard of", heard);
    let planner = scene.planner(&[]);
    scene.until_queued();
    scene.check(planner);
    let store = scene.store();
    for task in store.tasks(TaskState::Done, u32::MAX).unwrap() {
        assert_eq!((task.lapses, task.attempts, task.epoch), (0, 0, 1), "{task:?}");
        assert!(task.milliseconds.unwrap() < HOUR.as_millis() as u64, "{task:?}");
    }
    for worker in store.status().unwrap().workers {
        assert!(worker.completed > 0 && worker.silent < HOUR.as_millis() as u64, "{worker:?}");
    }
    for (name, worker) in &workers {
        // The lie was believed: by how many seconds is the log's time off?
        let line = worker.until_says("metrics at");
        let off = clock::seconds(line.split_whitespace().next().unwrap()) - clock::seconds("now");
        let wanted = match *name {
            "ahead" => 2,
            "behind" => -2,
            _ => 0,
        };
        assert!((off - wanted * HOUR.as_secs() as i64).unsigned_abs() < HOUR.as_secs() / 2, "{name} {off}: {line}");
        let page = ask(&metrics_at(worker), "GET /metrics");
        let metric = |metric: &str| -> f64 {
            let line = page.lines().find(|line| line.starts_with(&format!("tapstone_{metric}{{"))).unwrap();
            line.rsplit_once(' ').unwrap().1.parse().unwrap()
        };
        assert!(metric("worker_proofs_total") >= 1.0 && metric("worker_lost_total") == 0.0, "{page}");
        let seconds = metric("worker_proof_seconds_sum");
        assert!(seconds > 0.0 && seconds < HOUR.as_secs_f64(), "{page}");
        assert_eq!((metric("worker_task_seconds"), metric("queue_workers"), metric("queue_up")), (0.0, 3.0, 1.0), "{page}");
        worker.signal("TERM");
    }
    for (name, worker) in workers {
        let (code, report, _) = worker.end();
        assert_eq!((code, &report["lost"], &report["failed"]), (0, &0.into(), &0.into()), "{name}: {report}");
        assert!(
            report["proven"].as_u64() > Some(0) && report["seconds"].as_u64() < Some(HOUR.as_secs()),
            "{name}: {report}"
        );
    }
}

fn what_is_missing_is_told(server: &Server) {
    server.sql("postgres", "CREATE DATABASE missing");
    let url = server.url("owner", "missing");
    refused(&["queue", "status", "--store", &url], 4, "tapstone queue migrate");
    let (code, report, _) = tapstone(&["queue", "migrate", "--dry-run", "--store", &url]);
    assert_eq!((code, &report["version"]), (0, &0.into()));
    assert_eq!(tapstone(&["queue", "migrate", "--store", &url]).0, 0);
    assert_eq!(tapstone(&["queue", "status", "--store", &url]).0, 0);
    let key = Proven::once().key();
    refused(&["worker", text(&key), "--store", &url], 2, "--artefacts is missing");
    refused(&["queue", "status", "--store", &server.url("nobody", "missing")], 5, "nobody");
    // A worker's login is made in two steps, and may work, and no more.
    let (code, report, stderr) = tapstone(&["queue", "migrate", "--roles", "--store", &url]);
    assert_eq!((code, &report["roles"][1]), (0, &"tapstone_worker".into()), "{stderr}");
    server.sql("postgres", "CREATE ROLE machine LOGIN CONNECTION LIMIT 16; GRANT tapstone_worker TO machine");
    let worker = server.url("machine", "missing");
    let artefacts = tempfile::tempdir().unwrap();
    let drain = ["worker", text(&key), "--store", &worker, "--artefacts", text(artefacts.path()), "--name", "w", "--drain"];
    assert_eq!(tapstone(&drain).0, 0);
    assert_eq!(tapstone(&["queue", "status", "--store", &worker]).1["workers"][0]["worker"], "machine/w");
    refused(&["queue", "migrate", "--roles", "--store", &worker], 5, "only the owner of the tables");
}

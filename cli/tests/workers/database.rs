//! A PostgreSQL server that crashes, or drops its connections, in the middle of proofs.

use std::thread::sleep;
use std::time::Duration;

use crate::common::*;
use crate::scene::{Scene, batches};
use crate::server::Server;

/// One server for all of it, for starting one takes seconds.
#[test]
fn postgres_comes_back_and_every_batch_is_proven_once() {
    let Some(server) = Server::start() else { return };
    a_restart_in_the_middle_of_a_proof(&server);
    connections_that_are_cut(&server);
    a_second_interrupt_ends_a_worker_that_waits(&server);
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
}

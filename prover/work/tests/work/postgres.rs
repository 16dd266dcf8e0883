//! PostgreSQL's store on a real server.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use postgres::{Client, NoTls};
use tapstone_verifier::VkId;
use tapstone_work::{
    ArtefactId, Completion, Effort, NewTask, Offer, PostgresStore, TaskKey, TaskState, WorkError, WorkStore,
};

use crate::conformance::RULES;
use crate::hostile;
use crate::server::Server;
use crate::tls;

/// A connection as the owner.
pub fn client(server: &Server) -> Client {
    Client::connect(&server.url("owner", "postgres"), NoTls).unwrap()
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
        client(&server).batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Box::new(PostgresStore::migrate(&server.url("owner", &name)).unwrap())
    };
    for (name, rule) in RULES {
        eprintln!("{name}");
        rule(&make);
    }
    assert_eq!(count.get(), RULES.len());
    versions_are_checked(&server);
    roles_may_do_what_they_need(&server);
    a_login_keeps_no_task_for_ever(&server);
    tables_of_version_1_are_brought_on(&server);
    hostile::a_hostile_worker_delays_and_nothing_else(&server);
    no_table_is_unlogged(&server);
    a_restart_is_waited_for(&server);
    patience_ends_and_the_next_call_connects_anew(&server);
    tls::certificates_are_verified(&server);
}

fn versions_are_checked(server: &Server) {
    client(server).batch_execute("CREATE DATABASE empty").unwrap();
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
    client(server).batch_execute("CREATE DATABASE roles").unwrap();
    let owner = server.url("owner", "roles");
    drop(PostgresStore::migrate(&owner).unwrap());
    let mut client = Client::connect(&owner, NoTls).unwrap();
    let store = PostgresStore::open(&owner).unwrap();
    // Again changes nothing.
    (0..2).for_each(|_| store.make_roles().unwrap());
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
    // A login's workers are named by it.
    assert_eq!(lease.worker, "worker/w");
    worker.heartbeat(&lease, Duration::from_secs(60)).unwrap();
    let effort = Effort { threads: 1, peak_bytes: Some(1) };
    assert_eq!(worker.complete_with(&task.key, "w", &result, effort).unwrap(), Completion::First);
    planner.reject(&task.key, &result, "a test").unwrap();
    assert!(matches!(worker.claim(&offer), Err(WorkError::Quarantined { .. })));
    planner.pardon("worker/w").unwrap();
    assert_eq!(worker.claim(&offer).unwrap().unwrap().lease.epoch, 2);
    planner.quarantine("worker", "the login").unwrap();
    assert!(matches!(worker.claim(&offer), Err(WorkError::Quarantined { .. })));
    planner.pardon("worker").unwrap();
    let status = observer.status().unwrap();
    assert_eq!((status.queued, status.leased), (1, 0), "the quarantine of a login takes what its workers have");
}

/// After [`roles_may_do_what_they_need`]: the roles and logins are there. A worker that only takes tasks and never proves any is a delay.
fn a_login_keeps_no_task_for_ever(server: &Server) {
    client(server).batch_execute("CREATE DATABASE keeping").unwrap();
    let owner = PostgresStore::migrate(&server.url("owner", "keeping")).unwrap();
    owner.make_roles().unwrap();
    let vk_id = VkId::from_bytes([1; 32]);
    let numbered = |number: u64| {
        let bundle = ArtefactId::of(&number.to_le_bytes());
        NewTask { key: TaskKey::of(vk_id, bundle), bundle, batch_number: number, ..task(vk_id) }
    };
    owner.add(&(1..=70).map(numbered).collect::<Vec<_>>()).unwrap();
    let worker = PostgresStore::open(&server.url("worker", "keeping")).unwrap();
    let year = Duration::from_secs(365 * 24 * 3600);
    let claim = |name| worker.claim(&Offer { worker: name, vk_ids: &[vk_id], memory: 1, lease: year }).unwrap();
    let lease = claim("a").unwrap().lease;
    worker.heartbeat(&lease, year).unwrap();
    let mut sql = Client::connect(&server.url("owner", "keeping"), NoTls).unwrap();
    let longest = "SELECT max(lease_until - (extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM tasks";
    assert!(sql.query_one(longest, &[]).unwrap().get::<_, i64>(0) <= 600_000, "a lease of ten minutes at most");
    // Two hours later it is still at it: that is a failure, and after three the task is not its own any more.
    let key = lease.key;
    let mut lease = Some(lease);
    for attempts in 1..=3 {
        sql.batch_execute("UPDATE tasks SET claimed_at = claimed_at - 7200000 WHERE state = 'leased'").unwrap();
        let outcome = worker.heartbeat(&lease.take().unwrap(), year);
        assert!(matches!(outcome, Err(WorkError::LeaseLost { .. })), "{outcome:?}");
        let record = owner.task(&key).unwrap().unwrap();
        assert_eq!((record.state, record.attempts), (TaskState::Queued, attempts));
        assert!(record.error.unwrap().contains("for an hour"));
        lease = claim("another name").map(|claim| claim.lease);
        assert_eq!(lease.as_ref().map(|lease| lease.key) == Some(key), attempts < 3);
    }
    let rest = std::iter::from_fn(|| claim("b")).count();
    assert_eq!(owner.status().unwrap().leased, 64, "{rest} and one more");
}

/// After [`roles_may_do_what_they_need`]: the roles are there.
fn tables_of_version_1_are_brought_on(server: &Server) {
    client(server).batch_execute("CREATE DATABASE earlier").unwrap();
    let url = server.url("owner", "earlier");
    let mut client = Client::connect(&url, NoTls).unwrap();
    client.batch_execute(include_str!("../../src/migrations/postgres/0001.sql")).unwrap();
    client.batch_execute("UPDATE schema_version SET version = 1").unwrap();
    let roles = "GRANT SELECT ON schema_version, tasks, workers TO tapstone_worker; GRANT INSERT, UPDATE ON workers TO tapstone_worker; \
                 GRANT UPDATE (state, lease_until, result, result_worker, milliseconds) ON tasks TO tapstone_worker";
    client.batch_execute(roles).unwrap();
    assert!(matches!(PostgresStore::open(&url), Err(WorkError::Schema { had: 1, .. })));
    let task = task(VkId::from_bytes([1; 32]));
    PostgresStore::migrate(&url).unwrap().add(std::slice::from_ref(&task)).unwrap();
    // What workers could write before they cannot any more, and the roles let them call the functions.
    let mut sql = Client::connect(&server.url("worker", "earlier"), NoTls).unwrap();
    assert!(sql.batch_execute("UPDATE tasks SET state = 'dead'").is_err());
    let worker = PostgresStore::open(&server.url("worker", "earlier")).unwrap();
    let effort = Effort { threads: 1, peak_bytes: Some(1) };
    assert!(worker.complete(&task.key, "w", &ArtefactId::of(b"result")).is_err());
    PostgresStore::open(&url).unwrap().make_roles().unwrap();
    worker.complete_with(&task.key, "w", &ArtefactId::of(b"result"), effort).unwrap();
    assert_eq!(worker.task(&task.key).unwrap().unwrap().effort, effort);
}

fn no_table_is_unlogged(server: &Server) {
    let mut client = Client::connect(&server.url("owner", "roles"), NoTls).unwrap();
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relpersistence <> 'p'";
    assert_eq!(client.query_one(sql, &[]).unwrap().get::<_, i64>(0), 0);
}

/// The database goes away under a worker, hard, and comes back: nothing that was committed is gone, and calls wait.
fn a_restart_is_waited_for(server: &Server) {
    client(server).batch_execute("CREATE DATABASE restart").unwrap();
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

fn patience_ends_and_the_next_call_connects_anew(server: &Server) {
    let store = PostgresStore::open(&server.url("owner", "restart")).unwrap().with_patience(Duration::ZERO);
    assert_eq!(store.status().unwrap().done, 1);
    server.down();
    // The call that loses the connection, and one that finds it lost.
    for _ in 0..2 {
        let error = store.status().unwrap_err();
        assert!(matches!(error, WorkError::Unavailable(_)) && error.to_string().contains("cannot be reached"), "{error}");
    }
    server.up();
    assert_eq!(store.status().unwrap().done, 1);
}

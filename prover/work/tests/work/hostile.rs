//! A worker's login in hostile hands, on a real server: it speaks the API and SQL, and does everything at once that it is not to do.

use std::thread;
use std::time::Duration;

use postgres::error::SqlState;
use postgres::{Client, NoTls};
use tapstone_work::{
    AfterFailure, Artefacts, Collector, Failure, FailureKind, Folder, Offer, Planner, PostgresStore, ProofMaker, Rejection,
    Stop, TaskState, WorkError, WorkStore, Worker,
};
use tempfile::TempDir;

use crate::postgres::client;
use crate::server::Server;
use crate::working::{TERMS, prover, tasks};

const HOUR: Duration = Duration::from_secs(3600);

/// What no worker's login may do by SQL. `$honest` is a process of the planner's session.
const FORBIDDEN: &[&str] = &[
    "UPDATE tasks SET state = 'dead'",
    "UPDATE tasks SET lease_until = NULL, state = 'queued'",
    "UPDATE tasks SET attempts = 99, error = 'a lie'",
    "UPDATE tasks SET result = NULL, state = 'queued'",
    "UPDATE tasks SET deadline = 0, vk_id = key",
    "DELETE FROM tasks",
    "TRUNCATE tasks CASCADE",
    "INSERT INTO tasks (key, vk_id, chain_id, batch_number, bundle, memory, deadline, max_attempts) \
     SELECT bundle, vk_id, 1, 1, bundle, 1, 0, 1 FROM tasks LIMIT 1",
    "UPDATE workers SET quarantine = NULL",
    "UPDATE workers SET quarantine = 'a lie', login = 'honest'",
    "INSERT INTO workers (name, seen, quarantine) VALUES ('honest', 0, 'a lie')",
    "DELETE FROM workers",
    "INSERT INTO tries (task, party, certain) SELECT id, 'honest', true FROM tasks",
    "DELETE FROM tries",
    "DELETE FROM spares",
    "UPDATE schema_version SET version = 9",
    "DO $$ BEGIN LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE; END $$",
    "DO $$ BEGIN LOCK TABLE workers IN SHARE MODE; END $$",
    "SELECT FROM tasks FOR UPDATE",
    "SELECT FROM tasks FOR SHARE",
    "SELECT nextval('tasks_id_seq')",
    "SELECT tapstone_confine('honest', 'a lie')",
    "SELECT tapstone_enter('honest')",
    "SELECT tapstone_count(1, 'honest', true, 0)",
    "SELECT tapstone_reject(key, result, 'a lie') FROM tasks",
    "CREATE OR REPLACE FUNCTION tapstone_login() RETURNS text LANGUAGE sql AS 'SELECT NULL'",
    "CREATE FUNCTION public.starts_with(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE TEMPORARY TABLE workers (name text)",
    "CREATE SCHEMA mine",
    "CREATE TRIGGER mine BEFORE UPDATE ON tasks EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "ALTER TABLE tasks DISABLE TRIGGER ALL",
    "DROP TABLE tasks",
    "SET ROLE tapstone_planner",
    "SET SESSION AUTHORIZATION owner",
    "GRANT tapstone_planner TO liar",
    "ALTER ROLE liar SUPERUSER",
    "SET session_replication_role = replica",
    "SELECT pg_terminate_backend($honest)",
];

/// It takes tasks and says of each that it fails whoever tries, hands in garbage for all of them, uses the names and leases of others, holds every lock that
/// it can get, and tries all that is forbidden. The run has all its proofs, each made once, by the honest worker, which is not in quarantine.
pub fn a_hostile_worker_delays_and_nothing_else(server: &Server) {
    const BATCHES: usize = 3;
    client(server).batch_execute("CREATE DATABASE hostile").unwrap();
    let owner = PostgresStore::migrate(&server.url("owner", "hostile")).unwrap();
    owner.make_roles().unwrap();
    for (login, role) in [("honest", "worker"), ("liar", "worker"), ("plans", "planner")] {
        client(server).batch_execute(&format!("CREATE ROLE {login} LOGIN; GRANT tapstone_{role} TO {login}")).unwrap();
    }
    let open = |user| PostgresStore::open(&server.url(user, "hostile")).unwrap();
    let (plans, honest, liar) = (open("plans"), open("honest"), open("liar"));
    let folder = TempDir::new().unwrap();
    let artefacts = Folder::new(folder.path());
    let key = prover().key().verifying();
    let planner = Planner::new(&plans, &artefacts, key).with_poll(Duration::from_millis(20));
    let submitted = planner.submit(&tasks(BATCHES), TERMS).unwrap();
    let vk_ids = [key.id()];
    let offer = |worker| Offer { worker, vk_ids: &vk_ids, memory: 1 << 30, lease: HOUR * 24 * 365 };

    // The first task is the honest one's, and stays so.
    let lease = honest.claim(&offer("h")).unwrap().unwrap().lease;
    assert_eq!((lease.worker.as_str(), lease.key), ("honest/h", submitted[0].key));
    for name in ["honest/h", "h", "liar/h"] {
        let theirs = tapstone_work::Lease { worker: name.into(), ..lease.clone() };
        let lie = Failure { kind: FailureKind::BadProof, message: "a lie".into() };
        for outcome in [liar.heartbeat(&theirs, HOUR), liar.release(&theirs), liar.fail(&theirs, &lie).map(drop)] {
            assert!(matches!(outcome, Err(WorkError::LeaseLost { .. })), "{name}: {outcome:?}");
        }
    }
    // Whatever name it gives itself, the others are asked what it cannot be asked again.
    for name in ["honest/h", "h", "another"] {
        while let Some(claim) = liar.claim(&offer(name)).unwrap() {
            assert!(claim.lease.worker.starts_with("liar/"), "{}", claim.lease.worker);
            let lie = Failure { kind: FailureKind::Deterministic, message: "a lie".into() };
            let after = liar.fail(&claim.lease, &lie).unwrap();
            assert!(matches!(after, AfterFailure::Queued { attempts: 1 }), "{after:?}");
        }
    }
    // What the API has for planners is refused.
    let result = artefacts.put(b"garbage").unwrap();
    let first = &submitted[0].key;
    let record = plans.task(first).unwrap().unwrap();
    for outcome in [
        liar.add(&[record.task]).map(drop),
        liar.reject(first, &result, "a lie").map(|_: Rejection| ()),
        liar.quarantine("honest", "a lie"),
        liar.pardon("liar"),
        liar.requeue(first),
        liar.bury(&submitted[1].key, "a lie").map(drop),
    ] {
        assert!(matches!(outcome, Err(WorkError::Database(_))), "{outcome:?}");
    }
    let mut sql = Client::connect(&server.url("liar", "hostile"), NoTls).unwrap();
    let mut at_plans = Client::connect(&server.url("plans", "hostile"), NoTls).unwrap();
    let pid: i32 = at_plans.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    for wrong in FORBIDDEN {
        let wrong = wrong.replace("$honest", &pid.to_string());
        let error = sql.batch_execute(&wrong).unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{wrong}: {error}");
    }
    at_plans.batch_execute("SELECT 1").unwrap();
    // Numbers that nobody could read back, and a lease without an end.
    let keys = "ARRAY(SELECT DISTINCT vk_id FROM tasks)";
    sql.batch_execute("SELECT tapstone_heartbeat(key, 1, 'x', 9223372036854775807) FROM tasks").unwrap();
    assert!(sql.batch_execute(&format!("SELECT tapstone_claim(repeat('x', 1000), {keys}, 1, 1)")).is_err());
    assert!(sql.batch_execute(&format!("SELECT tapstone_claim(E'a\x1b[2J', {keys}, 1, 1)")).is_err());
    // Garbage for all, with one of these numbers.
    let garbage = format!("'\\x{}'", result);
    let all = format!("SELECT tapstone_complete(key, 'x', {garbage}, -1, -1) FROM tasks");
    sql.batch_execute(&all).unwrap();
    assert_eq!(plans.status().unwrap().done, 3);
    // And it keeps all tasks locked.
    sql.batch_execute("BEGIN; SELECT tapstone_heartbeat(key, 0, 'y', 1) FROM tasks").unwrap();

    let stop = Stop::new();
    honest.heartbeat(&lease, HOUR).unwrap();
    thread::scope(|scope| {
        let (stop, artefacts, lease) = (&stop, &artefacts, &lease);
        scope.spawn(move || {
            // What it has under way it goes on with.
            let executed = tasks(BATCHES)[0].execute().unwrap();
            let proof = ProofMaker::prove(prover(), &executed, &()).unwrap();
            honest.heartbeat(lease, HOUR).unwrap();
            honest.complete(&lease.key, &lease.worker, &artefacts.put(proof.as_bytes()).unwrap()).unwrap();
            let worker = Worker::new("h", &honest, artefacts, [prover() as &dyn ProofMaker], 1 << 30).unwrap();
            worker.run(stop, Duration::from_millis(20), |_| ()).unwrap();
        });
        let mut collector = Collector::new(&planner, &submitted);
        for (place, task) in submitted.iter().enumerate() {
            let arrival = collector.wait(place, stop, |_| ()).unwrap();
            assert_eq!(arrival.proven.verified().statement(), &task.statement);
            assert_eq!(arrival.worker.as_deref(), Some("honest/h"));
        }
        stop.stop();
    });
    assert!(sql.batch_execute("SELECT 1").is_err(), "its session was ended");
    let mut sql = Client::connect(&server.url("liar", "hostile"), NoTls).unwrap();
    // In quarantine with all names, out of which it does not come.
    for name in ["x", "fresh", "honest/h"] {
        assert!(matches!(liar.claim(&offer(name)), Err(WorkError::Quarantined { .. })), "{name}");
        assert!(matches!(liar.complete(first, name, &result), Err(WorkError::Quarantined { .. })), "{name}");
    }
    for number in 0..200 {
        sql.batch_execute(&format!("SELECT tapstone_claim('n{number}', {keys}, 1, 1)")).unwrap();
    }
    assert!(matches!(liar.claim(&offer("fresh")), Err(WorkError::Quarantined { .. })));
    let status = plans.status().unwrap();
    assert_eq!((status.queued, status.leased, status.done, status.dead), (0, 0, 3, 0));
    assert!(status.workers.len() < 80, "names without end: {}", status.workers.len());
    for worker in &status.workers {
        assert!(worker.name.starts_with("liar/") || worker.quarantine.is_none(), "{worker:?}");
    }
    assert_eq!(status.workers.iter().find(|worker| worker.name == "honest/h").unwrap().completed, 3);
    for record in plans.tasks(TaskState::Done, 10).unwrap() {
        assert!(record.attempts <= 1, "{record:?}");
    }
}

//! [`PostgresStore`]: the work store of many machines, in PostgreSQL 12 or later.
//!
//! What workers do is done by functions of the database (`migrations/postgres/0003.sql`), which run with the rights of the tables' owner: a worker's login
//! ([`PostgresStore::make_roles`]) may call these and write no table. So the rules hold for a worker that speaks SQL itself: it acts on its own leases
//! alone, all workers of its login are in quarantine together, and no failure that it tells of makes a task dead.
//!
//! Whoever changes a worker and a task in one transaction locks the worker first, so no two calls wait for each other. A claim skips what others have
//! locked. When the connection is lost a call waits for the database to come back and is made again: each may be made twice, for a lease that
//! was claimed in vain runs out, and a second completion is a duplicate. Who waits long for a lock has sessions of workers ended that keep one for nothing.
//!
//! Hazards: whoever owns the tables, or is a planner, may write anything. Another machine's database is connected to by TLS alone, with a certificate
//! that is verified.

mod connection;
mod password;
mod place;

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use postgres::error::SqlState;
use postgres::{Client, Row, Transaction};

use self::connection::Connection;
use super::error::WorkError;
use super::id::{ArtefactId, TaskKey};
use super::queue::{
    Added, AfterFailure, Claim, Completion, Effort, Failure, FailureKind, HEARD, Lease, MOST_CLAIMS, NewTask, Offer,
    Rejection, Status, TaskRecord, TaskState, WorkStore, WorkerRecord, check_worker, kept, may_be_requeued, milliseconds,
    signed,
};
use super::row::{self, COLUMNS, damaged, record, unsigned};

/// The migrations, from version 1 on.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/postgres/0001.sql"),
    include_str!("migrations/postgres/0002.sql"),
    include_str!("migrations/postgres/0003.sql"),
];
/// The roles of planners, workers and observers, and what they may do.
const ROLES: &str = include_str!("migrations/postgres/roles.sql");
/// What this program works with.
const VERSION: i64 = MIGRATIONS.len() as i64;
/// The advisory lock that one migration holds.
const MIGRATION_LOCK: i64 = 0x7461_7073_746f_6e65;
/// How long a call waits for a database that is gone, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two tries to connect.
const RETRY: Duration = Duration::from_millis(250);
/// The database's clock, in milliseconds since 1970.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// A work store in a PostgreSQL database.
pub struct PostgresStore {
    connection: Connection,
    /// `None` when it was lost.
    client: Mutex<Option<Client>>,
    patience: Duration,
}

impl fmt::Debug for PostgresStore {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({:?})", self.connection)
    }
}

impl From<postgres::Error> for WorkError {
    fn from(error: postgres::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

impl PostgresStore {
    /// The version of the tables that this program works with.
    pub const VERSION: i64 = VERSION;

    /// Connects to a database whose tables are of this program's version. `url` is `postgres://user@host/database`, or libpq's keywords.
    ///
    /// Another machine needs `sslmode=require`, which is libpq's `verify-full`: the server's certificate leads to a CA of `sslrootcert=FILE` (PEM; else
    /// `PGSSLROOTCERT`, else the system's CAs) and is for the host of the URL. This machine's own addresses are connected to without encryption, unless
    /// `sslmode=require` asks for it. The password is `PGPASSWORD`, or in `passfile=FILE`, `PGPASSFILE` or `~/.pgpass`; never in the URL.
    ///
    /// # Errors
    /// [`WorkError::Place`] for a URL that does not read, holds a password or would leave this machine without encryption, and for a server whose
    /// certificate does not verify; [`WorkError::Io`] for files that it names; [`WorkError::Schema`], and what the database says. None of them holds a
    /// password.
    pub fn open(url: &str) -> Result<Self, WorkError> {
        let store = Self::connect(url)?;
        let had = store.write(version)?;
        if had != VERSION {
            let advice = if had < VERSION { "migrate it" } else { "it was made by a later version of Tapstone" };
            return Err(WorkError::Schema { had, needed: VERSION, advice });
        }
        Ok(store)
    }

    /// As [`PostgresStore::open`], and brings the tables to this program's version; for their owner.
    ///
    /// # Errors
    /// As [`PostgresStore::open`].
    pub fn migrate(url: &str) -> Result<Self, WorkError> {
        let store = Self::connect(url)?;
        store.write(|tx| {
            tx.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])?;
            let had = version(tx)?;
            if had > VERSION {
                let advice = "it was made by a later version of Tapstone";
                return Err(WorkError::Schema { had, needed: VERSION, advice });
            }
            for (version, sql) in (1i64..).zip(MIGRATIONS).filter(|(version, _)| *version > had) {
                tx.batch_execute(sql)?;
                tx.execute("UPDATE schema_version SET version = $1", &[&version])?;
            }
            Ok(())
        })?;
        Ok(store)
    }

    /// Makes the roles `tapstone_planner`, `tapstone_worker` and `tapstone_observer`, and says what they may do with these tables; for who may create roles. Each
    /// login is granted one of them. Again changes nothing.
    ///
    /// # Errors
    /// What the database says.
    pub fn make_roles(&self) -> Result<(), WorkError> {
        self.write(|tx| Ok(tx.batch_execute(ROLES)?))
    }

    /// Waits so long for a database that is gone, instead of a minute. What it cannot do by then it refuses with [`WorkError::Unavailable`], and the next
    /// call connects anew.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn connect(url: &str) -> Result<Self, WorkError> {
        let connection = Connection::new(url, &|name| env::var_os(name))?;
        let client = Mutex::new(Some(connection.connect()?));
        Ok(Self { connection, client, patience: PATIENCE })
    }

    /// One transaction; again if the connection is lost.
    fn write<T>(&self, mut run: impl FnMut(&mut Transaction<'_>) -> Result<T, WorkError>) -> Result<T, WorkError> {
        // A panic elsewhere left no transaction open: dropping one rolls it back.
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        loop {
            match self.once(&mut client, &mut run) {
                Err(WorkError::Unavailable(_)) if start.elapsed() < self.patience => thread::sleep(RETRY),
                outcome => return outcome,
            }
        }
    }

    /// One transaction, on a new connection if the last one was lost.
    fn once<T>(
        &self,
        client: &mut Option<Client>,
        run: &mut impl FnMut(&mut Transaction<'_>) -> Result<T, WorkError>,
    ) -> Result<T, WorkError> {
        let connection = match client {
            Some(connection) => connection,
            // Whatever is wrong with it, it was right before.
            None => client.insert(self.connection.connect().map_err(unavailable)?),
        };
        let outcome = connection.transaction().map_err(WorkError::from).and_then(|mut tx| {
            let result = run(&mut tx)?;
            tx.commit()?;
            Ok(result)
        });
        match outcome {
            Err(WorkError::Database(error)) if connection.is_closed() || ended(&*error) => {
                *client = None;
                Err(WorkError::Unavailable(error))
            }
            Err(WorkError::Database(error)) if is_blocked(&*error) => {
                // Whether it may, and whether there was anybody to end, shows when the call is made again.
                let _ = connection.batch_execute("SELECT tapstone_evict()");
                Err(WorkError::Unavailable(error))
            }
            outcome => outcome,
        }
    }
}

/// Whether somebody else's locks were in the way: waited for too long, or in a circle.
fn is_blocked(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let code = error.downcast_ref::<postgres::Error>().and_then(|error| error.code());
    code.is_some_and(|code| *code == SqlState::LOCK_NOT_AVAILABLE || code.code().starts_with("40"))
}

fn unavailable(error: WorkError) -> WorkError {
    WorkError::Unavailable(match error {
        WorkError::Database(cause) => cause,
        error => Box::new(error),
    })
}

/// Whether the database ended the connection: it is shutting down, or starting.
fn ended(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<postgres::Error>().is_some_and(|error| {
        error.is_closed() || error.code().is_some_and(|code| code.code().starts_with("57P") || code.code().starts_with("08"))
    })
}

/// The version of the tables, 0 for none.
fn version(tx: &mut Transaction<'_>) -> Result<i64, WorkError> {
    let found: bool = tx.query_one("SELECT to_regclass('schema_version') IS NOT NULL", &[])?.try_get(0)?;
    if found { Ok(tx.query_one("SELECT version FROM schema_version", &[])?.try_get(0)?) } else { Ok(0) }
}

impl row::Row for Row {
    fn number(&self, column: usize) -> Result<Option<i64>, WorkError> {
        Ok(self.try_get(column)?)
    }

    fn bytes(&self, column: usize) -> Result<Option<Vec<u8>>, WorkError> {
        Ok(self.try_get(column)?)
    }

    fn text(&self, column: usize) -> Result<Option<String>, WorkError> {
        Ok(self.try_get(column)?)
    }
}

/// Whether a task that is read is to be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// Nobody else changes it until the transaction ends.
    Locked,
    /// It is only looked at.
    Free,
}

fn find(tx: &mut Transaction<'_>, key: &TaskKey, hold: Hold) -> Result<Option<TaskRecord>, WorkError> {
    let lock = if hold == Hold::Locked { "FOR UPDATE" } else { "" };
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM tasks WHERE key = $1 {lock}"), &[&&key.to_bytes()[..]])?;
    row.as_ref().map(record).transpose()
}

fn must_find(tx: &mut Transaction<'_>, key: &TaskKey, hold: Hold) -> Result<TaskRecord, WorkError> {
    find(tx, key, hold)?.ok_or(WorkError::NoTask { key: *key })
}

/// What a worker may have done with a task, in a table `tries r` beside `tasks t`, so that it is not given it again.
fn spent() -> String {
    format!("(r.certain OR r.failures >= t.max_attempts OR r.claims >= {MOST_CLAIMS})")
}

/// An offer's keys and memory as the database takes them.
fn wanted(offer: &Offer<'_>) -> (Vec<Vec<u8>>, i64) {
    // More than a database can say is as good as all that it can.
    let memory = i64::try_from(offer.memory).unwrap_or(i64::MAX);
    (offer.vk_ids.iter().map(|id| id.to_bytes().to_vec()).collect(), memory)
}

/// What a function says of a lease that it refuses.
fn refusal(outcome: &str, lease: &Lease) -> WorkError {
    match outcome {
        "lost" => WorkError::LeaseLost { key: lease.key, epoch: lease.epoch },
        "unknown" => WorkError::NoTask { key: lease.key },
        _ => damaged("the answer of a function"),
    }
}

/// What a function that ends with an outcome and a detail says of a worker in quarantine.
fn quarantined(row: &Row, worker: &str) -> Result<WorkError, WorkError> {
    let reason: Option<String> = row.try_get("detail")?;
    Ok(WorkError::Quarantined { worker: worker.to_owned(), reason: reason.unwrap_or_default() })
}

impl WorkStore for PostgresStore {
    fn add(&self, tasks: &[NewTask]) -> Result<Vec<Added>, WorkError> {
        // In the order of their keys, so that two planners with the same tasks do not wait for each other.
        let mut order: Vec<usize> = (0..tasks.len()).collect();
        order.sort_by_key(|index| tasks[*index].key);
        self.write(|tx| {
            // The task added first has the lower number, so numbers are drawn before rows are written.
            let ids = tx.query(
                "SELECT nextval(pg_get_serial_sequence('tasks', 'id')) FROM generate_series(1, $1::bigint)",
                &[&(tasks.len() as i64)],
            )?;
            let insert = tx.prepare(
                "INSERT INTO tasks (id, key, vk_id, chain_id, batch_number, bundle, memory, deadline, max_attempts) \
                 OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO NOTHING",
            )?;
            let mut added = vec![Added::New; tasks.len()];
            for index in &order {
                let task = &tasks[*index];
                let id: i64 = ids[*index].try_get(0)?;
                let new = tx.execute(
                    &insert,
                    &[
                        &id,
                        &&task.key.to_bytes()[..],
                        &&task.vk_id.to_bytes()[..],
                        &i64::from(task.chain_id),
                        &signed("batch_number", task.batch_number)?,
                        &&task.bundle.to_bytes()[..],
                        &signed("memory", task.memory)?,
                        &signed("deadline", task.deadline)?,
                        &i64::from(task.max_attempts.max(1)),
                    ],
                )?;
                if new == 0 {
                    added[*index] = Added::Existed(must_find(tx, &task.key, Hold::Free)?.state);
                }
            }
            Ok(added)
        })
    }

    fn claim(&self, offer: &Offer<'_>) -> Result<Option<Claim>, WorkError> {
        check_worker(offer.worker)?;
        let (keys, memory) = wanted(offer);
        self.write(|tx| {
            let sql = "SELECT outcome, detail, task_key FROM tapstone_claim($1, $2, $3, $4)";
            let row = tx.query_one(sql, &[&offer.worker, &keys, &memory, &milliseconds(offer.lease)])?;
            match row.try_get::<_, String>("outcome")?.as_str() {
                "none" => return Ok(None),
                "quarantined" => return Err(quarantined(&row, offer.worker)?),
                _ => {}
            }
            let sql = format!("SELECT {COLUMNS} FROM tasks WHERE key = $1");
            let found = record(&tx.query_one(&sql, &[&row.try_get::<_, Option<Vec<u8>>>("task_key")?])?)?;
            // The name by which the database knows it: that of its login may be before its own.
            let worker = found.worker.ok_or_else(|| damaged("worker"))?;
            let NewTask { key, bundle, vk_id, chain_id, batch_number, deadline, .. } = found.task;
            let lease = Lease { key, epoch: found.epoch, worker };
            Ok(Some(Claim { lease, bundle, vk_id, chain_id, batch_number, deadline, attempts: found.attempts }))
        })
    }

    fn heartbeat(&self, lease: &Lease, length: Duration) -> Result<(), WorkError> {
        let (key, epoch) = (lease.key.to_bytes(), signed("epoch", lease.epoch)?);
        let outcome: String = self.write(|tx| {
            let sql = "SELECT tapstone_heartbeat($1, $2, $3, $4)";
            Ok(tx.query_one(sql, &[&&key[..], &epoch, &lease.worker, &milliseconds(length)])?.try_get(0)?)
        })?;
        // Committed whatever it is: a task that was held for too long is taken away.
        if outcome == "ok" { Ok(()) } else { Err(refusal(&outcome, lease)) }
    }

    fn release(&self, lease: &Lease) -> Result<(), WorkError> {
        let (key, epoch) = (lease.key.to_bytes(), signed("epoch", lease.epoch)?);
        self.write(|tx| {
            let row = tx.query_one("SELECT tapstone_release($1, $2, $3)", &[&&key[..], &epoch, &lease.worker])?;
            let outcome: String = row.try_get(0)?;
            if outcome == "ok" { Ok(()) } else { Err(refusal(&outcome, lease)) }
        })
    }

    fn fail(&self, lease: &Lease, failure: &Failure) -> Result<AfterFailure, WorkError> {
        let (key, epoch) = (lease.key.to_bytes(), signed("epoch", lease.epoch)?);
        let (kind, wait) = match failure.kind {
            FailureKind::Transient { after } => ("transient", milliseconds(after)),
            FailureKind::Deterministic => ("certain", 0),
            FailureKind::BadProof => ("bad proof", 0),
        };
        self.write(|tx| {
            let sql = "SELECT outcome, failed FROM tapstone_fail($1, $2, $3, $4, $5, $6)";
            let row = tx.query_one(sql, &[&&key[..], &epoch, &lease.worker, &kind, &kept(&failure.message), &wait])?;
            let outcome: String = row.try_get(0)?;
            match outcome.as_str() {
                "dead" => Ok(AfterFailure::Dead),
                "queued" => {
                    let attempts = u32::try_from(row.try_get::<_, i64>(1)?).map_err(|_| damaged("attempts"))?;
                    Ok(AfterFailure::Queued { attempts })
                }
                _ => Err(refusal(&outcome, lease)),
            }
        })
    }

    fn complete_with(
        &self,
        key: &TaskKey,
        worker: &str,
        result: &ArtefactId,
        effort: Effort,
    ) -> Result<Completion, WorkError> {
        check_worker(worker)?;
        let threads = (effort.threads > 0).then_some(i64::from(effort.threads));
        let peak_bytes = effort.peak_bytes.map(|bytes| signed("peak_bytes", bytes)).transpose()?;
        self.write(|tx| {
            let sql = "SELECT outcome, detail FROM tapstone_complete($1, $2, $3, $4, $5)";
            let result = &result.to_bytes()[..];
            let row = tx.query_one(sql, &[&&key.to_bytes()[..], &worker, &result, &threads, &peak_bytes])?;
            match row.try_get::<_, String>("outcome")?.as_str() {
                "first" => Ok(Completion::First),
                "duplicate" => Ok(Completion::Duplicate),
                "unknown" => Err(WorkError::NoTask { key: *key }),
                "quarantined" => Err(quarantined(&row, worker)?),
                _ => Err(damaged("the answer of a function")),
            }
        })
    }

    fn reject(&self, key: &TaskKey, result: &ArtefactId, reason: &str) -> Result<Rejection, WorkError> {
        self.write(|tx| {
            let (task, result) = (&key.to_bytes()[..], &result.to_bytes()[..]);
            let row = tx.query_one("SELECT tapstone_reject($1, $2, $3)", &[&task, &result, &kept(reason)])?;
            match row.try_get::<_, String>(0)?.as_str() {
                "queued" => Ok(Rejection::Queued),
                "replaced" => Ok(Rejection::Replaced),
                "outdated" => Ok(Rejection::Outdated),
                "unknown" => Err(WorkError::NoTask { key: *key }),
                _ => Err(damaged("the answer of a function")),
            }
        })
    }

    fn quarantine(&self, worker: &str, reason: &str) -> Result<(), WorkError> {
        check_worker(worker)?;
        self.write(|tx| {
            tx.execute("SELECT tapstone_confine($1, $2)", &[&worker, &kept(reason)])?;
            Ok(())
        })
    }

    fn pardon(&self, worker: &str) -> Result<(), WorkError> {
        self.write(|tx| {
            // A login's workers are in quarantine together.
            let sql = "UPDATE workers SET quarantine = NULL WHERE name = $1 OR login = $1 \
                       OR login = (SELECT w.login FROM workers w WHERE w.name = $1)";
            tx.execute(sql, &[&worker])?;
            Ok(())
        })
    }

    fn is_stranded(&self, key: &TaskKey) -> Result<bool, WorkError> {
        let sql = format!(
            "SELECT EXISTS (SELECT FROM tries r WHERE r.task = t.id AND {spent}) \
             AND NOT EXISTS (SELECT FROM workers w WHERE w.quarantine IS NULL AND w.seen > {NOW} - $2 \
             AND NOT EXISTS (SELECT FROM workers c WHERE c.login = w.login AND c.quarantine IS NOT NULL) \
             AND NOT EXISTS (SELECT FROM tries r WHERE r.task = t.id AND r.party = coalesce(w.login, w.name) AND {spent})) \
             FROM tasks t WHERE t.key = $1 AND t.state = 'queued'",
            spent = spent()
        );
        self.write(|tx| {
            let row = tx.query_opt(&sql, &[&&key.to_bytes()[..], &milliseconds(HEARD)])?;
            Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
        })
    }

    fn bury(&self, key: &TaskKey, reason: &str) -> Result<bool, WorkError> {
        self.write(|tx| {
            let sql = "UPDATE tasks SET state = 'dead', error = $2 WHERE key = $1 AND state = 'queued'";
            Ok(tx.execute(sql, &[&&key.to_bytes()[..], &kept(reason)])? == 1)
        })
    }

    fn is_left(&self, offer: &Offer<'_>) -> Result<bool, WorkError> {
        let (keys, memory) = wanted(offer);
        self.write(|tx| {
            Ok(tx.query_one("SELECT tapstone_left($1, $2, $3)", &[&offer.worker, &keys, &memory])?.try_get(0)?)
        })
    }

    fn requeue(&self, key: &TaskKey) -> Result<(), WorkError> {
        self.write(|tx| {
            let record = must_find(tx, key, Hold::Locked)?;
            if !may_be_requeued(&record) {
                return Err(WorkError::NotDead { key: *key, had: record.state.name() });
            }
            let key = &key.to_bytes()[..];
            tx.execute("UPDATE tasks SET state = 'queued', attempts = 0, not_before = 0 WHERE key = $1", &[&key])?;
            tx.execute("DELETE FROM tries WHERE task = (SELECT id FROM tasks WHERE key = $1)", &[&key])?;
            Ok(())
        })
    }

    fn task(&self, key: &TaskKey) -> Result<Option<TaskRecord>, WorkError> {
        self.write(|tx| find(tx, key, Hold::Free))
    }

    /// In one query: a planner asks for thousands.
    fn tasks_of(&self, keys: &[TaskKey]) -> Result<Vec<Option<TaskRecord>>, WorkError> {
        let wanted: Vec<Vec<u8>> = keys.iter().map(|key| key.to_bytes().to_vec()).collect();
        let found: BTreeMap<TaskKey, TaskRecord> = self.write(|tx| {
            let rows = tx.query(&format!("SELECT {COLUMNS} FROM tasks WHERE key = ANY($1)"), &[&wanted])?;
            rows.iter().map(|row| record(row).map(|record| (record.task.key, record))).collect()
        })?;
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    fn tasks(&self, state: TaskState, most: u32) -> Result<Vec<TaskRecord>, WorkError> {
        self.write(|tx| {
            let sql = format!("SELECT {COLUMNS} FROM tasks WHERE state = $1 ORDER BY deadline, id LIMIT $2");
            tx.query(&sql, &[&state.name(), &i64::from(most)])?.iter().map(record).collect()
        })
    }

    fn status(&self) -> Result<Status, WorkError> {
        self.write(|tx| {
            // One moment for all of it.
            tx.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
            let mut status = Status::default();
            for row in tx.query("SELECT state, count(*) FROM tasks GROUP BY state", &[])? {
                let state: String = row.try_get(0)?;
                let count = unsigned("a count", row.try_get(1)?)?;
                match TaskState::from_name(&state).ok_or_else(|| damaged("state"))? {
                    TaskState::Queued => status.queued = count,
                    TaskState::Leased => status.leased = count,
                    TaskState::Done => status.done = count,
                    TaskState::Dead => status.dead = count,
                }
            }
            let sql = format!("SELECT count(*) FROM tasks WHERE state = 'leased' AND lease_until < {NOW}");
            status.lapsed = unsigned("a count", tx.query_one(&sql, &[])?.try_get(0)?)?;
            let sql = format!("SELECT min(deadline), {NOW} FROM tasks WHERE state IN ('queued', 'leased')");
            let row = tx.query_one(&sql, &[])?;
            let (deadline, now): (Option<i64>, i64) = (row.try_get(0)?, row.try_get(1)?);
            status.next_deadline = deadline.map(|seconds| unsigned("deadline", seconds)).transpose()?;
            status.slack = deadline.map(|seconds| seconds.saturating_mul(1000).saturating_sub(now));
            // By bytes, whatever the database's language.
            let sql = format!(
                "SELECT name, greatest(0, {NOW} - seen), completed, quarantine FROM workers ORDER BY name COLLATE \"C\""
            );
            for row in tx.query(&sql, &[])? {
                status.workers.push(WorkerRecord {
                    name: row.try_get(0)?,
                    silent: unsigned("seen", row.try_get(1)?)?,
                    completed: unsigned("completed", row.try_get(2)?)?,
                    quarantine: row.try_get(3)?,
                });
            }
            Ok(status)
        })
    }

    fn reopen(&self) -> Result<Box<dyn WorkStore>, WorkError> {
        let client = Mutex::new(Some(self.connection.connect()?));
        Ok(Box::new(Self { connection: self.connection.clone(), client, patience: self.patience }))
    }
}

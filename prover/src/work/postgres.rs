//! [`PostgresStore`]: the work store of many machines, in PostgreSQL 12 or later.
//!
//! Whoever changes a worker and a task in one transaction locks the worker first, so no two calls wait for each other. A claim skips what others have
//! locked. When the connection is lost a call waits for the database to come back and is made again: each may be made twice, for a lease that
//! was claimed in vain runs out, and a second completion is a duplicate.
//!
//! Hazards: whoever may write the tables may write anything: `migrations/postgres/roles.sql` makes roles that may do little. Another machine's database
//! is connected to by TLS alone, with a certificate that is verified.

mod connection;
mod password;
mod place;

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, Row, Transaction};

use self::connection::Connection;
use super::error::WorkError;
use super::id::{ArtefactId, TaskKey};
use super::row::{self, COLUMNS, damaged, record, unsigned};
use super::store::{
    Added, AfterFailure, Claim, Completion, Effort, Failure, FailureKind, Lease, NewTask, Offer, Rejection, Status,
    TaskRecord, TaskState, WorkStore, WorkerRecord, check_worker, kept, milliseconds, signed,
};

/// The migrations, from version 1 on.
const MIGRATIONS: [&str; 2] = [include_str!("migrations/postgres/0001.sql"), include_str!("migrations/postgres/0002.sql")];
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
            outcome => outcome,
        }
    }
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

/// Notes that a worker was heard of, and locks it; why it is in quarantine, if it is.
fn seen(tx: &mut Transaction<'_>, worker: &str) -> Result<Option<String>, WorkError> {
    let sql = format!(
        "INSERT INTO workers (name, seen) VALUES ($1, {NOW}) ON CONFLICT (name) DO UPDATE SET seen = excluded.seen RETURNING quarantine"
    );
    Ok(tx.query_one(&sql, &[&worker])?.try_get(0)?)
}

/// As [`seen`]; a worker in quarantine is refused.
fn admit(tx: &mut Transaction<'_>, worker: &str) -> Result<(), WorkError> {
    match seen(tx, worker)? {
        Some(reason) => Err(WorkError::Quarantined { worker: worker.to_owned(), reason }),
        None => Ok(()),
    }
}

fn confine(tx: &mut Transaction<'_>, worker: &str, reason: &str) -> Result<(), WorkError> {
    let sql = format!(
        "INSERT INTO workers (name, seen, quarantine) VALUES ($1, {NOW}, $2) \
         ON CONFLICT (name) DO UPDATE SET quarantine = excluded.quarantine"
    );
    tx.execute(&sql, &[&worker, &kept(reason)])?;
    tx.execute("UPDATE tasks SET state = 'queued', lease_until = NULL WHERE state = 'leased' AND worker = $1", &[&worker])?;
    Ok(())
}

/// Whether the lease is the task's last one, and the task not finished without it.
fn fence(tx: &mut Transaction<'_>, lease: &Lease) -> Result<TaskRecord, WorkError> {
    let record = must_find(tx, &lease.key, Hold::Locked)?;
    let holds =
        record.state == TaskState::Leased && record.epoch == lease.epoch && record.worker.as_deref() == Some(&lease.worker);
    if holds { Ok(record) } else { Err(WorkError::LeaseLost { key: lease.key, epoch: lease.epoch }) }
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
        let keys: Vec<Vec<u8>> = offer.vk_ids.iter().map(|id| id.to_bytes().to_vec()).collect();
        // More than a database can say is as good as all that it can.
        let memory = i64::try_from(offer.memory).unwrap_or(i64::MAX);
        self.write(|tx| {
            admit(tx, offer.worker)?;
            let sql = format!(
                "UPDATE tasks SET state = 'leased', worker = $3, epoch = epoch + 1, \
                 lapses = lapses + CASE tasks.state WHEN 'leased' THEN 1 ELSE 0 END, claimed_at = {NOW}, lease_until = {NOW} + $4 \
                 WHERE id = (SELECT id FROM tasks WHERE state IN ('queued', 'leased') \
                 AND CASE state WHEN 'queued' THEN not_before <= {NOW} ELSE lease_until < {NOW} END \
                 AND memory <= $1 AND vk_id = ANY($2) ORDER BY deadline, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING {COLUMNS}"
            );
            let row = tx.query_opt(&sql, &[&memory, &keys, &offer.worker, &milliseconds(offer.lease)])?;
            let Some(found) = row.as_ref().map(record).transpose()? else { return Ok(None) };
            let NewTask { key, bundle, vk_id, chain_id, batch_number, deadline, .. } = found.task;
            let lease = Lease { key, epoch: found.epoch, worker: offer.worker.to_owned() };
            Ok(Some(Claim { lease, bundle, vk_id, chain_id, batch_number, deadline, attempts: found.attempts }))
        })
    }

    fn heartbeat(&self, lease: &Lease, length: Duration) -> Result<(), WorkError> {
        self.write(|tx| {
            seen(tx, &lease.worker)?;
            fence(tx, lease)?;
            let sql = format!("UPDATE tasks SET lease_until = {NOW} + $2 WHERE key = $1");
            tx.execute(&sql, &[&&lease.key.to_bytes()[..], &milliseconds(length)])?;
            Ok(())
        })
    }

    fn release(&self, lease: &Lease) -> Result<(), WorkError> {
        self.write(|tx| {
            fence(tx, lease)?;
            let sql = "UPDATE tasks SET state = 'queued', lease_until = NULL WHERE key = $1";
            tx.execute(sql, &[&&lease.key.to_bytes()[..]])?;
            Ok(())
        })
    }

    fn fail(&self, lease: &Lease, failure: &Failure) -> Result<AfterFailure, WorkError> {
        self.write(|tx| {
            seen(tx, &lease.worker)?;
            let record = fence(tx, lease)?;
            let attempts = record.attempts.saturating_add(1);
            let (last, wait) = match failure.kind {
                FailureKind::Transient { after } => (attempts >= record.task.max_attempts, milliseconds(after)),
                FailureKind::BadProof => (attempts >= record.task.max_attempts, 0),
                FailureKind::Deterministic => (true, 0),
            };
            let state = if last { TaskState::Dead } else { TaskState::Queued };
            let sql = format!(
                "UPDATE tasks SET state = $2, lease_until = NULL, attempts = $3, error = $4, not_before = {NOW} + $5 WHERE key = $1"
            );
            let key = &lease.key.to_bytes()[..];
            tx.execute(&sql, &[&key, &state.name(), &i64::from(attempts), &kept(&failure.message), &wait])?;
            if failure.kind == FailureKind::BadProof {
                confine(tx, &lease.worker, &failure.message)?;
            }
            Ok(if last { AfterFailure::Dead } else { AfterFailure::Queued { attempts } })
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
            admit(tx, worker)?;
            if must_find(tx, key, Hold::Locked)?.state == TaskState::Done {
                return Ok(Completion::Duplicate);
            }
            let sql = format!(
                "UPDATE tasks SET state = 'done', lease_until = NULL, result = $2, result_worker = $3, \
                 milliseconds = greatest(0, {NOW} - claimed_at), threads = $4, peak_bytes = $5 WHERE key = $1"
            );
            tx.execute(&sql, &[&&key.to_bytes()[..], &&result.to_bytes()[..], &worker, &threads, &peak_bytes])?;
            tx.execute("UPDATE workers SET completed = completed + 1 WHERE name = $1", &[&worker])?;
            Ok(Completion::First)
        })
    }

    fn reject(&self, key: &TaskKey, result: &ArtefactId, reason: &str) -> Result<Rejection, WorkError> {
        self.write(|tx| {
            // The worker is locked before the task, and only the task says who it is; so it is looked at twice.
            let maker = must_find(tx, key, Hold::Free)?.result_worker;
            if let Some(worker) = &maker {
                seen(tx, worker)?;
            }
            let record = must_find(tx, key, Hold::Locked)?;
            if record.result.as_ref() != Some(result) || record.result_worker != maker {
                return Ok(Rejection::Outdated);
            }
            tx.execute(
                "UPDATE tasks SET state = 'queued', result = NULL, result_worker = NULL, milliseconds = NULL, threads = NULL, peak_bytes = NULL, not_before = 0, error = $2 \
                 WHERE key = $1",
                &[&&key.to_bytes()[..], &kept(reason)],
            )?;
            if let Some(worker) = maker {
                tx.execute("UPDATE workers SET completed = greatest(0, completed - 1) WHERE name = $1", &[&worker])?;
                confine(tx, &worker, reason)?;
            }
            Ok(Rejection::Queued)
        })
    }

    fn quarantine(&self, worker: &str, reason: &str) -> Result<(), WorkError> {
        check_worker(worker)?;
        self.write(|tx| confine(tx, worker, reason))
    }

    fn pardon(&self, worker: &str) -> Result<(), WorkError> {
        self.write(|tx| {
            tx.execute("UPDATE workers SET quarantine = NULL WHERE name = $1", &[&worker])?;
            Ok(())
        })
    }

    fn requeue(&self, key: &TaskKey) -> Result<(), WorkError> {
        self.write(|tx| {
            let record = must_find(tx, key, Hold::Locked)?;
            if record.state != TaskState::Dead {
                return Err(WorkError::NotDead { key: *key, had: record.state.name() });
            }
            let sql = "UPDATE tasks SET state = 'queued', attempts = 0, not_before = 0 WHERE key = $1";
            tx.execute(sql, &[&&key.to_bytes()[..]])?;
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

//! [`SqliteStore`]: the work store of one machine, in a file.
//!
//! Every call that writes is one transaction that takes the write lock at its start, so calls of all processes are one after the other. The
//! journal is a write-ahead log, synced at every commit: what was told to be done is done after a power cut.
//!
//! Hazards: the file must lie on a local disk, for the locks of network file systems do not hold. Whoever may write the file may write anything: its rules
//! hold among workers that use this program, and a hostile one needs a database with logins.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};

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
    include_str!("migrations/sqlite/0001.sql"),
    include_str!("migrations/sqlite/0002.sql"),
    include_str!("migrations/sqlite/0003.sql"),
];
/// What this program works with.
const VERSION: i64 = MIGRATIONS.len() as i64;
/// How long a call waits for other processes.
const BUSY: Duration = Duration::from_secs(30);
/// The pause where SQLite itself does not wait.
const AGAIN: Duration = Duration::from_millis(5);
/// SQLite's clock, in milliseconds since 1970.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// A work store in a file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl From<rusqlite::Error> for WorkError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

impl SqliteStore {
    /// The version of the tables that this program works with.
    pub const VERSION: i64 = VERSION;

    /// Opens the store in a file, which is made if there is none, and brings its tables to this program's version.
    ///
    /// # Errors
    /// [`WorkError::Schema`] if a later program made it, and what SQLite says.
    pub fn open(path: &Path) -> Result<Self, WorkError> {
        let mut connection = connect(path)?;
        keep_a_log(&connection)?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let had: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if !(0..=VERSION).contains(&had) {
            let advice = "it was made by a later version of Tapstone, or is no work store";
            return Err(WorkError::Schema { had, needed: VERSION, advice });
        }
        for (version, sql) in (1i64..).zip(MIGRATIONS).filter(|(version, _)| *version > had) {
            tx.execute_batch(sql)?;
            tx.pragma_update(None, "user_version", version)?;
        }
        tx.commit()?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// The version of the tables in a file, 0 for none, and the version that [`SqliteStore::open`] would bring them to. Nothing is changed.
    ///
    /// # Errors
    /// [`WorkError::Io`] if there is no such file, and what SQLite says.
    pub fn versions(path: &Path) -> Result<(i64, i64), WorkError> {
        std::fs::metadata(path).map_err(|source| WorkError::Io { path: path.to_owned(), source })?;
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        Ok((connection.pragma_query_value(None, "user_version", |row| row.get(0))?, VERSION))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere left no transaction open: dropping one rolls it back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction that holds the write lock from its start.
    fn write<T>(&self, run: impl FnOnce(&Transaction<'_>) -> Result<T, WorkError>) -> Result<T, WorkError> {
        let mut connection = self.lock();
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = run(&tx)?;
        tx.commit()?;
        Ok(result)
    }
}

/// Lets the database write ahead, which the file remembers. Where others open a new file at the same time, SQLite tells that it is busy without any wait.
fn keep_a_log(connection: &Connection) -> Result<(), WorkError> {
    let start = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && start.elapsed() < BUSY => sleep(AGAIN),
            outcome => return Ok(outcome?),
        }
    }
}

fn connect(path: &Path) -> Result<Connection, WorkError> {
    // A name that begins with `file:` is a name as any other.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

impl row::Row for Row<'_> {
    fn number(&self, column: usize) -> Result<Option<i64>, WorkError> {
        Ok(self.get(column)?)
    }

    fn bytes(&self, column: usize) -> Result<Option<Vec<u8>>, WorkError> {
        Ok(self.get(column)?)
    }

    fn text(&self, column: usize) -> Result<Option<String>, WorkError> {
        Ok(self.get(column)?)
    }
}

fn find(tx: &Connection, key: &TaskKey) -> Result<Option<TaskRecord>, WorkError> {
    let mut statement = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM tasks WHERE key = ?1"))?;
    let mut rows = statement.query(params![key.to_bytes()])?;
    rows.next()?.map(record).transpose()
}

fn must_find(tx: &Connection, key: &TaskKey) -> Result<TaskRecord, WorkError> {
    find(tx, key)?.ok_or(WorkError::NoTask { key: *key })
}

/// Notes that a worker was heard of, unless it is in quarantine.
fn admit(tx: &Connection, worker: &str) -> Result<(), WorkError> {
    let mut statement = tx.prepare_cached("SELECT quarantine FROM workers WHERE name = ?1")?;
    let reason: Option<Option<String>> = statement.query_row(params![worker], |row| row.get(0)).optional()?;
    if let Some(Some(reason)) = reason {
        return Err(WorkError::Quarantined { worker: worker.to_owned(), reason });
    }
    seen(tx, worker)
}

fn seen(tx: &Connection, worker: &str) -> Result<(), WorkError> {
    let sql =
        format!("INSERT INTO workers (name, seen) VALUES (?1, {NOW}) ON CONFLICT (name) DO UPDATE SET seen = excluded.seen");
    tx.prepare_cached(&sql)?.execute(params![worker])?;
    Ok(())
}

fn confine(tx: &Connection, worker: &str, reason: &str) -> Result<(), WorkError> {
    let sql = format!(
        "INSERT INTO workers (name, seen, quarantine) VALUES (?1, {NOW}, ?2) \
         ON CONFLICT (name) DO UPDATE SET quarantine = excluded.quarantine"
    );
    tx.execute(&sql, params![worker, kept(reason)])?;
    tx.execute(
        "UPDATE tasks SET state = 'queued', lease_until = NULL WHERE state = 'leased' AND worker = ?1",
        params![worker],
    )?;
    tx.execute("UPDATE tasks SET held_until = NULL WHERE state = 'done' AND worker = ?1", params![worker])?;
    tx.execute("DELETE FROM spares WHERE party = ?1", params![worker])?;
    Ok(())
}

/// What a worker may have done with a task, in a table `tries r` beside `tasks t`, so that it is not given it again.
fn spent() -> String {
    format!("(r.certain OR r.failures >= t.max_attempts OR r.claims >= {MOST_CLAIMS})")
}

/// The keys of an offer, as JSON.
fn keys_of(offer: &Offer<'_>) -> String {
    let keys: Vec<String> = offer.vk_ids.iter().map(|id| hex::encode(id.to_bytes())).collect();
    serde_json::Value::from(keys).to_string()
}

/// The first result of a task that came after another one, and who made it.
fn spare(tx: &Connection, key: &TaskKey) -> Result<Option<(i64, String)>, WorkError> {
    let sql = "SELECT s.id, s.party FROM spares s JOIN tasks t ON t.id = s.task WHERE t.key = ?1 ORDER BY s.id LIMIT 1";
    Ok(tx.query_row(sql, params![key.to_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Whether the lease is the task's last one, and the task not finished without it.
fn fence(tx: &Connection, lease: &Lease) -> Result<TaskRecord, WorkError> {
    let record = must_find(tx, &lease.key)?;
    let holds =
        record.state == TaskState::Leased && record.epoch == lease.epoch && record.worker.as_deref() == Some(&lease.worker);
    if holds { Ok(record) } else { Err(WorkError::LeaseLost { key: lease.key, epoch: lease.epoch }) }
}

impl WorkStore for SqliteStore {
    fn add(&self, tasks: &[NewTask]) -> Result<Vec<Added>, WorkError> {
        self.write(|tx| {
            let mut insert = tx.prepare_cached(
                "INSERT INTO tasks (key, vk_id, chain_id, batch_number, bundle, memory, deadline, max_attempts) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (key) DO NOTHING",
            )?;
            let add = |task: &NewTask| {
                let new = insert.execute(params![
                    task.key.to_bytes(),
                    task.vk_id.to_bytes(),
                    task.chain_id,
                    signed("batch_number", task.batch_number)?,
                    task.bundle.to_bytes(),
                    signed("memory", task.memory)?,
                    signed("deadline", task.deadline)?,
                    task.max_attempts.max(1),
                ])?;
                Ok(if new == 1 { Added::New } else { Added::Existed(must_find(tx, &task.key)?.state) })
            };
            tasks.iter().map(add).collect()
        })
    }

    fn claim(&self, offer: &Offer<'_>) -> Result<Option<Claim>, WorkError> {
        check_worker(offer.worker)?;
        let keys = keys_of(offer);
        // More than a database can say is as good as all that it can.
        let memory = i64::try_from(offer.memory).unwrap_or(i64::MAX);
        self.write(|tx| {
            admit(tx, offer.worker)?;
            let sql = format!(
                "SELECT {COLUMNS} FROM tasks t WHERE state IN ('queued', 'leased') \
                 AND CASE state WHEN 'queued' THEN not_before <= {NOW} ELSE lease_until < {NOW} END \
                 AND memory <= ?1 AND vk_id IN (SELECT unhex(value) FROM json_each(?2)) \
                 AND NOT EXISTS (SELECT 1 FROM tries r WHERE r.task = t.id AND r.party = ?3 \
                 AND ({} OR r.not_before > {NOW})) ORDER BY deadline, id LIMIT 1",
                spent()
            );
            let mut statement = tx.prepare_cached(&sql)?;
            let mut rows = statement.query(params![memory, keys, offer.worker])?;
            let Some(found) = rows.next()?.map(record).transpose()? else { return Ok(None) };
            drop(rows);
            let lapsed = u32::from(found.state == TaskState::Leased);
            let epoch = found.epoch + 1;
            let sql = format!(
                "UPDATE tasks SET state = 'leased', worker = ?2, epoch = ?3, lapses = lapses + ?4, claimed_at = {NOW}, \
                 lease_until = {NOW} + ?5 WHERE key = ?1"
            );
            tx.prepare_cached(&sql)?.execute(params![
                found.task.key.to_bytes(),
                offer.worker,
                signed("epoch", epoch)?,
                lapsed,
                milliseconds(offer.lease)
            ])?;
            let sql = "INSERT INTO tries AS r (task, party, claims) SELECT id, ?2, 1 FROM tasks WHERE key = ?1 \
                       ON CONFLICT (task, party) DO UPDATE SET claims = r.claims + 1";
            tx.prepare_cached(sql)?.execute(params![found.task.key.to_bytes(), offer.worker])?;
            let NewTask { key, bundle, vk_id, chain_id, batch_number, deadline, .. } = found.task;
            let lease = Lease { key, epoch, worker: offer.worker.to_owned() };
            Ok(Some(Claim { lease, bundle, vk_id, chain_id, batch_number, deadline, attempts: found.attempts }))
        })
    }

    fn heartbeat(&self, lease: &Lease, length: Duration) -> Result<(), WorkError> {
        self.write(|tx| {
            // Somebody else's result may be none: whoever has the task goes on with it.
            let sql = format!(
                "UPDATE tasks SET held_until = {NOW} + ?4 \
                 WHERE key = ?1 AND epoch = ?2 AND worker = ?3 AND state = 'done' AND held_until IS NOT NULL"
            );
            let (key, epoch) = (lease.key.to_bytes(), signed("epoch", lease.epoch)?);
            if tx.prepare_cached(&sql)?.execute(params![key, epoch, lease.worker, milliseconds(length)])? == 0 {
                fence(tx, lease)?;
                let sql = format!("UPDATE tasks SET lease_until = {NOW} + ?2 WHERE key = ?1");
                tx.prepare_cached(&sql)?.execute(params![key, milliseconds(length)])?;
            }
            seen(tx, &lease.worker)
        })
    }

    fn release(&self, lease: &Lease) -> Result<(), WorkError> {
        self.write(|tx| {
            fence(tx, lease)?;
            let sql = "UPDATE tasks SET state = 'queued', lease_until = NULL WHERE key = ?1";
            tx.execute(sql, params![lease.key.to_bytes()])?;
            Ok(())
        })
    }

    fn fail(&self, lease: &Lease, failure: &Failure) -> Result<AfterFailure, WorkError> {
        self.write(|tx| {
            let record = fence(tx, lease)?;
            let attempts = record.attempts.saturating_add(1);
            let wait = match failure.kind {
                FailureKind::Transient { after } => milliseconds(after),
                FailureKind::BadProof | FailureKind::Deterministic => 0,
            };
            let (key, certain) = (lease.key.to_bytes(), failure.kind == FailureKind::Deterministic);
            let sql = format!(
                "INSERT INTO tries AS r (task, party, failures, certain, not_before) \
                 SELECT id, ?2, 1, ?3, {NOW} + ?4 FROM tasks WHERE key = ?1 ON CONFLICT (task, party) DO UPDATE SET \
                 failures = r.failures + 1, certain = max(r.certain, excluded.certain), not_before = excluded.not_before"
            );
            tx.execute(&sql, params![key, lease.worker, certain, wait])?;
            let sql = "SELECT sum(r.certain) >= 2 OR sum(r.failures >= t.max_attempts) >= 2 \
                       FROM tries r JOIN tasks t ON t.id = r.task WHERE t.key = ?1";
            let last: bool = tx.query_row(sql, params![key], |row| row.get(0))?;
            let state = if last { TaskState::Dead } else { TaskState::Queued };
            let sql = "UPDATE tasks SET state = ?2, lease_until = NULL, attempts = ?3, error = ?4 WHERE key = ?1";
            tx.execute(sql, params![key, state.name(), attempts, kept(&failure.message)])?;
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
            let record = must_find(tx, key)?;
            if record.state == TaskState::Done {
                if record.result.as_ref() != Some(result) && record.result_worker.as_deref() != Some(worker) {
                    let sql = format!(
                        "INSERT INTO spares (task, party, result, milliseconds, threads, peak_bytes) \
                         SELECT id, ?3, ?2, max(0, {NOW} - claimed_at), ?4, ?5 FROM tasks WHERE key = ?1 \
                         ON CONFLICT (task, party) DO NOTHING"
                    );
                    tx.execute(&sql, params![key.to_bytes(), result.to_bytes(), worker, threads, peak_bytes])?;
                }
                return Ok(Completion::Duplicate);
            }
            let sql = format!(
                "UPDATE tasks SET state = 'done', result = ?2, result_worker = ?3, \
                 held_until = CASE WHEN worker <> ?3 THEN lease_until END, lease_until = NULL, \
                 milliseconds = max(0, {NOW} - claimed_at), threads = ?4, peak_bytes = ?5 WHERE key = ?1"
            );
            tx.prepare_cached(&sql)?.execute(params![key.to_bytes(), result.to_bytes(), worker, threads, peak_bytes])?;
            tx.prepare_cached("UPDATE workers SET completed = completed + 1 WHERE name = ?1")?.execute(params![worker])?;
            Ok(Completion::First)
        })
    }

    fn reject(&self, key: &TaskKey, result: &ArtefactId, reason: &str) -> Result<Rejection, WorkError> {
        self.write(|tx| {
            let record = must_find(tx, key)?;
            if record.result.as_ref() != Some(result) {
                return Ok(Rejection::Outdated);
            }
            if let Some(worker) = &record.result_worker {
                tx.execute("UPDATE workers SET completed = max(0, completed - 1) WHERE name = ?1", params![worker])?;
                confine(tx, worker, reason)?;
            }
            if let Some((spare, worker)) = spare(tx, key)? {
                tx.execute(
                    "UPDATE tasks SET (result, result_worker, milliseconds, threads, peak_bytes) = \
                     (SELECT result, party, milliseconds, threads, peak_bytes FROM spares WHERE id = ?2), error = ?3 WHERE key = ?1",
                    params![key.to_bytes(), spare, kept(reason)],
                )?;
                tx.execute("DELETE FROM spares WHERE id = ?1", params![spare])?;
                tx.execute("UPDATE workers SET completed = completed + 1 WHERE name = ?1", params![worker])?;
                return Ok(Rejection::Replaced);
            }
            // Whoever has the task goes on with it.
            let sql = format!(
                "UPDATE tasks SET state = CASE WHEN held_until >= {NOW} THEN 'leased' ELSE 'queued' END, \
                 lease_until = CASE WHEN held_until >= {NOW} THEN held_until END, held_until = NULL, result = NULL, \
                 result_worker = NULL, milliseconds = NULL, threads = NULL, peak_bytes = NULL, not_before = 0, error = ?2 \
                 WHERE key = ?1"
            );
            tx.execute(&sql, params![key.to_bytes(), kept(reason)])?;
            Ok(Rejection::Queued)
        })
    }

    fn quarantine(&self, worker: &str, reason: &str) -> Result<(), WorkError> {
        check_worker(worker)?;
        self.write(|tx| confine(tx, worker, reason))
    }

    fn pardon(&self, worker: &str) -> Result<(), WorkError> {
        self.write(|tx| {
            tx.execute("UPDATE workers SET quarantine = NULL WHERE name = ?1", params![worker])?;
            Ok(())
        })
    }

    fn is_stranded(&self, key: &TaskKey) -> Result<bool, WorkError> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM tries r WHERE r.task = t.id AND {spent}) \
             AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.quarantine IS NULL AND w.seen > {NOW} - ?2 \
             AND NOT EXISTS (SELECT 1 FROM tries r WHERE r.task = t.id AND r.party = w.name AND {spent})) \
             FROM tasks t WHERE t.key = ?1 AND t.state = 'queued'",
            spent = spent()
        );
        let found =
            self.lock().query_row(&sql, params![key.to_bytes(), milliseconds(HEARD)], |row| row.get(0)).optional()?;
        Ok(found.unwrap_or(false))
    }

    fn bury(&self, key: &TaskKey, reason: &str) -> Result<bool, WorkError> {
        self.write(|tx| {
            let sql = "UPDATE tasks SET state = 'dead', error = ?2 WHERE key = ?1 AND state = 'queued'";
            Ok(tx.execute(sql, params![key.to_bytes(), kept(reason)])? == 1)
        })
    }

    fn is_left(&self, offer: &Offer<'_>) -> Result<bool, WorkError> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM tasks t WHERE t.state IN ('queued', 'leased') AND t.memory <= ?1 \
             AND t.vk_id IN (SELECT unhex(value) FROM json_each(?2)) \
             AND NOT EXISTS (SELECT 1 FROM tries r WHERE r.task = t.id AND r.party = ?3 AND {}))",
            spent()
        );
        let memory = i64::try_from(offer.memory).unwrap_or(i64::MAX);
        Ok(self.lock().query_row(&sql, params![memory, keys_of(offer), offer.worker], |row| row.get(0))?)
    }

    fn requeue(&self, key: &TaskKey) -> Result<(), WorkError> {
        self.write(|tx| {
            let record = must_find(tx, key)?;
            if !may_be_requeued(&record) {
                return Err(WorkError::NotDead { key: *key, had: record.state.name() });
            }
            let sql = "UPDATE tasks SET state = 'queued', attempts = 0, not_before = 0 WHERE key = ?1";
            tx.execute(sql, params![key.to_bytes()])?;
            let sql = "DELETE FROM tries WHERE task = (SELECT id FROM tasks WHERE key = ?1)";
            tx.execute(sql, params![key.to_bytes()])?;
            Ok(())
        })
    }

    fn task(&self, key: &TaskKey) -> Result<Option<TaskRecord>, WorkError> {
        find(&self.lock(), key)
    }

    fn tasks(&self, state: TaskState, most: u32) -> Result<Vec<TaskRecord>, WorkError> {
        let connection = self.lock();
        let sql = format!("SELECT {COLUMNS} FROM tasks WHERE state = ?1 ORDER BY deadline, id LIMIT ?2");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![state.name(), most])?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(record(row)?);
        }
        Ok(list)
    }

    fn status(&self) -> Result<Status, WorkError> {
        let mut connection = self.lock();
        // One moment for all of it.
        let tx = connection.transaction()?;
        let mut status = Status::default();
        let mut statement = tx.prepare_cached("SELECT state, count(*) FROM tasks GROUP BY state")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let state: String = row.get(0)?;
            let count = unsigned("a count", row.get(1)?)?;
            match TaskState::from_name(&state).ok_or_else(|| damaged("state"))? {
                TaskState::Queued => status.queued = count,
                TaskState::Leased => status.leased = count,
                TaskState::Done => status.done = count,
                TaskState::Dead => status.dead = count,
            }
        }
        let sql = format!("SELECT count(*) FROM tasks WHERE state = 'leased' AND lease_until < {NOW}");
        status.lapsed = unsigned("a count", tx.query_row(&sql, [], |row| row.get(0))?)?;
        let sql = format!("SELECT min(deadline), {NOW} FROM tasks WHERE state IN ('queued', 'leased')");
        let (deadline, now): (Option<i64>, i64) = tx.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        status.next_deadline = deadline.map(|seconds| unsigned("deadline", seconds)).transpose()?;
        status.slack = deadline.map(|seconds| seconds.saturating_mul(1000).saturating_sub(now));
        let sql = format!("SELECT name, max(0, {NOW} - seen), completed, quarantine FROM workers ORDER BY name");
        let mut statement = tx.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            status.workers.push(WorkerRecord {
                name: row.get(0)?,
                silent: unsigned("seen", row.get(1)?)?,
                completed: unsigned("completed", row.get(2)?)?,
                quarantine: row.get(3)?,
            });
        }
        Ok(status)
    }

    fn reopen(&self) -> Result<Box<dyn WorkStore>, WorkError> {
        Ok(Box::new(Self { path: self.path.clone(), connection: Mutex::new(connect(&self.path)?) }))
    }
}

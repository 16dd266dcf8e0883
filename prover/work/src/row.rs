//! [`record`]: a task as its row in a database says, whichever database it is.

use tapstone_verifier::VkId;

use super::error::WorkError;
use super::id::{ArtefactId, TaskKey};
use super::queue::{Effort, NewTask, TaskRecord, TaskState};

/// The columns of a task, in the order in which [`record`] reads them.
pub(super) const COLUMNS: &str = "key, vk_id, chain_id, batch_number, bundle, memory, deadline, max_attempts, state, attempts, lapses, epoch, worker, \
                       result, result_worker, error, milliseconds, threads, peak_bytes";

/// A row, by the places of its columns; `None` where a column is null.
pub(super) trait Row {
    /// A number.
    fn number(&self, column: usize) -> Result<Option<i64>, WorkError>;
    /// Bytes.
    fn bytes(&self, column: usize) -> Result<Option<Vec<u8>>, WorkError>;
    /// A text.
    fn text(&self, column: usize) -> Result<Option<String>, WorkError>;
}

/// Reads a row of [`COLUMNS`].
///
/// # Errors
/// [`WorkError::Damaged`] for what a store would not write, and what the database says.
pub(super) fn record(row: &impl Row) -> Result<TaskRecord, WorkError> {
    let unsigned_at = |field, column| unsigned(field, row.number(column)?.ok_or_else(|| damaged(field))?);
    let small_at = |field, column| small(field, row.number(column)?.ok_or_else(|| damaged(field))?);
    let hash_at = |field, column| -> Result<Option<[u8; 32]>, WorkError> {
        row.bytes(column)?.map(|bytes| bytes.try_into().map_err(|_| damaged(field))).transpose()
    };
    let must = |field, found: Option<[u8; 32]>| found.ok_or_else(|| damaged(field));
    Ok(TaskRecord {
        task: NewTask {
            key: TaskKey::from_bytes(must("key", hash_at("key", 0)?)?),
            vk_id: VkId::from_bytes(must("vk_id", hash_at("vk_id", 1)?)?),
            chain_id: small_at("chain_id", 2)?,
            batch_number: unsigned_at("batch_number", 3)?,
            bundle: ArtefactId::from_bytes(must("bundle", hash_at("bundle", 4)?)?),
            memory: unsigned_at("memory", 5)?,
            deadline: unsigned_at("deadline", 6)?,
            max_attempts: small_at("max_attempts", 7)?,
        },
        state: row.text(8)?.and_then(|name| TaskState::from_name(&name)).ok_or_else(|| damaged("state"))?,
        attempts: small_at("attempts", 9)?,
        lapses: small_at("lapses", 10)?,
        epoch: unsigned_at("epoch", 11)?,
        worker: row.text(12)?,
        result: hash_at("result", 13)?.map(ArtefactId::from_bytes),
        result_worker: row.text(14)?,
        error: row.text(15)?,
        milliseconds: row.number(16)?.map(|number| unsigned("milliseconds", number)).transpose()?,
        effort: Effort {
            threads: row.number(17)?.map_or(Ok(0), |number| small("threads", number))?,
            peak_bytes: row.number(18)?.map(|number| unsigned("peak_bytes", number)).transpose()?,
        },
    })
}

/// What a database holds and a store would not write.
pub(super) fn damaged(what: &str) -> WorkError {
    WorkError::Damaged { what: what.to_owned() }
}

/// A number that a database keeps with a sign.
pub(super) fn unsigned(field: &'static str, number: i64) -> Result<u64, WorkError> {
    u64::try_from(number).map_err(|_| damaged(field))
}

/// As [`unsigned`], of 32 bits.
fn small(field: &'static str, number: i64) -> Result<u32, WorkError> {
    u32::try_from(number).map_err(|_| damaged(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a column holds.
    #[derive(Clone, Debug)]
    enum Cell {
        Null,
        Number(i64),
        Bytes(Vec<u8>),
        Text(&'static str),
    }

    impl Row for Vec<Cell> {
        fn number(&self, column: usize) -> Result<Option<i64>, WorkError> {
            if let Cell::Number(number) = self[column] { Ok(Some(number)) } else { Ok(None) }
        }

        fn bytes(&self, column: usize) -> Result<Option<Vec<u8>>, WorkError> {
            if let Cell::Bytes(bytes) = &self[column] { Ok(Some(bytes.clone())) } else { Ok(None) }
        }

        fn text(&self, column: usize) -> Result<Option<String>, WorkError> {
            if let Cell::Text(text) = self[column] { Ok(Some(text.to_owned())) } else { Ok(None) }
        }
    }

    #[test]
    fn a_row_is_read_and_each_column_is_checked() {
        let hash = |byte| Cell::Bytes(vec![byte; 32]);
        let columns: Vec<&str> = COLUMNS.split(',').map(str::trim).collect();
        let row: Vec<Cell> = columns
            .iter()
            .zip(0u8..)
            .map(|(name, place)| match *name {
                "key" | "vk_id" | "bundle" | "result" => hash(place),
                "state" => Cell::Text("done"),
                "worker" | "result_worker" | "error" => Cell::Text(name),
                _ => Cell::Number(place.into()),
            })
            .collect();
        let read = record(&row).unwrap();
        assert_eq!((read.task.key.to_bytes(), read.result.unwrap().to_bytes()), ([0; 32], [13; 32]));
        assert_eq!((read.task.chain_id, read.task.batch_number, read.epoch, read.milliseconds), (2, 3, 11, Some(16)));
        assert_eq!(read.effort, Effort { threads: 17, peak_bytes: Some(18) });
        assert_eq!(
            (read.state, read.worker.as_deref(), read.error.as_deref()),
            (TaskState::Done, Some("worker"), Some("error"))
        );
        for (place, name) in columns.iter().enumerate() {
            let with = |cell: Cell| {
                let mut row = row.clone();
                row[place] = cell;
                record(&row)
            };
            let nullable =
                ["worker", "result", "result_worker", "error", "milliseconds", "threads", "peak_bytes"].contains(name);
            assert_eq!(with(Cell::Null).is_ok(), nullable, "{name}");
            let wrong = match &row[place] {
                Cell::Bytes(_) => Cell::Bytes(vec![0; 31]),
                Cell::Text("done") => Cell::Text("gone"),
                Cell::Number(_) => Cell::Number(-1),
                _ => continue,
            };
            assert!(matches!(with(wrong), Err(WorkError::Damaged { what }) if what == *name), "{name}");
        }
    }
}

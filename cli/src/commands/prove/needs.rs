//! What a proof needs of memory, told before it is begun.

use tapstone_circuits::cs::INSTANCE_WIRES;
use tapstone_circuits::shape::Shape;

use crate::exit::{Failure, Reason};

/// The program itself, a batch's witness and the tables of threads.
const BASE: u64 = 48 << 20;
/// Bytes for each point of the domain: the mapped key, the rows' values, the assignment, and the buckets at work. Measured as peak
/// resident memory, on 2 threads, for 2^16, 2^18 and 2^20 rows.
const PER_POINT: u64 = 900;

/// The most memory that proving batches of a shape takes, in bytes; batches are proven one after the other.
pub fn memory(shape: &Shape) -> Option<u64> {
    let points = (shape.registered_rows()? + INSTANCE_WIRES).next_power_of_two() as u64;
    Some(BASE + points * PER_POINT)
}

/// The same in words.
pub fn describe(shape: &Shape) -> String {
    memory(shape).map_or("unknown".into(), |bytes| format!("about {} MiB, the mapped key included", bytes >> 20))
}

/// Refuses a shape that needs more than the user allows.
pub fn check(shape: &Shape, most: Option<u64>) -> Result<(), Failure> {
    match (memory(shape), most) {
        (Some(needed), Some(most)) if needed > most => {
            let text = format!(
                "shape {} needs about {} MiB of memory, --max-memory allows {}: a smaller shape needs less",
                shape.name,
                needed >> 20,
                most >> 20
            );
            Err(Failure::new(Reason::Io, text))
        }
        _ => Ok(()),
    }
}

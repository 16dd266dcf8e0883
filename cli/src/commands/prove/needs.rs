//! What proofs need of memory and time, told before they are begun.
//!
//! Time is that of earlier proofs of the shape on this machine with as many threads, which are noted beside the keys; without any it is estimated
//! from a multiplication of known points that is run for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tapstone_circuits::cs::INSTANCE_WIRES;
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_prover::{Kernel, PROBE_POINTS, probe};

use crate::exit::{Failure, Reason};
use crate::files;

/// The program itself, and a batch's witness.
const BASE: u64 = 16 << 20;
/// Bytes for each point of the domain: the mapped key, the rows' values, the assignment, and the buckets at work. Peak resident memory, measured for
/// 2^16 and 2^18 rows.
const PER_POINT: u64 = 850;
/// The same where the key has to be made first.
const PER_POINT_SETUP: u64 = 1800;
/// Times that are noted for a shape and a number of threads.
const NOTED: usize = 15;

/// How many probes a proof takes: measured at 2^16 and 2^18 points on 2 threads. What is not a multiplication gains less from vectors than the probe does.
fn probes_a_proof(kernel: Kernel, points: u64) -> f64 {
    let (fixed, each) = match kernel.name() {
        "avx512ifma" => (1.8, 4.15),
        "avx2fma" => (0.0, 5.1),
        _ => (0.0, 5.9),
    };
    fixed + each * points as f64 / PROBE_POINTS as f64
}

fn points(shape: &Shape) -> Option<u64> {
    Some((shape.registered_rows()? + INSTANCE_WIRES).next_power_of_two() as u64)
}

/// The most memory that proving batches of a shape takes, in bytes; batches are proven one after the other.
pub fn memory(shape: &Shape, key_exists: bool) -> Option<u64> {
    let each = if key_exists { PER_POINT } else { PER_POINT_SETUP };
    Some(BASE + points(shape)? * each)
}

/// The same in words.
pub fn describe_memory(shape: &Shape, key_exists: bool) -> String {
    let how = if key_exists { "the mapped key included" } else { "most of it to make the key" };
    memory(shape, key_exists).map_or("unknown".into(), |bytes| format!("about {} MiB, {how}", bytes >> 20))
}

/// Refuses a shape that needs more than the user allows.
pub fn check_memory(shape: &Shape, key_exists: bool, most: Option<u64>) -> Result<(), Failure> {
    match (memory(shape, key_exists), most) {
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

/// Seconds of proofs that were made, by number of threads and kernel.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Times(BTreeMap<String, Vec<f64>>);

fn times_path(keys: &Path, shape: &Shape) -> PathBuf {
    keys.join(format!("{}-v{CIRCUIT_VERSION}.times.json", shape.name))
}

fn setting() -> String {
    format!("{} threads, {}", rayon::current_num_threads(), Kernel::detect().name())
}

impl Times {
    /// A file that does not read is as good as none: it holds nothing but times.
    fn read(path: &Path) -> Self {
        files::read(path, 1 << 16).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

/// Notes how long proofs took. That they cannot be noted is no reason to fail.
pub fn note(keys: &Path, shape: &Shape, seconds: &[f64]) {
    if seconds.is_empty() {
        return;
    }
    let path = times_path(keys, shape);
    let mut times = Times::read(&path);
    let list = times.0.entry(setting()).or_default();
    list.extend(seconds);
    list.drain(..list.len().saturating_sub(NOTED));
    if let Ok(text) = serde_json::to_vec(&times) {
        let _ = files::replace(&path, &text);
    }
}

/// Seconds for the proof of one batch, and where the number comes from.
pub fn seconds(keys: &Path, shape: &Shape) -> Option<(f64, &'static str)> {
    let times = Times::read(&times_path(keys, shape));
    if let Some(list) = times.0.get(&setting()).filter(|list| !list.is_empty()) {
        let mut list = list.clone();
        list.sort_by(f64::total_cmp);
        return Some((list[list.len() / 2], "the median of earlier proofs here"));
    }
    let probes = probes_a_proof(Kernel::detect(), points(shape)?);
    Some((probe().as_secs_f64() * probes, "estimated from a short measurement"))
}

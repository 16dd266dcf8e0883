//! Power cuts, between any two writes of the database: whatever of the writes since the last sync had reached
//! the disk by then, what was committed is there, whole, or with it the commit that was under way.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;
use tapstone_circuits::ledger::{Head, Part, Source, Touched};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};

use super::handle::Handle;
use super::{Batch, Origin, Store};

/// What disks write whole or not at all.
const SECTOR: usize = 512;
/// What files grow by.
const PAGE: usize = 4096;

#[derive(Clone, Debug)]
enum Call {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

/// A disk that remembers what was asked of it.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<(Vec<u8>, Vec<Call>)>>);

impl Disk {
    fn with(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new((image, Vec::new()))))
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<u8>, Vec<Call>)> {
        self.0.lock().unwrap()
    }

    fn calls(&self) -> Vec<Call> {
        self.lock().1.clone()
    }

    fn count(&self) -> usize {
        self.lock().1.len()
    }

    fn open(&self) -> Store {
        let handle = Handle::over_backend(self.clone()).unwrap();
        Store { path: PathBuf::from("memory"), handle: Arc::new(handle) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().0.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let image = &self.lock().0;
        let bytes =
            image.get(offset as usize..).and_then(|rest| rest.get(..out.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut disk = self.lock();
        disk.0.resize(length as usize, 0);
        disk.1.push(Call::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.lock().1.push(Call::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.lock();
        put(&mut disk.0, offset as usize, data);
        disk.1.push(Call::Write(offset, data.to_vec()));
        Ok(())
    }
}

fn put(image: &mut Vec<u8>, offset: usize, data: &[u8]) {
    // A write whose longer file is not there yet makes it longer, by whole pages.
    image.resize(image.len().max((offset + data.len()).next_multiple_of(PAGE)), 0);
    image[offset..offset + data.len()].copy_from_slice(data);
}

/// What of the writes that no sync followed is on the disk.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Nothing,
    Everything,
    /// Some of them, in part.
    Some,
}

/// The disk after a cut: what was synced, and of the rest what is kept.
fn after_cut(synced: &[u8], pending: &[Call], kept: Kept, rng: &mut SplitMix) -> Vec<u8> {
    let mut image = synced.to_vec();
    let mut keep = || match kept {
        Kept::Nothing => false,
        Kept::Everything => true,
        Kept::Some => rng.below(2) == 0,
    };
    for call in pending {
        match call {
            Call::Length(length) if keep() => image.resize(*length as usize, 0),
            Call::Write(offset, data) => {
                for (i, sector) in data.chunks(SECTOR).enumerate() {
                    if keep() {
                        put(&mut image, *offset as usize + i * SECTOR, sector);
                    }
                }
            }
            _ => {}
        }
    }
    image
}

/// Calls `see` with every disk that a cut after `first` calls or later may leave, and the number of calls
/// before the cut.
fn cuts(
    before: &[u8],
    calls: &[Call],
    first: usize,
    rng: &mut SplitMix,
    mut see: impl FnMut(usize, Vec<u8>, &mut SplitMix),
) {
    let (mut synced, mut pending) = (before.to_vec(), Vec::new());
    for done in 0..=calls.len() {
        if done >= first {
            for kept in [Kept::Nothing, Kept::Everything, Kept::Some] {
                let image = after_cut(&synced, &pending, kept, rng);
                see(done, image, rng);
            }
        }
        match calls.get(done) {
            Some(Call::Sync) => {
                synced = after_cut(&synced, &pending, Kept::Everything, rng);
                pending.clear();
            }
            Some(call) => pending.push(call.clone()),
            None => {}
        }
    }
}

/// Opens what a cut left, which compares every page with its checksum, and closes it; what that asked of the disk.
#[track_caller]
fn recover(image: &[u8], allowed: &[Head], what: &str, depth: Depth) -> Vec<Call> {
    let disk = Disk::with(image.to_vec());
    let store = disk.open();
    let head = store.head().unwrap();
    assert!(allowed.contains(&head), "{what}: batch {}", head.summary.batch_number);
    if depth == Depth::Everything {
        store.check(|_| {}).unwrap_or_else(|e| panic!("{what}: {e}"));
    }
    drop(store);
    disk.calls()
}

/// What is looked at of a state: with the checksums of its pages its content is that of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Checksums,
    Everything,
}

fn step(store: &Store, w: &mut World, rng: &mut SplitMix) -> Head {
    w.fill_at_random(rng, 20);
    let view = store.view().unwrap();
    let mut part = Part::load(&view, &Touched::by(w.operator, &w.open)).unwrap();
    let executed = part.execute_all(&w.shape, w.operator, &w.open).unwrap().pop().unwrap();
    w.apply().unwrap();
    let before = Source::head(&view).unwrap();
    let batch = Batch { origin: Origin::Data, proven: None, made: None, data: executed.data.clone() };
    store.apply(&before, &executed.changes, &batch).unwrap();
    executed.changes.after
}

#[test]
fn what_was_committed_survives_a_cut_between_any_two_writes() {
    let mut rng = SplitMix::new(29);
    // With so many accounts the first commits make the file grow.
    let mut w = World::populated(Shape::registered("small").unwrap(), 3);
    w.crowd(300);
    let disk = Disk::default();
    let store = disk.open();
    store.write(|tx| store.fill(tx, &w.ledger)).unwrap();
    // The states that were committed, and the number of calls by then.
    let mut commits = vec![(disk.count(), w.ledger.head())];
    let mut lengths = vec![disk.len().unwrap()];
    for _ in 0..5 {
        let head = step(&store, &mut w, &mut rng);
        commits.push((disk.count(), head));
        lengths.push(disk.len().unwrap());
    }
    for _ in 0..2 {
        let head = store.undo().unwrap();
        commits.push((disk.count(), head));
    }
    // Closed, and opened again.
    drop(store);
    let store = disk.open();
    let head = store.undo().unwrap();
    commits.push((disk.count(), head));
    drop(store);
    assert!(lengths.windows(2).any(|pair| pair[0] < pair[1]), "the file should grow: {lengths:?}");

    let calls = disk.calls();
    let allowed = |done: usize| -> Vec<Head> {
        let finished = commits.partition_point(|(count, _)| *count <= done);
        commits[finished - 1..].iter().take(2).map(|(_, head)| *head).collect()
    };
    let mut seen = 0;
    cuts(&[], &calls, commits[0].0, &mut rng, |done, image, rng| {
        let allowed = allowed(done);
        let depth = if seen % 50 == 0 { Depth::Everything } else { Depth::Checksums };
        let recovery = recover(&image, &allowed, &format!("cut after {done} of {} calls", calls.len()), depth);
        seen += 1;
        // And in one of many recoveries the power is cut again.
        if seen % 100 == 0 {
            cuts(&image, &recovery, 0, rng, |again, image, _| {
                let what = format!("cut after {done} calls, and after {again} of the recovery");
                recover(&image, &allowed, &what, Depth::Checksums);
            });
        }
    });
    assert!(seen > 400, "{seen} cuts are too few to tell");
}

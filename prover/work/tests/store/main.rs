//! The store of a chain: what is applied is there, once, and can be undone; what is damaged is seen.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod chain_keys;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use tapstone_circuits::data::BatchData;
use tapstone_circuits::ledger::{Executed, Ledger, Part, Source, Touched};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_work::store::{Batch, ImportError, Lock, Made, Origin, Store, StoreError, View, backup};
use tempfile::TempDir;

fn world() -> World {
    World::populated(Shape::registered("tiny").unwrap(), 3)
}

fn record(executed: &Executed) -> Batch {
    let origin = Origin::File { sha256: "ab".repeat(32), first: 0, count: executed.fill.used as u64 };
    Batch {
        origin,
        // A proof comes with its key, and takes longer: `chain_keys.rs`.
        proven: None,
        made: Some(Made { unix: 1, seconds: 0.5, threads: 2, peak_bytes: None }),
        data: executed.data.clone(),
    }
}

/// Executes the open batch on the store's state and applies it.
fn step(store: &Store, w: &mut World) -> Executed {
    let view = store.view().unwrap();
    let mut part = Part::load(&view, &Touched::by(w.operator, &w.open)).unwrap();
    let executed = part.execute_all(&w.shape, w.operator, &w.open).unwrap().pop().unwrap();
    let whole = w.apply().unwrap();
    assert_eq!((&executed.witness, &executed.changes), (&whole.witness, &whole.changes));
    store.apply(&view.head().unwrap(), &executed.changes, &record(&executed)).unwrap();
    executed
}

fn assert_is(store: &Store, ledger: &Ledger) {
    let view = store.view().unwrap();
    assert_eq!(view.head().unwrap(), ledger.head());
    let accounts: Vec<_> = view.accounts().unwrap().map(Result::unwrap).collect();
    assert!(accounts.iter().eq(ledger.accounts().values()));
    let pools: Vec<_> = view.pools().unwrap().map(Result::unwrap).collect();
    assert!(pools.iter().eq(ledger.pools().values()));
    store.check(|_| {}).unwrap();
}

#[test]
fn a_chain_lives_in_its_store() {
    let folder = TempDir::new().unwrap();
    let mut w = world();
    let mut rng = SplitMix::new(3);
    drop(Store::create(folder.path(), &w.ledger).unwrap());
    assert!(matches!(Store::create(folder.path(), &w.ledger), Err(StoreError::Exists { .. })));
    let mut history = vec![w.ledger.clone()];
    for _ in 0..8 {
        // As if each batch were another process's.
        let store = Store::open(folder.path()).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Busy { .. })));
        w.fill_at_random(&mut rng, 30);
        let executed = step(&store, &mut w);
        assert_is(&store, &w.ledger);
        let kept = store.view().unwrap().batch(executed.batch_number).unwrap();
        assert_eq!(kept, Some(record(&executed)));
        history.push(w.ledger.clone());
    }
    let store = Store::open(folder.path()).unwrap();
    let first = history[0].batch_number();
    for ledger in history.iter().rev().skip(1) {
        assert_eq!(store.undo().unwrap(), ledger.head());
        assert_is(&store, ledger);
        assert_eq!(store.view().unwrap().batch(ledger.batch_number() + 1).unwrap(), None);
    }
    assert!(matches!(store.undo(), Err(StoreError::NoWayBack { batch }) if batch == first));
    // And on again.
    w.ledger = history[0].clone();
    w.open.clear();
    w.fill_at_random(&mut rng, 30);
    step(&store, &mut w);
    assert_is(&store, &w.ledger);
}

#[test]
fn a_batch_is_applied_once_and_only_where_it_belongs() {
    let folder = TempDir::new().unwrap();
    let mut w = world();
    let store = Store::create(folder.path(), &w.ledger).unwrap();
    let before = w.ledger.head();
    w.transfer(0, 1, 1, 5);
    let executed = step(&store, &mut w);
    let again = store.apply(&before, &executed.changes, &record(&executed));
    assert!(matches!(again, Err(StoreError::Moved { had, needed, .. }) if had == needed + 1));
    // Of another state with the same number.
    let mut other = world();
    assert_eq!(other.ledger.head(), before);
    other.transfer(0, 1, 1, 6);
    let theirs = other.apply().unwrap();
    other.transfer(1, 0, 1, 1);
    let later = other.apply().unwrap();
    let error = store.apply(&theirs.changes.after, &later.changes, &record(&later)).unwrap_err();
    assert!(
        matches!(error, StoreError::Moved { had, needed, had_root, needed_root } if had == needed && had_root != needed_root)
    );
    // Changes that skip a batch.
    assert!(store.apply(&store.head().unwrap(), &executed.changes, &record(&executed)).is_err());
    assert_is(&store, &w.ledger);
}

#[test]
fn published_data_alone_carry_a_store_on() {
    let (theirs, ours) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut w = world();
    let store = Store::create(theirs.path(), &w.ledger).unwrap();
    let follower = Store::create(ours.path(), &w.ledger).unwrap();
    let mut rng = SplitMix::new(5);
    for _ in 0..4 {
        w.fill_at_random(&mut rng, 30);
        let executed = step(&store, &mut w);
        let data = BatchData::decode(&executed.data).unwrap();
        let view = follower.view().unwrap();
        let mut part = Part::load(&view, &Touched::by_data(&data)).unwrap();
        let rebuilt = part.rebuild(&data).unwrap();
        let batch = Batch { origin: Origin::Data, proven: None, made: None, data: executed.data };
        follower.apply(&view.head().unwrap(), &rebuilt.changes, &batch).unwrap();
        assert_is(&follower, &w.ledger);
    }
}

#[test]
fn a_state_file_is_imported_whole_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let mut w = world();
    w.fill_at_random(&mut SplitMix::new(9), 30);
    w.apply().unwrap();
    let text = serde_json::to_string(&w.ledger.snapshot()).unwrap();
    assert!(matches!(Store::import(folder.path(), &text.as_bytes()[..text.len() / 2]), Err(ImportError::Read(_))));
    let other = text.replacen("\"nonce\":\"", "\"nonce\":\"1", 1);
    assert!(matches!(Store::import(folder.path(), other.as_bytes()), Err(ImportError::Read(_))));
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Missing { .. })));
    let store = Store::import(folder.path(), text.as_bytes()).unwrap();
    assert_is(&store, &w.ledger);
    drop(store);
    let again = Store::import(folder.path(), text.as_bytes());
    assert!(matches!(again, Err(ImportError::Store(StoreError::Exists { .. }))));
}

#[test]
fn what_is_missing_or_unfinished_is_told() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Missing { .. })));
    assert!(matches!(Lock::take(&folder.path().join("none"), |_| {}), Err(StoreError::Missing { .. })));
    // An unfinished one does not count, and gives way.
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("state.redb.new"), b"cut short").unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Missing { .. })));
    let w = world();
    assert_is(&Store::create(folder.path(), &w.ledger).unwrap(), &w.ledger);
}

#[test]
fn a_lock_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let lock = Lock::take(folder.path(), |_| panic!("nobody holds it")).unwrap();
    assert!(Lock::is_held(folder.path()));
    let turn = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let second = Lock::take(folder.path(), |holder| {
                assert_eq!(holder, format!("process {}", std::process::id()));
                turn.store(1, Ordering::SeqCst);
            });
            assert_eq!(turn.swap(3, Ordering::SeqCst), 2);
            drop(second.unwrap());
        });
        while turn.load(Ordering::SeqCst) != 1 {
            std::thread::yield_now();
        }
        turn.store(2, Ordering::SeqCst);
        drop(lock);
    });
    assert_eq!(turn.load(Ordering::SeqCst), 3);
    assert!(!Lock::is_held(folder.path()));
}

/// A folder's files, their bytes, and when they and the folder were written.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>, SystemTime)> {
    let written = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> =
        entries.map(|path| (path.display().to_string(), fs::read(&path).unwrap(), written(&path))).collect();
    all.sort();
    all.push((String::new(), Vec::new(), written(folder)));
    all
}

#[test]
fn looking_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let mut w = world();
    let mut rng = SplitMix::new(11);
    let store = Store::create(folder.path(), &w.ledger).unwrap();
    w.fill_at_random(&mut rng, 30);
    step(&store, &mut w);
    // As a process leaves it that is killed; nobody else looks meanwhile, and a writer sees who looks.
    let file = folder.path().join("state.redb");
    assert!(matches!(View::open(folder.path()), Err(StoreError::Busy { .. })));
    let killed = fs::read(&file).unwrap();
    drop(store);
    for bytes in [fs::read(&file).unwrap(), killed] {
        fs::write(&file, bytes).unwrap();
        let before = contents(folder.path());
        let view = View::open(folder.path()).unwrap();
        let other = View::open_checked(folder.path()).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Busy { .. })));
        other.check(|_| {}).unwrap();
        assert_eq!((view.head_now(), other.head_now()), (w.ledger.head(), w.ledger.head()));
        assert_eq!(view.account(1).unwrap(), *w.ledger.account(1).unwrap());
        drop((view, other));
        assert_eq!(contents(folder.path()), before);
    }
    assert_is(&Store::open(folder.path()).unwrap(), &w.ledger);
}

/// Calls again while somebody else has the store open.
fn waiting<T>(call: impl Fn() -> Result<T, StoreError>) -> T {
    loop {
        match call() {
            Ok(value) => return value,
            Err(e) => assert!(matches!(e, StoreError::Busy { .. }), "{e}"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn copies_are_made_while_batches_are_applied() {
    let (folder, copies) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut w = world();
    drop(Store::create(folder.path(), &w.ledger).unwrap());
    let history = std::sync::Mutex::new(vec![w.ledger.head()]);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut rng = SplitMix::new(13);
            for _ in 0..25 {
                w.fill_at_random(&mut rng, 30);
                let store = waiting(|| Store::open(folder.path()));
                step(&store, &mut w);
                history.lock().unwrap().push(w.ledger.head());
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut count = 0;
        while count < 3 || !done.load(Ordering::SeqCst) {
            let to = copies.path().join(count.to_string());
            waiting(|| backup(folder.path(), &to));
            count += 1;
        }
    });
    let history = history.into_inner().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for entry in fs::read_dir(copies.path()).unwrap() {
        let copy = entry.unwrap().path();
        let names: Vec<_> = fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["state.redb"]);
        let view = View::open_checked(&copy).unwrap();
        view.check(|_| {}).unwrap();
        assert!(history.contains(&view.head_now()));
        seen.insert(view.head_now().summary.batch_number);
    }
    assert!(seen.len() > 1, "a writer was at work: {seen:?}");
}

#[test]
fn a_copy_takes_the_place_of_nothing() {
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let w = world();
    drop(Store::create(folder.path(), &w.ledger).unwrap());
    fs::write(other.path().join("notes"), "mine").unwrap();
    for to in [other.path(), folder.path()] {
        let before = contents(to);
        assert!(matches!(backup(folder.path(), to), Err(StoreError::Occupied { .. })));
        assert_eq!(contents(to), before);
    }
    assert!(matches!(backup(other.path(), &other.path().join("to")), Err(StoreError::Missing { .. })));
    // What is left of one that was cut short gives way; what is damaged is not worth a copy.
    let to = other.path().join("to");
    fs::create_dir(&to).unwrap();
    fs::write(to.join("state.redb.7.new"), "cut short").unwrap();
    assert_eq!(backup(folder.path(), &to).unwrap(), w.ledger.head());
    assert_is(&Store::open(&to).unwrap(), &w.ledger);
    let file = folder.path().join("state.redb");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 4096]).unwrap();
    let to = other.path().join("again");
    assert!(matches!(backup(folder.path(), &to), Err(StoreError::Damaged { path, .. }) if path == file));
}

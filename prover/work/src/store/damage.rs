//! Damaged files: what is read of one is what was written, or an error that says that the file is damaged.
//! The database never takes the program down, and [`View::check`] never calls wrong data right.

use std::fs;
use std::panic::{set_hook, take_hook};
use std::path::Path;
use std::sync::Arc;

use tapstone_circuits::account::Account;
use tapstone_circuits::ledger::{Changes, Head, Part, Source, Touched};
use tapstone_circuits::pool::Pool;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};
use tempfile::TempDir;

use super::handle::Handle;
use super::{Batch, Origin, Store, StoreError, View, panic_is_damage};

const PAGE: usize = 4096;

/// A chain of some batches in a folder, what it holds, and a batch that follows.
struct Scene {
    folder: TempDir,
    bytes: Vec<u8>,
    head: Head,
    accounts: Vec<Account>,
    pools: Vec<Pool>,
    batches: Vec<Batch>,
    touched: Touched,
    next: Changes,
    next_batch: Batch,
    before_last: Head,
}

impl Scene {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut w = World::populated(Shape::registered("small").unwrap(), 3);
        w.crowd(30);
        let mut rng = SplitMix::new(31);
        let store = Store::create(folder.path(), &w.ledger).unwrap();
        let batch = |data: &[u8]| Batch { origin: Origin::Data, proven: None, made: None, data: data.to_vec() };
        let mut before_last = w.ledger.head();
        let mut execute = |w: &mut World, view: &View| {
            w.fill_at_random(&mut rng, 30);
            let touched = Touched::by(w.operator, &w.open);
            let mut part = Part::load(view, &touched).unwrap();
            let executed = part.execute_all(&w.shape, w.operator, &w.open).unwrap().pop().unwrap();
            w.apply().unwrap();
            (touched, executed)
        };
        for _ in 0..6 {
            let view = store.view().unwrap();
            before_last = view.head_now();
            let (_, executed) = execute(&mut w, &view);
            store.apply(&before_last, &executed.changes, &batch(&executed.data)).unwrap();
        }
        let view = store.view().unwrap();
        let head = view.head_now();
        let accounts = view.accounts().unwrap().map(Result::unwrap).collect();
        let pools = view.pools().unwrap().map(Result::unwrap).collect();
        let kept = |number| view.batch(number).unwrap().unwrap();
        let batches = (head.summary.batch_number - 5..=head.summary.batch_number).map(kept).collect();
        let (touched, executed) = execute(&mut w, &view);
        let (next, next_batch) = (executed.changes, batch(&executed.data));
        drop(view);
        drop(store);
        let bytes = fs::read(Store::file(folder.path())).unwrap();
        Self { folder, bytes, head, accounts, pools, batches, touched, next, next_batch, before_last }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a file in place, looks at it in every way, and writes to it.
    #[track_caller]
    fn meet(&self, bytes: &[u8], what: &str) -> Verdicts {
        let path = Store::file(self.path());
        fs::write(&path, bytes).unwrap();
        let mut verdicts = Verdicts::default();
        // As a file of any length is read, and as one that is too long to be compared whole.
        for whole in [true, false] {
            let open = || match whole {
                true => View::open(self.path()),
                false => Handle::look_only(&path).and_then(|handle| View::new(path.clone(), &Arc::new(handle))),
            };
            if let Some(view) = damaged_or(open(), what) {
                self.compare(&view, whole, what);
                verdicts.read |= whole;
            }
        }
        let checked = View::open_checked(self.path()).and_then(|view| view.check(|_| {}).map(|()| view));
        if let Some(view) = damaged_or(checked, what) {
            self.compare(&view, true, what);
            verdicts.checked = true;
        }
        assert!(fs::read(&path).unwrap() == bytes, "{what}: looking changed the file");
        // On with the next batch, and back before the last.
        for forward in [true, false] {
            fs::write(&path, bytes).unwrap();
            let written = Store::open(self.path()).and_then(|store| match forward {
                true => store.apply(&self.head, &self.next, &self.next_batch).map(|()| self.next.after),
                false => store.undo(),
            });
            let Some(head) = damaged_or(written, what) else { continue };
            assert_eq!(head, if forward { self.next.after } else { self.before_last }, "{what}");
            let after = View::open_checked(self.path()).and_then(|view| view.check(|_| {}).map(|()| view));
            if let Some(view) = damaged_or(after, what) {
                assert_eq!(view.head_now(), head, "{what}");
            }
        }
        verdicts
    }

    /// What is read is what was written, or an error.
    #[track_caller]
    fn compare(&self, view: &View, whole: bool, what: &str) {
        assert_eq!(view.head_now(), self.head, "{what}");
        for (index, account) in self.accounts.iter().enumerate() {
            if let Some(had) = damaged_or(view.account(index as u32), what) {
                assert_eq!(had, *account, "{what}");
            }
        }
        for (index, pool) in self.pools.iter().enumerate() {
            if let Some(had) = damaged_or(view.pool(index as u32), what) {
                assert_eq!(had, *pool, "{what}");
            }
        }
        if let Some(part) = damaged_or(view.part(&self.touched), what) {
            assert_eq!(part.head(), self.head);
            assert!(part.accounts().iter().all(|(index, had)| self.accounts[*index as usize] == *had), "{what}");
        }
        let all = |view: &View| -> Result<(Vec<Account>, Vec<Pool>), StoreError> {
            Ok((view.accounts()?.collect::<Result<_, _>>()?, view.pools()?.collect::<Result<_, _>>()?))
        };
        let first = self.head.summary.batch_number - 5;
        let batches =
            (first..=self.head.summary.batch_number).map(|number| view.batch(number)).collect::<Result<Vec<_>, _>>();
        let (all, batches) = (damaged_or(all(view), what), damaged_or(batches, what));
        // What nothing is compared with in passing is for [`View::check`].
        if whole {
            assert!(all.is_none_or(|(accounts, pools)| accounts == self.accounts && pools == self.pools), "{what}");
            assert!(batches.is_none_or(|had| had.iter().flatten().eq(&self.batches)), "{what}");
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Verdicts {
    read: bool,
    checked: bool,
}

/// The value, unless the file is said to be damaged; nothing else may be said.
#[track_caller]
fn damaged_or<T>(outcome: Result<T, StoreError>, what: &str) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(StoreError::Damaged { .. }) => None,
        // Of a file that is not compared whole, what says its format may be what is damaged.
        Err(StoreError::Format { .. }) => None,
        // After a call that said so.
        Err(StoreError::Database(e)) if matches!(*e, redb::Error::PreviousIo) => None,
        Err(e) => panic!("{what}: {e:?}"),
    }
}

/// Damages bytes somehow.
fn damage(bytes: &[u8], rng: &mut SplitMix) -> (Vec<u8>, String) {
    let mut bad = bytes.to_vec();
    let mut at = |limit: usize| rng.below(limit as u64) as usize;
    let pages = bytes.len() / PAGE;
    match at(7) {
        0 => {
            let length = [at(bytes.len()), at(pages) * PAGE, at(2 * PAGE)][at(3)];
            bad.truncate(length);
            (bad, format!("cut off after {length} bytes"))
        }
        1 => {
            let more = [1 + at(100), (1 + at(40)) * PAGE, bytes.len()][at(3)];
            let value = [0, 0xff, 0x5a][at(3)];
            bad.resize(bytes.len() + more, value);
            (bad, format!("{more} bytes of {value} more"))
        }
        2 | 3 => {
            let places: Vec<usize> = (0..1 + at(3)).map(|_| at(8 * bytes.len())).collect();
            places.iter().for_each(|place| bad[place / 8] ^= 1 << (place % 8));
            (bad, format!("bits {places:?}"))
        }
        4 => {
            let page = at(pages);
            bad[page * PAGE..][..PAGE].fill(0);
            (bad, format!("page {page} of zeros"))
        }
        5 => {
            let page = at(pages);
            (0..PAGE).for_each(|i| bad[page * PAGE + i] = at(256) as u8);
            (bad, format!("page {page} of noise"))
        }
        _ => {
            let (from, to) = (at(pages), at(pages));
            bad.copy_within(from * PAGE..(from + 1) * PAGE, to * PAGE);
            (bad, format!("page {from} in the place of page {to}"))
        }
    }
}

#[test]
fn a_damaged_file_is_an_error_or_right() {
    // What the database says when it panics is not for the screen.
    let usual = take_hook();
    set_hook(Box::new(move |info| {
        if !panic_is_damage() {
            usual(info);
        }
    }));
    let scene = Scene::new();
    let whole = Verdicts { read: true, checked: true };
    assert_eq!(scene.meet(&scene.bytes, "as it was"), whole);
    let mut rng = SplitMix::new(37);
    let mut seen = 0;
    let rounds = std::env::var("TAPSTONE_DAMAGE_ROUNDS").map_or(300, |count| count.parse().unwrap());
    for _ in 0..rounds {
        let (bad, what) = damage(&scene.bytes, &mut rng);
        seen += usize::from(scene.meet(&bad, &what) != whole);
    }
    assert!(seen > rounds / 4, "{seen} damages are too few to tell");
    // The header says where everything is: of its bits, each.
    for bit in (0..8 * 320).step_by(13) {
        let mut bad = scene.bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        scene.meet(&bad, &format!("bit {bit} of the header"));
    }
    for length in [0, 1, 319, 320, PAGE - 1, PAGE, PAGE + 1] {
        assert_eq!(scene.meet(&scene.bytes[..length], &format!("{length} bytes")), Verdicts::default());
    }
}

#[test]
fn a_file_that_is_none_is_damaged() {
    let folder = TempDir::new().unwrap();
    for bytes in [&b"no database"[..], &[0; 3 * PAGE], &[0xff; PAGE], b""] {
        fs::write(Store::file(folder.path()), bytes).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Damaged { .. })), "{}", bytes.len());
        assert!(matches!(View::open(folder.path()), Err(StoreError::Damaged { .. })), "{}", bytes.len());
        assert!(matches!(View::open_checked(folder.path()), Err(StoreError::Damaged { .. })), "{}", bytes.len());
        assert!(fs::read(Store::file(folder.path())).unwrap() == bytes);
    }
}

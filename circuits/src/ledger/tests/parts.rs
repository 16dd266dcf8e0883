//! A part of the state, loaded from elsewhere, gives what the whole gives.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;

use super::*;
use crate::data::BatchData;
use crate::testing::SplitMix;
use crate::tree::{Family, Place};

/// A state kept elsewhere, as a store would keep it, which counts what is read of it.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    head: Head,
    accounts: BTreeMap<u32, Account>,
    pools: BTreeMap<u32, Pool>,
    account_families: BTreeMap<Place, Family>,
    pool_families: BTreeMap<Place, Family>,
    reads: Cell<usize>,
}

impl Kept {
    fn genesis(of: &Ledger) -> Self {
        let head = Ledger::genesis(of.chain_id(), of.account_depth(), of.pool_depth()).unwrap().head();
        Self {
            head,
            accounts: BTreeMap::new(),
            pools: BTreeMap::new(),
            account_families: BTreeMap::new(),
            pool_families: BTreeMap::new(),
            reads: Cell::new(0),
        }
    }

    fn write(&mut self, changes: &Changes) {
        self.head = changes.after;
        self.accounts.extend(changes.accounts.clone());
        self.pools.extend(changes.pools.clone());
        self.account_families.extend(&changes.account_families);
        self.pool_families.extend(&changes.pool_families);
    }

    fn count<T>(&self, value: T) -> Result<T, Infallible> {
        self.reads.set(self.reads.get() + 1);
        Ok(value)
    }
}

impl Source for Kept {
    type Error = Infallible;

    fn head(&self) -> Result<Head, Infallible> {
        self.count(self.head)
    }

    fn account(&self, index: u32) -> Result<Account, Infallible> {
        self.count(self.accounts[&index].clone())
    }

    fn pool(&self, index: u32) -> Result<Pool, Infallible> {
        self.count(self.pools[&index])
    }

    fn account_family(&self, place: Place) -> Result<Option<Family>, Infallible> {
        self.count(self.account_families.get(&place).copied())
    }

    fn pool_family(&self, place: Place) -> Result<Option<Family>, Infallible> {
        self.count(self.pool_families.get(&place).copied())
    }
}

/// The part that the open batch can touch.
pub fn load(w: &World) -> Part {
    let Ok(part) = Part::load(&w.ledger, &Touched::by(w.operator, &w.open));
    part
}

/// That a batch executed on a part is what it is on the whole, and that its changes lead from one state to the next.
pub fn check(before: &Ledger, after: &Ledger, whole: &Executed, part: &Executed) {
    assert_eq!(part.witness, whole.witness);
    assert_eq!(part.changes, whole.changes);
    assert_eq!((&part.data, part.statement()), (&whole.data, whole.statement()));
    assert_eq!(part.changes.after, after.head());
    for (index, account) in &part.changes.accounts {
        assert_eq!(after.account(*index), Some(account));
    }
    let untouched = before.accounts().keys().filter(|index| !part.changes.accounts.contains_key(index));
    assert!(untouched.into_iter().all(|index| before.account(*index) == after.account(*index)));
    // The data alone lead there as well.
    let data = BatchData::decode(&whole.data).unwrap();
    let Ok(mut again) = Part::load(before, &Touched::by_data(&data));
    assert_eq!(again.rebuild(&data).unwrap().changes, whole.changes);
    assert_eq!(again.head(), after.head());
}

#[test]
fn a_chain_is_carried_on_by_changes_alone() {
    let shape = Shape { account_depth: 4, pool_depth: 2, nodes: 40, ..shape("SPSPSPSS") };
    let mut rng = SplitMix::new(11);
    let mut w = World::new(shape.clone());
    let mut kept = Kept::genesis(&w.ledger);
    let mut history = Vec::new();
    for round in 0..12 {
        if round == 0 {
            for token in [1, 2, 1, 2, 1] {
                w.deposit_new(token, 900_000);
            }
        } else {
            w.fill_at_random(&mut rng, 20);
        }
        let Ok(mut part) = Part::load(&kept, &Touched::by(w.operator, &w.open));
        let executed = part.execute_all(&shape, w.operator, &w.open).unwrap();
        let whole = w.apply().unwrap();
        assert_eq!(executed.len(), 1);
        assert_eq!(executed[0].witness, whole.witness);
        let changes = &executed[0].changes;
        let old = |index: &u32| Some((*index, kept.accounts.get(index)?.clone()));
        let old_pool = |index: &u32| Some((*index, *kept.pools.get(index)?));
        let accounts = changes.accounts.keys().filter_map(old).collect();
        let pools = changes.pools.keys().filter_map(old_pool).collect();
        history.push((Before { head: kept.head, accounts, pools }, kept.clone()));
        kept.write(&executed[0].changes);
        assert_eq!(kept.head, w.ledger.head());
    }
    assert_eq!(kept.accounts, *w.ledger.accounts());
    assert_eq!(kept.pools, *w.ledger.pools());
    assert!(w.ledger.next_account() > 6);

    for (before, state) in history.into_iter().rev() {
        let Ok(mut part) = Part::load(&kept, &Touched::by_reverting(&before, &kept.head));
        let changes = part.clone().revert(&before).unwrap();
        if let Some(account) = before.accounts.keys().next() {
            let mut other = before.clone();
            other.accounts.get_mut(account).unwrap().nonce += 1;
            assert!(part.revert(&other).is_err());
        }
        kept.write(&changes);
        kept.accounts.split_off(&kept.head.summary.next_account);
        kept.pools.split_off(&kept.head.summary.next_pool);
        assert_eq!((kept.head, &kept.accounts, &kept.pools), (state.head, &state.accounts, &state.pools));
    }
}

#[test]
fn a_state_is_written_as_its_snapshot() {
    let w = world();
    let mut streamed = Vec::new();
    let (accounts, pools) = (w.ledger.accounts.values().cloned().map(Ok), w.ledger.pools.values().copied().map(Ok));
    stream::write::<Infallible>(&w.ledger.head(), accounts, pools, &mut streamed).unwrap();
    assert_eq!(streamed, serde_json::to_vec_pretty(&w.ledger.snapshot()).unwrap());
    let broken = stream::write(&w.ledger.head(), [Err("no disk")].into_iter(), [].into_iter(), io::sink());
    assert!(broken.unwrap_err().to_string().contains("no disk"));
}

/// Takes everything into memory.
#[derive(Default)]
struct Taken(Vec<Account>, Vec<Pool>);

impl stream::Sink for Taken {
    type Error = &'static str;

    fn accounts(&mut self, first: u32, accounts: &[Account]) -> Result<(), Self::Error> {
        assert_eq!(first as usize, self.0.len());
        self.0.extend_from_slice(accounts);
        if self.0.len() > 5000 { Err("full") } else { Ok(()) }
    }

    fn pools(&mut self, first: u32, pools: &[Pool]) -> Result<(), Self::Error> {
        assert_eq!(first as usize, self.1.len());
        self.1.extend_from_slice(pools);
        Ok(())
    }
}

#[test]
fn a_stream_is_read_as_restore_would() {
    let mut w = World::populated(Shape { account_depth: 5, nodes: 40, ..shape("SPSPS") }, 3);
    let text = serde_json::to_string(&w.ledger.snapshot()).unwrap();
    let read = |text: &str| {
        let mut taken = Taken::default();
        stream::read(text.as_bytes(), &mut taken).map(|read| (read, taken))
    };
    let (done, taken) = read(&text).unwrap();
    assert_eq!(done.head, w.ledger.head());
    assert!(taken.0.iter().eq(w.ledger.accounts.values()) && taken.1.iter().eq(w.ledger.pools.values()));
    let families: BTreeMap<_, _> = done.account_tree.families().map(|(p, f)| (p, *f)).collect();
    assert_eq!(families, w.ledger.account_families().map(|(p, f)| (p, *f)).collect());
    // Whatever restore refuses, for the same reason; and what is no such JSON.
    let digit = |at: usize| {
        let mut bad = text.clone().into_bytes();
        bad[at] = if bad[at] == b'1' { b'2' } else { b'1' };
        String::from_utf8(bad).unwrap()
    };
    for at in (0..text.len()).filter(|at| text.as_bytes()[*at].is_ascii_digit()).step_by(7) {
        let bad = digit(at);
        let whole = serde_json::from_str::<Snapshot>(&bad).map(|snapshot| Ledger::restore(&snapshot).map(|l| l.head()));
        match (whole, read(&bad)) {
            (Ok(Ok(head)), Ok((done, _))) => assert_eq!(head, done.head),
            (Ok(Err(needed)), Err(stream::ReadError::Snapshot(had))) => assert_eq!(had, needed, "{bad}"),
            (Err(_), Err(stream::ReadError::Json(_))) => {}
            (whole, streamed) => panic!("{whole:?}, {:?}: {bad}", streamed.map(|_| ()).map_err(|e| e.to_string())),
        }
    }
    for (old, new) in [
        ("\"chain_id\"", "\"chain\""),
        ("{\"format\"", "{\"chain_id\":3,\"format\""),
        ("\"pools\":[", "\"pools\":[],\"pools\":["),
        ("{\"format\":\"tapstone-state/1\",", "{"),
    ] {
        assert!(text.contains(old) && matches!(read(&text.replacen(old, new, 1)), Err(stream::ReadError::Json(_))), "{new}");
    }
    assert!(matches!(read(&format!("{text} x")), Err(stream::ReadError::Json(_))));
    assert!(matches!(read(&text[..text.len() - 1]), Err(stream::ReadError::Json(_))));
    // More accounts than one chunk, and a sink that does not take them all.
    w.crowd(5000);
    let text = serde_json::to_string(&w.ledger.snapshot()).unwrap();
    assert_eq!(read(&text).unwrap().0.head, w.ledger.head());
    w.crowd(5001);
    let text = serde_json::to_string(&w.ledger.snapshot()).unwrap();
    assert!(matches!(read(&text), Err(stream::ReadError::Sink("full"))));
}

#[test]
fn what_is_read_does_not_grow_with_the_state() {
    let deep = Shape { account_depth: 4, nodes: 40, ..shape("SPSPS") };
    let reads = |accounts| {
        let mut w = World::populated(deep.clone(), accounts);
        let mut kept = Kept::genesis(&w.ledger);
        let all = w.ledger.clone();
        let families = |tree: &Tree| tree.families().map(|(place, family)| (place, *family)).collect();
        kept.write(&Changes {
            accounts: all.accounts.clone(),
            pools: all.pools.clone(),
            account_families: families(&all.account_tree),
            pool_families: families(&all.pool_tree),
            after: all.head(),
        });
        w.transfer(0, 1, 1, 5).deposit(2, 1, 7).deposit(8 * 4096 - 1, 1, 7);
        let Ok(mut part) = Part::load(&kept, &Touched::by(w.operator, &w.open));
        let executed = part.execute_all(&deep, w.operator, &w.open).unwrap();
        assert_eq!(executed[0].witness, w.apply().unwrap().witness);
        kept.reads.get()
    };
    assert_eq!(reads(3), reads(40));
}

#[test]
#[should_panic(expected = "is not in this part of the state")]
fn what_was_not_loaded_is_not_taken_as_missing() {
    let mut w = world();
    w.transfer(0, 1, 1, 5);
    let mut part = load(&w);
    w.transfer(2, 1, 1, 5);
    let _ = part.execute_all(&w.shape, w.operator, &w.open);
}

use super::*;
use crate::testing::World;

fn shape(letters: &str, pools: usize, fee_tokens: usize) -> Shape {
    let slots = letters.chars().map(|l| if l == 'P' { SlotKind::Pair } else { SlotKind::Single }).collect();
    Shape { slots, pools, fee_tokens, accounts: 12, nodes: 9, ..Shape::registered("tiny").unwrap() }
}

/// No accounts yet, and so many pools.
fn start(next_pool: u32) -> Start {
    Start { operator: 0, next_account: 0, next_pool }
}

fn slots(shape: &Shape, next_pool: u32, world: &World) -> Vec<Vec<Option<usize>>> {
    split(shape, start(next_pool), &world.open).unwrap().into_iter().map(|p| p.slots).collect()
}

#[test]
fn transactions_take_the_next_slot_of_their_kind() {
    let mut w = World::registered("tiny");
    w.transfer(0, 1, 1, 1).transfer(0, 1, 1, 1).deposit(0, 1, 1).deposit(0, 1, 1).transfer(0, 1, 1, 1);
    let shape = shape("SPSP", 2, 2);
    // The first single slot and the one between the transfers are passed over; the second deposit opens a batch.
    let expected = vec![vec![None, Some(0), None, Some(1)], vec![Some(2), None, Some(3), Some(4)]];
    assert_eq!(slots(&shape, 0, &w), expected);
    let ranges: Vec<_> = split(&shape, start(0), &w.open).unwrap().iter().map(Planned::transactions).collect();
    assert_eq!(ranges, [0..2, 2..5]);
    assert_eq!(split(&shape, start(0), &[]), Ok(vec![]));
}

#[test]
fn pools_and_fee_tokens_open_batches() {
    let go = crate::pool::Direction::ZeroForOne;
    let mut w = World::registered("tiny");
    w.swap(0, 0, go, 1).swap(0, 1, go, 1).swap(0, 0, go, 1).swap(0, 2, go, 1);
    assert_eq!(slots(&shape("SSSS", 2, 1), 3, &w), [[Some(0), Some(1), Some(2), None], [Some(3), None, None, None]]);
    // A pool made in the batch counts under the index that it gets.
    let mut w = World::registered("tiny");
    w.create_pool(0, (1, 2), 30, (1, 1)).swap(0, 3, go, 1).create_pool(0, (1, 2), 30, (1, 1));
    assert_eq!(slots(&shape("SSSS", 1, 1), 3, &w), [[Some(0), Some(1), None, None], [Some(2), None, None, None]]);
    let mut w = World::registered("tiny");
    w.with_fee(5, 1).transfer(0, 1, 1, 1).transfer(0, 1, 1, 1).with_fee(6, 1).transfer(0, 1, 1, 1);
    w.with_fee(0, 0).transfer(0, 1, 1, 1);
    assert_eq!(slots(&shape("PPPP", 1, 1), 0, &w), [[Some(0), Some(1), None, None], [Some(2), Some(3), None, None]]);
}

#[test]
fn what_no_batch_can_hold_is_refused() {
    let mut w = World::registered("tiny");
    w.deposit(0, 1, 1).transfer(0, 1, 1, 1);
    let refused = split(&shape("S", 1, 1), start(0), &w.open);
    assert_eq!(refused, Err(PlanError::NoRoom { index: 1, lack: Lack::Slots(SlotKind::Pair) }));
    let mut w = World::registered("tiny");
    w.create_pool(0, (1, 2), 30, (1, 1));
    assert_eq!(split(&shape("S", 0, 1), start(0), &w.open), Err(PlanError::NoRoom { index: 0, lack: Lack::Pools }));
    let mut w = World::registered("tiny");
    w.with_fee(1, 1).transfer(0, 1, 1, 1);
    assert_eq!(split(&shape("P", 1, 0), start(0), &w.open), Err(PlanError::NoRoom { index: 0, lack: Lack::FeeTokens }));
}

#[test]
fn bundles_move_as_a_whole() {
    let mut w = World::registered("tiny");
    w.transfer(0, 1, 1, 1).transfer(0, 1, 1, 1).transfer(1, 0, 1, 1);
    w.bundle_from(1);
    let shape = shape("SPSP", 2, 2);
    assert_eq!(slots(&shape, 0, &w), [[None, Some(0), None, None], [None, Some(1), None, Some(2)]]);
    // Three pairs find no room together, although each would alone.
    w.open.clear();
    w.transfer(0, 1, 1, 1).transfer(0, 1, 1, 1).transfer(1, 0, 1, 1);
    w.bundle_from(0);
    assert_eq!(
        split(&shape, start(0), &w.open),
        Err(PlanError::Bundle { first: 0, last: 2, index: 2, lack: Lack::Slots(SlotKind::Pair) })
    );
    // Two bundles side by side are two.
    w.open.clear();
    w.transfer(0, 1, 1, 1).transfer(1, 0, 1, 1);
    w.bundle_from(0);
    w.transfer(0, 1, 1, 2).transfer(1, 0, 1, 2);
    w.bundle_from(2);
    assert_eq!(bundle::groups(&w.open).collect::<Vec<_>>(), [0..2, 2..4]);
    assert_eq!(slots(&shape, 0, &w), [[None, Some(0), None, Some(1)], [None, Some(2), None, Some(3)]]);
}

/// Accounts and nodes: what is named and exists, what is made, each once.
#[test]
fn what_is_touched_opens_batches() {
    let go = crate::pool::Direction::ZeroForOne;
    let shape = |accounts, nodes| Shape { accounts, nodes, ..shape("PSPSPSPS", 2, 1) };
    let start = |next_account| Start { operator: 0, next_account, next_pool: 1 };
    let planned = |shape: &Shape, next_account, w: &World| -> Vec<(usize, usize, usize, usize, Option<Lack>)> {
        let batches = split(shape, start(next_account), &w.open).unwrap();
        batches.iter().map(|b| (b.transactions().len(), b.accounts, b.pools, b.nodes, b.full)).collect()
    };
    // Accounts 0 to 3 below one node; account 40 below another.
    let mut w = World::registered("tiny");
    w.transfer(1, 2, 1, 1).transfer(2, 1, 1, 1).transfer(1, 3, 1, 1).transfer(1, 40, 1, 1);
    assert_eq!(planned(&shape(9, 9), 41, &w), [(4, 5, 0, 3, None)]);
    assert_eq!(
        planned(&shape(3, 9), 41, &w),
        [(2, 3, 0, 2, Some(Lack::Accounts)), (1, 3, 0, 2, Some(Lack::Accounts)), (1, 3, 0, 3, None)]
    );
    assert_eq!(planned(&shape(9, 2), 40, &w), [(4, 4, 0, 2, None)]);
    assert_eq!(split(&shape(9, 2), start(41), &w.open), Err(PlanError::NoRoom { index: 3, lack: Lack::Nodes }));
    // A deposit to an account that comes to be in the batch, and one to an account that does not.
    let mut w = World::registered("tiny");
    w.deposit(3, 1, 1).deposit_new(1, 1).deposit(3, 1, 1).deposit(9, 1, 1);
    assert_eq!(planned(&shape(9, 9), 3, &w), [(4, 2, 0, 2, None)]);
    // Neither a key that is not valid nor a full tree makes an account.
    let mut w = World::registered("tiny");
    w.deposit_new(1, 1).deposit_new(1, 1);
    let bad = crate::testing::low_order_key(5);
    if let Transaction::DepositNew { key, .. } = &mut w.open[0] {
        *key = bad;
    }
    assert_eq!(planned(&shape(9, 9), 3, &w), [(2, 2, 0, 2, None)]);
    assert_eq!(planned(&shape(9, 9), 64, &w), [(2, 1, 0, 2, None)]);
    // A pool that exists and one that is made; the tree of pools has its own root.
    let mut w = World::registered("tiny");
    w.swap(0, 0, go, 1).create_pool(0, (1, 2), 30, (1, 1)).swap(0, 1, go, 1);
    assert_eq!(planned(&shape(9, 9), 1, &w), [(3, 1, 2, 3, None)]);
}

mod packing {
    use super::*;
    use crate::amount::TokenId;
    use crate::ledger::Ledger;
    use crate::plan::pack::pack;
    use crate::pool::Direction;
    use crate::testing::SplitMix;

    fn reordered(world: &World, order: &[usize]) -> World {
        let mut packed = world.clone();
        packed.open = order.iter().map(|i| world.open[*i].clone()).collect();
        packed
    }

    /// Executes all batches of the open list; the state root after each.
    fn run(world: &World) -> Option<Ledger> {
        let mut ledger = world.ledger.clone();
        for batch in split(&world.shape, ledger.start(world.operator), &world.open).ok()? {
            ledger.execute(&world.shape, world.operator, &world.open[batch.transactions()]).ok()?;
        }
        Some(ledger)
    }

    #[test]
    fn independent_transactions_fill_the_slots() {
        let mut w = World::populated(shape("SPSP", 2, 2), 4);
        // Four transfers, then four swaps: four batches in file order, two when they alternate.
        w.transfer(0, 1, 1, 5).transfer(0, 1, 1, 5).transfer(0, 1, 1, 5).transfer(0, 1, 1, 5);
        let go = Direction::ZeroForOne;
        w.swap(2, 0, go, 500).swap(3, 0, go, 500).swap(2, 0, go, 500).swap(3, 0, go, 500);
        let order = pack(&w.shape, w.ledger.start(w.operator), &w.open).unwrap();
        let packed = reordered(&w, &order);
        let count = |w: &World| split(&w.shape, w.ledger.start(w.operator), &w.open).unwrap().len();
        assert_eq!((count(&w), count(&packed)), (4, 2));
        let (strict, better) = (run(&w).unwrap(), run(&packed).unwrap());
        assert_eq!((strict.accounts(), strict.pools()), (better.accounts(), better.pools()));
        // Swaps in one pool keep their order.
        let swaps: Vec<_> = order.iter().filter(|i| **i >= 4).collect();
        assert!(swaps.is_sorted());
    }

    #[test]
    fn nothing_is_gained_where_everything_depends() {
        let mut w = World::populated(shape("SPSP", 2, 2), 2);
        w.transfer(0, 1, 1, 5).swap(0, 0, Direction::ZeroForOne, 500).transfer(1, 0, 1, 5).withdraw(1, 1, 5);
        assert_eq!(pack(&w.shape, w.ledger.start(w.operator), &w.open), Ok(vec![0, 1, 2, 3]));
    }

    #[test]
    fn any_packed_order_leads_to_the_same_accounts_and_pools() {
        let mut rng = SplitMix::new(77);
        let (mut compared, mut gained) = (0, 0);
        for _ in 0..60 {
            let mut w = World::populated(shape("SPSP", 2, 3), 6);
            for _ in 0..9 {
                w.push_at_random(&mut rng);
            }
            // Fees may be refused by policy in one order only, and are not what this is about.
            for tx in &mut w.open {
                if let Some(signed) = tx.signed_mut() {
                    (signed.fee, signed.fee_token) = (crate::amount::Amount::ZERO, TokenId::NONE);
                }
            }
            let keys: Vec<_> = w.open.iter().map(|tx| tx.signer()).collect();
            let transactions = std::mem::take(&mut w.open);
            let groups: Vec<_> = bundle::groups(&transactions).collect();
            for range in groups {
                let first = w.open.len();
                for tx in &transactions[range.clone()] {
                    w.push(tx.clone());
                }
                if range.len() > 1 {
                    w.bundle_from(first);
                }
            }
            assert_eq!(keys, w.open.iter().map(|tx| tx.signer()).collect::<Vec<_>>());
            let Ok(order) = pack(&w.shape, w.ledger.start(w.operator), &w.open) else { continue };
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert!(sorted.iter().enumerate().all(|(i, at)| i == *at), "each transaction once");
            let packed = reordered(&w, &order);
            let count = |w: &World| split(&w.shape, w.ledger.start(w.operator), &w.open).unwrap().len();
            assert!(count(&packed) <= count(&w));
            let (Some(strict), Some(better)) = (run(&w), run(&packed)) else { continue };
            assert_eq!((strict.accounts(), strict.pools()), (better.accounts(), better.pools()));
            assert_eq!(strict.deposit_head(), better.deposit_head());
            compared += 1;
            gained += usize::from(count(&packed) < count(&w));
        }
        assert!(compared > 5 && gained > 0, "{compared} compared, {gained} gained");
    }
}

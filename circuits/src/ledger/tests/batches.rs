//! Valid batches: their effects, witnesses, data, and the state as a file.

use std::collections::BTreeMap;

use super::parts;
use super::*;
use crate::data::{BatchData, Published, data_hash};
use crate::memory::access::PoolRead;
use crate::memory::constraints::Roots;
use crate::memory::record::{Record, balance};
use crate::pool::Direction;
use crate::testing::{SplitMix, public};
use crate::witness::{LeafAccess, SlotWitness};

/// The account accesses of a witness by their times, `None` where none is made.
fn accesses(executed: &Executed) -> Vec<Option<&LeafAccess>> {
    let mut list = Vec::new();
    for slot in &executed.witness.slots {
        match slot {
            SlotWitness::Pair(pair) => {
                list.extend([&pair.sender, &pair.recipient].map(|access| pair.tx.as_ref().map(|_| access)));
            }
            SlotWitness::Single(single) => {
                list.extend([None, single.accesses_account().then_some(&single.account)]);
            }
        }
    }
    list.push(Some(&executed.witness.operator_access));
    list
}

/// Replays the accesses: each reads what the one before it left, and cells and nodes lead from root to root.
fn check_witness(before: &Ledger, after: &Ledger, executed: &Executed) {
    let w = &executed.witness;
    let (room, state) = (w.shape.room(), &w.state);
    assert_eq!(state.before, Roots { account: w.pre.account_root, pool: w.pre.pool_root });
    assert_eq!(state.after, Roots { account: w.post.account_root, pool: w.post.pool_root });
    assert_eq!((state.accounts.len(), state.pools.len(), state.nodes.len()), (room.accounts, room.pools, room.nodes));
    let (mut produced, mut consumed) = state.records(&room);
    let list = accesses(executed);
    let mut time = 0;
    for (i, access) in list.iter().enumerate() {
        time += 1;
        let Some(access) = access else { continue };
        // What an access leaves behind is what the next access to the leaf finds, or else the final state.
        let next = list[i + 1..].iter().flatten().find(|later| later.index == access.index);
        let left = next.map_or_else(|| after.account(access.index).unwrap_or(&Account::EMPTY), |later| &later.before);
        let (index, now) = (Fr::from(access.index), Fr::from(time));
        produced.push(Record::account(index, now, &left.leaf_elements()));
        consumed.push(Record::account(index, now - Fr::from(1u64) - access.gap, &access.before.leaf_elements()));
    }
    let mut held: BTreeMap<u32, Pool> = before.pools().clone();
    let mut changes = executed.pool_changes.iter();
    for (i, slot) in w.slots.iter().enumerate() {
        let SlotWitness::Single(single) = slot else { continue };
        assert_eq!(single.pool.active, single.tx.as_ref().is_some_and(Transaction::uses_pool));
        if !single.pool.active {
            continue;
        }
        let change = changes.next().unwrap();
        assert_eq!(held.insert(change.index, change.after).unwrap_or(Pool::EMPTY), change.before);
        assert_eq!((single.pool.index, single.pool.read), (change.index.into(), PoolRead::from(&change.before)));
        let (index, now) = (single.pool.index, Fr::from(2 * i as u64 + 1));
        produced.push(Record::pool(index, now, &PoolRead::from(&change.after).contents()));
        consumed.push(Record::pool(index, now - Fr::from(1u64) - single.pool.gap, &single.pool.read.contents()));
    }
    assert_eq!(&held, after.pools());
    assert_eq!(balance(&produced, &consumed), Ok(()));

    assert_eq!(w.fee_tokens.len(), w.shape.fee_tokens);
    assert!(w.fee_tokens[0] >= 1 && w.fee_tokens.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(executed.fees.iter().all(|(token, _)| w.fee_tokens.contains(token)));
    let kinds: Vec<_> = w.slots.iter().map(|s| matches!(s, SlotWitness::Pair(_))).collect();
    assert_eq!(kinds, w.shape.slots.iter().map(|s| *s == SlotKind::Pair).collect::<Vec<_>>());
}

fn check_claim(before: &Ledger, after: &Ledger, executed: &Executed, transactions: &[Transaction]) {
    assert_eq!(executed.pre_state_root, before.state_root());
    assert_eq!(executed.post_state_root, after.state_root());
    assert_eq!(executed.batch_number, before.batch_number() + 1);
    assert_eq!(after.batch_number(), executed.batch_number);
    assert_eq!(executed.deposit_head, after.deposit_head());
    let data = BatchData::decode(&executed.data).unwrap();
    let refunds = executed.witness.slots.iter().filter_map(|slot| match slot {
        SlotWitness::Single(single) if single.refund.is_some() => Some(single.position),
        _ => None,
    });
    let refunds: Vec<_> = refunds.collect();
    let published = transactions
        .iter()
        .enumerate()
        .map(|(i, tx)| if refunds.contains(&i) { tx.published_refund() } else { tx.published() });
    assert_eq!(data.transactions, published.collect::<Vec<_>>());
    assert_eq!(data.deposit_head, data.transactions.iter().any(Published::is_deposit).then_some(executed.deposit_head));
    let mut again = before.clone();
    let rebuilt = again.rebuild(&data).unwrap();
    assert_eq!(rebuilt.post_state_root, executed.post_state_root);
    assert_eq!((rebuilt.withdrawals_root, &rebuilt.withdrawals), (executed.withdrawals_root, &executed.withdrawals));
    assert_eq!((rebuilt.data_hash, rebuilt.pre_state_root), (executed.data_hash, executed.pre_state_root));
    assert_eq!(again.snapshot(), after.snapshot());
    assert_eq!((data.chain_id, data.batch_number), (executed.chain_id, executed.batch_number));
    assert_eq!(data_hash(data.operator, &data.transactions), executed.data_hash);
    let restored: Snapshot = serde_json::from_str(&serde_json::to_string(&after.snapshot()).unwrap()).unwrap();
    assert_eq!(Ledger::restore(&restored).unwrap().state_root(), after.state_root());
}

/// Applies the open batch and checks all that is claimed of it.
fn apply(w: &mut World) -> Executed {
    let (before, transactions) = (w.ledger.clone(), w.open.clone());
    let mut part = parts::load(w);
    let of_part = part.0.execute(&w.shape, w.operator, &w.open).unwrap();
    let executed = w.apply().unwrap();
    parts::check(&before, &w.ledger, &executed, &of_part);
    check_witness(&before, &w.ledger, &executed);
    check_claim(&before, &w.ledger, &executed, &transactions);
    executed
}

#[test]
fn genesis_is_the_text_of_the_protocol() {
    use tapstone_verifier::poseidon::hash;
    let ledger = Ledger::genesis(3, 2, 1).unwrap();
    let two = |n: usize| crate::field::two_to_the(n);
    let zero = Fr::zero();
    let leaf = hash(&[zero, zero, two(64), zero, zero, zero, zero, zero]);
    let accounts = hash(&[hash(&[leaf; 8]); 8]);
    let pools = hash(&[hash(&[Fr::from(2u64), zero, zero, zero]); 8]);
    let meta = Fr::from(3u64) + two(81) + two(88);
    assert_eq!(ledger.state_root(), hash(&[Fr::from(3u64), accounts, pools, zero, zero, meta]));
    assert!(Ledger::genesis(3, 11, 1).is_err() && Ledger::genesis(3, 1, 10).is_err() && Ledger::genesis(3, 0, 1).is_err());
}

#[test]
fn each_kind_has_its_effect() {
    let mut w = World::populated(shape("SPSPSSSP"), 3);
    w.operator = 2;
    let a = |w: &World, i: u32, id: u32| w.ledger.account(i).map_or(0, |a| a.balance(crate::testing::token(id)));
    let before = w.ledger.clone();
    let old = |i: u32, id: u32| before.account(i).map_or(0, |a| a.balance(crate::testing::token(id)));
    w.with_fee(3, 7).deposit_new(5, 9).transfer(0, 1, 2, 5).create_pool(1, (2, 3), 5, (9000, 9000));
    w.transfer_new(0, 3, 77).swap(1, 0, Direction::ZeroForOne, 5000).add_liquidity(1, 0, (5000, 9000));
    w.deposit(0, 1, 6);
    let executed = apply(&mut w);
    assert_eq!(executed.fees, [(3, 35)]);
    // Accounts 0 to 4 below a node and the root, two pools below their root.
    assert_eq!(executed.fill, Fill { used: 7, slots: 8, accounts: 5, pools: 2, nodes: 3 });
    assert_eq!(executed.witness.fee_tokens, [1, 3]);
    assert_eq!(w.ledger.deposit_count(), before.deposit_count() + 2);
    assert_eq!((w.ledger.next_account(), w.ledger.next_pool()), (5, 2));
    assert_eq!((a(&w, 3, 5), a(&w, 4, 3)), (9, 77));
    assert_eq!(w.ledger.account(3).unwrap().key, Some(public(3)));
    assert_eq!(a(&w, 0, 1), old(0, 1) + 6);
    assert_eq!((a(&w, 0, 2), a(&w, 0, 3)), (old(0, 2) - 5, old(0, 3) - 77 - 14));
    assert_eq!(a(&w, 2, 3), old(2, 3) + 35);
    assert_eq!(a(&w, 1, (1 << 29) + 1), 8000);
    // 5000 in at 30 bp: g = 49850000, out = floor(g * 3000000 / (10^4 * 2000000 + g)).
    let out = 49_850_000u128 * 3_000_000 / (20_000_000_000 + 49_850_000);
    let (r0, r1) = (2_005_000u128, 3_000_000 - out);
    let supply = before.pool(0).unwrap().supply.get();
    let s = (5000 * supply / r0).min(9000 * supply / r1);
    let (a0, a1) = ((s * r0).div_ceil(supply), (s * r1).div_ceil(supply));
    assert_eq!(a(&w, 1, 1), old(1, 1) - 5000 - a0);
    assert_eq!(a(&w, 1, 2), old(1, 2) + 5 - 9000 + out - a1);
    assert_eq!(a(&w, 1, 1 << 29), s);
    let pool = w.ledger.pool(0).unwrap();
    assert_eq!((pool.reserve0.get(), pool.reserve1.get(), pool.supply.get()), (r0 + a0, r1 + a1, supply + s));
    assert_eq!((w.ledger.account(0).unwrap().nonce, w.ledger.account(1).unwrap().nonce), (3, 3));
}

#[test]
fn an_empty_batch_is_all_padding() {
    let mut w = world();
    let executed = apply(&mut w);
    assert_eq!((executed.fill.used, executed.fees.len()), (0, 0));
    // The operator's account is touched all the same.
    assert_eq!((executed.fill.accounts, executed.fill.pools, executed.witness.fee_tokens), (1, 0, vec![1, 2]));
}

#[test]
fn an_operator_may_trade_and_take_fees_in_its_batch() {
    let mut w = world();
    w.operator = 1;
    w.with_fee(1, 50).swap(1, 0, Direction::OneForZero, 9000).transfer(0, 1, 1, 10);
    let executed = apply(&mut w);
    assert_eq!(executed.fees, [(1, 100)]);
}

#[test]
fn a_sale_of_everything_frees_the_slot_for_what_is_bought() {
    let mut w = world();
    let all = w.ledger.account(1).unwrap().balances[1];
    w.create_pool(0, (2, 9), 30, (5000, 5000));
    w.open.clear();
    w.deposit(0, 9, 50_000).apply().unwrap();
    w.create_pool(0, (2, 9), 30, (5000, 5000)).apply().unwrap();
    assert_eq!(w.ledger.account(1).unwrap().tokens[..2], [2, 3]);
    w.swap(1, 1, Direction::ZeroForOne, all);
    apply(&mut w);
    assert_eq!(w.ledger.account(1).unwrap().tokens[..3], [9, 3, 0]);
}

#[test]
fn random_batches_hold_what_they_claim() {
    let mut rng = SplitMix::new(7);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..3 {
        let mut w = World::populated(shape("SPSPSPSPSS"), 4);
        for _ in 0..6 {
            w.operator = rng.below(4) as u32;
            w.fill_at_random(&mut rng, 12);
            for tx in &w.open {
                *kinds.entry(tx.kind_name()).or_default() += 1;
                if tx.signed().is_some_and(|signed| signed.message.is_some()) {
                    *kinds.entry("(in a bundle)").or_default() += 1;
                }
            }
            let executed = apply(&mut w);
            if executed.withdrawals.iter().any(|w| w.cause == crate::withdrawal::Cause::Refund) {
                *kinds.entry("(refund)").or_default() += 1;
            }
        }
    }
    assert_eq!(kinds.len(), 12, "{kinds:?}");
}

mod snapshots {
    use super::*;
    use serde_json::{Value, json};

    fn altered(change: impl FnOnce(&mut Value)) -> Result<Ledger, String> {
        let mut value = serde_json::to_value(world().ledger.snapshot()).unwrap();
        change(&mut value);
        let snapshot: Snapshot = serde_json::from_value(value).map_err(|e| e.to_string())?;
        Ledger::restore(&snapshot).map_err(|e| e.to_string())
    }

    #[test]
    fn a_restored_ledger_goes_on() {
        let mut w = world();
        w.ledger = altered(|_| {}).unwrap();
        w.transfer(0, 1, 1, 5);
        apply(&mut w);
    }

    #[test]
    fn every_invariant_is_checked() {
        let cases: [(&str, Value, &str); 20] = [
            ("/format", json!("tapstone-state/2"), "format"),
            ("/chain_id", json!(4), "root"),
            ("/batch_number", json!(1u64 << 48), "batch_number"),
            ("/batch_number", json!(5), "root"),
            ("/deposit_count", json!(1u64 << 48), "deposit_count"),
            ("/account_depth", json!(11), "depth"),
            ("/account_depth", json!(3), "root"),
            ("/state_root", json!(format!("0x{}", "0".repeat(64))), "root"),
            ("/deposit_head", json!(format!("0x{}", "f".repeat(64))), "order"),
            ("/accounts/0/key", json!("01"), "hexadecimal"),
            ("/accounts/0/key", json!(format!("01{}", "0".repeat(62))), "identity"),
            ("/accounts/0/nonce", json!("01"), "nonce"),
            ("/accounts/0/nonce", json!("7"), "root"),
            ("/accounts/0/tokens/0", json!(1), "token 1"),
            ("/accounts/0/tokens/5", json!(9), "0 together"),
            ("/accounts/0/balances/0", json!("79228162514264337593543950336"), "largest"),
            ("/accounts/0/balances/3", json!("5"), "share token"),
            ("/pools/0/token0", json!(2), "order"),
            ("/pools/0/reserve0", json!("0"), "reserve"),
            ("/pools/0/fee_bp", json!(10000), "fee"),
        ];
        for (pointer, value, word) in cases {
            let error = altered(|v| *v.pointer_mut(pointer).unwrap() = value.clone()).unwrap_err();
            assert!(error.contains(word), "{pointer} = {value}: {error}");
        }
        let missing = altered(|v| drop(v.as_object_mut().unwrap().remove("pools"))).unwrap_err();
        assert!(missing.contains("missing"));
        let unknown = altered(|v| drop(v.as_object_mut().unwrap().insert("x".into(), json!(1)))).unwrap_err();
        assert!(unknown.contains("unknown"));
        let text = serde_json::to_string(&world().ledger.snapshot()).unwrap();
        let twice = text.replacen("\"chain_id\":3", "\"chain_id\":3,\"chain_id\":3", 1);
        assert!(serde_json::from_str::<Snapshot>(&twice).unwrap_err().to_string().contains("duplicate"));
    }
}

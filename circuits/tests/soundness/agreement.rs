//! Ledger and circuit agree: on generated batches, valid ones and ones with something wrong, the ledger accepts exactly what has a witness.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::circuit::{BatchCircuit, assignment};
use tapstone_circuits::data::{BatchData, Published};
use tapstone_circuits::deposit::Destination;
use tapstone_circuits::ledger::{BatchError, Ledger, Refusal};
use tapstone_circuits::plan::split;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::signature::Signature;
use tapstone_circuits::testing::{SplitMix, World, amount, low_order_key, public, secret, token};
use tapstone_circuits::transaction::Transaction;
use tapstone_circuits::witness::{BatchWitness, SlotWitness};

use crate::forge::{Lies, STATEMENT, forge};

/// Cases for each of the tests, which run side by side; `TAPSTONE_CASES` gives another number.
fn cases() -> usize {
    std::env::var("TAPSTONE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(500)
}

fn circuit() -> &'static BatchCircuit {
    static CIRCUIT: OnceLock<BatchCircuit> = OnceLock::new();
    CIRCUIT.get_or_init(|| BatchCircuit::new(&Shape::registered("tiny").unwrap()))
}

/// The rule that a witness breaks first, but for that on the statement: whoever wants it accepted claims another one.
fn first_broken(witness: &BatchWitness) -> Option<&'static str> {
    let system = circuit().system();
    let z = assignment(Fr::zero(), witness);
    system.violations(&z, 2).into_iter().map(|v| v.rule).find(|rule| *rule != STATEMENT)
}

/// Worlds in several states: young, with pools, with full accounts and with few slots left, with large amounts, with changed keys.
fn worlds() -> &'static [World] {
    static WORLDS: OnceLock<Vec<World>> = OnceLock::new();
    WORLDS.get_or_init(|| {
        let shape = || Shape::registered("tiny").unwrap();
        let mut young = World::new(shape());
        young.deposit_new(1, 5000).apply().unwrap();
        let pools = World::populated(shape(), 3);
        let mut crowded = pools.clone();
        for id in 10..12 {
            crowded.deposit(0, id, 1_000_000).deposit(1, id, 1_000_000).apply().unwrap();
        }
        for _ in 0..2 {
            crowded.create_pool(0, (1, 3), 30, (1_000_000, 500_000)).apply().unwrap();
        }
        let mut rich = pools.clone();
        rich.deposit(1, 1, Amount::MAX.get() - 20_000_000).deposit(2, 2, Amount::MAX.get() / 2).apply().unwrap();
        rich.deposit(2, 1, Amount::MAX.get() - 50_000_000).deposit(1, 2, Amount::MAX.get() / 3).apply().unwrap();
        rich.create_pool(2, (1, 2), 0, (Amount::MAX.get() / 2, Amount::MAX.get() / 4)).apply().unwrap();
        let mut keys = pools.clone();
        keys.change_key(0, 500).apply().unwrap();
        keys.change_key(2, 501).remove_liquidity(0, 0, 100_000).apply().unwrap();
        vec![young, pools, crowded, rich, keys]
    })
}

/// Transactions until the shape's one batch is full or some tries are over.
fn fill(w: &mut World, rng: &mut SplitMix) {
    for _ in 0..1 + rng.below(4) {
        let before = w.clone();
        w.push_at_random(rng);
        let fits = split(&w.shape, w.ledger.start(w.operator), &w.open).is_ok_and(|batches| batches.len() == 1);
        if !fits {
            *w = before;
        }
    }
}

/// Changes one thing about the batch.
fn mutate(w: &mut World, rng: &mut SplitMix) {
    if w.open.is_empty() {
        return;
    }
    let at = rng.below(w.open.len() as u64) as usize;
    let number = |rng: &mut SplitMix| match rng.below(4) {
        0 => Amount::ZERO,
        1 => Amount::MAX,
        2 => amount(u128::from(rng.below(3_000_000))),
        _ => rng.amount(),
    };
    let id = |rng: &mut SplitMix| token([0, 1, 2, 3, 4, 9, TokenId::FIRST_LP, TokenId::FIRST_LP + 1][rng.below(8) as usize]);
    match rng.below(10) {
        0 => {
            w.operator = rng.below(5) as u32;
            return;
        }
        1 => {
            w.open.remove(at);
            return;
        }
        2 => {
            let other = rng.below(w.open.len() as u64) as usize;
            w.open.swap(at, other);
            return;
        }
        3 => {
            w.open[at] = w.open[rng.below(w.open.len() as u64) as usize].clone();
            return;
        }
        _ => {}
    }
    // Within the tree: an index beyond it has no wires, but for deposits.
    let (some, some_token, index) = (number(rng), id(rng), rng.below(64) as u32);
    let key = match rng.below(3) {
        0 => low_order_key(rng.below(4)),
        _ => public(rng.below(4)).point(),
    };
    let signer = w.open[at].signer();
    let signing = signer.map(|signer| w.secret_of(signer));
    let pick = rng.below(4);
    let mut sign_anew = rng.below(4) != 0;
    let tx = &mut w.open[at];
    if pick == 0
        && let Some(signed) = tx.signed_mut()
    {
        match rng.below(6) {
            0 => signed.fee = some,
            1 => signed.fee_token = some_token,
            // The nonce of the file is no wire: what is signed is the account's. So another one has to be signed to matter.
            2 if signed.message.is_none() => {
                signed.nonce = signed.nonce.wrapping_add(rng.below(3)).wrapping_sub(1);
                sign_anew = true;
            }
            3 => signed.expiry = rng.below(30),
            4 => signed.message = signed.message.xor(Some(Fr::from(rng.next_u64()))),
            _ => signed.signature = Signature::unsigned(),
        }
    } else {
        match tx {
            Transaction::Transfer { from, to, to_key, token, amount, .. } => match rng.below(5) {
                0 => *from = index,
                1 => *to = index,
                2 => *to_key = key,
                3 => *token = some_token,
                _ => *amount = some,
            },
            Transaction::TransferNew { from, to_key, token, amount, .. } => match rng.below(4) {
                0 => *from = index,
                1 => *to_key = key,
                2 => *token = some_token,
                _ => *amount = some,
            },
            Transaction::Deposit { account, token, amount, .. } => match rng.below(3) {
                0 => *account = 2 * index,
                1 => *token = some_token,
                _ => *amount = some,
            },
            Transaction::DepositNew { key: k, token, amount, .. } => match rng.below(3) {
                0 => *k = key,
                1 => *token = some_token,
                _ => *amount = some,
            },
            Transaction::Swap { account, pool, direction, amount_in, min_out, .. } => match rng.below(5) {
                0 => *account = index,
                1 => *pool = index % 8,
                2 => {
                    *direction = tapstone_circuits::pool::Direction::from_code(1 - direction.code()).unwrap();
                }
                3 => *amount_in = some,
                _ => *min_out = some,
            },
            Transaction::CreatePool { account, token0, token1, fee_bp, amount0, amount1, .. } => match rng.below(6) {
                0 => *account = index,
                1 => *token0 = some_token,
                2 => *token1 = some_token,
                3 => *fee_bp = [0, 9999, 10_000, 16_383][rng.below(4) as usize],
                4 => *amount0 = some,
                _ => *amount1 = some,
            },
            Transaction::AddLiquidity { account, pool, max0, max1, min_shares, .. } => match rng.below(5) {
                0 => *account = index,
                1 => *pool = index % 8,
                2 => *max0 = some,
                3 => *max1 = some,
                _ => *min_shares = some,
            },
            Transaction::RemoveLiquidity { account, pool, shares, min0, min1, .. } => match rng.below(5) {
                0 => *account = index,
                1 => *pool = index % 8,
                2 => *shares = some,
                3 => *min0 = some,
                _ => *min1 = some,
            },
            Transaction::ChangeKey { account, key: k, .. } => match rng.below(2) {
                0 => *account = index,
                _ => *k = key,
            },
            Transaction::Withdraw { account, token, amount, destination, .. } => match rng.below(4) {
                0 => *account = index,
                1 => *token = some_token,
                2 => *amount = some,
                _ => *destination = Destination([3; 32]),
            },
        }
    }
    // Signed anew by its author more often than not; then only the rule itself can object.
    if sign_anew
        && let Some(key) = signing
        && tx.signed().is_some_and(|signed| signed.message.is_none())
    {
        let _ = tx.sign(&key, 3);
    }
}

/// The refunds that the ledger finds as far as it gets.
fn refunds(w: &World) -> Lies {
    let mut lies = Lies::default();
    for count in 1..=w.open.len() {
        let mut trial = w.clone();
        trial.open.truncate(count);
        if let Ok(executed) = trial.apply() {
            lies.refunds = executed
                .witness
                .slots
                .iter()
                .filter_map(|slot| match slot {
                    SlotWitness::Single(single) => single.refund.map(|reason| (single.position, reason)),
                    SlotWitness::Pair(_) => None,
                })
                .collect();
        }
    }
    lies
}

fn agree(seed: u64) {
    let mut rng = SplitMix::new(seed);
    let cases = cases();
    let (mut valid, mut invalid) = (0, 0);
    let mut broken: BTreeMap<&str, usize> = BTreeMap::new();
    for case in 0..cases {
        let mut w = worlds()[case % worlds().len()].clone();
        w.operator = rng.below(u64::from(w.ledger.next_account())) as u32;
        fill(&mut w, &mut rng);
        for _ in 0..rng.below(3) {
            mutate(&mut w, &mut rng);
        }
        match w.clone().apply() {
            Ok(executed) => {
                let rule = first_broken(&executed.witness);
                assert_eq!(rule, None, "seed {seed}, case {case}: the ledger accepts {:?}", w.open);
                conserved(&w.ledger, &executed.data);
                valid += 1;
            }
            // Policy, or not a batch of this shape.
            Err(BatchError::Refused { rule: Refusal::OperatorCredit { .. } | Refusal::OperatorMissing { .. }, .. })
            | Err(BatchError::TooMany { .. } | BatchError::Plan(_)) => {}
            Err(error) => {
                let rule = first_broken(&forge(&w, &refunds(&w)));
                let rule = rule.unwrap_or_else(|| panic!("seed {seed}, case {case}: {error}, but it has a witness"));
                *broken.entry(rule).or_default() += 1;
                invalid += 1;
            }
        }
    }
    assert!(valid > cases / 5 && invalid > cases / 5, "{valid} valid, {invalid} invalid");
    assert!(broken.len() > 12, "{broken:?}");
}

/// Sums over the whole state: no token appears or vanishes but by what the published data says.
fn conserved(before: &Ledger, data: &[u8]) {
    let data = BatchData::decode(data).unwrap();
    let mut after = before.clone();
    after.rebuild(&data).unwrap();
    let mut sums: BTreeMap<u32, i128> = BTreeMap::new();
    for (ledger, sign) in [(before, -1i128), (&after, 1)] {
        for account in ledger.accounts().values() {
            for (id, balance) in std::iter::once(1).chain(account.tokens).zip(account.balances) {
                *sums.entry(id).or_default() += sign * balance as i128;
            }
        }
        for (id, pool) in (TokenId::FIRST_LP..).zip(ledger.pools().values()) {
            *sums.entry(pool.token0.get()).or_default() += sign * pool.reserve0.get() as i128;
            *sums.entry(pool.token1.get()).or_default() += sign * pool.reserve1.get() as i128;
            *sums.entry(id).or_default() -= sign * pool.circulating() as i128;
        }
    }
    for tx in &data.transactions {
        match tx {
            Published::Deposit { token, amount, .. } | Published::DepositNew { token, amount, .. } => {
                *sums.entry(token.get()).or_default() -= amount.get() as i128;
            }
            Published::Withdraw { token, amount, .. } => *sums.entry(token.get()).or_default() += amount.get() as i128,
            _ => {}
        }
    }
    sums.remove(&0);
    assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
}

#[test]
fn generated_batches_1() {
    agree(101);
}

#[test]
fn generated_batches_2() {
    agree(202);
}

#[test]
fn generated_batches_3() {
    agree(303);
}

#[test]
fn generated_batches_4() {
    agree(404);
}

/// `secret` keys of the worlds are what the mutations sign with.
#[test]
fn worlds_are_as_described() {
    let worlds = worlds();
    assert!(worlds[2].ledger.account(0).unwrap().free_slots() < 3);
    assert!(worlds[3].ledger.account(1).unwrap().balances[0] > Amount::MAX.get() - 20_000_000);
    assert_ne!(worlds[4].ledger.account(0).unwrap().key, Some(secret(0).public_key()));
}

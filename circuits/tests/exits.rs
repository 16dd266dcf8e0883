//! Exit proofs: made from ledgers rebuilt from published data alone, verified by the verifier, and refused once anything in them changes.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs::{File, read_to_string};
use std::io::BufReader;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tapstone_circuits::amount::Amount;
use tapstone_circuits::data::BatchData;
use tapstone_circuits::file::BatchFile;
use tapstone_circuits::ledger::{Executed, Ledger};
use tapstone_circuits::plan::split;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_circuits::withdrawal::Withdrawal;
use tapstone_verifier::Element;
use tapstone_verifier::error::{ExitError, ExitProofError};
use tapstone_verifier::exit::{
    AccountProof, BatchWithdrawals, PoolProof, WithdrawalProof, verify_account, verify_pool, verify_withdrawal,
};

/// A proof of any kind, with what it is verified against.
trait Proof: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug {
    type Against: Copy;
    fn bytes(&self) -> Vec<u8>;
    fn read(bytes: &[u8]) -> Result<Self, ExitProofError>;
    fn verify(&self, against: Self::Against) -> Result<Value, ExitError>;
}

impl Proof for AccountProof {
    type Against = Element;
    fn bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }
    fn read(bytes: &[u8]) -> Result<Self, ExitProofError> {
        Self::from_bytes(bytes)
    }
    fn verify(&self, root: Element) -> Result<Value, ExitError> {
        let v = verify_account(self, root)?;
        assert_eq!(v.state_root, root);
        assert_eq!(v.nullifier().to_string(), format!("{}:{}:{}", v.chain_id, v.batch_number, v.index));
        let holdings = v.holdings.iter().map(|h| json!({"token": h.token, "balance": h.balance.to_string()}));
        let shares = v.shares.iter().map(|s| {
            json!({"pool": s.pool, "shares": s.shares.to_string(), "token0": s.token0, "amount0": s.amount0.to_string(),
                "token1": s.token1, "amount1": s.amount1.to_string()})
        });
        Ok(json!({"chain_id": v.chain_id, "batch_number": v.batch_number, "index": v.index, "key": hex::encode(v.key),
            "nonce": v.nonce.to_string(), "holdings": holdings.collect::<Value>(), "shares": shares.collect::<Value>()}))
    }
}

impl Proof for PoolProof {
    type Against = Element;
    fn bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }
    fn read(bytes: &[u8]) -> Result<Self, ExitProofError> {
        Self::from_bytes(bytes)
    }
    fn verify(&self, root: Element) -> Result<Value, ExitError> {
        let v = verify_pool(self, root)?;
        Ok(json!({"chain_id": v.chain_id, "batch_number": v.batch_number, "index": v.index, "pool": v.pool}))
    }
}

impl Proof for WithdrawalProof {
    type Against = BatchWithdrawals;
    fn bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }
    fn read(bytes: &[u8]) -> Result<Self, ExitProofError> {
        Self::from_bytes(bytes)
    }
    fn verify(&self, batch: BatchWithdrawals) -> Result<Value, ExitError> {
        let v = verify_withdrawal(self, batch, WithdrawalProof::MAX_WITHDRAWALS)?;
        Ok(json!({"position": v.id.position, "count": v.count, "withdrawal": v.withdrawal}))
    }
}

/// Accepts a proof, in both encodings.
fn accept<P: Proof>(proof: &P, against: P::Against) -> Value {
    let verdict = proof.verify(against).unwrap();
    assert_eq!(P::read(&proof.bytes()).as_ref(), Ok(proof));
    assert_eq!(&serde_json::from_str::<P>(&serde_json::to_string(proof).unwrap()).unwrap(), proof);
    verdict
}

/// Whether bytes are accepted.
fn accepts<P: Proof>(bytes: &[u8], against: P::Against) -> bool {
    P::read(bytes).is_ok_and(|proof| {
        assert_eq!(proof.bytes(), bytes, "a second encoding of one proof");
        proof.verify(against).is_ok()
    })
}

/// Every single change of a value of the JSON form, and every missing or repeated item of a list.
fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(b) => vec![json!(!b)],
        Value::Number(n) => {
            let n = n.as_u64().unwrap();
            let all = [Some(n + 1), n.checked_sub(1), Some(n ^ 8), Some((n + 1) << 32)];
            all.into_iter().flatten().map(Value::from).collect()
        }
        Value::String(text) => match text.parse::<u128>() {
            Ok(n) => {
                [Some(n + 1), n.checked_sub(1), Some(u128::MAX)].iter().flatten().map(|n| json!(n.to_string())).collect()
            }
            Err(_) => {
                let last = if text.ends_with('0') { '1' } else { '0' };
                vec![
                    json!(format!("{}{last}", &text[..text.len() - 1])),
                    json!(text.to_uppercase()),
                    json!(format!("{text}0")),
                ]
            }
        },
        Value::Array(items) => {
            let mut all: Vec<Value> = Vec::new();
            let mut with = |items: Vec<Value>| all.push(Value::Array(items));
            for (i, item) in items.iter().enumerate() {
                for changed in changes(item) {
                    let mut copy = items.clone();
                    copy[i] = changed;
                    with(copy);
                }
                let mut copy = items.clone();
                copy.remove(i);
                with(copy.clone());
                copy.insert(i, item.clone());
                copy.insert(i, item.clone());
                with(copy);
                if i > 0 && items[i - 1] != *item {
                    let mut copy = items.clone();
                    copy.swap(i - 1, i);
                    with(copy);
                }
            }
            all
        }
        Value::Object(fields) => {
            let mut all = Vec::new();
            for (name, field) in fields {
                for changed in changes(field) {
                    let mut copy = fields.clone();
                    copy.insert(name.clone(), changed);
                    all.push(Value::Object(copy));
                }
                let mut copy = fields.clone();
                copy.remove(name);
                all.push(Value::Object(copy));
            }
            let mut copy = fields.clone();
            copy.insert("more".into(), json!(0));
            all.push(Value::Object(copy));
            all
        }
        Value::Null => Vec::new(),
    }
}

/// No change of the JSON form and no changed byte is accepted.
fn refuse_all_changes<P: Proof>(proof: &P, against: P::Against) {
    let value = serde_json::to_value(proof).unwrap();
    let all = changes(&value);
    assert!(all.len() > 30);
    for changed in all {
        let accepted = serde_json::from_value::<P>(changed.clone()).is_ok_and(|p| p.verify(against).is_ok());
        assert!(!accepted, "{changed}");
    }
    let bytes = proof.bytes();
    for at in 0..bytes.len() {
        let mut copy = bytes.clone();
        copy[at] ^= if at % 2 == 0 { 1 } else { 0x80 };
        assert!(!accepts::<P>(&copy, against), "byte {at}");
    }
    for length in 0..bytes.len() {
        assert!(!accepts::<P>(&bytes[..length], against), "{length} bytes");
    }
    assert!(!accepts::<P>(&[&bytes[..], &[0]].concat(), against));
}

fn batch_of(executed: &Executed) -> BatchWithdrawals {
    BatchWithdrawals::from(&executed.statement())
}

/// Random batches, and after each the ledger that its published data lead to.
fn random(seed: u64, batches: usize, mut check: impl FnMut(&Ledger, &Executed, &BatchData)) {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 5);
    let mut rng = SplitMix::new(seed);
    let mut rebuilt = world.ledger.clone();
    world.withdraw(0, 1, 5).withdraw(1, 2, 7);
    for _ in 0..batches {
        let executed = loop {
            let before = world.clone();
            world.fill_at_random(&mut rng, 12);
            match world.apply() {
                Ok(executed) => break executed,
                Err(_) => world = before,
            }
        };
        let data = BatchData::decode(&executed.data).unwrap();
        rebuilt.rebuild(&data).unwrap();
        check(&rebuilt, &executed, &data);
    }
}

#[test]
fn everything_that_published_data_lead_to_is_proven() {
    for seed in 0..4 {
        random(seed, 6, |ledger, executed, data| {
            let root = executed.statement().post_state_root;
            assert_eq!(ledger.state_fields().root(), root);
            let mut paid = vec![(0, 0); ledger.pools().len()];
            for index in 0..ledger.next_account() {
                let proof = ledger.prove_account(index).unwrap();
                accept(&proof, root);
                let verdict = verify_account(&proof, root).unwrap();
                let account = ledger.account(index).unwrap();
                assert_eq!(verdict.key, account.key.unwrap().to_bytes());
                let held: Vec<(u32, u128)> = verdict.holdings.iter().map(|h| (h.token, h.balance)).collect();
                let all = std::iter::once(1).chain(account.tokens).zip(account.balances);
                assert_eq!(held, all.filter(|(_, balance)| *balance > 0).collect::<Vec<_>>());
                for share in &verdict.shares {
                    let pool = ledger.pool(share.pool).unwrap();
                    let shares = Amount::new(share.shares).unwrap();
                    if let Ok((back, _)) = pool.remove_liquidity(shares, (Amount::ZERO, Amount::ZERO)) {
                        assert_eq!((share.amount0, share.amount1), (back.amount0.get(), back.amount1.get()));
                    } else {
                        assert!(share.amount0 == 0 || share.amount1 == 0);
                    }
                    paid[share.pool as usize].0 += share.amount0;
                    paid[share.pool as usize].1 += share.amount1;
                }
            }
            for (index, paid) in (0..).zip(paid) {
                let proof = ledger.prove_pool(index).unwrap();
                accept(&proof, root);
                let pool = ledger.pool(index).unwrap();
                assert!(paid.0 <= pool.reserve0.get() && paid.1 <= pool.reserve1.get());
            }
            assert!(ledger.prove_account(ledger.next_account()).is_none());
            assert!(ledger.prove_pool(ledger.next_pool()).is_none());
            let withdrawals = data.withdrawals();
            assert_eq!(withdrawals, executed.withdrawals);
            for position in 0..withdrawals.len() as u32 {
                let proof = Withdrawal::prove(data.chain_id, data.batch_number, &withdrawals, position).unwrap();
                let verdict = accept(&proof, batch_of(executed));
                assert_eq!(verdict["withdrawal"]["amount"], withdrawals[position as usize].amount.to_string());
            }
            let end = withdrawals.len() as u32;
            assert!(Withdrawal::prove(data.chain_id, data.batch_number, &withdrawals, end).is_none());
        });
    }
}

#[test]
fn any_change_of_a_proof_is_refused() {
    let mut done = false;
    random(7, 1, |ledger, executed, data| {
        let root = executed.statement().post_state_root;
        let holder = (0..ledger.next_account()).map(|i| ledger.prove_account(i).unwrap()).find(|p| !p.pools.is_empty());
        refuse_all_changes(&holder.unwrap(), root);
        refuse_all_changes(&ledger.prove_pool(0).unwrap(), root);
        let withdrawals = data.withdrawals();
        assert!(withdrawals.len() >= 2);
        for position in 0..2 {
            let proof = Withdrawal::prove(data.chain_id, data.batch_number, &withdrawals, position).unwrap();
            refuse_all_changes(&proof, batch_of(executed));
        }
        done = true;
    });
    assert!(done);
}

/// What the flips of single values do not reach: parts of other true proofs.
#[test]
fn true_parts_do_not_fit_other_proofs() {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 4);
    world.create_pool(0, (2, 3), 30, (40_000, 50_000)).apply().unwrap();
    let old = world.ledger.clone();
    world.swap(1, 0, tapstone_circuits::pool::Direction::ZeroForOne, 1_000_000).withdraw(2, 1, 9);
    let executed = world.apply().unwrap();
    let (new, root) = (&world.ledger, executed.statement().post_state_root);
    let (stale, fresh) = (old.prove_account(0).unwrap(), new.prove_account(0).unwrap());

    let code = |p: &AccountProof| verify_account(p, root).unwrap_err().code();
    // Another root of the same chain: the account did not move, but its neighbours and the pool did.
    assert_eq!(code(&stale), 953);
    assert_eq!(code(&AccountProof { state: fresh.state, ..stale.clone() }), 951);
    assert_eq!(code(&AccountProof { pools: stale.pools.clone(), ..fresh.clone() }), 952);
    // Pools exchanged, and one in the place of the other.
    let mut swapped = fresh.clone();
    swapped.pools.swap(0, 1);
    assert_eq!(code(&swapped), 913);
    let mut dressed = fresh.clone();
    dressed.pools[1] = dressed.pools[0].clone();
    dressed.pools[1].index = fresh.pools[1].index;
    assert_eq!(code(&dressed), 952);
    // Another account's leaf or path.
    let other = new.prove_account(3).unwrap();
    assert_eq!(code(&AccountProof { index: 0, pools: fresh.pools.clone(), ..other.clone() }), 913);
    assert_eq!(code(&AccountProof { account: other.account, pools: Vec::new(), ..fresh.clone() }), 951);
    assert_eq!(code(&AccountProof { path: other.path.clone(), ..fresh.clone() }), 951);
    // A path of another depth, with a state that says so.
    let mut shallow = fresh.clone();
    shallow.path.pop();
    assert_eq!(code(&shallow), 908);
    shallow.state.account_depth -= 1;
    assert_eq!(code(&shallow), 951);
    // Two slots of one token, as no ledger has them.
    let mut twice = fresh.clone();
    twice.account.tokens[6] = twice.account.tokens[0];
    twice.account.balances[7] = 1;
    assert_eq!(code(&twice), 912);
    // Numbers that the types hold and the protocol does not.
    let mut wide = fresh.clone();
    wide.account.balances[0] = 1 << Amount::BITS;
    assert_eq!(code(&wide), 906);
    assert!(AccountProof::from_bytes(&wide.to_bytes()).is_ok_and(|low| low != wide && verify_account(&low, root).is_err()));

    // A pool in the place of an account, and the other way round.
    assert_eq!(PoolProof::from_bytes(&fresh.to_bytes()).unwrap_err().code(), 901);

    // A withdrawal of one batch for another with the same withdrawals.
    let proof = Withdrawal::prove(executed.chain_id, executed.batch_number, &executed.withdrawals, 0).unwrap();
    let batch = batch_of(&executed);
    let most = 1 + proof.later.len() as u32;
    let codes = [
        verify_withdrawal(&proof, BatchWithdrawals { chain_id: 4, ..batch }, most).unwrap_err().code(),
        verify_withdrawal(&proof, BatchWithdrawals { batch_number: 1, ..batch }, most).unwrap_err().code(),
        verify_withdrawal(&proof, BatchWithdrawals { root, ..batch }, most).unwrap_err().code(),
    ];
    assert_eq!(codes, [954, 955, 957]);
    assert!(verify_withdrawal(&proof, batch, most).is_ok());
    assert_eq!(
        verify_withdrawal(&proof, batch, most - 1),
        Err(ExitError::TooManyWithdrawals { most: most - 1, actual: most })
    );
    let posing = WithdrawalProof { batch_number: batch.batch_number + 1, ..proof };
    let as_told = BatchWithdrawals { batch_number: posing.batch_number, ..batch };
    assert_eq!(verify_withdrawal(&posing, as_told, most).unwrap_err().code(), 956);
}

/// A proof of 2^20 withdrawals that lead nowhere takes most of a minute to hash. Whoever allows fewer refuses it at once, whatever else is wrong with it.
#[test]
fn a_claim_costs_no_more_than_its_verifier_allows() {
    let mut w = World::populated(Shape::registered("tiny").unwrap(), 2);
    w.withdraw(0, 1, 10);
    let executed = w.apply().unwrap();
    let mut proof = Withdrawal::prove(executed.chain_id, executed.batch_number, &executed.withdrawals, 0).unwrap();
    let actual = WithdrawalProof::MAX_WITHDRAWALS;
    proof.later = vec![proof.withdrawal; actual as usize - 1];
    proof.withdrawal.token = 0;
    let start = std::time::Instant::now();
    for most in [0, 1, 4096, actual - 1] {
        let refused = verify_withdrawal(&proof, batch_of(&executed), most);
        assert_eq!(refused, Err(ExitError::TooManyWithdrawals { most, actual }));
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!("proof has 1048576 withdrawals to hash, at most {most} are allowed")
        );
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(1), "{:?}", start.elapsed());
}

/// Both count of later withdrawals and depth are believed only as far as there are bytes.
#[test]
fn numbers_in_front_reserve_nothing() {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 2);
    world.withdraw(0, 1, 5);
    let executed = world.apply().unwrap();
    let proof = Withdrawal::prove(executed.chain_id, executed.batch_number, &executed.withdrawals, 0).unwrap();
    let mut bytes = proof.to_bytes();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&[0xff; 4]);
    assert!(matches!(WithdrawalProof::from_bytes(&bytes), Err(ExitProofError::Truncated { .. })));
}

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../test-vectors")
}

/// The proofs of the independent client are ours, and so are its verdicts and its codes.
#[test]
fn the_clients_proofs_are_ours() {
    for name in ["tiny-chain", "tiny-kinds", "small-kinds"] {
        let file: Value =
            serde_json::from_str(&read_to_string(vectors().join(format!("exits/{name}.json"))).unwrap()).unwrap();
        let (ledger, data) = replayed(file["batches"].as_str().unwrap(), name.split('-').next().unwrap());
        let root: Element = file["state_root"].as_str().unwrap().parse().unwrap();
        let number = file["withdrawals_batch"].as_u64().unwrap();
        let batch = BatchWithdrawals {
            chain_id: ledger.chain_id(),
            batch_number: number,
            root: file["withdrawals_root"].as_str().unwrap().parse().unwrap(),
        };
        let withdrawals = data[number as usize - 1].withdrawals();
        compare(&file, "accounts", root, |p: &AccountProof| ledger.prove_account(p.index));
        compare(&file, "pools", root, |p: &PoolProof| ledger.prove_pool(p.opening.index));
        compare(&file, "withdrawals", batch, |p: &WithdrawalProof| {
            Withdrawal::prove(batch.chain_id, number, &withdrawals, p.position)
        });
    }
}

/// The ledger after a shipped file, from its published data, and these.
fn replayed(batches: &str, shape: &str) -> (Ledger, Vec<BatchData>) {
    let shape = Shape::registered(shape).unwrap();
    let file = File::open(vectors().join("batches").join(batches)).unwrap();
    let file = BatchFile::read(BufReader::new(file)).unwrap();
    let mut operator = Ledger::genesis(file.header.chain_id, shape.account_depth, shape.pool_depth).unwrap();
    let mut anyone = operator.clone();
    let mut all = Vec::new();
    for plan in split(&shape, operator.start(file.header.operator), &file.transactions).unwrap() {
        let executed = operator.execute(&shape, file.header.operator, &file.transactions[plan.transactions()]).unwrap();
        let data = BatchData::decode(&executed.data).unwrap();
        anyone.rebuild(&data).unwrap();
        all.push(data);
    }
    (anyone, all)
}

fn compare<P: Proof>(file: &Value, kind: &str, against: P::Against, ours: impl Fn(&P) -> Option<P>) {
    for case in file[kind].as_array().unwrap() {
        let proof: P = serde_json::from_value(case["proof"].clone()).unwrap();
        assert_eq!(hex::encode(proof.bytes()), case["bytes"]);
        assert_eq!(ours(&proof).unwrap(), proof);
        assert_eq!(accept(&proof, against), case["verdict"]);
    }
    for case in file[format!("{kind}_refused")].as_array().unwrap() {
        let bytes = hex::decode(case["bytes"].as_str().unwrap()).unwrap();
        let refused = P::read(&bytes).map_err(ExitError::from).and_then(|proof| proof.verify(against)).unwrap_err();
        assert_eq!(refused.code(), case["code"], "{}: {refused}", case["name"]);
    }
}

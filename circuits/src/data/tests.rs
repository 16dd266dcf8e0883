use super::*;
use crate::ledger::NUMBER_LIMIT;
use crate::shape::MAX_TRANSACTIONS;
use crate::testing::{SplitMix, amount, public, token};

fn random_fee(rng: &mut SplitMix) -> Fee {
    match rng.below(3) {
        0 => Fee::NONE,
        1 => Fee { token: TokenId::NATIVE, amount: rng.amount() },
        _ => Fee { token: random_token(rng), amount: rng.amount() },
    }
}

fn random_token(rng: &mut SplitMix) -> TokenId {
    let bits = rng.below(30);
    token(1 + (rng.next_u64() as u32 >> 3 >> bits))
}

/// Any amount, half of them round.
fn random_amount(rng: &mut SplitMix) -> Amount {
    let any = rng.amount().get();
    let power = 10u128.pow(rng.below(29) as u32);
    if rng.below(2) == 0 { amount(any) } else { amount((any / power * power).max(1)) }
}

fn random(rng: &mut SplitMix) -> Published {
    let bits = rng.below(30);
    let index = |rng: &mut SplitMix| (rng.next_u64() as u32 >> 2) >> bits;
    let (a, b, t, x, y, fee) =
        (index(rng), index(rng), random_token(rng), random_amount(rng), random_amount(rng), random_fee(rng));
    let key = public(rng.below(4)).point();
    let ordinary = token(1 + (t.get() - 1) % (TokenId::FIRST_LP - 2));
    let destination = Destination([7; 32]);
    match rng.below(11) {
        0 => Published::Transfer { from: a, to: if a == b { a ^ 1 } else { b }, token: t, amount: x, fee },
        1 => Published::TransferNew { from: a, key, token: t, amount: x, fee },
        2 => Published::Deposit { account: a, token: ordinary, amount: x },
        3 => Published::DepositNew { key, token: ordinary, amount: x },
        4 => {
            let direction = if rng.below(2) == 0 { Direction::ZeroForOne } else { Direction::OneForZero };
            Published::Swap { account: a, pool: b >> 1, direction, amount_in: x, fee }
        }
        5 => {
            let (token1, fee_bp) = (token(ordinary.get() + 1), rng.below(10_000) as u16);
            Published::CreatePool { account: a, token0: ordinary, token1, fee_bp, amount0: x, amount1: y, fee }
        }
        6 => Published::AddLiquidity { account: a, pool: b >> 1, max0: x, max1: y, fee },
        7 => Published::RemoveLiquidity { account: a, pool: b >> 1, shares: x, fee },
        8 => Published::ChangeKey { account: a, key, fee },
        9 => Published::Withdraw { account: a, token: ordinary, amount: x, destination, fee },
        _ => Published::Refund { account: a, token: ordinary, amount: x, destination },
    }
}

fn batch(transactions: Vec<Published>) -> BatchData {
    let deposit_head = transactions.iter().any(Published::is_deposit).then(|| Fr::from(77u64));
    BatchData { chain_id: 3, batch_number: 300, operator: 2, transactions, deposit_head }
}

#[test]
fn random_batches_are_read_back() {
    let mut rng = SplitMix::new(1);
    for round in 0..200 {
        let data = batch((0..round % 9).map(|_| random(&mut rng)).collect());
        let bytes = data.encode();
        assert_eq!(BatchData::decode(&bytes), Ok(data));
        for cut in 0..bytes.len() {
            assert!(BatchData::decode(&bytes[..cut]).is_err());
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(matches!(BatchData::decode(&longer), Err(DataError::NotCanonical { .. })));
    }
}

#[test]
fn whatever_is_read_is_written_alike() {
    let mut rng = SplitMix::new(2);
    let mut accepted = 0;
    for _ in 0..3000 {
        let mut bytes = batch((0..3).map(|_| random(&mut rng)).collect()).encode();
        let at = rng.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << rng.below(8);
        if let Ok(data) = BatchData::decode(&bytes) {
            assert_eq!(data.encode(), bytes);
            accepted += 1;
        }
    }
    assert!(accepted > 500);
}

#[test]
fn bytes_are_those_of_the_protocol() {
    let fee = Fee { token: TokenId::NATIVE, amount: amount(1) };
    let transfer = Published::Transfer { from: 0, to: 300, token: TokenId::NATIVE, amount: amount(5), fee };
    // 300 = 0xac 0x02; amounts are doubled.
    let expected = [1, 3, 0xac, 2, 2, 1, 1 + 16 + 32 + 64, 0, 0xac, 2, 10, 2];
    assert_eq!(batch(vec![transfer]).encode(), expected);
    let fee = Fee { token: token(2), amount: amount(1_000_000) };
    let swap = Published::Swap { account: 1, pool: 2, direction: Direction::OneForZero, amount_in: amount(100), fee };
    // 100 is 200 plain and 2 (32 + 2) + 1 = 69 by mantissa; a million is 2 (32 + 6) + 1 = 77.
    assert_eq!(batch(vec![swap]).encode()[6..], [5 + 16, 1, 5, 69, 2, 77]);
}

#[test]
fn other_forms_are_refused() {
    let head = [1u8, 3, 1, 0, 1];
    // A transaction, and a deposit head where one is due.
    let decode = |tail: &[u8]| {
        let due = matches!(tail[0] & 15, 3 | 4 | 11);
        BatchData::decode(&[&head, tail, &[0; 32][if due { 0 } else { 32 }..]].concat())
    };
    // A deposit of 5 native tokens to account 0.
    assert!(decode(&[3 + 64, 0, 10]).is_ok());
    let not_canonical: [&[u8]; 7] = [
        &[3, 0, 1, 10],         // native token written out
        &[3 + 64, 0x80, 0, 10], // long varint
        &[3 + 64, 0, 0xc1, 2],  // 5 as 2 (32 * 5) + 1, which is not the smaller
        &[3 + 64, 0, 0x89, 5],  // 10^5 as 10 * 10^4
        &[3 + 64 + 16, 0, 10],  // a fee bit on a deposit
        &[3 + 64 + 128, 0, 10], // the unused bit
        &[5 + 64, 0, 0, 10],    // a token bit on a swap
    ];
    for tail in not_canonical {
        assert!(matches!(decode(tail), Err(DataError::NotCanonical { .. })), "{tail:?}: {:?}", decode(tail));
    }
    assert!(matches!(decode(&[3 + 64, 0, 1]), Err(DataError::Rule { source: Refusal::Zero { .. }, .. })));
    assert!(matches!(decode(&[3, 0, 0, 10]), Err(DataError::Rule { source: Refusal::NotOrdinary { .. }, .. })));
    assert!(matches!(decode(&[5 + 16 + 32, 0, 0, 10, 0]), Err(DataError::Rule { source: Refusal::Fee { .. }, .. })));
    assert!(matches!(decode(&[1 + 64, 4, 4, 10]), Err(DataError::Rule { source: Refusal::SelfTransfer { .. }, .. })));
    for kind in [0, 12, 13, 14, 15] {
        assert!(matches!(decode(&[kind, 0, 0, 0]), Err(DataError::Kind { .. })));
    }
    assert!(matches!(decode(&[3 + 64, 0xff, 0xff, 0xff, 0xff, 0xf, 10]), Err(DataError::Range { .. })));
    assert!(matches!(decode(&[&[3 + 64, 0][..], &[0xff; 40]].concat()), Err(DataError::Range { .. })));
    let deposit = [&head[..], &[3 + 64, 0, 10]].concat();
    assert!(matches!(BatchData::decode(&deposit), Err(DataError::Truncated { what: "deposit head", .. })));
    let above = [&deposit[..], &[0xff; 32]].concat();
    assert_eq!(BatchData::decode(&above), Err(DataError::DepositHead { at: 8 }));
    let key = [&[4 + 64][..], &[0xff; 32], &[10]].concat();
    assert!(matches!(decode(&key), Err(DataError::Key { .. })));
    assert_eq!(BatchData::decode(&[2]), Err(DataError::Version { had: 2 }));
    assert!(matches!(BatchData::decode(&[1, 3, 1, 0, 0xff, 0xff, 3]), Err(DataError::Truncated { .. })));
    // As many transactions as a batch can have, and one more.
    assert!(matches!(BatchData::decode(&[1, 3, 1, 0, 0x80, 0x80, 0x40]), Err(DataError::Truncated { .. })));
    let most = MAX_TRANSACTIONS as u128;
    let above = BatchData::decode(&[1, 3, 1, 0, 0x81, 0x80, 0x40]);
    assert_eq!(above, Err(DataError::Range { at: 4, what: "number of transactions", limit: most + 1 }));
    // The last batch number, and the one after it.
    let numbered = |number: &[u8]| BatchData::decode(&[&[1, 3][..], number, &[0, 0]].concat());
    assert!(numbered(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f]).is_ok_and(|data| data.batch_number == NUMBER_LIMIT - 1));
    assert!(matches!(
        numbered(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]),
        Err(DataError::Range { what: "batch number", .. })
    ));
}

/// Every withdrawal of every batch has a proof: positions go as far as batches do.
#[test]
fn withdrawals_that_a_batch_can_have_can_be_proven() {
    let provable = tapstone_verifier::exit::WithdrawalProof::MAX_WITHDRAWALS;
    assert_eq!(provable as usize, MAX_TRANSACTIONS);
}

#[test]
fn hash_runs_over_the_operator_and_every_transaction() {
    let mut rng = SplitMix::new(3);
    let txs: Vec<_> = (0..3).map(|_| random(&mut rng)).collect();
    assert_eq!(data_hash(5, []), poseidon::hash(&[Fr::from(7u64), Fr::from(5u64)]));
    let [e1, e2, e3, e4] = txs[0].elements();
    let one = poseidon::hash(&[Fr::from(6u64), data_hash(5, []), e1, e2, e3, e4]);
    assert_eq!(data_hash(5, &txs[..1]), one);
    assert_ne!(data_hash(5, &txs), data_hash(4, &txs));
    assert_ne!(data_hash(5, &txs), data_hash(5, txs.iter().rev()));
}

/// Bytes of each kind, as README tells them: in a chain of two million accounts, with amounts of nine digits and a round fee in the native token, and
/// at most.
#[test]
fn bytes_of_each_kind_are_pinned() {
    struct Chain {
        a: u32,
        b: u32,
        pool: u32,
        t: TokenId,
        x: Amount,
        fee: Fee,
    }
    let native = TokenId::NATIVE;
    let typical = Chain {
        a: 1_234_567,
        b: 1_987_654,
        pool: 300,
        t: native,
        x: amount(123_456_789),
        fee: Fee { token: native, amount: amount(1000) },
    };
    let last = token(TokenId::FIRST_LP - 1);
    let largest = Chain {
        a: super::INDEX_LIMIT - 1,
        b: super::INDEX_LIMIT - 2,
        pool: super::POOL_LIMIT - 1,
        t: last,
        x: Amount::MAX,
        fee: Fee { token: last, amount: Amount::MAX },
    };
    let key = public(0).point();
    let destination = Destination([7; 32]);
    let bytes = |c: &Chain| {
        let &Chain { a, b, pool, t, x, fee } = c;
        let (low, high, fee_bp) = if t == native { (native, token(500), 30) } else { (token(last.get() - 1), last, 9999) };
        [
            Published::Transfer { from: a, to: b, token: t, amount: x, fee },
            Published::TransferNew { from: a, key, token: t, amount: x, fee },
            Published::Swap { account: a, pool, direction: Direction::OneForZero, amount_in: x, fee },
            Published::CreatePool { account: a, token0: low, token1: high, fee_bp, amount0: x, amount1: x, fee },
            Published::AddLiquidity { account: a, pool, max0: x, max1: x, fee },
            Published::RemoveLiquidity { account: a, pool, shares: x, fee },
            Published::ChangeKey { account: a, key, fee },
            Published::Withdraw { account: a, token: t, amount: x, destination, fee },
            Published::Deposit { account: a, token: t, amount: x },
            Published::DepositNew { key, token: t, amount: x },
            Published::Refund { account: a, token: t, amount: x, destination },
        ]
        .map(|tx| {
            tx.check().unwrap();
            let head = batch(Vec::new()).encode().len();
            let due = if tx.is_deposit() { 32 } else { 0 };
            batch(vec![tx]).encode().len() - head - due
        })
    };
    assert_eq!(bytes(&typical), [12, 41, 11, 17, 15, 11, 37, 41, 8, 37, 40]);
    assert_eq!(bytes(&largest), [49, 76, 44, 65, 58, 44, 57, 76, 25, 52, 57]);
}

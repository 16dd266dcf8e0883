use super::*;
use crate::field::two_to_the;
use crate::signature::curve::B8;
use crate::testing::{amount, public, secret, token};
use tapstone_verifier::poseidon;

fn n(value: u128) -> Fr {
    Fr::from(value)
}

fn at(value: u128, shift: usize) -> Fr {
    n(value) * two_to_the(shift)
}

fn signed() -> Signed {
    Signed { fee_token: token(3), fee: amount(4), nonce: 5, expiry: 6, message: None, signature: Signature::unsigned() }
}

fn c2() -> Fr {
    n(3) + at(4, 30) + at(5, 126) + at(6, 190)
}

#[test]
fn digest_of_a_transfer_to_a_new_account_is_the_text_of_the_protocol() {
    let tx = Transaction::TransferNew { from: 9, to_key: B8, token: token(7), amount: amount(8), signed: signed() };
    let e1 = n(2) + at(9, 8) + at(7, 68) + at(8, 98);
    assert_eq!(tx.data_elements(), [e1, n(3) + at(4, 30), B8.x, B8.y]);
    let c1 = e1 + at(3, 194);
    assert_eq!(tx.digest(n(11), 3), poseidon::hash(&[n(4), n(11), c1, c2(), B8.x, B8.y]));
}

#[test]
fn digest_of_a_transfer_covers_the_key_that_is_not_published() {
    let tx = Transaction::Transfer { from: 9, to: 10, to_key: B8, token: token(7), amount: amount(8), signed: signed() };
    let e1 = n(1) + at(9, 8) + at(10, 38) + at(7, 68) + at(8, 98);
    assert_eq!(tx.data_elements(), [e1, n(3) + at(4, 30), n(0), n(0)]);
    assert_eq!(tx.digest(n(0), 3), poseidon::hash(&[n(4), n(0), e1 + at(3, 194), c2(), B8.x, B8.y]));
}

#[test]
fn digests_of_single_kinds_are_the_text_of_the_protocol() {
    let zero = n(0);
    let single = |c1, c3| poseidon::hash(&[n(5), zero, c1 + at(3, 208), c2(), c3, zero, zero, zero, zero]);
    let direction = Direction::OneForZero;
    let (amount_in, min_out) = (amount(8), amount(7));
    let swap = Transaction::Swap { account: 9, pool: 2, direction, amount_in, min_out, signed: signed() };
    let e1 = n(5) + at(9, 8) + at(2, 38) + at(1, 68) + at(8, 98);
    assert_eq!(swap.data_elements(), [e1, n(3) + at(4, 30), zero, zero]);
    assert_eq!(swap.digest(zero, 3), single(e1, n(7)));

    let (token0, token1, amount0, amount1) = (token(1), token(2), amount(8), amount(7));
    let create = Transaction::CreatePool { account: 9, token0, token1, fee_bp: 30, amount0, amount1, signed: signed() };
    let e1 = n(6) + at(9, 8) + at(1, 38) + at(2, 68) + at(8, 98) + at(30, 194);
    assert_eq!(create.data_elements(), [e1, n(3) + at(4, 30) + at(7, 126), zero, zero]);
    assert_eq!(create.digest(zero, 3), single(e1, n(7)));

    let (max0, max1, min_shares) = (amount(8), amount(7), amount(6));
    let add = Transaction::AddLiquidity { account: 9, pool: 2, max0, max1, min_shares, signed: signed() };
    let e1 = n(7) + at(9, 8) + at(2, 38) + at(8, 98);
    assert_eq!(add.data_elements(), [e1, n(3) + at(4, 30) + at(7, 126), zero, zero]);
    assert_eq!(add.digest(zero, 3), single(e1, n(7) + at(6, 96)));
}

#[test]
fn deposits_publish_no_fee() {
    let (outpoint, refund) = (Outpoint { txid: [1; 32], vout: 2 }, Destination([3; 32]));
    let deposit = Transaction::Deposit { outpoint, account: 9, token: token(1), amount: amount(8), refund };
    assert_eq!(deposit.data_elements(), [n(3) + at(9, 8) + at(1, 38) + at(8, 98), n(0), n(0), n(0)]);
    let new = Transaction::DepositNew { outpoint, key: B8, token: token(1), amount: amount(8), refund };
    assert_eq!(new.data_elements(), [n(4) + at(1, 38) + at(8, 98), n(0), B8.x, B8.y]);
}

#[test]
fn a_signature_covers_every_field() {
    let tx = Transaction::Transfer { from: 9, to: 10, to_key: B8, token: token(7), amount: amount(8), signed: signed() };
    let tx = tx.signed_by(&secret(1), 3).unwrap();
    let signature = tx.signed().unwrap().signature;
    let accepted = |tx: &Transaction, chain| public(1).verify(tx.digest(n(0), chain), &signature).is_ok();
    assert!(accepted(&tx, 3));
    assert!(!accepted(&tx, 4));
    let alterations: [fn(&mut Transaction); 5] = [
        |tx| tx.signed_mut().unwrap().nonce += 1,
        |tx| tx.signed_mut().unwrap().expiry += 1,
        |tx| tx.signed_mut().unwrap().fee = amount(5),
        |tx| tx.signed_mut().unwrap().fee_token = token(4),
        |tx| {
            if let Transaction::Transfer { to_key, .. } = tx {
                *to_key = public(2).point();
            }
        },
    ];
    for alter in alterations {
        let mut altered = tx.clone();
        alter(&mut altered);
        assert!(!accepted(&altered, 3));
    }
}

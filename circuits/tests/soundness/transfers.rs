//! Transfers, and what all signed transactions share.

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use tapstone_circuits::account::{Account, AccountError};
use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::circuit::bits;
use tapstone_circuits::deposit::Destination;
use tapstone_circuits::ledger::{Ledger, Refusal};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::signature::curve::{Point, unpack};
use tapstone_circuits::signature::{S_MAX, SignatureError};
use tapstone_circuits::testing::{World, amount, public, secret, token};
use tapstone_circuits::transaction::{Signed, Transaction};
use tapstone_circuits::tree::Tree;
use tapstone_circuits::witness::RefundReason;

use crate::forge::{Lies, alter, among, among_refunded, broken, forge, native, only, refunds, resign, world};
use crate::set;

const SIGNATURE: &str = "the signature verifies";
const EXPIRY: &str = "the transaction has not expired";
const FEE_TOKEN: &str = "a fee is paid in exactly one of the batch's fee tokens, and no fee in none";
const BALANCE: &str = "the new balance is between 0 and 2^96 - 1";
const SLOT: &str = "exactly one slot is touched";
const DUST: &str = "a foreign credit that opens a slot leaves three free";
const ENTRY: &str = "a new key lies in the prime-order subgroup and is not the identity";
const NEW_INDEX: &str = "a new account takes the next index";
const NEW_EMPTY: &str = "a new account's leaf was empty";

fn kinds() -> [fn(&mut World); 8] {
    [
        |w| {
            w.transfer(0, 1, 1, 100);
        },
        |w| {
            w.transfer_new(0, 2, 100);
        },
        |w| {
            w.swap(0, 0, Direction::ZeroForOne, 1000);
        },
        |w| {
            w.create_pool(0, (2, 3), 30, (5000, 6000));
        },
        |w| {
            w.add_liquidity(0, 0, (1000, 2000));
        },
        |w| {
            w.remove_liquidity(0, 0, 1000);
        },
        |w| {
            w.change_key(0, 99);
        },
        |w| {
            w.withdraw(0, 1, 100);
        },
    ]
}

/// Each signed kind with a fee.
fn each(check: impl Fn(&mut World)) {
    for push in kinds() {
        let mut w = world();
        w.with_fee(1, 5);
        push(&mut w);
        check(&mut w);
    }
}

fn is_forged(refusal: &Refusal) -> bool {
    *refusal == Refusal::Signature(SignatureError::Equation)
}

#[test]
fn signature_by_another_key() {
    each(|w| {
        w.open[0].sign(&secret(1), 3).unwrap();
        native(w, is_forged);
        only(w, SIGNATURE);
    });
}

#[test]
fn terms_changed_after_signing() {
    let changes: [fn(&mut Signed); 3] = [|s| s.fee = amount(6), |s| s.fee_token = token(2), |s| s.expiry = 999];
    for change in changes {
        each(|w| {
            alter(w, |tx| change(tx.signed_mut().unwrap()));
            native(w, is_forged);
            only(w, SIGNATURE);
        });
    }
}

/// What a relayer of somebody else's transaction may try.
#[test]
fn fields_changed_after_signing() {
    type Change = fn(&mut Transaction);
    let changes: [(usize, Change); 23] = [
        (0, set!(Transfer, amount = amount(101))),
        (0, set!(Transfer, token = token(2))),
        (0, |tx| {
            set!(Transfer, to = 2)(tx);
            set!(Transfer, to_key = public(2).point())(tx);
        }),
        (1, set!(TransferNew, amount = amount(99))),
        (1, set!(TransferNew, token = token(3))),
        (1, set!(TransferNew, to_key = public(77).point())),
        (2, set!(Swap, amount_in = amount(1001))),
        (2, set!(Swap, min_out = amount(1))),
        (2, set!(Swap, direction = Direction::OneForZero)),
        (3, set!(CreatePool, amount0 = amount(5001))),
        (3, set!(CreatePool, amount1 = amount(6001))),
        (3, set!(CreatePool, fee_bp = 9999)),
        (3, set!(CreatePool, token0 = token(1))),
        (4, set!(AddLiquidity, max0 = amount(1001))),
        (4, set!(AddLiquidity, max1 = amount(1999))),
        (4, set!(AddLiquidity, min_shares = amount(1))),
        (5, set!(RemoveLiquidity, shares = amount(999))),
        (5, set!(RemoveLiquidity, min0 = amount(1))),
        (5, set!(RemoveLiquidity, min1 = amount(1))),
        (6, set!(ChangeKey, key = public(77).point())),
        (7, set!(Withdraw, amount = amount(99))),
        (7, set!(Withdraw, token = token(2))),
        (7, set!(Withdraw, destination = Destination([1; 32]))),
    ];
    for (kind, change) in changes {
        let mut w = world();
        kinds()[kind](&mut w);
        alter(&mut w, change);
        native(&w, is_forged);
        only(&w, SIGNATURE);
    }
}

#[test]
fn a_transaction_of_one_kind_is_not_one_of_another() {
    // transfer to a new account, shown as a transfer to the account that has this key.
    let mut w = world();
    w.transfer_new(0, 1, 100);
    let Transaction::TransferNew { signed, .. } = w.open[0] else { panic!() };
    w.open[0] =
        Transaction::Transfer { from: 0, to: 1, to_key: public(1).point(), token: token(1), amount: amount(100), signed };
    native(&w, is_forged);
    only(&w, SIGNATURE);
}

#[test]
fn wrong_chain() {
    each(|w| {
        let mut witness = forge(w, &Lies::default());
        witness.chain_id = 4;
        assert_eq!(broken(&witness), [SIGNATURE]);
        w.open[0].sign(&secret(0), 4).unwrap();
        native(w, is_forged);
        only(w, SIGNATURE);
    });
}

#[test]
fn replay_and_future_nonce() {
    let mut w = world();
    w.transfer(0, 1, 1, 5);
    let tx = w.open[0].clone();
    w.open.push(tx);
    native(&w, |r| matches!(r, Refusal::Nonce { .. }));
    only(&w, SIGNATURE);
    each(|w| {
        resign(w, |tx| tx.signed_mut().unwrap().nonce += 1);
        native(w, |r| matches!(r, Refusal::Nonce { .. }));
        only(w, SIGNATURE);
    });
}

#[test]
fn last_nonce() {
    let mut w = world();
    let mut snapshot = serde_json::to_value(w.ledger.snapshot()).unwrap();
    snapshot["accounts"][0]["nonce"] = u64::MAX.to_string().into();
    let mut leaf = w.ledger.account(0).unwrap().clone();
    leaf.nonce = u64::MAX;
    snapshot["state_root"] = root_with(&w, &leaf);
    w.ledger = Ledger::restore(&serde_json::from_value(snapshot).unwrap()).unwrap();
    w.transfer(0, 1, 1, 5);
    native(&w, |r| *r == Refusal::NonceExhausted);
    // The nonce after it runs into the leaf's tag, which no account that is written down does.
    among(&w, "the nonce is not the last one");
}

/// The state root when account 0 has this leaf.
fn root_with(w: &World, leaf: &Account) -> serde_json::Value {
    let leaves = w.ledger.accounts().values().map(Account::leaf_hash);
    let path = Tree::from_leaves(w.shape.account_depth, Account::EMPTY.leaf_hash(), leaves).path(0);
    let mut summary = w.ledger.summary();
    summary.account_root = tapstone_circuits::tree::root_from_path(0, leaf.leaf_hash(), &path);
    let root = summary.root(3, w.shape.account_depth, w.shape.pool_depth);
    tapstone_verifier::Element::from(root).to_string().into()
}

#[test]
fn expired() {
    each(|w| {
        let number = w.ledger.batch_number();
        resign(w, |tx| tx.signed_mut().unwrap().expiry = number);
        native(w, |r| matches!(r, Refusal::Expired { .. }));
        only(w, EXPIRY);
    });
}

#[test]
fn expiry_out_of_range() {
    let mut w = world();
    w.transfer(0, 1, 1, 5);
    resign(&mut w, |tx| tx.signed_mut().unwrap().expiry = 1 << bits::BATCH);
    native(&w, |r| matches!(r, Refusal::Range { field: "expiry", .. }));
    among(&w, "the expiry is below 2^48");
}

#[test]
fn fee_and_its_token_go_together() {
    each(|w| {
        let mut other = w.clone();
        resign(w, |tx| tx.signed_mut().unwrap().fee = Amount::ZERO);
        native(w, |r| matches!(r, Refusal::Fee { .. }));
        only(w, FEE_TOKEN);
        resign(&mut other, |tx| tx.signed_mut().unwrap().fee_token = TokenId::NONE);
        native(&other, |r| matches!(r, Refusal::Fee { .. }));
        // Token 0 cannot stand in the list, and a fee in a token that does not stand there is not counted.
        let mut witness = forge(&other, &Lies::default());
        assert!(broken(&witness).contains(&"the batch's fee tokens are strictly increasing and below 2^30"));
        witness.fee_tokens = vec![1, 2];
        assert!(broken(&witness).contains(&FEE_TOKEN));
    });
}

#[test]
fn s_that_is_not_canonical() {
    let mut w = world();
    w.transfer(0, 1, 1, 5);
    alter(&mut w, |tx| tx.signed_mut().unwrap().signature.s = S_MAX);
    native(&w, |r| matches!(r, Refusal::Signature(SignatureError::SRange { .. })));
    among(&w, "S is canonical");
}

#[test]
fn transfer_to_oneself() {
    let mut w = world();
    w.transfer(0, 0, 1, 5);
    native(&w, |r| matches!(r, Refusal::SelfTransfer { .. }));
    only(&w, "sender and recipient differ");
}

#[test]
fn transfer_of_nothing() {
    for push in [
        (|w: &mut World| {
            w.transfer(0, 1, 1, 0);
        }) as fn(&mut World),
        |w| {
            w.transfer_new(0, 1, 0);
        },
    ] {
        let mut w = world();
        push(&mut w);
        native(&w, |r| matches!(r, Refusal::Zero { .. }));
        only(&w, "the amount is at least 1");
    }
}

#[test]
fn transfer_of_no_token() {
    let mut w = world();
    w.transfer(0, 1, 0, 5);
    native(&w, |r| *r == Refusal::NoToken);
    among(&w, BALANCE);
}

#[test]
fn a_balance_too_small_by_one() {
    for id in [1, 2, 3] {
        let mut w = world();
        let all = w.ledger.account(1).unwrap().balance(token(id));
        w.transfer(1, 0, id, all + 1);
        native(&w, |r| matches!(r, Refusal::Debit { source: AccountError::Insufficient { .. }, .. }));
        only(&w, BALANCE);
        let mut w = world();
        // Amount and fee come from one balance. Freed slots hold nothing to take the fee from.
        w.with_fee(id, 1).transfer_new(1, id, all);
        native(&w, |r| matches!(r, Refusal::Debit { source: AccountError::Insufficient { .. }, .. }));
        among(&w, if id == 1 { BALANCE } else { SLOT });
    }
}

#[test]
fn a_token_that_the_sender_does_not_hold() {
    let mut w = world();
    w.transfer(0, 1, 9, 5);
    native(&w, |r| matches!(r, Refusal::Debit { .. }));
    among(&w, SLOT);
}

#[test]
fn recipient_with_another_key() {
    let mut w = world();
    w.transfer(0, 1, 1, 5);
    resign(&mut w, set!(Transfer, to_key = public(2).point()));
    native(&w, |r| matches!(r, Refusal::RecipientKey { account: 1 }));
    only(&w, "the recipient's key is the signed one");
}

#[test]
fn recipient_that_does_not_exist() {
    let mut w = world();
    w.transfer(0, 9, 1, 5);
    native(&w, |r| matches!(r, Refusal::AccountMissing { account: 9, .. }));
    only(&w, "the recipient's key is the signed one");
    // Nor does the empty leaf's (0, 0) pass as a key.
    let mut w = world();
    w.transfer(0, 9, 1, 5);
    resign(&mut w, set!(Transfer, to_key = Point::new_unchecked(Fr::zero(), Fr::zero())));
    assert!(w.clone().apply().is_err());
    only(&w, ENTRY);
}

#[test]
fn new_account_elsewhere() {
    for push in [
        (|w: &mut World| {
            w.transfer_new(0, 2, 5);
        }) as fn(&mut World),
        |w| {
            w.deposit_new(2, 5);
        },
    ] {
        let mut w = world();
        push(&mut w);
        // The ledger takes the index from its counter, so there is nothing for it to refuse.
        assert!(w.clone().apply().is_ok());
        let beyond = Lies { new_account: Some(4), ..Lies::default() };
        assert_eq!(broken(&forge(&w, &beyond)), [NEW_INDEX]);
        // A counter that points to an account in use: another state, but not even that one allows it.
        let over = Lies { new_account: Some(1), ..Lies::default() };
        let mut witness = forge(&w, &over);
        witness.pre.next_account = 1;
        assert_eq!(broken(&witness), [NEW_EMPTY]);
    }
}

#[test]
fn new_account_in_a_full_tree() {
    for push in [
        (|w: &mut World| {
            w.transfer_new(0, 2, 5);
        }) as fn(&mut World),
        |w| {
            w.deposit_new(2, 5);
        },
    ] {
        let mut shape = world().shape;
        shape.account_depth = 1;
        let mut w = World::populated(shape, 8);
        push(&mut w);
        if w.open[0].signed().is_some() {
            native(&w, |r| matches!(r, Refusal::AccountsFull { .. }));
        } else {
            refunds(&w, RefundReason::AccountsFull);
        }
        let lies = Lies { new_account: Some(0), ..Lies::default() };
        assert!(broken(&forge(&w, &lies)).contains(&NEW_INDEX));
    }
}

/// The identity, the points of order 2 and 4, a point of order 8 l, and one that is not on the curve.
fn bad_keys() -> Vec<Point> {
    let mut wide = [3u8; 32];
    wide[31] = 0;
    let wide = (0..=255u8).find_map(|i| {
        wide[0] = i;
        unpack(&wide).ok().filter(|p| tapstone_circuits::signature::PublicKey::try_from(*p).is_err())
    });
    let order4 = ark_ff::Field::inverse(&Fr::from(168_700u64)).and_then(|i| ark_ff::Field::sqrt(&i)).unwrap();
    vec![
        Point::new_unchecked(Fr::zero(), Fr::one()),
        Point::new_unchecked(Fr::zero(), -Fr::one()),
        Point::new_unchecked(order4, Fr::zero()),
        wide.unwrap(),
        Point::new_unchecked(Fr::one(), Fr::one()),
        Point::new_unchecked(Fr::zero(), Fr::zero()),
    ]
}

#[test]
fn new_key_that_is_not_valid() {
    for key in bad_keys() {
        let mut w = world();
        w.transfer_new(0, 2, 5);
        resign(&mut w, set!(TransferNew, to_key = key));
        native(&w, |r| matches!(r, Refusal::Key(_)));
        only(&w, ENTRY);
        let mut w = world();
        w.change_key(1, 9);
        alter(&mut w, set!(ChangeKey, key = key));
        w.open[0].sign(&secret(1), 3).unwrap();
        native(&w, |r| matches!(r, Refusal::Key(_)));
        only(&w, ENTRY);
        let mut w = world();
        w.deposit_new(2, 5);
        alter(&mut w, set!(DepositNew, key = key));
        only(&w, ENTRY);
        if key.is_on_curve() {
            refunds(&w, RefundReason::Key);
        } else {
            // A bridge never queues it, so there is no way to take it from the queue either.
            native(&w, |r| matches!(r, Refusal::Key(_)));
            among_refunded(&w, RefundReason::Key, ENTRY);
        }
    }
}

#[test]
fn receiver_overflow() {
    let mut w = world();
    let had = w.ledger.account(1).unwrap().balance(token(1));
    w.deposit(1, 1, Amount::MAX.get() - had).apply().unwrap();
    w.transfer(0, 1, 1, 1);
    native(&w, |r| matches!(r, Refusal::Credit { source: AccountError::Overflow { .. }, .. }));
    only(&w, BALANCE);
    w.open.clear();
    w.deposit(1, 1, 1);
    refunds(&w, RefundReason::Overflow);
    only(&w, BALANCE);
}

#[test]
fn dust_and_a_full_account() {
    let mut w = world();
    w.deposit(1, 10, 5).deposit(1, 11, 5).apply().unwrap();
    w.deposit(0, 12, 5).apply().unwrap();
    let mut sent = w.clone();
    sent.transfer(0, 1, 12, 5);
    native(&sent, |r| matches!(r, Refusal::Credit { source: AccountError::Reserved { .. }, .. }));
    only(&sent, DUST);
    let mut deposited = w.clone();
    deposited.deposit(1, 12, 5);
    refunds(&deposited, RefundReason::NoSlot);
    only(&deposited, DUST);
    // The owner fills the last three slots with shares; then nothing more fits, not even its own.
    for _ in 0..3 {
        w.create_pool(1, (2, 3), 30, (5000, 5000)).apply().unwrap();
    }
    assert_eq!(w.ledger.account(1).unwrap().free_slots(), 0);
    w.create_pool(1, (2, 3), 30, (5000, 5000));
    native(&w, |r| matches!(r, Refusal::Credit { source: AccountError::Full { .. }, .. }));
    among(&w, SLOT);
}

use super::*;
use crate::field::two_to_the;

fn token(id: u32) -> TokenId {
    TokenId::new(id).unwrap()
}

fn amount(value: u128) -> Amount {
    Amount::new(value).unwrap()
}

#[test]
fn the_empty_leaf_is_the_hash_of_zeros_and_the_tag() {
    let mut elements = [Fr::zero(); 8];
    elements[2] = two_to_the(64);
    assert_eq!(Account::EMPTY.leaf_elements(), elements);
}

#[test]
fn elements_hold_every_slot_at_its_place() {
    let mut account = Account { nonce: u64::MAX, ..Account::EMPTY };
    account.tokens = [2, 3, 4, 5, 6, 7, (1 << 30) - 1];
    account.balances = [10, 20, 30, 40, 50, 60, 70, Amount::MAX.get()];
    let e = account.leaf_elements();
    assert_eq!(e[2], two_to_the(64) + Fr::from(u64::MAX));
    let tokens: Fr = (0..7).map(|i| Fr::from(account.tokens[i]) * two_to_the(30 * i)).sum();
    assert_eq!(e[3], tokens);
    assert_eq!(e[4], Fr::from(10u64) + Fr::from(20u64) * two_to_the(126));
    assert_eq!(e[7], Fr::from(70u64) + Fr::from(Amount::MAX.get()) * two_to_the(126));
}

#[test]
fn native_token_lives_in_slot_0_and_others_take_the_lowest_empty_slot() {
    let mut a = Account::EMPTY;
    a.credit(TokenId::NATIVE, amount(5), Credit::Foreign).unwrap();
    for id in [9, 8, 7] {
        a.credit(token(id), amount(u128::from(id)), Credit::Foreign).unwrap();
    }
    assert_eq!(a.balances, [5, 9, 8, 7, 0, 0, 0, 0]);
    assert_eq!(a.tokens, [9, 8, 7, 0, 0, 0, 0]);
    a.debit(token(8), amount(8)).unwrap();
    assert_eq!(a.tokens, [9, 0, 7, 0, 0, 0, 0]);
    a.credit(token(6), amount(1), Credit::Foreign).unwrap();
    assert_eq!(a.tokens, [9, 6, 7, 0, 0, 0, 0]);
    a.debit(TokenId::NATIVE, amount(5)).unwrap();
    assert_eq!(a.balances[0], 0);
    a.check().unwrap();
}

#[test]
fn strangers_leave_three_slots_and_the_owner_may_take_them() {
    let mut a = Account::EMPTY;
    for id in 2..6 {
        a.credit(token(id), amount(1), Credit::Foreign).unwrap();
    }
    assert_eq!(a.free_slots(), 3);
    let refused = a.credit(token(6), amount(1), Credit::Foreign);
    assert_eq!(refused, Err(AccountError::Reserved { token: token(6), had: 3, needed: 4 }));
    // Tokens that are there, and the native one, still come in.
    a.credit(token(5), amount(1), Credit::Foreign).unwrap();
    a.credit(TokenId::NATIVE, amount(1), Credit::Foreign).unwrap();
    for id in 6..9 {
        a.credit(token(id), amount(1), Credit::Own).unwrap();
    }
    assert_eq!(a.credit(token(9), amount(1), Credit::Own), Err(AccountError::Full { token: token(9) }));
    assert_eq!(a.credit(token(9), amount(1), Credit::Foreign), Err(AccountError::Full { token: token(9) }));
}

#[test]
fn debits_and_credits_at_their_edges() {
    let mut a = Account::EMPTY;
    a.credit(token(2), Amount::MAX, Credit::Foreign).unwrap();
    let full = a.clone();
    assert!(matches!(a.credit(token(2), amount(1), Credit::Own), Err(AccountError::Overflow { .. })));
    assert!(matches!(a.debit(token(3), amount(1)), Err(AccountError::Insufficient { had: 0, needed: 1, .. })));
    assert!(matches!(a.debit(TokenId::NATIVE, amount(1)), Err(AccountError::Insufficient { had: 0, .. })));
    assert!(matches!(a.debit(token(2), Amount::ZERO), Err(AccountError::Nothing { .. })));
    assert!(matches!(a.debit(TokenId::NONE, amount(1)), Err(AccountError::Nothing { .. })));
    assert!(matches!(a.credit(TokenId::NONE, amount(1), Credit::Own), Err(AccountError::Nothing { .. })));
    assert_eq!(a, full);
    a.debit(token(2), amount(Amount::MAX.get() - 1)).unwrap();
    assert!(matches!(a.debit(token(2), amount(2)), Err(AccountError::Insufficient { had: 1, needed: 2, .. })));
    a.debit(token(2), amount(1)).unwrap();
    assert_eq!(a, Account::EMPTY);
}

#[test]
fn each_broken_invariant_is_named() {
    let good = Account { tokens: [2, 3, 0, 0, 0, 0, 0], balances: [0, 1, 1, 0, 0, 0, 0, 0], ..Account::EMPTY };
    good.check().unwrap();
    let with = |f: &dyn Fn(&mut Account)| {
        let mut a = good.clone();
        f(&mut a);
        a.check().unwrap_err()
    };
    assert!(matches!(with(&|a| a.balances[0] = 1 << 96), InvalidAccount::Balance { slot: 0, .. }));
    assert!(matches!(with(&|a| a.balances[1] = 0), InvalidAccount::HalfEmpty { slot: 1, .. }));
    assert!(matches!(with(&|a| a.balances[7] = 1), InvalidAccount::HalfEmpty { slot: 7, .. }));
    assert!(matches!(with(&|a| a.tokens[0] = 1), InvalidAccount::Token { slot: 1, token: 1 }));
    assert!(matches!(with(&|a| a.tokens[0] = 1 << 30), InvalidAccount::Token { .. }));
    assert!(matches!(with(&|a| a.tokens[1] = 2), InvalidAccount::Repeated { first: 1, second: 2, token: 2 }));
}

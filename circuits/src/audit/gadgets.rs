//! Gadgets on their own, with witnesses for each branch: copies from which every constraint can be taken out in turn.

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::account::Account;
use crate::account::constraints::AccountVar;
use crate::amount::{Amount, TokenId};
use crate::cs::{Cs, Mode, Num, System, poseidon};
use crate::signature::constraints::{PointVar, classify_key, enforce_signed, enforce_valid_key};
use crate::testing::{public, secret};

/// A gadget with the wires of some witnesses.
#[derive(Debug)]
pub struct Gadget {
    /// Its name.
    pub name: &'static str,
    /// Its rows.
    pub system: System,
    /// Assignments that satisfy them.
    pub assignments: Vec<Vec<Fr>>,
}

fn gadget<T>(name: &'static str, cases: impl IntoIterator<Item = T>, write: impl Fn(&mut Cs, &T)) -> Option<Gadget> {
    let mut assignments = Vec::new();
    let mut first = None;
    for case in cases {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        write(&mut cs, &case);
        let (system, z) = cs.into_parts();
        first.get_or_insert(system);
        assignments.push(z);
    }
    first.map(|system| Gadget { name, system, assignments })
}

fn number(cs: &mut Cs, x: u64) -> Num {
    cs.chosen("number", Fr::from(x))
}

/// Slot 0 and slots 1 and 2 hold something, in an account that can take four more tokens.
fn account() -> Account {
    let mut account = Account { key: Some(public(1)), ..Account::EMPTY };
    for (id, value) in [(1, 900u128), (5, 70), (9, 40)] {
        if let (Ok(token), Ok(value)) = (TokenId::new(id), Amount::new(value)) {
            // The account has room for them.
            let _ = account.credit(token, value, crate::account::Credit::Own);
        }
    }
    account
}

/// What an operation on an account is given: whether it is enabled, token, amount, whether it is a stranger's.
type Operation = (u64, u64, u64, u64);

fn operation(name: &'static str, cases: &[Operation], run: fn(&mut Cs, &mut AccountVar, [&Num; 4])) -> Option<Gadget> {
    gadget(name, cases.iter().copied(), |cs, (enabled, token, amount, foreign)| {
        let mut var = AccountVar::witness(cs, &account());
        let [enabled, foreign] = [enabled, foreign].map(|bit| cs.chosen_bit("a boolean", "flag", *bit == 1));
        let [token, amount] = [token, amount].map(|x| number(cs, *x));
        run(cs, &mut var, [&enabled, &token, &amount, &foreign]);
    })
}

/// All gadgets that are audited on their own.
pub fn all() -> Vec<Gadget> {
    let bits = |x: u64| (0..3).map(move |i| (x >> i) & 1 == 1);
    let signed = [0u64, 1].into_iter().filter_map(|enabled| {
        let message = Fr::from(77u64);
        secret(1).sign(message).ok().map(|signature| (enabled, message, signature))
    });
    let found = [
        gadget("range of 16 bits", [0u64, 1, 40_000, 65_535], |cs, x| {
            let x = number(cs, *x);
            cs.enforce_range("range", &x, 16);
        }),
        gadget("16 bits", [0u64, 1, 40_000, 65_535], |cs, x| {
            let x = number(cs, *x);
            cs.bits("bits", &x, 16);
        }),
        gadget("zero test", [0u64, 1, 7], |cs, x| {
            let x = number(cs, *x);
            cs.is_zero("zero test", &x);
        }),
        gadget("not zero", [1u64, 7], |cs, x| {
            let x = number(cs, *x);
            cs.enforce_nonzero("not zero", &x);
        }),
        gadget("selection of eight", 0..8u64, |cs, x| {
            let bits: Vec<Num> = bits(*x).map(|bit| cs.chosen_bit("a boolean", "bit", bit)).collect();
            let items: Vec<Num> = (10..18).map(|x| number(cs, x)).collect();
            cs.mux("selection", &bits, &items);
        }),
        gadget("hash of two", [3u64, 4], |cs, x| {
            let inputs = [number(cs, *x), number(cs, 5)];
            poseidon::hash(cs, &inputs);
        }),
        operation(
            "debit",
            &[(1, 1, 5, 0), (1, 1, 900, 0), (1, 5, 70, 0), (1, 9, 1, 0), (0, 0, 0, 0)],
            |cs, account, [on, token, amount, _]| {
                account.debit(cs, on, token, amount);
            },
        ),
        operation(
            "credit",
            &[(1, 1, 5, 0), (1, 9, 5, 1), (1, 30, 5, 1), (1, 30, 5, 0), (0, 0, 0, 0)],
            |cs, account, [on, token, amount, foreign]| {
                account.credit(cs, on, token, amount, foreign);
            },
        ),
        gadget("entry of a key", [1u64, 2], |cs, seed| {
            let key = public(*seed).point();
            let key = PointVar::chosen(cs, "key", key.x, key.y);
            enforce_valid_key(cs, &key);
        }),
        gadget("class of a key", [1u64, 2], |cs, seed| {
            let key = public(*seed).point();
            let key = PointVar::chosen(cs, "key", key.x, key.y);
            classify_key(cs, &key);
        }),
        gadget("signature", signed, |cs, (enabled, message, signature)| {
            let enabled = cs.chosen_bit("a boolean", "flag", *enabled == 1);
            let key = public(1).point();
            let key = PointVar::chosen(cs, "key", key.x, key.y);
            let message = cs.chosen("message", *message);
            let r8 = (signature.r8.x, signature.r8.y);
            enforce_signed(cs, &enabled, &key, &message, r8, signature.s);
        }),
    ];
    found.into_iter().flatten().collect()
}

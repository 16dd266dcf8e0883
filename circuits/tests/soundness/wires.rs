//! Single wires: hints that no semantic witness reaches, random batches, and the size of the circuit.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use tapstone_circuits::audit::follow::Plan;
use tapstone_circuits::circuit::{BatchCircuit, bits, synthesise};
use tapstone_circuits::cs::{INSTANCE_WIRES, Mode, System, low_bits};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_circuits::witness::{SingleWitness, SlotWitness};

use crate::forge::{Lies, broken, forge, proven, world};

/// Recomputes, after some wires were changed, everything that follows from them. `pinned` wires stay as they are.
pub fn follow(system: &System, z: &mut [Fr], pinned: &[usize]) {
    Plan::new(system).follow(z, pinned);
}

pub fn rules(system: &System, z: &[Fr]) -> BTreeSet<&'static str> {
    system.violations(z, usize::MAX).into_iter().map(|v| v.rule).collect()
}

/// The wires of the two quotients of the first single slot: each stands alone in the row that forbids it to other kinds.
pub fn quotient(system: &System, which: usize) -> usize {
    let mut rows = (0..system.matrices.rows()).filter(|row| system.rule(*row) == "what divides nothing yields nothing");
    system.matrices.row(0, rows.nth(which).unwrap())[0].1
}

/// `change` is added to a wire and everything follows; one of the rules broken is `rule`.
fn tampered(w: &World, wire: impl Fn(&System) -> usize, change: Fr, rule: &str) {
    let (system, mut z) = proven(&forge(w, &Lies::default()));
    let before = z.clone();
    follow(&system, &mut z, &[]);
    assert_eq!(rules(&system, &z), BTreeSet::new(), "following an honest witness keeps it honest");
    z.clone_from(&before);
    let wire = wire(&system);
    z[wire] += change;
    follow(&system, &mut z, &[wire]);
    assert_ne!(z[wire], before[wire]);
    let had = rules(&system, &z);
    assert!(had.contains(rule), "{had:?}");
    assert!(!had.contains("the kind picks its operands"), "{had:?}");
}

const DIVISION: &str = "the division is exact: the remainder is below the divisor";

/// The wire of the shares: it stands alone in the row that forbids them to other kinds.
pub fn shares(system: &System) -> usize {
    let m = &system.matrices;
    let row = (0..m.rows()).find(|row| {
        system.rule(*row) == "the kind picks its operands" && m.row(2, *row).is_empty() && m.row(1, *row).len() == 1
    });
    m.row(1, row.unwrap())[0].1
}

#[test]
fn one_unit_more_or_less_out_of_a_pool() {
    for direction in [Direction::ZeroForOne, Direction::OneForZero] {
        let mut w = world();
        w.swap(0, 0, direction, 1000);
        for change in [Fr::one(), -Fr::one()] {
            tampered(&w, |s| quotient(s, 0), change, DIVISION);
        }
    }
    let mut w = world();
    w.create_pool(0, (2, 3), 30, (5000, 6000));
    for change in [Fr::one(), -Fr::one()] {
        tampered(&w, |s| quotient(s, 0), change, DIVISION);
    }
    for which in [0, 1] {
        for change in [Fr::one(), -Fr::one()] {
            let mut w = world();
            w.add_liquidity(0, 0, (1000, 2000));
            tampered(&w, |s| quotient(s, which), change, DIVISION);
            let mut w = world();
            w.remove_liquidity(0, 0, 1000);
            tampered(&w, |s| quotient(s, which), change, DIVISION);
        }
    }
}

#[test]
fn one_share_more_or_less() {
    let mut w = world();
    // Both sides bind in turn.
    for max in [(1000, 2000), (1000, 1400)] {
        w.open.clear();
        w.add_liquidity(0, 0, max);
        tampered(&w, shares, -Fr::one(), DIVISION);
        // With the quotients of the shares that are claimed, what is left to object is the rule itself.
        for (change, rule) in [
            (Fr::one(), "liquidity moves no more than the signed maxima, no less than the signed minima"),
            (-Fr::one(), "as many shares as the maxima allow are minted"),
        ] {
            let (system, mut z) = proven(&forge(&w, &Lies::default()));
            let (s, q0, q1) = (shares(&system), quotient(&system, 0), quotient(&system, 1));
            z[s] += change;
            let p = w.ledger.pool(0).unwrap();
            let (claimed, supply) = (z[s], p.supply.get());
            let claimed = low_bits(claimed, bits::AMOUNT).iter().rev().fold(0u128, |n, b| 2 * n + u128::from(*b));
            z[q0] = Fr::from((claimed * p.reserve0.get()).div_ceil(supply));
            z[q1] = Fr::from((claimed * p.reserve1.get()).div_ceil(supply));
            follow(&system, &mut z, &[s, q0, q1]);
            let had = rules(&system, &z);
            assert!(had.contains(rule), "{max:?}: {had:?}");
            assert!(!had.contains(DIVISION) && !had.contains("the kind picks its operands"), "{had:?}");
        }
    }
}

/// Every wire of a batch of every kind is bound: another value breaks a row that it stands in, but for hints that nothing reads.
#[test]
fn every_wire_is_bound() {
    let mut w = world();
    w.with_fee(1, 7).swap(0, 0, Direction::ZeroForOne, 1000).transfer(0, 1, 1, 100).transfer_new(1, 2, 50);
    let mut other = world();
    other.with_fee(3, 7).create_pool(0, (2, 3), 30, (5000, 6000)).deposit_new(2, 9);
    let mut third = world();
    third.deposit(1, 1, 5).add_liquidity(0, 0, (1000, 2000));
    let mut fourth = world();
    fourth.remove_liquidity(0, 0, 1000).transfer(1, 0, 1, 5).withdraw(1, 2, 9).bundle_from(0);
    let mut fifth = world();
    fifth.change_key(1, 99).deposit(77, 1, 5);
    for w in [w, other, third, fourth, fifth] {
        let executed = w.clone().apply().unwrap();
        let (system, mut z) = proven(&executed.witness);
        assert_eq!(rules(&system, &z), BTreeSet::new());
        let m = &system.matrices;
        let mut rows_of: Vec<Vec<u32>> = vec![Vec::new(); system.wires];
        for row in 0..m.rows() {
            for (_, wire) in [0, 1, 2].into_iter().flat_map(|side| m.row(side, row)) {
                if rows_of[wire].last() != Some(&(row as u32)) {
                    rows_of[wire].push(row as u32);
                }
            }
        }
        let mut free: BTreeMap<&str, usize> = BTreeMap::new();
        for wire in INSTANCE_WIRES..system.wires {
            let had = z[wire];
            // The other boolean for booleans, the next number for the rest.
            z[wire] = if had.is_one() { Fr::zero() } else { had + Fr::one() };
            let holds = |row: u32| {
                let [a, b, c] = m.evaluate(row as usize, &z);
                a * b == c
            };
            if rows_of[wire].iter().all(|row| holds(*row)) {
                // Free because each row multiplies it with zero, or because its range has room for the other value.
                for row in &rows_of[wire] {
                    let (row, [a, b, _]) = (*row as usize, m.evaluate(*row as usize, &z));
                    assert!(a.is_zero() || b.is_zero(), "wire {wire}: {} ({})", system.rule(row), system.region(row));
                }
                *free.entry(system.rule(rows_of[wire][0] as usize)).or_default() += 1;
            }
            z[wire] = had;
        }
        // Inverses of zero in zero tests and in checks that are off; outpoints where there is no deposit; the choice of a side
        // where no liquidity is added.
        let allowed = [
            "fields are within their ranges",
            "as many shares as the maxima allow are minted",
            "a deposit is refunded for want of an account only if there is none",
            "a deposit is the next of the queue",
            "a fee is paid in exactly one of the batch's fee tokens, and no fee in none",
            "a new account's leaf was empty",
            "a slot is freed if and only if its balance is zero",
            "a slot is opened only for a token that the account does not hold",
            "a swap yields something, liquidity mints or yields something",
            "S is canonical",
            "sender and recipient differ",
            "the amount is at least 1",
            "the amounts are at least 1",
            "the challenge is decomposed canonically",
            "the credited account exists",
            "the nonce is not the last one",
            "the opened slot is the lowest empty one",
            "the output's number is below 2^32",
            "the pool exists",
            "the tokens are ordinary and in order",
            "the transaction has not expired",
        ];
        for rule in free.keys() {
            assert!(allowed.contains(rule), "{free:?}");
        }
    }
}

#[test]
fn random_batches_satisfy_the_circuit() {
    let mut rng = SplitMix::new(11);
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for _ in 0..3 {
        let mut w = World::populated(Shape::registered("tiny").unwrap(), 3);
        for _ in 0..10 {
            w.operator = rng.below(3) as u32;
            w.fill_at_random(&mut rng, 7);
            kinds.extend(w.open.iter().map(|tx| tx.kind_name()));
            let before = w.clone();
            let e = w.apply().unwrap();
            let mut lies = Lies::default();
            for slot in &e.witness.slots {
                if let SlotWitness::Single(SingleWitness { refund: Some(reason), position, .. }) = slot {
                    kinds.insert("(refund)");
                    lies.refunds.insert(*position, *reason);
                }
            }
            let mut forged = forge(&before, &lies);
            let public = e.statement().public_input().into();
            let (system, z) = synthesise(Mode::Record, public, &e.witness).into_parts();
            assert_eq!(system.violations(&z, 3), []);
            // Without lies the prover without scruples is the honest one.
            forged.post = e.witness.post;
            assert_eq!(forged, e.witness);
        }
    }
    assert_eq!(kinds.len(), 11, "{kinds:?}");
}

/// Rows, wires and non-zeros of A, B, C: a change of the circuit shows here, and needs new keys and a new version.
#[test]
fn the_size_of_the_circuits_is_pinned() {
    let size = |name| {
        let circuit = BatchCircuit::new(&Shape::registered(name).unwrap());
        let system = circuit.system();
        (system.matrices.rows(), system.wires, system.matrices.non_zeros())
    };
    assert_eq!(size("tiny"), (45_677, 45_365, [115_109, 139_951, 218_462]));
    assert_eq!(size("small"), (250_646, 249_100, [655_342, 866_632, 1_432_588]));
}

/// Padding alone is a batch.
#[test]
fn an_empty_batch_satisfies_the_circuit() {
    let w = world();
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
}

/// Fields that the kind does not have: no transaction can name them, a prover's wires can.
#[test]
fn unused_fields() {
    const UNUSED: &str = "fields that the kind does not use are zero";
    // In this order: ta, tb, aux, three amounts, the key, the destination.
    type Build = fn(&mut World);
    let cases: [(Build, &[usize]); 9] = [
        (
            |w| {
                w.deposit(0, 1, 5);
            },
            &[1, 2, 4, 5, 6, 7],
        ),
        (
            |w| {
                w.deposit_new(1, 5);
            },
            &[1, 2, 4, 5],
        ),
        (
            |w| {
                w.swap(0, 0, Direction::ZeroForOne, 1000);
            },
            &[2, 5, 6, 7, 8, 9],
        ),
        (
            |w| {
                w.create_pool(0, (2, 3), 30, (5000, 6000));
            },
            &[5, 6, 7, 8, 9],
        ),
        (
            |w| {
                w.add_liquidity(0, 0, (1000, 2000));
            },
            &[1, 2, 6, 7, 8, 9],
        ),
        (
            |w| {
                w.remove_liquidity(0, 0, 1000);
            },
            &[1, 2, 6, 7, 8, 9],
        ),
        (
            |w| {
                w.change_key(0, 99);
            },
            &[0, 1, 2, 3, 4, 5, 8, 9],
        ),
        (
            |w| {
                w.withdraw(0, 1, 5);
            },
            &[1, 2, 4, 5, 6, 7],
        ),
        (|_| {}, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ];
    for (push, fields) in cases {
        let mut w = world();
        push(&mut w);
        let (system, honest) = proven(&forge(&w, &Lies::default()));
        let rows: Vec<usize> = (0..system.matrices.rows()).filter(|row| system.rule(*row) == UNUSED).collect();
        for field in fields {
            let wire = system.matrices.row(0, rows[*field])[0].1;
            let mut z = honest.clone();
            z[wire] += Fr::one();
            follow(&system, &mut z, &[wire]);
            let had = rules(&system, &z);
            assert!(had.contains(UNUSED), "field {field}: {had:?}");
        }
    }
}

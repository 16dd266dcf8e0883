//! Hints that only a prover of its own making gives: quotients that divide in the field alone, limits read in another way, limbs and
//! index bits beyond their place, slots of an account that are not the ledger's, bundles that end early or late.
//!
//! Each case sets the wires of a lie and lets everything that can follow from them; what is left is the row that stands in its way.

use ark_bn254::Fr;
use ark_ec::{AdditiveGroup, AffineRepr, CurveGroup, twisted_edwards::TECurveConfig};
use ark_ff::{Field, One, PrimeField, Zero};
use tapstone_circuits::audit::follow::Plan;
use tapstone_circuits::circuit::{bits, synthesise};
use tapstone_circuits::cs::{Mode, PUBLIC, System};
use tapstone_circuits::data::BatchData;
use tapstone_circuits::field::two_to_the;
use tapstone_circuits::pool::{Direction, FEE_UNIT};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::signature::curve::{BabyJubjub, Point, Scalar, unpack};
use tapstone_circuits::testing::{SplitMix, World, amount, public, secret};
use tapstone_circuits::transaction::Transaction;
use tapstone_circuits::witness::RefundReason;
use tapstone_verifier::poseidon;

use crate::forge::{Lies, STATEMENT, broken, claimed, forge, proven, refunds, resign, world};
use crate::set;
use crate::wires::{follow, quotient, rules, shares};

const DIVISION: &str = "the division is exact: the remainder is below the divisor";
const RESERVES: &str = "reserves and supply stay below 2^96";
const LIMITS: &str = "liquidity moves no more than the signed maxima, no less than the signed minima";
const MIN_OUT: &str = "at least the signed minimum comes out";
const UNUSED: &str = "fields that the kind does not use are zero";
const SIGNATURE: &str = "the signature verifies";
const OUTSIDE: &str = "only a refunded deposit names an account outside the tree";
const REFUND: &str = "only deposits are refunded, for one reason";
const BUNDLE: &str = "all members of a bundle name its message, and it ends with that digest";
const CUT: &str = "no bundle is open at the end of the batch";
const BALANCE: &str = "the new balance is between 0 and 2^96 - 1";
const SLOT: &str = "exactly one slot is touched";
const OPEN: &str = "a slot is opened only for a token that the account does not hold";
const LOWEST: &str = "the opened slot is the lowest empty one";
const GREATEST: &str = "as many shares as the maxima allow are minted";
const READ: &str = "every record that is produced is consumed, and the other way round";
const HOLDS: &str = "the touched slot holds the token";

/// The rules that are left when these wires are set, all else follows, and the statement is the prover's own.
fn lied(system: &System, honest: &[Fr], lies: &[(usize, Fr)]) -> Vec<&'static str> {
    let mut z = honest.to_vec();
    for (wire, value) in lies {
        assert_ne!(z[*wire], *value, "wire {wire} says so already");
        z[*wire] = *value;
    }
    let wires: Vec<usize> = lies.iter().map(|(wire, _)| *wire).collect();
    follow(system, &mut z, &wires);
    // The challenge hangs on the public input.
    z[PUBLIC as usize] = claimed(system, &z);
    follow(system, &mut z, &wires);
    rules(system, &z).into_iter().collect()
}

/// The wires of the fields of the first single slot: ta, tb, aux, three amounts, the key, the destination.
fn field(system: &System, which: usize) -> usize {
    let mut rows = (0..system.matrices.rows()).filter(|row| system.rule(*row) == UNUSED);
    system.matrices.row(0, rows.nth(which).unwrap())[0].1
}

/// Rows of a rule within the regions whose path starts so.
fn rows<'a>(system: &'a System, rule: &'a str, region: &'a str) -> impl Iterator<Item = usize> + 'a {
    (0..system.matrices.rows()).filter(move |row| system.rule(*row) == rule && system.region(*row).starts_with(region))
}

/// The booleans that rows of a rule make in a region, in order.
fn booleans(system: &System, rule: &str, region: &str) -> Vec<usize> {
    let of = |row: usize| {
        let [a, b, c] = [0, 1, 2].map(|side| system.matrices.row(side, row));
        (b.len() == 1 && c.is_empty() && a.len() == 2 && a[1] == (-Fr::one(), b[0].1)).then(|| b[0].1)
    };
    rows(system, rule, region).filter_map(of).collect()
}

fn honest(w: &World) -> (System, Vec<Fr>) {
    let (system, z) = proven(&forge(w, &Lies::default()));
    assert_eq!(rules(&system, &z).into_iter().collect::<Vec<_>>(), [""; 0]);
    (system, z)
}

/// `q d + rem = n` has a solution in the field for every remainder; only one of them leaves reserves and supply within their ranges.
#[test]
fn quotients_that_divide_in_the_field_only() {
    let pool = *world().ledger.pool(0).unwrap();
    let (r0, r1, supply) = (Fr::from(pool.reserve0), Fr::from(pool.reserve1), Fr::from(pool.supply));
    let n = |value: u64| Fr::from(value);
    let gain = n(1000) * n(u64::from(FEE_UNIT - pool.fee_bp));
    let unit = n(FEE_UNIT.into());
    type Build = fn(&mut World);
    let swap0: Build = |w| {
        w.swap(0, 0, Direction::ZeroForOne, 1000);
    };
    let swap1: Build = |w| {
        w.swap(0, 0, Direction::OneForZero, 1000);
    };
    let add: Build = |w| {
        w.add_liquidity(0, 0, (1000, 2000));
    };
    let remove: Build = |w| {
        w.remove_liquidity(0, 0, 1000);
    };
    let mut with_shares = world();
    add(&mut with_shares);
    let (system, z) = honest(&with_shares);
    let minted = z[shares(&system)];
    for (build, which, dividend, divisor) in [
        (swap0, 0, gain * r1, unit * r0 + gain),
        (swap1, 0, gain * r0, unit * r1 + gain),
        (add, 0, minted * r0 + supply - n(1), supply),
        (add, 1, minted * r1 + supply - n(1), supply),
        (remove, 0, n(1000) * r0, supply),
        (remove, 1, n(1000) * r1, supply),
    ] {
        let mut w = world();
        build(&mut w);
        let (system, z) = honest(&w);
        let wire = quotient(&system, which);
        for remainder in [n(0), n(1), n(2), supply - n(1)] {
            let q = (dividend - remainder) * divisor.inverse().unwrap();
            if q == z[wire] {
                continue;
            }
            let had = lied(&system, &z, &[(wire, q)]);
            assert!(had.contains(&RESERVES) && !had.contains(&DIVISION), "{had:?}");
        }
    }
    // The other root of the same square.
    let mut w = world();
    w.create_pool(0, (2, 3), 30, (5000, 5000));
    let (system, z) = honest(&w);
    let wire = quotient(&system, 0);
    let had = lied(&system, &z, &[(wire, -z[wire])]);
    assert!(had.contains(&RESERVES) && had.contains(&DIVISION), "{had:?}");
}

/// Whether the message is still the one that was signed.
fn is_signed(broken: &[&str]) -> bool {
    !broken.contains(&SIGNATURE) && !broken.contains(&BUNDLE)
}

/// `c3` is the sum of two amounts at their places. Less of the lower one and more of the upper one, as a fraction that exists in the field, is the
/// same `c3` and the same signature.
#[test]
fn signed_limits_have_one_reading() {
    let shift = two_to_the(bits::AMOUNT);
    let fraction = |moved: Fr| moved * shift.inverse().unwrap();
    // Minima of a removal.
    let mut w = world();
    w.remove_liquidity(0, 0, 1000);
    resign(&mut w, set!(RemoveLiquidity, min0 = amount(816)));
    resign(&mut w, set!(RemoveLiquidity, min1 = amount(1224)));
    let (system, z) = honest(&w);
    let (amt1, amt2) = (field(&system, 4), field(&system, 5));
    for moved in [Fr::one(), Fr::from(816u64), -Fr::one(), -Fr::from(816u64)] {
        let lies = [(amt1, z[amt1] - moved), (amt2, z[amt2] + fraction(moved))];
        let had = lied(&system, &z, &lies);
        assert!(had.contains(&LIMITS) && is_signed(&had), "{had:?}");
    }
    // One whole unit: the lower amount leaves its range.
    let had = lied(&system, &z, &[(amt1, z[amt1] + shift), (amt2, z[amt2] - Fr::one())]);
    assert!(had.contains(&"fields are within their ranges") && is_signed(&had), "{had:?}");
    // The second maximum and the least of shares.
    let mut w = world();
    w.add_liquidity(0, 0, (1000, 2000));
    resign(&mut w, set!(AddLiquidity, min_shares = amount(1224)));
    let (system, z) = honest(&w);
    let (amt1, amt2) = (field(&system, 4), field(&system, 5));
    for moved in [Fr::one(), -Fr::one(), Fr::from(400u64), -Fr::from(400u64)] {
        let lies = [(amt1, z[amt1] - moved), (amt2, z[amt2] + fraction(moved))];
        let had = lied(&system, &z, &lies);
        assert!(had.contains(&MIN_OUT) && is_signed(&had), "{had:?}");
    }
    // Other kinds have no third amount at all.
    let mut w = world();
    w.swap(0, 0, Direction::ZeroForOne, 1000);
    resign(&mut w, set!(Swap, min_out = amount(1494)));
    let (system, z) = honest(&w);
    let (amt1, amt2) = (field(&system, 4), field(&system, 5));
    let had = lied(&system, &z, &[(amt1, Fr::zero()), (amt2, fraction(z[amt1]))]);
    assert!(had.contains(&UNUSED) && is_signed(&had), "{had:?}");
}

/// Who signs a negative third amount asks for less than nothing: it holds, and pays out what the pool says. Below `q - 2^96` it does not.
#[test]
fn a_negative_minimum_binds_its_signer_to_nothing() {
    let below = |amt2: Fr| {
        let mut w = world();
        w.remove_liquidity(0, 0, 1000);
        let tx = &mut w.open[0];
        let [e1, e2, ..] = tx.data_elements();
        let signed = tx.signed_mut().unwrap();
        let chain = two_to_the(98 + bits::AMOUNT + bits::POOL_FEE);
        let c1 = e1 + chain * Fr::from(w.ledger.chain_id());
        let c2 = e2 + two_to_the(bits::TOKEN + bits::AMOUNT) * Fr::from(signed.nonce);
        let zero = Fr::zero();
        let message =
            poseidon::hash(&[Fr::from(5u64), zero, c1, c2, two_to_the(bits::AMOUNT) * amt2, zero, zero, zero, zero]);
        (signed.message, signed.signature) = (Some(message), secret(0).sign(message).unwrap());
        let (system, z) = proven(&forge(&w, &Lies::default()));
        lied(&system, &z, &[(field(&system, 5), amt2), (goes_on(&system, 0), zero)])
    };
    // 1000 shares are worth 1224 of token 2.
    let least = Fr::from(1225u64) - two_to_the(bits::AMOUNT);
    assert_eq!(below(-Fr::one()), [""; 0]);
    assert_eq!(below(least), [""; 0]);
    assert_eq!(below(least - Fr::one()), [LIMITS]);
}

/// A destination's limbs are numbers of 128 bits, whoever signs or queues it.
#[test]
fn limbs_of_what_leaves_are_below_2_128() {
    let mut w = world();
    w.deposit(9, 1, 5);
    let (system, z) = proven(&forge(&w, &Lies::refunded(&w, RefundReason::AccountMissing)));
    for limb in [8, 9] {
        let wire = field(&system, limb);
        // The highest limb of all, and the first that is too high.
        assert_eq!(lied(&system, &z, &[(wire, two_to_the(bits::LIMB) - Fr::one())]), [""; 0]);
        for high in [two_to_the(bits::LIMB), z[wire] + two_to_the(bits::LIMB), -Fr::one()] {
            assert_eq!(lied(&system, &z, &[(wire, high)]), [DIVISION]);
        }
    }
    let mut w = world();
    w.withdraw(0, 1, 5);
    let (system, z) = honest(&w);
    for limb in [8, 9] {
        let wire = field(&system, limb);
        // What is signed is another destination, whatever it is.
        assert_eq!(lied(&system, &z, &[(wire, two_to_the(bits::LIMB) - Fr::one())]), [BUNDLE]);
        assert_eq!(lied(&system, &z, &[(wire, two_to_the(bits::LIMB))]), [BUNDLE, DIVISION]);
    }
}

/// The bits of an index above those of the tree: whoever signs for account 64 must not move account 0.
#[test]
fn indices_outside_the_tree() {
    const INDEX: &str = "an account's index is made of bits";
    let builds: [fn(&mut World); 7] = [
        |w| {
            w.swap(0, 0, Direction::ZeroForOne, 1000);
        },
        |w| {
            w.create_pool(0, (2, 3), 30, (5000, 6000));
        },
        |w| {
            w.withdraw(0, 1, 5);
        },
        |w| {
            w.change_key(0, 99);
        },
        |w| {
            w.deposit(0, 1, 5);
        },
        |w| {
            w.deposit_new(1, 5);
        },
        |_| {},
    ];
    for build in builds {
        let mut w = world();
        build(&mut w);
        let (system, z) = honest(&w);
        let index = booleans(&system, INDEX, "slot 0 ");
        assert_eq!(index.len(), bits::INDEX);
        for bit in [3 * usize::from(w.shape.account_depth), bits::INDEX - 1] {
            let had = lied(&system, &z, &[(index[bit], Fr::one())]);
            assert!(had.contains(&OUTSIDE), "{had:?}");
        }
    }
}

/// Two reasons at once would publish a kind that does not exist.
#[test]
fn two_reasons_for_one_refund() {
    let mut w = world();
    w.deposit(9, 1, 5);
    let (system, z) = proven(&forge(&w, &Lies::refunded(&w, RefundReason::AccountMissing)));
    let reasons = booleans(&system, REFUND, "slot 0 ");
    // Missing, outside, overflow, full, a refund of the other kind; the deposit taken is no wire of its own.
    assert_eq!((reasons.len(), z[reasons[0]]), (5, Fr::one()));
    for reason in &reasons[1..] {
        let had = lied(&system, &z, &[(*reason, Fr::one())]);
        assert!(had.contains(&REFUND), "{had:?}");
    }
}

/// The bit that says that a bundle goes on.
fn goes_on(system: &System, slot: usize) -> usize {
    booleans(system, BUNDLE, &format!("slot {slot} "))[0]
}

#[test]
fn a_bundle_ends_where_its_message_is_reached() {
    // A lone transaction that is said to go on, at the end of the batch and before another one.
    let mut w = world();
    w.withdraw(0, 1, 5);
    let (system, z) = honest(&w);
    assert_eq!(lied(&system, &z, &[(goes_on(&system, 0), Fr::one())]), [CUT]);
    w.withdraw(1, 1, 5);
    let (system, z) = honest(&w);
    let had = lied(&system, &z, &[(goes_on(&system, 0), Fr::one())]);
    assert!(had.contains(&BUNDLE), "{had:?}");
    // The first of two as if it were the last.
    let mut w = world();
    w.withdraw(0, 1, 5).withdraw(1, 1, 5).bundle_from(0);
    let (system, z) = honest(&w);
    let had = lied(&system, &z, &[(goes_on(&system, 0), Fr::zero())]);
    assert!(had.contains(&BUNDLE) && !had.contains(&CUT), "{had:?}");
    // The last of two as if more were to come.
    assert_eq!(lied(&system, &z, &[(goes_on(&system, 2), Fr::one())]), [CUT]);
    // Padding that is a member.
    for slot in [1, 3] {
        let had = lied(&system, &z, &[(goes_on(&system, slot), Fr::one())]);
        assert!(had.contains(&"only signed transactions are members of a bundle"), "{had:?}");
    }
}

/// The wires of one operation on an account.
struct Operation {
    slots: Vec<usize>,
    open: Option<usize>,
    within: usize,
    beside: usize,
}

/// Operation `which` of the account of slot 0: debit, fee, exchange, credit.
fn operation(system: &System, which: usize) -> Operation {
    const ACCOUNT: &str = "slot 0 (single, transaction 0) / account";
    let slots = booleans(system, SLOT, ACCOUNT)[8 * which..][..8].to_vec();
    let open = which.checked_sub(2).map(|nth| booleans(system, OPEN, ACCOUNT)[nth]);
    let last = rows(system, BALANCE, ACCOUNT).nth(bits::AMOUNT * which + bits::AMOUNT - 1).unwrap();
    let within = system.matrices.row(1, last).iter().map(|(_, wire)| *wire).min().unwrap();
    Operation { slots, open, within, beside: within + 1 }
}

/// The lies that move an operation to another slot, whose balances in the leaf are these.
fn moved(op: &Operation, from: usize, to: usize, (old, beside): (u64, u64), change: i64) -> Vec<(usize, Fr)> {
    let new = Fr::from(old) + Fr::from(change);
    vec![(op.slots[from], Fr::zero()), (op.slots[to], Fr::one()), (op.within, new), (op.beside, Fr::from(beside))]
}

/// Account 1 holds 10^7 of token 1, 2 * 10^7 of token 2 in slot 1, 3 * 10^7 of token 3 in slot 2; slots 3 to 7 are empty.
#[test]
fn slots_of_an_account_are_those_of_the_ledger() {
    const TOKENS: [u64; 8] = [10_000_000, 20_000_000, 30_000_000, 0, 0, 0, 0, 0];
    let pair = |slot: usize| (TOKENS[slot], TOKENS[slot ^ 1]);
    // What is written is another leaf, and what is read later stays as it was.
    let lied = |system: &System, z: &[Fr], lies: &[(usize, Fr)]| {
        let lies: Vec<_> = lies.iter().copied().filter(|(wire, value)| z[*wire] != *value).collect();
        let mut had = lied(system, z, &lies);
        had.retain(|rule| *rule != READ);
        had
    };
    // What is debited is taken from another token.
    let mut w = world();
    w.withdraw(1, 3, 5);
    let (system, z) = honest(&w);
    let debit = operation(&system, 0);
    for to in [0, 1] {
        let lies = moved(&debit, 2, to, pair(to), -5);
        assert_eq!(lied(&system, &z, &lies), [HOLDS]);
    }
    // Or from an empty slot.
    let had = lied(&system, &z, &moved(&debit, 2, 4, (0, 0), -5));
    assert!(had.contains(&HOLDS) && had.contains(&BALANCE), "{had:?}");
    // A credit of a token that is held goes to another token's slot, or opens a second slot.
    let mut w = world();
    w.deposit(1, 2, 5);
    let (system, z) = honest(&w);
    let credit = operation(&system, 3);
    for to in [0, 2] {
        let lies = moved(&credit, 1, to, pair(to), 5);
        assert_eq!(lied(&system, &z, &lies), [HOLDS]);
    }
    let mut lies = moved(&credit, 1, 4, (0, 0), 5);
    lies.push((credit.open.unwrap(), Fr::one()));
    let had = lied(&system, &z, &lies);
    assert!(had.contains(&OPEN) && !had.contains(&HOLDS) && !had.contains(&BALANCE), "{had:?}");
    // A new token does not take the lowest empty slot.
    let mut w = world();
    w.deposit(1, 9, 5);
    let (system, z) = honest(&w);
    let credit = operation(&system, 3);
    for to in [4, 7] {
        let lies = moved(&credit, 3, to, (0, 0), 5);
        assert_eq!(lied(&system, &z, &lies), [LOWEST]);
    }
    // The native token beside slot 0.
    let mut w = world();
    w.deposit(1, 1, 5);
    let (system, z) = honest(&w);
    let credit = operation(&system, 3);
    let mut lies = moved(&credit, 0, 3, (0, TOKENS[2]), 5);
    lies.push((credit.open.unwrap(), Fr::one()));
    let had = lied(&system, &z, &lies);
    assert!(had.contains(&OPEN) && !had.contains(&HOLDS), "{had:?}");
}

/// Each boolean that no other row computes, the other way round: either a row objects, or nothing that the statement says depends on it.
#[test]
fn no_boolean_alone_changes_a_statement() {
    let mut add = world();
    add.with_fee(1, 7).add_liquidity(0, 0, (1000, 2000)).transfer(0, 1, 2, 5);
    let mut remove = world();
    remove.remove_liquidity(0, 0, 1000).transfer_new(1, 2, 5).withdraw(1, 2, 9).bundle_from(0);
    let mut swap = world();
    swap.with_fee(3, 7).swap(1, 0, Direction::OneForZero, 1000).deposit(77, 1, 5);
    let mut create = world();
    create.create_pool(0, (2, 3), 30, (5000, 6000)).deposit_new(9, 5);
    let mut key = world();
    key.change_key(1, 99).deposit(1, 9, 5);
    // Choices, and not the bits of ranges, which follow from the number.
    let choices = [
        "the slot has one kind or none",
        REFUND,
        "a fee is paid in exactly one of the batch's fee tokens, and no fee in none",
        BUNDLE,
        "the direction is 0 or 1",
        "a new key lies in the prime-order subgroup and is not the identity",
        SLOT,
        OPEN,
    ];
    let mut free = std::collections::BTreeSet::new();
    for w in [add, remove, swap, create, key] {
        let executed = w.clone().apply().unwrap();
        let (system, z) = proven(&executed.witness);
        let statement = claimed(&system, &z);
        let mut wires: Vec<(&str, usize)> = Vec::new();
        for rule in choices {
            for slot in ["slot 0 ", "slot 1 "] {
                wires.extend(booleans(&system, rule, slot).into_iter().map(|wire| (rule, wire)));
            }
        }
        wires.extend(booleans(&system, GREATEST, "slot 0 ").first().map(|wire| (GREATEST, *wire)));
        let plan = Plan::new(&system);
        for (rule, wire) in wires {
            let mut flipped = z.clone();
            flipped[wire] = Fr::one() - z[wire];
            plan.follow(&mut flipped, &[wire]);
            if flipped[wire] == z[wire] {
                continue;
            }
            let other = claimed(&system, &flipped);
            if other != statement {
                // The challenge hangs on the public input.
                let objects = |rule: &str| rule != STATEMENT && rule != READ;
                if system.violations(&flipped, usize::MAX).iter().any(|violation| objects(violation.rule)) {
                    continue;
                }
                flipped[PUBLIC as usize] = other;
                plan.follow(&mut flipped, &[wire]);
            }
            if system.violations(&flipped, 1).is_empty() {
                assert_eq!(other, statement, "{rule}");
                free.insert(rule);
            }
        }
    }
    // Which side of liquidity binds, where none is added or both do.
    assert_eq!(free.into_iter().collect::<Vec<_>>(), [GREATEST]);
}

/// The eight classes of points by their part of small order: only the keys of the first are taken, the identity not among them.
#[test]
fn keys_of_every_small_order_part() {
    // l P for some other point P of the curve, of order 8.
    let torsion = (2..=u8::MAX)
        .filter_map(|y| {
            let mut bytes = [0; 32];
            bytes[0] = y;
            unpack(&bytes).ok()
        })
        .map(|p| BabyJubjub::mul_affine(&p, Scalar::MODULUS.as_ref()))
        .find(|t| !t.double().double().is_zero())
        .unwrap();
    for base in [public(77).point(), Point::zero()] {
        for class in 0..8u64 {
            let point = (BabyJubjub::mul_projective(&torsion, &[class]) + base).into_affine();
            let mut w = world();
            w.deposit_new(1, 5);
            resign(&mut w, set!(DepositNew, key = point));
            if class == 0 && !base.is_zero() {
                let (system, z) = honest(&w);
                assert!(system.is_satisfied(&z) && !broken(&forge(&w, &Lies::refunded(&w, RefundReason::Key))).is_empty());
            } else {
                refunds(&w, RefundReason::Key);
                assert!(!broken(&forge(&w, &Lies::default())).is_empty());
            }
        }
    }
}

/// Wide amounts at random: whatever the ledger accepts has a witness, and is rebuilt from its data.
#[test]
fn wide_amounts_satisfy_the_circuit() {
    let mut rng = SplitMix::new(5);
    let (mut accepted, mut kinds) = (0, std::collections::BTreeSet::new());
    let mut w = World::new(Shape::registered("tiny").unwrap());
    w.deposit_new(1, 1).apply().unwrap();
    for round in 0..120u32 {
        let before = w.ledger.clone();
        let value = rng.amount().get();
        let other = rng.amount().get();
        let pools = before.next_pool();
        let pool = if pools == 0 { 0 } else { rng.below(pools.into()) as u32 };
        match rng.below(if round < 20 { 3 } else { 8 }) {
            0 => w.deposit(0, 1 + rng.below(3) as u32, value),
            1 => w.deposit(0, 1 + rng.below(3) as u32, (1 << bits::AMOUNT) - 1 - (value >> 8)),
            2 => w.create_pool(0, (1, 2 + rng.below(2) as u32), rng.below(10_000) as u16, (value, other)),
            3 | 4 => w.swap(0, pool, Direction::from_code(rng.below(2) as u8).unwrap(), value),
            5 => w.add_liquidity(0, pool, (value, other)),
            6 => w.remove_liquidity(0, pool, value),
            _ => w.withdraw(0, 1 + rng.below(3) as u32, value),
        };
        let kind = w.open[0].kind_name();
        let Ok(e) = w.apply() else { continue };
        accepted += 1;
        kinds.insert(kind);
        let (system, z) = synthesise(Mode::Record, e.statement().public_input().into(), &e.witness).into_parts();
        assert_eq!(system.violations(&z, 3), [], "round {round}: {kind}");
        let mut again = before;
        let rebuilt = again.rebuild(&BatchData::decode(&e.data).unwrap()).unwrap();
        assert_eq!((rebuilt.post_state_root, rebuilt.withdrawals_root), (e.post_state_root, e.withdrawals_root));
    }
    assert!(accepted > 40 && kinds.len() == 6, "{accepted}: {kinds:?}");
}

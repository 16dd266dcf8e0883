//! The gadgets that are searched exhaustively over a small field, each with the native rule that says what it should yield.

use std::collections::BTreeSet;

use ark_bn254::Fr;
use ark_ff::{BigInt, Zero};
use serde::Serialize;

use super::rows::Rows;
use super::small_field::{SmallSystem, Solver};
use super::small_rules::{self as native, Cases};
use crate::account::constraints::AccountVar;
use crate::circuit::small;
use crate::cs::{Cs, Lemma, Mode, Num};

/// Writes the rows of a gadget; the result is what it yields.
type Write = Box<dyn Fn(&mut Cs) -> Vec<Num>>;

/// A gadget of few bits.
pub struct Small {
    /// Its name.
    pub name: &'static str,
    /// The prime that its rows are read modulo.
    pub prime: u32,
    /// What coefficients may be divided by.
    pub divisor: u64,
    /// Writes its rows; the result is what it yields.
    pub write: Write,
    /// The values of the chosen wires, all that callers may give.
    pub cases: Box<dyn Fn() -> Cases>,
    /// What it should yield, `None` where there should be no solution.
    pub rule: fn(&[i64]) -> Option<Vec<i64>>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Searched {
    /// The prime.
    pub prime: u32,
    /// Rows of the gadget.
    pub rows: usize,
    /// Assignments of the chosen wires.
    pub cases: usize,
    /// Those with a solution.
    pub solvable: usize,
    /// What is not as the rule says, at most a few.
    #[serde(skip)]
    pub faults: Vec<String>,
}

fn numbers<const N: usize>(cs: &mut Cs) -> [Num; N] {
    std::array::from_fn(|_| cs.chosen("number", Fr::zero()))
}

fn flags<const N: usize>(cs: &mut Cs) -> [Num; N] {
    std::array::from_fn(|_| cs.chosen_bit("a boolean", "flag", false))
}

fn gadget(
    name: &'static str,
    prime: u32,
    write: impl Fn(&mut Cs) -> Vec<Num> + 'static,
    cases: impl Fn() -> Cases + 'static,
    rule: fn(&[i64]) -> Option<Vec<i64>>,
) -> Small {
    Small { name, prime, divisor: 1, write: Box::new(write), cases: Box::new(cases), rule }
}

/// A gadget of an account: seven tokens and four pairs, then flags, token and amount.
fn account<const N: usize>(
    name: &'static str,
    run: fn(&mut Cs, &mut AccountVar, [Num; N], Num, Num),
    rule: fn(&[i64]) -> Option<Vec<i64>>,
    most: i64,
) -> Small {
    let write = move |cs: &mut Cs| {
        let mut account = AccountVar::of_widths(cs, small::ACCOUNT, [Fr::zero(); 7], [Fr::zero(); 4]);
        let flags = flags(cs);
        let [token, amount] = numbers(cs);
        run(cs, &mut account, flags, token, amount);
        account.contents().cloned().collect()
    };
    let divisor = (1 << small::ACCOUNT.spacing) - 1;
    // Above the distance between any two readings of a pair: from -7 * 16 to 3 + 3 * 16.
    Small { divisor, ..gadget(name, 191, write, move || native::accounts(N, most), rule) }
}

/// All of them.
pub fn all() -> Vec<Small> {
    vec![
        gadget(
            "range of five bits",
            67,
            |cs| {
                let [x] = numbers(cs);
                cs.enforce_range("range", &x, 5);
                Vec::new()
            },
            || native::product(&[67]),
            |v| (v[0] < 32).then(Vec::new),
        ),
        gadget(
            "five bits",
            67,
            |cs| {
                let [x] = numbers(cs);
                cs.bits("bits", &x, 5)
            },
            || native::product(&[67]),
            |v| (v[0] < 32).then(|| (0..5).map(|i| (v[0] >> i) & 1).collect()),
        ),
        gadget(
            "zero test",
            31,
            |cs| {
                let [x] = numbers(cs);
                vec![cs.is_zero("zero test", &x)]
            },
            || native::product(&[31]),
            |v| Some(vec![i64::from(v[0] == 0)]),
        ),
        gadget(
            "not zero",
            31,
            |cs| {
                let [x, y] = numbers(cs);
                let [on] = flags(cs);
                cs.enforce_nonzero("not zero", &x);
                cs.enforce_nonzero_if("not zero", &on, &y);
                Vec::new()
            },
            || native::product(&[31, 31, 2]),
            |v| (v[0] != 0 && (v[1] != 0 || v[2] == 0)).then(Vec::new),
        ),
        gadget(
            "selection of four",
            7,
            |cs| {
                let bits: [Num; 2] = flags(cs);
                let items: [Num; 4] = numbers(cs);
                vec![cs.mux("selection", &bits, &items)]
            },
            || native::product(&[2, 2, 7, 7, 7, 7]),
            |v| Some(vec![v[2 + (v[0] + 2 * v[1]) as usize]]),
        ),
        gadget("fee in one of two tokens", 31, small::fee, native::fees, native::fee),
        gadget("member of a bundle", 5, small::bundle, || native::product(&[5, 5, 2, 2, 5, 2, 5]), native::bundle),
        gadget("kind and reason of a refund", 31, small::refund, native::kinds, native::refund),
        gadget("what a pool does", native::POOL_PRIME, small::pool, native::pools, native::pool),
        account(
            "debit",
            |cs, account, [on], token, amount| {
                account.debit(cs, &on, &token, &amount);
            },
            native::debit,
            3,
        ),
        account(
            "credit",
            |cs, account, [on, foreign], token, amount| {
                account.credit(cs, &on, &token, &amount, &foreign);
            },
            native::credit,
            7,
        ),
        account(
            "debit or credit",
            |cs, account, [out, into], token, amount| {
                account.exchange(cs, [&out, &into], &token, &amount);
            },
            native::exchange,
            3,
        ),
        account(
            "credit of a deposit",
            |cs, account, [on, overflow, full, foreign], token, amount| {
                account.credit_unless(cs, &on, &token, &amount, &foreign, [&overflow, &full]);
            },
            native::deposit,
            3,
        ),
    ]
}

/// Comparisons of six bits with each bound, each a gadget of its own: those that are wrong.
fn comparisons() -> Searched {
    let mut all = Searched::default();
    for max in 0..64u64 {
        let write = move |cs: &mut Cs| {
            let bits: [Num; 6] = flags(cs);
            cs.enforce_bits_at_most("at most", &bits, BigInt::from(max));
            Vec::new()
        };
        let mut found = search(&gadget("comparison", 67, write, || native::product(&[2; 6]), |_| None), |values| {
            let x: i64 = (0..6).map(|i| values[i] << i).sum();
            (x <= max as i64).then(Vec::new)
        });
        (all.prime, all.rows) = (found.prime, all.rows.max(found.rows));
        all.cases += found.cases;
        all.solvable += found.solvable;
        all.faults.append(&mut found.faults);
    }
    all
}

/// Searches all of them, one after another as they are asked for.
pub fn search_all() -> impl Iterator<Item = (&'static str, Searched)> {
    let first = std::iter::once_with(|| ("comparison of six bits", comparisons()));
    first.chain(all().into_iter().map(|small| (small.name, search(&small, small.rule))))
}

/// Searches all solutions for all values of the chosen wires, and compares them with the rule.
pub fn search(small: &Small, rule: impl Fn(&[i64]) -> Option<Vec<i64>>) -> Searched {
    let mut cs = Cs::new(Mode::Record, Fr::zero());
    let yields = (small.write)(&mut cs);
    let (system, _) = cs.into_parts();
    let rows = Rows::new(&system);
    searched(small, rule, &rows, &yields)
}

/// Whether a copy of few bits notices that a row of this rule and form is missing: all such rows that a gadget has are needed in it.
///
/// The form of a row is the number of terms on each side; where no row of the rule has it (sums that grow from slot to slot), any that is no boolean's will do.
pub fn notices(rows: &Rows<'_>, row: usize) -> bool {
    let rule = rows.system().rule(row);
    let form = |rows: &Rows<'_>, row: usize| [0, 1, 2].map(|side| rows.terms(side, row).count());
    let wanted = form(rows, row);
    let is_flag = rows.boolean_wire(row).is_some();
    all().iter().any(|small| {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let yields = (small.write)(&mut cs);
        let (system, _) = cs.into_parts();
        let mut copy = Rows::new(&system);
        let of_rule: Vec<usize> =
            (0..copy.len()).filter(|r| system.rule(*r) == rule && copy.boolean_wire(*r).is_some() == is_flag).collect();
        let exact: Vec<usize> = of_rule.iter().copied().filter(|r| form(&copy, *r) == wanted).collect();
        let alike = if exact.is_empty() && !is_flag { of_rule } else { exact };
        !alike.is_empty()
            && alike.into_iter().all(|r| {
                copy.remove(r);
                let noticed = !searched(small, small.rule, &copy, &yields).faults.is_empty();
                copy.restore();
                noticed
            })
    })
}

/// The places of rows without which a gadget still is its rule. That callers give booleans is taken as it is.
pub fn redundant(small: &Small) -> Vec<String> {
    let mut cs = Cs::new(Mode::Record, Fr::zero());
    let yields = (small.write)(&mut cs);
    let (system, _) = cs.into_parts();
    let mut rows = Rows::new(&system);
    let mut found = Vec::new();
    let given = |row: usize| rows.boolean_wire(row).is_some_and(|wire| rows.is_chosen(wire));
    let inner: Vec<usize> = (0..rows.len()).filter(|row| !given(*row)).collect();
    for row in inner {
        rows.remove(row);
        if searched(small, small.rule, &rows, &yields).faults.is_empty() {
            found.push(format!("{}: {} (row {row})", small.name, system.rule(row)));
        }
        rows.restore();
    }
    found
}

/// As [`search`], for rows of which some may be missing.
pub fn searched(small: &Small, rule: impl Fn(&[i64]) -> Option<Vec<i64>>, rows: &Rows<'_>, yields: &[Num]) -> Searched {
    let mut found = Searched { prime: small.prime, rows: rows.len(), ..Searched::default() };
    let read = SmallSystem::new(rows, small.prime, small.divisor, true);
    let expressions = read
        .as_ref()
        .and_then(|read| yields.iter().map(|num| read.expression(num, small.divisor)).collect::<Option<Vec<_>>>());
    let (Some(read), Some(expressions)) = (read, expressions) else {
        found.faults.push("a coefficient means nothing in the small field".into());
        return found;
    };
    for bits in read.ranges() {
        if let Some(fault) = range_fault(small.prime, bits as usize) {
            found.faults.push(fault);
        }
    }
    let mut may_vary = may_vary(rows);
    may_vary.retain(|wire| expressions.iter().flatten().all(|(read, _)| read != wire));
    let chosen: Vec<u32> = rows.system().marks().chosen().iter().map(|(wire, _)| *wire).collect();
    let mut solver = Solver::new(&read);
    let p = i64::from(small.prime);
    for case in (small.cases)() {
        found.cases += 1;
        let values = case.iter().map(|value| value.rem_euclid(p) as u32);
        let solutions = solver.solve(chosen.iter().copied().zip(values));
        found.solvable += usize::from(solutions.count > 0);
        let expected = rule(&case);
        let mut fault = match (&expected, solutions.count) {
            (None, 0) => None,
            (None, _) => Some("a solution that the rule does not allow"),
            (Some(_), 0) => Some("no solution"),
            (Some(wanted), _) => {
                let had = expressions.iter().map(|terms| i64::from(read.value(terms, &solutions.first)));
                let same = had.eq(wanted.iter().map(|value| value.rem_euclid(p)));
                (!same).then_some("another result than the rule's")
            }
        };
        if solutions.vary.iter().any(|wire| !may_vary.contains(wire)) {
            fault = Some("more than one solution");
        }
        if let Some(fault) = fault {
            found.faults.push(format!("{fault}: {case:?}"));
            if found.faults.len() >= 4 {
                break;
            }
        }
    }
    found
}

/// Wires that may differ between solutions: nothing but one row reads them, or a lemma says that either side serves and nothing but the rows that tell the
/// sides apart reads them.
fn may_vary(rows: &Rows<'_>) -> BTreeSet<u32> {
    let claims = rows.system().marks().claims().iter().filter(|claim| claim.lemma == Lemma::Division);
    let sides: BTreeSet<u32> = claims.filter_map(|claim| claim.gives.last().copied()).collect();
    let rule = |wire: u32| rows.of(wire).next().map(|row| rows.system().rule(row));
    let of_side = |wire: u32| {
        let rules = sides.iter().filter_map(|side| rule(*side));
        rules.into_iter().any(|of| rows.of(wire).all(|row| rows.system().rule(row) == of))
    };
    rows.computed().filter(|wire| rows.of(*wire).count() <= 1 || of_side(*wire)).collect()
}

/// What is wrong with a range of so many bits over a prime field, if anything.
fn range_fault(prime: u32, bits: usize) -> Option<String> {
    let mut cs = Cs::new(Mode::Record, Fr::zero());
    let [x] = numbers(&mut cs);
    cs.enforce_range("range", &x, bits);
    let wire = x.terms().first()?.0;
    let (system, _) = cs.into_parts();
    let rows = Rows::new(&system);
    let read = SmallSystem::new(&rows, prime, 1, false)?;
    let mut solver = Solver::new(&read);
    let wrong = (0..prime).find(|x| solver.solve([(wire, *x)]).count != usize::from(*x < 1 << bits))?;
    Some(format!("a range of {bits} bits modulo {prime} is wrong at {wrong}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The others take too long without optimisation: `tapstone audit` searches them.
    const LONG: [&str; 6] =
        ["place among eight", "what a pool does", "debit", "credit", "debit or credit", "credit of a deposit"];

    #[test]
    fn gadgets_of_few_bits_are_their_rules() {
        for small in all().into_iter().filter(|small| !LONG.contains(&small.name)) {
            let found = search(&small, small.rule);
            assert_eq!(found.faults, [""; 0], "{}", small.name);
            assert!(found.solvable > 0 && found.solvable <= found.cases && found.rows > 0, "{}", small.name);
        }
        assert_eq!(comparisons().faults, [""; 0]);
    }

    /// Without any other row some gadget is not its rule any more.
    #[test]
    fn rows_that_are_not_needed_are_these() {
        let found: Vec<String> = all().iter().filter(|small| !LONG.contains(&small.name)).flat_map(redundant).collect();
        let wanted = [
            // The second token is below 2^n, and the first below the second.
            "fee in one of two tokens: the batch's fee tokens are strictly increasing and below 2^30 (row 1)",
            "fee in one of two tokens: the batch's fee tokens are strictly increasing and below 2^30 (row 2)",
            // Tokens of the list differ, so that one hit at most is not 0, and their sum is 0 or 1.
            "fee in one of two tokens: a fee is paid in exactly one of the batch's fee tokens, and no fee in none (row 18)",
            "fee in one of two tokens: a fee is paid in exactly one of the batch's fee tokens, and no fee in none (row 21)",
            // Where there is no deposit, what is taken is less than nothing unless nothing is refunded.
            "kind and reason of a refund: only deposits are refunded, for one reason (row 17)",
        ];
        assert_eq!(found, wanted);
    }
}

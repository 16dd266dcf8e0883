//! What the gadgets of few bits should yield, by plain integers, and the values that callers may give them.

use crate::account::{Account, Credit};
use crate::amount::{Amount, TokenId};
use crate::circuit::small::{ACCOUNT, FEES, POOL};

/// Values of the chosen wires, one list after another.
pub type Cases = Box<dyn Iterator<Item = Vec<i64>>>;

/// The prime of pools: above all products that may occur.
pub const POOL_PRIME: u32 = 257;

/// All lists whose numbers are below these limits.
pub fn product(limits: &[i64]) -> Cases {
    let limits = limits.to_vec();
    let mut next = Some(vec![0; limits.len()]);
    Box::new(std::iter::from_fn(move || {
        let case = next.take()?;
        let mut after = case.clone();
        for (digit, limit) in after.iter_mut().zip(&limits) {
            *digit += 1;
            if *digit < *limit {
                next = Some(after);
                break;
            }
            *digit = 0;
        }
        Some(case)
    }))
}

/// Two tokens, the token and the amount of a fee.
pub fn fees() -> Cases {
    product(&[9, 9, 9, 31])
}

/// A fee in a list of two tokens.
pub fn fee(v: &[i64]) -> Option<Vec<i64>> {
    let [first, second, token, amount] = v[..] else { return None };
    let is_list = 0 < first && first < second && second < 1 << FEES.token;
    let is_paid = if amount == 0 { token == 0 } else { token == first || token == second };
    let total = |of: i64| if of == token { amount } else { 0 };
    (is_list && amount < 1 << FEES.amount && is_paid).then(|| vec![total(first), total(second)])
}

/// A slot and an open bundle.
pub fn bundle(v: &[i64]) -> Option<Vec<i64>> {
    let [run, open, signed, barred, digest, goes_on, message] = v[..] else { return None };
    let is_open = run != 0;
    let (signed, goes_on) = (signed == 1, goes_on == 1);
    // All members name one message; nothing that is barred comes in between; the last member's digest is the message.
    let stands = (signed || !goes_on)
        && !(is_open && barred == 1)
        && (!is_open || message == open)
        && (!signed || goes_on || digest == message);
    let after = match (signed, goes_on) {
        (false, _) => run,
        (true, true) => digest,
        (true, false) => 0,
    };
    stands.then(|| vec![after])
}

/// Kinds, what lies outside the tree, and reasons.
pub fn kinds() -> Cases {
    product(&[2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 2, 2, 2, 2])
}

/// Whether a slot credits and whether it refunds a deposit.
pub fn refund(v: &[i64]) -> Option<Vec<i64>> {
    let (kinds, rest) = v.split_at_checked(8)?;
    let [lies_outside, missing, outside, overflow, full, of_new] = rest[..] else { return None };
    let (deposit, deposit_new) = (kinds[0], kinds[1]);
    let reasons = missing + outside + overflow + full;
    let stands = kinds.iter().sum::<i64>() <= 1
        && reasons <= deposit
        && of_new <= deposit_new
        && ((outside == 1) == (lies_outside != 0));
    stands.then(|| vec![deposit - reasons + deposit_new - of_new, reasons + of_new])
}

/// Every kind on every pool that can be, and none.
pub fn pools() -> Cases {
    let top = 1 << POOL.0;
    let amounts = move || (0..top).flat_map(move |a| (0..top).map(move |b| (a, b)));
    let states = move || product(&[2, top, top, top]).filter(|v| is_pool(v));
    // kinds, ta, tb, aux, amounts, index, fee, reserves, supply, lanes
    let case = |kind: usize, tb: i64, aux: i64, (a, b, c): (i64, i64, i64), pool: &[i64], lanes: (i64, i64)| {
        let mut v = vec![0; 17];
        if let Some(kind) = v[..4].get_mut(kind) {
            *kind = 1;
        }
        v[5..10].copy_from_slice(&[tb, aux, a, b, c]);
        v[11..15].copy_from_slice(pool);
        (v[15], v[16]) = lanes;
        v
    };
    let swaps = states().flat_map(move |pool| {
        let of = move |tb: i64| {
            let pool = pool.clone();
            amounts().filter(|(a, _)| *a > 0).map(move |(a, b)| case(0, tb, 0, (a, b, 0), &pool, (0, 0)))
        };
        (0..3).flat_map(of)
    });
    let creations = states().flat_map(move |pool| {
        let of = move |aux: i64| {
            let pool = pool.clone();
            amounts().filter(|(a, b)| *a > 0 && *b > 0).map(move |(a, b)| case(1, 0, aux, (a, b, 0), &pool, (0, 0)))
        };
        (0..3).flat_map(of)
    });
    let liquidity = states().flat_map(move |pool| {
        let of = move |kind: usize| {
            let pool = pool.clone();
            let given = move |(a, b): (i64, i64)| {
                let pool = pool.clone();
                // Who removes holds the shares.
                let holds = kind == 2 || a <= pool[3] - POOL.2 as i64;
                let is_given = a > 0 && (kind == 3 || b > 0) && holds;
                (-1..top).filter(move |_| is_given).map(move |c| case(kind, 0, 0, (a, b, c), &pool, (0, 0)))
            };
            amounts().flat_map(given)
        };
        [2, 3].into_iter().flat_map(of)
    });
    let idle = [-1, 0, 1, 31, 32, 100];
    let idle = idle.into_iter().flat_map(move |x| idle.map(|y| case(4, 0, 0, (0, 0, 0), &[0; 4], (x, y))));
    Box::new(swaps.chain(creations).chain(liquidity).chain(idle))
}

/// Fee, reserves, supply: nothing, or a supply with something on both sides.
fn is_pool(v: &[i64]) -> bool {
    let [fee, reserve0, reserve1, supply] = v[..] else { return false };
    if supply == 0 { fee + reserve0 + reserve1 == 0 } else { reserve0 > 0 && reserve1 > 0 && supply >= POOL.2 as i64 }
}

/// What a pool does: paid, paid, received, changes of reserves and supply.
pub fn pool(v: &[i64]) -> Option<Vec<i64>> {
    let [swap, create, add, remove, _, tb, aux, a, b, c, _, fee, r0, r1, supply, lane0, lane1] = v[..] else { return None };
    let (top, unit, locked) = (1 << POOL.0, POOL.1 as i64, POOL.2 as i64);
    let holds = |x: i64| (0..top).contains(&x);
    if !(0..unit).contains(&aux) {
        return None;
    }
    let done = match (swap, create, add, remove) {
        (1, ..) => {
            let (r_in, r_out) = if tb == 1 { (r1, r0) } else { (r0, r1) };
            let gain = a * (unit - fee);
            let out = (gain * r_out).checked_div(r_in * unit + gain)?;
            if tb > 1 || supply == 0 || out == 0 || out < b {
                return None;
            }
            let (d0, d1) = if tb == 1 { (-out, a) } else { (a, -out) };
            vec![a, 0, out, d0, d1, 0]
        }
        (_, 1, ..) => {
            let shares = (0..).find(|s| (s + 1) * (s + 1) > a * b)?;
            if supply != 0 || shares <= locked {
                return None;
            }
            vec![a, b, shares - locked, a, b, shares]
        }
        (_, _, 1, _) => {
            let shares = (a * supply).checked_div(r0)?.min((b * supply).checked_div(r1)?);
            if shares == 0 || !holds(shares - c) {
                return None;
            }
            let cost = |r: i64| (shares * r + supply - 1) / supply;
            vec![cost(r0), cost(r1), shares, cost(r0), cost(r1), shares]
        }
        (_, _, _, 1) => {
            let (back0, back1) = ((a * r0).checked_div(supply)?, (a * r1).checked_div(supply)?);
            if back0 == 0 || back1 == 0 || !holds(back0 - b) || !holds(back1 - c) {
                return None;
            }
            vec![a, back0, back1, -back0, -back1, -a]
        }
        _ => {
            if ![lane0, lane1].iter().all(|lane| (0..32).contains(lane)) {
                return None;
            }
            vec![0; 6]
        }
    };
    (holds(r0 + done[3]) && holds(r1 + done[4]) && holds(supply + done[5])).then_some(done)
}

/// Accounts that can be, by which slots hold something, with some balances; then flags of which callers set what they may, token and amount.
///
/// Slot i holds token i + 2 if it holds any: names of tokens matter to no row, but whether they are the same.
pub fn accounts(flags: usize, most: i64) -> Cases {
    let balances = [(1, 0), (3, 3), (1, 2), (2, 1)];
    let tokens = [0, 1, 2, 3, 4, 6, 9];
    let amounts: Vec<i64> = (0..=most).filter(|amount| *amount < 4 || *amount == most).collect();
    let states = (0..128u32).flat_map(move |held| balances.map(|of| (held, of)));
    Box::new(
        states
            .flat_map(move |(held, (odd, even))| {
                let amounts = amounts.clone();
                let state = state(held, odd, even);
                tokens.into_iter().flat_map(move |token| {
                    let (amounts, state) = (amounts.clone(), state.clone());
                    amounts.into_iter().flat_map(move |amount| {
                        let state = state.clone();
                        product(&vec![2; flags]).map(move |flags| [&state[..], &flags, &[token, amount]].concat())
                    })
                })
            })
            .filter(move |v| may_give(v, flags)),
    )
}

/// Seven tokens and four pairs.
fn state(held: u32, odd: i64, even: i64) -> Vec<i64> {
    let holds = |slot: usize| slot > 0 && (held >> (slot - 1)) & 1 == 1;
    let balance = |slot: usize| match slot {
        0 => even,
        _ if !holds(slot) => 0,
        _ if slot % 2 == 1 => odd,
        // What a slot holds is not nothing.
        _ => even.max(1),
    };
    let tokens = (1..8).map(|slot| if holds(slot) { slot as i64 + 2 } else { 0 });
    let pairs = (0..4).map(|k| balance(2 * k) + (balance(2 * k + 1) << ACCOUNT.spacing));
    tokens.chain(pairs).collect()
}

/// What callers promise: at most one of the flags that say what happens, and where something is moved an amount of at least 1 of some token.
fn may_give(v: &[i64], flags: usize) -> bool {
    let (given, rest) = v[11..].split_at(flags);
    // The last flag of credits says whose they are.
    let acts: i64 = match flags {
        2 if rest.len() == 2 => given[0].max(given[1]),
        4 => given[..3].iter().sum(),
        _ => given[0],
    };
    acts == 0 || (acts == 1 && rest[0] != 0 && rest[1] != 0)
}

/// The account of a case.
fn read(v: &[i64]) -> Account {
    let mut account = Account::EMPTY;
    for (token, value) in account.tokens.iter_mut().zip(v) {
        *token = *value as u32;
    }
    for (k, pair) in v[7..11].iter().enumerate() {
        account.balances[2 * k] = (pair & ((1 << ACCOUNT.spacing) - 1)) as u128;
        account.balances[2 * k + 1] = (pair >> ACCOUNT.spacing) as u128;
    }
    account
}

/// Tokens and pairs of an account, if its balances are in range.
fn written(account: &Account) -> Option<Vec<i64>> {
    let b = &account.balances;
    let pairs = (0..4).map(|k| b[2 * k] as i64 + ((b[2 * k + 1] as i64) << ACCOUNT.spacing));
    let fits = b.iter().all(|balance| *balance < 1 << ACCOUNT.amount);
    fits.then(|| account.tokens.iter().map(|token| i64::from(*token)).chain(pairs).collect())
}

fn named(token: i64, amount: i64) -> Option<(TokenId, Amount)> {
    Some((TokenId::new(token as u32).ok()?, Amount::new(amount as u128).ok()?))
}

/// A debit: where nothing is debited the amount is 0.
pub fn debit(v: &[i64]) -> Option<Vec<i64>> {
    let [on, token, amount] = v[11..] else { return None };
    let mut account = read(v);
    if on == 0 {
        return written(&account).filter(|_| amount == 0);
    }
    let (token, amount) = named(token, amount)?;
    account.debit(token, amount).ok()?;
    written(&account)
}

/// A credit: where nothing is credited the amount is still in range.
pub fn credit(v: &[i64]) -> Option<Vec<i64>> {
    let [on, foreign, token, amount] = v[11..] else { return None };
    let mut account = read(v);
    if on == 0 {
        return written(&account).filter(|_| amount < 1 << ACCOUNT.amount);
    }
    let (token, amount) = named(token, amount)?;
    account.credit(token, amount, if foreign == 1 { Credit::Foreign } else { Credit::Own }).ok()?;
    written(&account)
}

/// A debit or a credit.
pub fn exchange(v: &[i64]) -> Option<Vec<i64>> {
    let [out, into, token, amount] = v[11..] else { return None };
    let mut account = read(v);
    let (token_id, value) = named(token, amount)?;
    match (out, into) {
        (0, 0) => return written(&account).filter(|_| amount < 1 << ACCOUNT.amount),
        (1, 0) => account.debit(token_id, value).ok()?,
        (0, 1) => account.credit(token_id, value, Credit::Own).ok()?,
        _ => return None,
    }
    written(&account)
}

/// A credit, or the proof that there cannot be one.
pub fn deposit(v: &[i64]) -> Option<Vec<i64>> {
    let [on, overflow, full, foreign, token, amount] = v[11..] else { return None };
    let mut account = read(v);
    let same = written(&account);
    let (token_id, value) = named(token, amount)?;
    if on == 1 {
        return credit(&[&v[..11], &[on, foreign, token, amount]].concat());
    }
    if full == 1 {
        let refused = account.slot_of(token_id).is_none() && account.free_slots() < 4;
        return same.filter(|_| refused);
    }
    if overflow == 1 {
        // A token that the account does not hold overflows nothing, whatever the order of the reasons.
        let holds = account.slot_of(token_id)?;
        let _ = account.credit(token_id, value, Credit::Foreign);
        return same.filter(|_| account.balances[holds] >= 1 << ACCOUNT.amount);
    }
    same.filter(|_| amount < 1 << ACCOUNT.amount)
}

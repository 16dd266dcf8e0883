//! The kinds of a single slot and the uniform fields of its transaction (PROTOCOL.md, section 5.1).

use ark_bn254::Fr;
use ark_ff::Zero;

use super::pools::ORDINARY_BITS;
use super::state::index_bits;
use crate::account::constraints::{AMOUNT_BITS, TOKEN_BITS};
use crate::cs::{Cs, Num, fr_from_u128};
use crate::data::INDEX_LIMIT;
use crate::signature::constraints::PointVar;
use crate::transaction::Transaction;
use crate::witness::SingleWitness;

const KIND: &str = "the slot has one kind or none";
const FIELD_RANGE: &str = "fields are within their ranges";
const AMOUNT: &str = "the amounts are at least 1";
const UNUSED: &str = "fields that the kind does not use are zero";
const ORDINARY: &str = "the tokens are ordinary and in order";
const INDEX: &str = "an account's index is made of bits";

/// Bits of an account index in hash inputs and data.
pub const INDEX_BITS: usize = INDEX_LIMIT.trailing_zeros() as usize;

/// Which kind of transaction the slot holds: booleans, at most one is 1.
pub(super) struct Kinds {
    pub(super) deposit: Num,
    pub(super) deposit_new: Num,
    pub(super) swap: Num,
    pub(super) create: Num,
    pub(super) add: Num,
    pub(super) remove: Num,
    pub(super) change_key: Num,
    pub(super) withdraw: Num,
}

impl Kinds {
    pub(super) fn witness(cs: &mut Cs, tx: Option<&Transaction>) -> Self {
        let code = tx.map(Transaction::kind_code);
        let [deposit, deposit_new, swap, create, add, remove, change_key, withdraw] =
            [3, 4, 5, 6, 7, 8, 9, 10].map(|kind| cs.chosen_bit(KIND, "kind", code == Some(kind)));
        let kinds = Self { deposit, deposit_new, swap, create, add, remove, change_key, withdraw };
        // At most one of eight booleans: their sum is boolean.
        cs.enforce_boolean(KIND, &kinds.active());
        kinds
    }

    /// Each kind.
    pub(super) fn all(&self) -> Vec<&Num> {
        let Self { deposit, deposit_new, swap, create, add, remove, change_key, withdraw } = self;
        vec![deposit, deposit_new, swap, create, add, remove, change_key, withdraw]
    }

    /// Both kinds of deposits.
    pub(super) fn deposits(&self) -> Num {
        &self.deposit + &self.deposit_new
    }

    /// Both ways to move liquidity of a pool that exists.
    pub(super) fn liquidity(&self) -> Num {
        &self.add + &self.remove
    }

    /// All kinds that touch a pool.
    pub(super) fn pooled(&self) -> Num {
        Num::sum([&self.swap, &self.create, &self.add, &self.remove])
    }

    /// All kinds that somebody signs.
    pub(super) fn signed(&self) -> Num {
        Num::sum([&self.pooled(), &self.change_key, &self.withdraw])
    }

    /// All kinds.
    pub(super) fn active(&self) -> Num {
        &self.deposits() + &self.signed()
    }

    /// The kind's number in the data, where a refund is `refunded` (with the kind it was for).
    pub(super) fn code(&self, refunded: &Num, refunded_new: &Num) -> Num {
        let refund = Fr::from(11u64);
        Num::weighted([
            (&self.deposit, Fr::from(3u64)),
            (&self.deposit_new, Fr::from(4u64)),
            (&self.swap, Fr::from(5u64)),
            (&self.create, Fr::from(6u64)),
            (&self.add, Fr::from(7u64)),
            (&self.remove, Fr::from(8u64)),
            (&self.change_key, Fr::from(9u64)),
            (&self.withdraw, Fr::from(10u64)),
            (refunded, refund - Fr::from(3u64)),
            (refunded_new, refund - Fr::from(4u64)),
        ])
    }
}

/// The fields. Those that the kind does not use are 0, so that the digest and the data have one reading and no wire is free.
pub(super) struct Fields {
    /// Bits of the leaf's position.
    pub(super) leaf_bits: Vec<Num>,
    /// The index that the position is.
    pub(super) leaf: Num,
    /// The part of the index that lies outside the tree, 0 for a tree of the greatest depth.
    pub(super) outside: Num,
    pub(super) ta: Num,
    pub(super) tb: Num,
    pub(super) aux: Num,
    pub(super) amounts: [Num; 3],
    pub(super) key: PointVar,
    /// The limbs of a destination.
    pub(super) dest: [Num; 2],
}

/// Values of fields.
#[derive(Default)]
struct Values {
    ta: u32,
    tb: u32,
    aux: u16,
    amounts: [u128; 3],
}

impl Values {
    fn of(tx: Option<&Transaction>) -> Self {
        match tx {
            Some(
                Transaction::Deposit { token, amount, .. }
                | Transaction::DepositNew { token, amount, .. }
                | Transaction::Withdraw { token, amount, .. },
            ) => Self { ta: token.get(), amounts: [amount.get(), 0, 0], ..Self::default() },
            Some(Transaction::Swap { pool, direction, amount_in, min_out, .. }) => Self {
                ta: *pool,
                tb: direction.code().into(),
                amounts: [amount_in.get(), min_out.get(), 0],
                ..Self::default()
            },
            Some(Transaction::CreatePool { token0, token1, fee_bp, amount0, amount1, .. }) => {
                Self { ta: token0.get(), tb: token1.get(), aux: *fee_bp, amounts: [amount0.get(), amount1.get(), 0] }
            }
            Some(Transaction::AddLiquidity { pool, max0, max1, min_shares, .. }) => {
                Self { ta: *pool, amounts: [max0.get(), max1.get(), min_shares.get()], ..Self::default() }
            }
            Some(Transaction::RemoveLiquidity { pool, shares, min0, min1, .. }) => {
                Self { ta: *pool, amounts: [shares.get(), min0.get(), min1.get()], ..Self::default() }
            }
            _ => Self::default(),
        }
    }
}

impl Fields {
    pub(super) fn witness(cs: &mut Cs, kinds: &Kinds, witness: &SingleWitness, depth: u8) -> Self {
        let tx = witness.tx.as_ref();
        let values = Values::of(tx);
        let leaf_bits = index_bits(cs, witness.account.index, depth);
        let leaf = Cs::pack(&leaf_bits);
        // Only a deposit can name an account that the tree has no place for.
        let named = match tx {
            Some(Transaction::Deposit { account, .. }) => *account,
            _ => 0,
        };
        let above = named.checked_shr(leaf_bits.len() as u32).unwrap_or(0);
        let outside = match INDEX_BITS.saturating_sub(leaf_bits.len()) {
            0 => Vec::new(),
            more => cs.chosen_bits(INDEX, "account index", above.into(), more),
        };
        let ta = cs.chosen("token or pool", Fr::from(values.ta));
        let ta_bits = cs.bits(FIELD_RANGE, &ta, TOKEN_BITS);
        let tb = cs.chosen("token or direction", Fr::from(values.tb));
        cs.enforce_range(FIELD_RANGE, &tb, ORDINARY_BITS);
        let aux = cs.chosen("fee rate", Fr::from(values.aux));
        let [a, b, c] = values.amounts.map(fr_from_u128);
        let amounts = [cs.chosen("amount", a), cs.chosen("amount or limit", b), cs.chosen("limit", c)];
        // The third amount is bounded by what the transaction yields (see `amm`), or 0.
        cs.enforce_range(FIELD_RANGE, &amounts[0], AMOUNT_BITS);
        cs.enforce_range(FIELD_RANGE, &amounts[1], AMOUNT_BITS);
        let (x, y) = tx.map_or((Fr::zero(), Fr::zero()), Transaction::key);
        let key = PointVar::chosen(cs, "key", x, y);
        let limbs = tx.and_then(Transaction::destination).map_or([Fr::zero(); 2], |d| d.limbs());
        let dest = limbs.map(|limb| cs.chosen("destination", limb));

        let moves = &kinds.active() - &kinds.change_key;
        cs.enforce_nonzero_if(AMOUNT, &moves, &amounts[0]);
        cs.enforce_nonzero_if(AMOUNT, &(&kinds.create + &kinds.add), &amounts[1]);
        let names_token = Num::sum([&kinds.deposits(), &kinds.create, &kinds.withdraw]);
        cs.enforce_nonzero_if(ORDINARY, &names_token, &ta);
        cs.enforce(ORDINARY, &ta_bits[ORDINARY_BITS], &names_token, &Num::zero());
        let gap = cs.mul(ORDINARY, &(&(&tb - &ta) - &Num::one()), &kinds.create);
        cs.enforce_range(ORDINARY, &gap, ORDINARY_BITS);

        let keyed = &kinds.deposit_new + &kinds.change_key;
        let sent = &kinds.deposits() + &kinds.withdraw;
        for (field, used) in [
            (&ta, &moves),
            (&tb, &(&kinds.swap + &kinds.create)),
            (&aux, &kinds.create),
            (&amounts[0], &moves),
            (&amounts[1], &kinds.pooled()),
            (&amounts[2], &kinds.liquidity()),
            (&key.x, &keyed),
            (&key.y, &keyed),
            (&dest[0], &sent),
            (&dest[1], &sent),
        ] {
            cs.enforce(UNUSED, field, &used.not(), &Num::zero());
        }
        let outside = Cs::pack(&outside).shift(leaf_bits.len());
        Self { leaf_bits, leaf, outside, ta, tb, aux, amounts, key, dest }
    }
}

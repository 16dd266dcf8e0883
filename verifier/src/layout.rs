//! What the leaves, the state root and the withdrawals of the protocol hash, in which order (PROTOCOL.md, sections 4 and 6).
//!
//! These layouts are written here and nowhere else: the ledger and the witness of the circuit use them too. Ranges are the caller's: a
//! number wider than its place would run into its neighbour.

use crate::poseidon;
use ark_bn254::Fr;
use ark_ff::{BigInt, PrimeField};

/// The domain tags of the hashes of this module.
pub mod tag {
    /// Added as `2^64 * 1` to the nonce of an account leaf.
    pub const ACCOUNT: u64 = 1;
    /// Pool leaf.
    pub const POOL: u64 = 2;
    /// State root.
    pub const STATE: u64 = 3;
    /// Published data, start.
    pub const DATA_START: u64 = 7;
    /// Withdrawals, one step: the lowest byte of the first element.
    pub const WITHDRAWAL: u64 = 9;
    /// Withdrawals, start.
    pub const WITHDRAWAL_START: u64 = 10;
    /// Published data of several segments.
    pub const DATA_SEGMENTS: u64 = 14;
    /// Withdrawals of several segments.
    pub const WITHDRAWAL_SEGMENTS: u64 = 15;
}

/// Children of a node of the trees.
pub const ARITY: usize = 8;
/// Slots of an account for tokens other than the native one.
pub const TOKEN_SLOTS: usize = 7;
/// Bits between the two balances, or reserves, of one element.
const PAIR_SPACING: usize = 126;

/// `2^exponent` as an element, for `exponent < 254`.
///
/// # Panics
/// If the exponent is 254 or more: exponents are fixed by the caller's code, never by data.
pub fn two_to_the(exponent: usize) -> Fr {
    assert!(exponent < 254, "2^{exponent} is not below the field's order");
    let mut limbs = [0u64; 4];
    limbs[exponent / 64] = 1 << (exponent % 64);
    Fr::from_bigint(BigInt(limbs)).expect("2^253 is below the field's order")
}

/// `sum of value * 2^shift` over the terms. The ranges of section 1 keep the terms from overlapping and the sum below `2^253`.
pub fn pack(terms: &[(u128, usize)]) -> Fr {
    terms.iter().map(|&(value, shift)| Fr::from(value) * two_to_the(shift)).sum()
}

/// The two limbs `hi, lo` of a 32-byte string.
pub fn limbs(bytes: &[u8; 32]) -> [Fr; 2] {
    let (hi, lo) = bytes.split_at(16);
    let read = |half: &[u8]| half.iter().fold(0u128, |x, b| (x << 8) | u128::from(*b));
    [Fr::from(read(hi)), Fr::from(read(lo))]
}

/// The eight elements whose hash is an account leaf: key coordinates, nonce, token ids of slots 1 to 7, balances of slots 0 to 7.
pub fn account_elements(
    (x, y): (Fr, Fr),
    nonce: u64,
    tokens: &[u32; TOKEN_SLOTS],
    balances: &[u128; TOKEN_SLOTS + 1],
) -> [Fr; 8] {
    let mut terms = [(0, 0); TOKEN_SLOTS];
    for (i, (term, token)) in terms.iter_mut().zip(tokens).enumerate() {
        *term = ((*token).into(), 30 * i);
    }
    let pair = |i: usize| pack(&[(balances[i], 0), (balances[i + 1], PAIR_SPACING)]);
    let nonce = pack(&[(nonce.into(), 0), (tag::ACCOUNT.into(), 64)]);
    [x, y, nonce, pack(&terms), pair(0), pair(2), pair(4), pair(6)]
}

/// The four elements whose hash is a pool leaf, the tag first: tokens, fee in basis points, reserves, supply.
pub fn pool_elements(
    (token0, token1): (u32, u32),
    fee_bp: u16,
    (reserve0, reserve1): (u128, u128),
    supply: u128,
) -> [Fr; 4] {
    [
        Fr::from(tag::POOL),
        pack(&[(token0.into(), 0), (token1.into(), 30), (fee_bp.into(), 60)]),
        pack(&[(reserve0, 0), (reserve1, PAIR_SPACING)]),
        Fr::from(supply),
    ]
}

/// What the state root covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of PROTOCOL.md, section 4")]
pub struct StateElements {
    pub account_root: Fr,
    pub pool_root: Fr,
    pub deposit_head: Fr,
    pub next_account: u32,
    pub next_pool: u32,
    pub deposit_count: u64,
    pub chain_id: u32,
    pub batch_number: u64,
    pub account_depth: u8,
    pub pool_depth: u8,
}

impl StateElements {
    /// The state root.
    pub fn root(&self) -> Fr {
        let counters = pack(&[(self.next_account.into(), 0), (self.next_pool.into(), 32), (self.deposit_count.into(), 64)]);
        let meta = pack(&[
            (self.chain_id.into(), 0),
            (self.batch_number.into(), 32),
            (self.account_depth.into(), 80),
            (self.pool_depth.into(), 88),
        ]);
        poseidon::hash(&[Fr::from(tag::STATE), self.account_root, self.pool_root, self.deposit_head, counters, meta])
    }
}

/// `D_0` of a batch, and of each segment of an open one.
pub fn data_start(operator: u32) -> Fr {
    poseidon::hash(&[Fr::from(tag::DATA_START), Fr::from(operator)])
}

/// The root over what each segment of a batch has: of one segment its own, of n several ones `P_3(tag, n, top)`, with the top of a tree of arity 8 that has as few
/// levels as hold n leaves, and 0 in the place of what is not there.
pub fn segments_root(tag: u64, segments: &[Fr]) -> Fr {
    let mut level = segments.to_vec();
    while level.len() > 1 {
        let node = |children: &[Fr]| {
            let mut family = [Fr::from(0u64); ARITY];
            family[..children.len()].copy_from_slice(children);
            poseidon::hash(&family)
        };
        level = level.chunks(ARITY).map(node).collect();
    }
    let top = level.first().copied().unwrap_or_default();
    // A batch has at most 2^16 segments.
    if segments.len() == 1 { top } else { poseidon::hash(&[Fr::from(tag), Fr::from(segments.len() as u64), top]) }
}

/// `W_0` of a batch.
pub fn withdrawals_start(chain_id: u32, batch_number: u64) -> Fr {
    let batch = pack(&[(chain_id.into(), 0), (batch_number.into(), 32)]);
    poseidon::hash(&[Fr::from(tag::WITHDRAWAL_START), batch])
}

/// What one withdrawal adds to the chain of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of PROTOCOL.md, section 6")]
pub struct WithdrawalElements {
    pub account: u32,
    pub token: u32,
    pub amount: u128,
    pub refund: bool,
    pub position: u32,
    pub destination: [u8; 32],
}

impl WithdrawalElements {
    /// `W'`, with `before` the `W` before it.
    pub fn link(&self, before: Fr) -> Fr {
        let p = pack(&[
            (tag::WITHDRAWAL.into(), 0),
            (self.account.into(), 8),
            (self.token.into(), 38),
            (self.amount, 68),
            (self.refund.into(), 164),
            (self.position.into(), 165),
        ]);
        let [hi, lo] = limbs(&self.destination);
        poseidon::hash(&[p, before, hi, lo])
    }
}

/// The root that a leaf and the siblings along its path lead to, from the bottom up: of each node's eight children all but the one on the
/// path, in order.
pub fn root_above(index: u32, leaf: Fr, siblings: impl IntoIterator<Item = [Fr; ARITY - 1]>) -> Fr {
    let mut rest = index;
    siblings.into_iter().fold(leaf, |hash, level| {
        let at = rest as usize % ARITY;
        // What is left of an index below 8^10; a deeper path would find zeros.
        rest >>= 3;
        let mut children = [hash; ARITY];
        children[..at].copy_from_slice(&level[..at]);
        children[at + 1..].copy_from_slice(&level[at..]);
        poseidon::hash(&children)
    })
}

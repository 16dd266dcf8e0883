//! [`Shape`]: what fixes a circuit, and the registry of shapes (PROTOCOL.md, section 11); [`SegmentShape`] and [`StateShape`]: those of parts of open batches.

mod part;

use thiserror::Error;

use crate::memory::constraints::Room;
use crate::memory::time_bits;
use crate::tree::MAX_DEPTH;

pub use part::{PartShapes, SegmentShape, StateShape};

/// Version of the circuit that this crate builds; it enters the identity of a verifying key.
pub const CIRCUIT_VERSION: u32 = 3;
/// The deepest pool tree: a share token's id leaves 29 bits to the pool's index.
pub const MAX_POOL_DEPTH: u8 = 9;

/// The kind of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// Two accounts: transfers.
    Pair,
    /// One account: everything else.
    Single,
}

impl SlotKind {
    /// The letter of the registry.
    pub const fn letter(self) -> char {
        match self {
            Self::Pair => 'P',
            Self::Single => 'S',
        }
    }
}

/// Why a shape cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A depth that indices have no room for, or no depth at all.
    #[error("{tree} depth is {had}, needed 1 to {largest}")]
    Depth {
        /// Which tree.
        tree: &'static str,
        /// The depth.
        had: u8,
        /// The largest depth.
        largest: u8,
    },
    /// Less room than one transaction may need, or more than the tree has.
    #[error("room for {had} {what} a batch, needed {least} to {largest}")]
    Room {
        /// Cells of accounts or pools, or nodes.
        what: &'static str,
        /// The room.
        had: usize,
        /// What any transaction of the shape's slots, and the operator's account, find room in.
        least: usize,
        /// What the trees have, or what a circuit can count.
        largest: u64,
    },
    /// No slots.
    #[error("a shape needs at least one slot")]
    NoSlots,
    /// More slots or fee tokens than a batch can number.
    #[error("{had} {what} are too many, the limit is {largest}")]
    TooMany {
        /// Slots or fee tokens.
        what: &'static str,
        /// The count.
        had: usize,
        /// The limit.
        largest: usize,
    },
}

/// The parameters of a circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Its name in the registry.
    pub name: String,
    /// Depth of the account tree.
    pub account_depth: u8,
    /// Depth of the pool tree.
    pub pool_depth: u8,
    /// The slots, in order.
    pub slots: Vec<SlotKind>,
    /// Accounts that a batch can touch, the operator's among them.
    pub accounts: usize,
    /// Pools that a batch can touch.
    pub pools: usize,
    /// Nodes of both trees above what a batch touches.
    pub nodes: usize,
    /// Tokens in which a batch can charge fees, at most [`MAX_FEE_TOKENS`].
    pub fee_tokens: usize,
}

/// A row of the registry.
struct Row {
    name: &'static str,
    depths: (u8, u8),
    /// Slots, as often as the number says, one group after the other.
    slots: &'static [(usize, &'static str)],
    accounts: usize,
    pools: usize,
    nodes: usize,
    fee_tokens: usize,
}

/// Room for accounts, pools and nodes: what a batch with all slots in use touches where a million accounts are drawn evenly, and so that 97 % of
/// the rows are in use.
const REGISTRY: [Row; 6] = [
    Row { name: "tiny", depths: (2, 1), slots: &[(2, "SP")], accounts: 7, pools: 2, nodes: 6, fee_tokens: 2 },
    Row { name: "small", depths: (10, 5), slots: &[(5, "SSP")], accounts: 21, pools: 2, nodes: 119, fee_tokens: 3 },
    Row {
        name: "transfers-20",
        depths: (10, 5),
        slots: &[(4, "PPPPPPPPPPPPPPPS"), (1, "PP")],
        accounts: 129,
        pools: 1,
        nodes: 526,
        fee_tokens: 4,
    },
    Row {
        name: "swaps-20",
        depths: (10, 5),
        slots: &[(12, "SSSSSP"), (4, "S")],
        accounts: 89,
        pools: 4,
        nodes: 390,
        fee_tokens: 4,
    },
    Row {
        name: "mixed-20",
        depths: (10, 5),
        slots: &[(35, "SP"), (1, "S")],
        accounts: 107,
        pools: 4,
        nodes: 456,
        fee_tokens: 4,
    },
    Row {
        name: "transfers-22",
        depths: (10, 5),
        slots: &[(16, "PPPPPPPPPPPPPPPPS"), (20, "P")],
        accounts: 569,
        pools: 1,
        nodes: 1890,
        fee_tokens: 8,
    },
];

/// Rows of each registered shape at [`CIRCUIT_VERSION`], and SHA-256 of its matrices: what key files name. `benches/matrices.csv` has the same, and a test there
/// records all circuits anew.
const MATRICES: [(&str, usize, &str); 6] = [
    ("tiny", 45_677, "12ff661a013491f5bf659bb54dc20f1c86c954065c6b4674aa09db615b0dcbdc"),
    ("small", 250_646, "3a51af2cd5b3ee413b2e884e58f1aca00f69d4f37326d0eb0b9ea7e70028960a"),
    ("transfers-20", 1_046_487, "526ae25fba7f5715157d4241e03a9a1423265c88164bd448e1d78cfc1399d660"),
    ("swaps-20", 1_045_969, "dd5003a7cd85c54fa3a70373ea46dfeeffec32024de3b235969b644dc62a8fa4"),
    ("mixed-20", 1_047_359, "72cc866ae6c3c7b548ad7d4818a17a8338eb19e0f3dffe047c2c32657091f727"),
    ("transfers-22", 4_185_125, "3a7e45c72be39e764111beba3dd1fe114c611f2f83244bb1913a68ffc2281c2a"),
];

/// The most slots of a shape, and so the most transactions and withdrawals of a batch. Exit proofs count on it.
pub const MAX_TRANSACTIONS: usize = 1 << 20;
/// The most fee tokens of a shape: an account can take no more, and they stand in one absorbed element.
pub const MAX_FEE_TOKENS: usize = 8;
/// The most nodes of a shape: far more than a circuit has room for, and what the soundness argument counts on (MEMORY.md, section 9).
const MAX_NODES: u64 = 1 << 20;

impl Shape {
    /// The registered shape of that name.
    pub fn registered(name: &str) -> Option<Self> {
        REGISTRY.iter().find(|row| row.name == name).map(Self::from_row)
    }

    /// All registered shapes.
    pub fn all() -> Vec<Self> {
        REGISTRY.iter().map(Self::from_row).collect()
    }

    fn from_row(row: &Row) -> Self {
        let Row { name, depths: (account_depth, pool_depth), slots, accounts, pools, nodes, fee_tokens } = *row;
        let slots = slots_of(slots);
        Self { name: name.into(), account_depth, pool_depth, slots, accounts, pools, nodes, fee_tokens }
    }

    /// The hash of the matrices of a registered shape, without recording its circuit; `None` for any other shape.
    pub fn registered_matrices(&self) -> Option<[u8; 32]> {
        let mut hash = [0; 32];
        hex::decode_to_slice(self.registered_circuit()?.1, &mut hash).ok()?;
        Some(hash)
    }

    /// The rows of a registered shape's circuit, without recording it; `None` for any other shape.
    pub fn registered_rows(&self) -> Option<usize> {
        self.registered_circuit().map(|(rows, _)| rows)
    }

    fn registered_circuit(&self) -> Option<(usize, &'static str)> {
        if Self::registered(&self.name).as_ref() != Some(self) {
            return None;
        }
        MATRICES.iter().find(|(name, ..)| *name == self.name).map(|(_, rows, hash)| (*rows, *hash))
    }

    /// The slots as the registry writes them, such as `SPSP`.
    pub fn letters(&self) -> String {
        self.slots.iter().map(|slot| slot.letter()).collect()
    }

    /// Number of slots of a kind.
    pub fn count(&self, kind: SlotKind) -> usize {
        self.slots.iter().filter(|slot| **slot == kind).count()
    }

    /// Whether a ledger and a circuit of this shape can exist.
    ///
    /// # Errors
    /// [`ShapeError`] names the first parameter that is out of range.
    pub fn check(&self) -> Result<(), ShapeError> {
        check_depths(self.account_depth, self.pool_depth)?;
        if self.slots.is_empty() {
            return Err(ShapeError::NoSlots);
        }
        for (what, had, largest) in
            [("slots", self.slots.len(), MAX_TRANSACTIONS), ("fee tokens", self.fee_tokens, MAX_FEE_TOKENS)]
        {
            if had > largest {
                return Err(ShapeError::TooMany { what, had, largest });
            }
        }
        // The operator's account and those of one transaction.
        let accounts = if self.count(SlotKind::Pair) > 0 { 3 } else { 2 };
        let leaves = |depth: u8| 1u64 << (3 * u32::from(depth));
        let accounts = leaves(self.account_depth).min(accounts) as usize;
        let above = |leaves: usize, depth: u8| -> usize {
            (1..=u32::from(depth)).map(|level| leaves.min(1 << (3 * (u32::from(depth) - level)))).sum()
        };
        let nodes = above(accounts, self.account_depth) + above(self.pools.min(1), self.pool_depth);
        for (what, had, least, largest) in [
            ("accounts", self.accounts, accounts, leaves(self.account_depth)),
            ("pools", self.pools, 0, leaves(self.pool_depth)),
            ("nodes", self.nodes, nodes, MAX_NODES),
        ] {
            if had < least || had as u64 > largest {
                return Err(ShapeError::Room { what, had, least, largest });
            }
        }
        Ok(())
    }

    /// What its circuit has for cells and nodes.
    pub fn room(&self) -> Room {
        Room {
            account_depth: self.account_depth,
            pool_depth: self.pool_depth,
            // A shape has at most 2^20 slots.
            time_bits: time_bits(2 * self.slots.len() as u32 + 1),
            accounts: self.accounts,
            pools: self.pools,
            nodes: self.nodes,
        }
    }
}

/// Groups of letters, as often as their numbers say.
fn slots_of(groups: &[(usize, &str)]) -> Vec<SlotKind> {
    let kind = |letter| if letter == 'P' { SlotKind::Pair } else { SlotKind::Single };
    groups.iter().flat_map(|(times, letters)| letters.repeat(*times).chars().map(kind).collect::<Vec<_>>()).collect()
}

/// Whether trees of these depths can exist.
///
/// # Errors
/// [`ShapeError::Depth`] if not.
pub fn check_depths(account_depth: u8, pool_depth: u8) -> Result<(), ShapeError> {
    for (tree, had, largest) in [("account", account_depth, MAX_DEPTH), ("pool", pool_depth, MAX_POOL_DEPTH)] {
        if had == 0 || had > largest {
            return Err(ShapeError::Depth { tree, had, largest });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_is_the_file_for_clients() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../test-vectors/shapes.json");
        let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let ours: Vec<_> = Shape::all()
            .iter()
            .map(|s| {
                serde_json::json!({
                    "name": s.name, "account_depth": s.account_depth, "pool_depth": s.pool_depth,
                    "slots": s.letters(), "accounts": s.accounts, "pools": s.pools, "nodes": s.nodes,
                    "fee_tokens": s.fee_tokens,
                })
            })
            .collect();
        assert_eq!(file["shapes"], serde_json::Value::Array(ours));
    }

    #[test]
    fn registered_shapes_can_be_built_and_others_are_refused() {
        for shape in Shape::all() {
            shape.check().unwrap();
            assert_eq!(Shape::registered(&shape.name), Some(shape));
        }
        assert_eq!(Shape::registered("none"), None);
        let with = |f: &dyn Fn(&mut Shape)| {
            let mut shape = Shape::registered("tiny").unwrap();
            f(&mut shape);
            shape.check().unwrap_err()
        };
        assert!(matches!(with(&|s| s.account_depth = 11), ShapeError::Depth { had: 11, .. }));
        assert!(matches!(with(&|s| s.pool_depth = 0), ShapeError::Depth { had: 0, .. }));
        assert!(matches!(with(&|s| s.pools = 9), ShapeError::Room { what: "pools", largest: 8, .. }));
        assert!(matches!(with(&|s| s.accounts = 2), ShapeError::Room { what: "accounts", least: 3, .. }));
        // Three accounts below three nodes and the root; a pool's root.
        assert!(matches!(with(&|s| s.nodes = 4), ShapeError::Room { what: "nodes", least: 5, .. }));
        assert!(matches!(with(&|s| s.slots.clear()), ShapeError::NoSlots));
        assert!(matches!(with(&|s| s.fee_tokens = 9), ShapeError::TooMany { .. }));
    }
}

//! [`Shape`]: what fixes a circuit, and the registry of shapes (PROTOCOL.md, section 11).

use thiserror::Error;

use crate::tree::MAX_DEPTH;

/// Version of the circuit that this crate builds; it enters the identity of a verifying key.
pub const CIRCUIT_VERSION: u32 = 2;
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
    /// More pools than the tree has leaves.
    #[error("{pools} pools a batch, but the pool tree has {leaves} leaves")]
    Pools {
        /// Pools a batch.
        pools: usize,
        /// Leaves of the pool tree.
        leaves: u64,
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
    /// Pools that a batch can touch.
    pub pools: usize,
    /// Tokens in which a batch can charge fees.
    pub fee_tokens: usize,
}

/// A row of the registry: name, account depth, pool depth, slots, pools, fee tokens.
type Row = (&'static str, u8, u8, &'static str, usize, usize);

const REGISTRY: [Row; 5] = [
    ("tiny", 2, 1, "SPSP", 2, 2),
    ("small", 10, 5, "SSPSSPSSPSSP", 2, 3),
    ("transfers-20", 10, 5, "PPPPPSPPPPPSPPPPPSPPPPPSPPPPPSPPPPPSPPPPPSPPPPS", 2, 4),
    ("swaps-20", 10, 5, "SSSSSPSSSSSPSSSSSPSSSSSPSSSSSPSSSSSPSSSSSPSSSSSPSSSSSPSSSSS", 4, 4),
    ("mixed-20", 10, 5, "SPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSPSS", 4, 4),
];

/// Rows of each registered shape at [`CIRCUIT_VERSION`], and SHA-256 of its matrices: what key files name. `benches/matrices.csv` has the same, and a test there
/// records all circuits anew.
const MATRICES: [(&str, usize, &str); 5] = [
    ("tiny", 47_685, "6f9ae3c2a1c8275396b782c528f6f227b29492d78922c7e18095338f6944ad56"),
    ("small", 241_602, "50d0f185128efc1b69a4d0a0f07c9b2c06f4242071a53013b4574954951903f4"),
    ("transfers-20", 1_045_455, "8866a0fa335037d57739939f93a94f22842003e2cc3fa05b1446091d0c4f4154"),
    ("swaps-20", 1_040_542, "502ae1521f091b94d978be34babea5f6a416803c44d96db21b69cbcce5c71c3c"),
    ("mixed-20", 1_038_888, "0c2c7cb44987ef7841d2a3e862fcecdcc03dc7c829bfda67b408cdf256165cdf"),
];

/// The most slots of a shape, and so the most transactions and withdrawals of a batch; as many fee tokens. Exit proofs count on it.
pub const MAX_TRANSACTIONS: usize = 1 << 20;

impl Shape {
    /// The registered shape of that name.
    pub fn registered(name: &str) -> Option<Self> {
        REGISTRY.iter().find(|row| row.0 == name).map(Self::from_row)
    }

    /// All registered shapes.
    pub fn all() -> Vec<Self> {
        REGISTRY.iter().map(Self::from_row).collect()
    }

    fn from_row(&(name, account_depth, pool_depth, letters, pools, fee_tokens): &Row) -> Self {
        let kind = |letter| if letter == 'P' { SlotKind::Pair } else { SlotKind::Single };
        let slots = letters.chars().map(kind).collect();
        Self { name: name.into(), account_depth, pool_depth, slots, pools, fee_tokens }
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
        let leaves = 1u64 << (3 * self.pool_depth);
        if self.pools as u64 > leaves {
            return Err(ShapeError::Pools { pools: self.pools, leaves });
        }
        if self.slots.is_empty() {
            return Err(ShapeError::NoSlots);
        }
        for (what, had) in [("slots", self.slots.len()), ("fee tokens", self.fee_tokens)] {
            if had > MAX_TRANSACTIONS {
                return Err(ShapeError::TooMany { what, had, largest: MAX_TRANSACTIONS });
            }
        }
        Ok(())
    }
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
                    "slots": s.letters(), "pools": s.pools, "fee_tokens": s.fee_tokens,
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
        assert!(matches!(with(&|s| s.pools = 9), ShapeError::Pools { .. }));
        assert!(matches!(with(&|s| s.slots.clear()), ShapeError::NoSlots));
        assert!(matches!(with(&|s| s.fee_tokens = 1 << 21), ShapeError::TooMany { .. }));
    }
}

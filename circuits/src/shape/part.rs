//! The shapes of an open batch's parts (MEMORY.md, section 12).

use super::{ShapeError, SlotKind, slots_of};
use crate::tree::MAX_DEPTH;

/// The most slots of a segment, so that the times of a batch have 32 bits.
const MAX_SLOTS: usize = 1 << 15;
/// The most cells or nodes of a state part: far more than a circuit has room for.
const MAX_ROOM: usize = 1 << 20;

/// The shapes of an open batch's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartShapes {
    /// The name of the set.
    pub name: String,
    /// Those that segments may have.
    pub segments: Vec<SegmentShape>,
    /// That of state parts while there are cells.
    pub cells: StateShape,
    /// That of state parts for the nodes that are left.
    pub nodes: StateShape,
}

/// Slots, as often as the number says, one group after the other.
type Groups = &'static [(usize, &'static str)];

/// A registered set.
struct Row {
    name: &'static str,
    account_depth: u8,
    segments: &'static [(&'static str, Groups)],
    /// Name, accounts, pools, nodes.
    cells: (&'static str, usize, usize, usize),
    nodes: (&'static str, usize, usize, usize),
}

/// Segments for transfers alone, for transfers with some of everything else, and for as much of one as of the other.
const REGISTRY: [Row; 3] = [
    Row {
        name: "parts-tiny",
        account_depth: 2,
        segments: &[("segment-tiny", &[(1, "SP")])],
        cells: ("cells-tiny", 2, 1, 1),
        nodes: ("nodes-tiny", 0, 0, 2),
    },
    Row {
        name: "parts-18",
        account_depth: 10,
        segments: &[("transfers-segment-18", &[(42, "P")]), ("mixed-segment-18", &[(18, "SP"), (1, "P")])],
        cells: ("cells-18", 263, 2, 0),
        nodes: ("nodes-18", 0, 0, 267),
    },
    Row {
        name: "parts-20",
        account_depth: 10,
        segments: &[
            ("transfers-segment-20", &[(172, "P")]),
            ("payments-segment-20", &[(8, "PPPPPPPPPPPPPPPPPPPPS"), (1, "P")]),
            ("mixed-segment-20", &[(74, "SP"), (2, "P")]),
        ],
        cells: ("cells-20", 1058, 7, 0),
        nodes: ("nodes-20", 0, 0, 1073),
    },
];

/// Rows of each registered part at the circuit's version, and SHA-256 of its matrices; as those of shapes of batches.
const MATRICES: [(&str, usize, &str); 12] = [
    ("segment-tiny", 17_423, "0cf7590dd04649bcd8aa750566529b845d5e583ce77a347a268796cafa2a55ee"),
    ("cells-tiny", 4_136, "283e13f0495976b9e5617e1db4103b5bf2cb6262bab2cd06250c677c7353b46e"),
    ("nodes-tiny", 2_363, "d5afdf808c3afeb40b8479fec14946abfd5be433595dbbf866ebbe2429b546d8"),
    ("transfers-segment-18", 258_786, "5c1dc142418e0b77b2db80233cd428d8dcb9fb26808ed07fa0ffe5d0cd78fdab"),
    ("mixed-segment-18", 260_545, "c28e90d3d72a02e17b2884c1edac5ba9a288d9819f65ab71e79ba4882314330e"),
    ("cells-18", 260_414, "d4bc75ed28fd77e8b2d6f62e790b6e55075f7bd3928998f0e52402c51907572e"),
    ("nodes-18", 260_837, "fc3044158418e414a9453fbc0f100b6aa94caeb5f354a7be97c32a3956a514eb"),
    ("transfers-segment-20", 1_048_114, "7d0ed847163f80e66da70effeb95781d20b60821ddf4c028f31143b980c4fe07"),
    ("payments-segment-20", 1_044_292, "bfff01631ae74ccf963a80fba15a931dfc7a154c8c883168e3628ced6ff60dbc"),
    ("mixed-segment-20", 1_047_111, "7b0a354f7a1fa803fe6d03b44c00c4c1d6c08116fbe6bab6d0d3b928758711f5"),
    ("cells-20", 1_046_708, "0b2a924217d3b845f93a8c8ad9cfe5483a3dfbc0a94dcc074169b21bc3417aaa"),
    ("nodes-20", 1_047_227, "aedc5d2e10311a5f7db8c963ba4b2b6ae8555446907f58b7a01e5174b910e3c4"),
];

impl PartShapes {
    /// The registered set of that name.
    pub fn registered(name: &str) -> Option<Self> {
        REGISTRY.iter().find(|row| row.name == name).map(Self::from_row)
    }

    /// All registered sets.
    pub fn all() -> Vec<Self> {
        REGISTRY.iter().map(Self::from_row).collect()
    }

    /// Whether batches can be put together of such parts: those that touch pools, if `pools`.
    ///
    /// # Errors
    /// [`ShapeError`] names what is out of range, or what there is no room for.
    pub fn check(&self, pools: bool) -> Result<(), ShapeError> {
        if self.segments.is_empty() {
            return Err(ShapeError::NoSlots);
        }
        self.segments.iter().try_for_each(SegmentShape::check)?;
        self.cells.check()?;
        self.nodes.check()?;
        // Every batch touches the operator's account, and has nodes above it.
        for (what, had, least) in [
            ("accounts", self.cells.accounts, 1),
            ("pools", self.cells.pools, usize::from(pools)),
            ("nodes", self.nodes.nodes, 1),
        ] {
            if had < least {
                return Err(ShapeError::Room { what, had, least, largest: MAX_ROOM as u64 });
            }
        }
        Ok(())
    }

    fn from_row(row: &Row) -> Self {
        let state = |(name, accounts, pools, nodes): (&str, usize, usize, usize)| StateShape {
            name: name.into(),
            accounts,
            pools,
            nodes,
        };
        let segment = |(name, slots): &(&str, Groups)| SegmentShape {
            name: (*name).into(),
            account_depth: row.account_depth,
            slots: slots_of(slots),
        };
        let segments = row.segments.iter().map(segment).collect();
        Self { name: row.name.into(), segments, cells: state(row.cells), nodes: state(row.nodes) }
    }
}

/// The hash of the matrices of a registered part and its rows, by its name.
fn registered_circuit(name: &str) -> Option<(usize, [u8; 32])> {
    let (_, rows, hash) = MATRICES.iter().find(|(had, ..)| *had == name)?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(hash, &mut bytes).ok()?;
    Some((*rows, bytes))
}

/// The parameters of a segment's circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SegmentShape {
    /// Its name.
    pub name: String,
    /// Depth of the account tree.
    pub account_depth: u8,
    /// The slots, in order.
    pub slots: Vec<SlotKind>,
}

/// The parameters of a state part's circuit. It serves trees of any depth.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StateShape {
    /// Its name.
    pub name: String,
    /// Cells of accounts.
    pub accounts: usize,
    /// Cells of pools.
    pub pools: usize,
    /// Node slots.
    pub nodes: usize,
}

impl SegmentShape {
    /// Whether a circuit of this shape can exist.
    ///
    /// # Errors
    /// [`ShapeError`] names the parameter that is out of range.
    pub fn check(&self) -> Result<(), ShapeError> {
        if !(1..=MAX_DEPTH).contains(&self.account_depth) {
            return Err(ShapeError::Depth { tree: "account", had: self.account_depth, largest: MAX_DEPTH });
        }
        match self.slots.len() {
            0 => Err(ShapeError::NoSlots),
            had if had > MAX_SLOTS => Err(ShapeError::TooMany { what: "slots", had, largest: MAX_SLOTS }),
            _ => Ok(()),
        }
    }

    /// The hash of its matrices and its rows, if it is registered, without recording its circuit.
    pub fn registered_circuit(&self) -> Option<(usize, [u8; 32])> {
        let registered = PartShapes::all().into_iter().flat_map(|set| set.segments).any(|shape| shape == *self);
        if registered { registered_circuit(&self.name) } else { None }
    }

    /// How many times it has: two for each slot and one for the operator's access.
    pub fn span(&self) -> u32 {
        // A segment has at most 2^15 slots.
        2 * self.slots.len() as u32 + 1
    }
}

impl StateShape {
    /// The hash of its matrices and its rows, if it is registered, without recording its circuit.
    pub fn registered_circuit(&self) -> Option<(usize, [u8; 32])> {
        let registered = PartShapes::all().into_iter().flat_map(|set| [set.cells, set.nodes]).any(|shape| shape == *self);
        if registered { registered_circuit(&self.name) } else { None }
    }

    /// Whether a circuit of this shape can exist.
    ///
    /// # Errors
    /// [`ShapeError`] names the parameter that is out of range.
    pub fn check(&self) -> Result<(), ShapeError> {
        let rooms = [("accounts", self.accounts), ("pools", self.pools), ("nodes", self.nodes)];
        let too_large = rooms.into_iter().find(|(_, had)| *had > MAX_ROOM);
        too_large.map_or(Ok(()), |(what, had)| Err(ShapeError::Room { what, had, least: 0, largest: MAX_ROOM as u64 }))
    }
}

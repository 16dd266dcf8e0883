//! What the elements of each hash are made of, as PROTOCOL.md has it (sections 4 to 7), and what a batch absorbs, as MEMORY.md has it (sections 3, 7 and 8). The audit
//! compares it with what the rows enforce.
//!
//! These numbers are the page's and not the circuit's: a test reads them from there.

use crate::cs::{Hash, ONE};
use crate::field::tag;

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::memory::constraints::Room;
use crate::memory::transcript;
use crate::shape::{Shape, SlotKind};

/// How many bits a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// As many, neither more nor less.
    Exactly(usize),
    /// As many at most: kinds and positions, which are counted and not chosen.
    AtMost(usize),
    /// The bits of an index that a path of the account tree has.
    Path,
    /// A number between minus and plus two to this power.
    Signed(usize),
}

/// A field of an element: name, lowest bit, how many bits.
pub type Field = (&'static str, usize, Bits);

/// An element of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// The hash's tag.
    Tag,
    /// A value that fills the element, or is unpacked elsewhere.
    Whole,
    /// Fields at places of their own.
    Packed(&'static [Field]),
}

/// A role of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: &'static str,
    /// Its elements.
    pub elements: &'static [Element],
    /// Whether hashes of it come in pairs, of which the second is of what is written and not of what is read.
    pub written: bool,
}

use Bits::{AtMost, Exactly, Path, Signed};
use Element::{Packed, Tag, Whole};

/// Bits between the two balances of a pair in a leaf.
pub const PAIR_SPACING: usize = 126;

const STATE: Role = Role {
    name: "state root",
    elements: &[
        Tag,
        Whole,
        Whole,
        Whole,
        Packed(&[("next_account", 0, Exactly(32)), ("next_pool", 32, Exactly(32)), ("deposit_count", 64, Exactly(48))]),
        Packed(&[("chain_id", 0, Exactly(32)), ("batch_number", 32, Exactly(48))]),
    ],
    written: false,
};

const TOKENS: &[Field] = &[
    ("t_1", 0, Exactly(30)),
    ("t_2", 30, Exactly(30)),
    ("t_3", 60, Exactly(30)),
    ("t_4", 90, Exactly(30)),
    ("t_5", 120, Exactly(30)),
    ("t_6", 150, Exactly(30)),
    ("t_7", 180, Exactly(30)),
];

/// An account as it is read.
pub const ACCOUNT: Role = Role {
    name: "account leaf",
    elements: &[Whole, Whole, Packed(&[("nonce", 0, Exactly(64))]), Packed(TOKENS), Whole, Whole, Whole, Whole],
    written: false,
};

/// A pool as it is read.
pub const POOL_READ: Role = Role {
    name: "pool that is read",
    elements: &[
        Packed(&[("token0", 0, Exactly(29)), ("token1", 30, Exactly(29)), ("fee", 60, Exactly(14))]),
        Whole,
        Whole,
        Whole,
    ],
    written: false,
};

const POOL: Role = Role {
    name: "pool leaf",
    elements: &[Tag, Whole, Packed(&[("reserve0", 0, Exactly(96)), ("reserve1", 126, Exactly(96))]), Whole],
    written: true,
};

const TERMS: Element = Packed(&[
    ("fee_token", 0, Exactly(30)),
    ("fee", 30, Exactly(96)),
    ("nonce", 126, Exactly(64)),
    ("expiry", 190, Exactly(48)),
]);

const PAIR: Role = Role {
    name: "digest of a pair transaction",
    elements: &[
        Tag,
        Whole,
        Packed(&[
            ("kind", 0, AtMost(8)),
            ("from", 8, Path),
            ("to", 38, Path),
            ("token", 68, Exactly(30)),
            ("amount", 98, Exactly(96)),
            ("chain_id", 194, Exactly(32)),
        ]),
        TERMS,
        Whole,
        Whole,
    ],
    written: false,
};

const SINGLE: Role = Role {
    name: "digest of a single transaction",
    elements: &[
        Tag,
        Whole,
        Packed(&[
            ("kind", 0, AtMost(8)),
            ("account", 8, Exactly(30)),
            ("ta", 38, Exactly(30)),
            ("tb", 68, Exactly(29)),
            ("amt0", 98, Exactly(96)),
            ("aux", 194, Exactly(14)),
            ("chain_id", 208, Exactly(32)),
        ]),
        TERMS,
        Packed(&[("amt1", 0, Exactly(96)), ("amt2", 96, Signed(96))]),
        Whole,
        Whole,
        Whole,
        Whole,
    ],
    written: false,
};

const DEPOSIT: Role = Role {
    name: "deposit queue",
    elements: &[
        Tag,
        Whole,
        Packed(&[
            ("index", 0, Exactly(48)),
            ("vout", 48, Exactly(32)),
            ("account", 80, Exactly(30)),
            ("token", 110, Exactly(30)),
            ("amount", 140, Exactly(96)),
            ("new", 236, Exactly(1)),
        ]),
        Whole,
        Whole,
        Whole,
        Whole,
        Whole,
        Whole,
    ],
    written: false,
};

const DATA_OF_PAIR: Role = Role {
    name: "published data of a pair transaction",
    elements: &[
        Tag,
        Whole,
        Packed(&[
            ("kind", 0, AtMost(8)),
            ("from", 8, Path),
            ("to", 38, Path),
            ("token", 68, Exactly(30)),
            ("amount", 98, Exactly(96)),
        ]),
        Packed(&[("fee_token", 0, Exactly(30)), ("fee", 30, Exactly(96))]),
        Whole,
        Whole,
    ],
    written: false,
};

const DATA_OF_SINGLE: Role = Role {
    name: "published data of a single transaction",
    elements: &[
        Tag,
        Whole,
        Packed(&[
            ("kind", 0, AtMost(8)),
            ("account", 8, Exactly(30)),
            ("ta", 38, Exactly(30)),
            ("tb", 68, Exactly(29)),
            ("amt0", 98, Exactly(96)),
            ("aux", 194, Exactly(14)),
        ]),
        Packed(&[("fee_token", 0, Exactly(30)), ("fee", 30, Exactly(96)), ("m", 126, Exactly(96))]),
        Whole,
        Whole,
    ],
    written: false,
};

const DATA_START: Role =
    Role { name: "start of the published data", elements: &[Tag, Packed(&[("operator", 0, Path)])], written: false };

const WITHDRAWAL: Role = Role {
    name: "withdrawal",
    elements: &[
        Packed(&[
            ("tag", 0, AtMost(8)),
            ("account", 8, Exactly(30)),
            ("token", 38, Exactly(30)),
            ("amount", 68, Exactly(96)),
            ("refund", 164, Exactly(1)),
            ("position", 165, AtMost(32)),
        ]),
        Whole,
        Whole,
        Whole,
    ],
    written: false,
};

const WITHDRAWALS_START: Role = Role {
    name: "start of the withdrawals",
    elements: &[Tag, Packed(&[("chain_id", 0, Exactly(32)), ("batch_number", 32, Exactly(48))])],
    written: false,
};

const NODE: Role = Role { name: "node of a tree, leaf of an account", elements: &[Whole; 8], written: false };
const RHO: Role = Role { name: "challenge of the batch", elements: &[Tag, Whole, Whole], written: false };
const ALPHA: Role = Role { name: "base of the fingerprints", elements: &[Tag, Whole], written: false };
const CHALLENGE: Role = Role { name: "challenge of a signature", elements: &[Whole; 5], written: false };
const STATEMENT: Role = Role { name: "statement", elements: &[Whole; 7], written: false };

/// All roles that a batch has.
pub const ROLES: [Role; 17] = [
    STATE,
    ACCOUNT,
    POOL_READ,
    POOL,
    PAIR,
    SINGLE,
    DEPOSIT,
    DATA_OF_PAIR,
    DATA_OF_SINGLE,
    DATA_START,
    WITHDRAWAL,
    WITHDRAWALS_START,
    NODE,
    RHO,
    ALPHA,
    CHALLENGE,
    STATEMENT,
];

/// The role of a hash whose first element is this once the case is decided; `None` for a hash that the page does not know.
pub fn role(hash: &Hash, first: &[(u32, Fr)], is_pair: bool) -> Option<&'static Role> {
    let constant = match first {
        [] => Some(Fr::zero()),
        [(ONE, c)] => Some(*c),
        _ => None,
    };
    let tagged = |tag: u64| constant == Some(Fr::from(tag));
    let begins = |tag: u64| constant.is_none() && first.iter().any(|(wire, c)| *wire == ONE && *c == Fr::from(tag));
    let name = match hash.inputs.len() {
        2 if tagged(tag::DATA_START) => DATA_START.name,
        2 if tagged(tag::WITHDRAWAL_START) => WITHDRAWALS_START.name,
        2 if tagged(transcript::tag::ALPHA) => ALPHA.name,
        3 if tagged(transcript::tag::RHO) => RHO.name,
        4 if tagged(tag::POOL) => POOL.name,
        4 if begins(tag::WITHDRAWAL) => WITHDRAWAL.name,
        5 => CHALLENGE.name,
        6 if tagged(tag::STATE) => STATE.name,
        6 if tagged(tag::PAIR) => PAIR.name,
        6 if tagged(tag::DATA) && is_pair => DATA_OF_PAIR.name,
        6 if tagged(tag::DATA) => DATA_OF_SINGLE.name,
        7 => STATEMENT.name,
        8 => NODE.name,
        9 if tagged(tag::SINGLE) => SINGLE.name,
        9 if tagged(tag::DEPOSIT) => DEPOSIT.name,
        _ => return None,
    };
    ROLES.iter().find(|role| role.name == name)
}

/// What one absorbed element is made of; none for one that is a value of its own.
pub type Absorbed = Vec<Field>;

/// Fields one after the other, lowest first.
fn one_after_the_other(parts: impl IntoIterator<Item = (&'static str, usize, Bits)>) -> Absorbed {
    let mut shift = 0;
    let at = |(name, places, bits): (&'static str, usize, Bits)| {
        let field = (name, shift, bits);
        shift += places;
        field
    };
    parts.into_iter().map(at).collect()
}

/// All that a batch of a shape absorbs, in order: MEMORY.md, sections 7 and 8.
pub fn absorbed(shape: &Shape) -> Vec<Absorbed> {
    let Room { time_bits: w, accounts, pools, nodes, .. } = shape.room();
    let number = |name: &'static str, bits: usize| (name, bits, Exactly(bits));
    let bit = |name: &'static str| number(name, 1);
    let slots = |name: &'static str| std::iter::repeat_n(bit(name), 8);
    let index = ("account index", 3 * usize::from(shape.account_depth), Path);
    let account = [index, number("gap", w)];
    let whole = |count: usize| std::iter::repeat_n(Absorbed::new(), count);
    let mut all = vec![one_after_the_other((0..shape.fee_tokens).map(|_| number("fee token", 30)))];
    for slot in &shape.slots {
        match slot {
            SlotKind::Pair => {
                let kinds = [bit("transfer"), bit("transfer_new")];
                let touched = slots("debit").chain(slots("fee")).chain(slots("credit")).chain([bit("opens")]);
                all.push(one_after_the_other(account.into_iter().chain(account).chain(kinds).chain(touched)));
                all.extend(whole(16));
            }
            SlotKind::Single => {
                let pool = [
                    number("pool index", 29),
                    number("gap", w),
                    number("token0", 29),
                    number("token1", 29),
                    number("fee rate", 14),
                ];
                // In a tree of all indices there is none outside.
                let outside = ("outside", 1, AtMost(1));
                let reasons = [bit("missing"), outside, bit("too large"), bit("no slot"), bit("no new account")];
                let first = slots("debit").chain(slots("fee")).chain(slots("second")).chain([bit("opens")]);
                let touched = first.chain(slots("credit")).chain([bit("opens")]);
                let parts = pool.into_iter().chain(account).chain(std::iter::repeat_n(bit("kind"), 8));
                all.push(one_after_the_other(parts.chain(reasons).chain(touched)));
                all.extend(whole(3 + 8));
            }
        }
    }
    let credits = (0..shape.fee_tokens).flat_map(|_| slots("credit").chain([bit("opens")]));
    all.push(one_after_the_other(account.into_iter().chain(credits)));
    all.extend(whole(8));
    // As many together as 253 bits have room for, then their other elements.
    let mut chunks = |count: usize, parts: &[(&'static str, usize, Bits)], own: usize| {
        let together = 253 / parts.iter().map(|(_, places, _)| places).sum::<usize>();
        let mut left = count;
        while left > 0 {
            let now = left.min(together);
            all.push(one_after_the_other(std::iter::repeat_n(parts, now).flatten().copied()));
            all.extend(whole(own * now));
            left -= now;
        }
    };
    let cell = |bits: usize| [number("index", bits), number("last time", w), bit("used")];
    chunks(accounts, &cell(30), 2);
    chunks(pools, &cell(29), 3);
    let node: Vec<_> = [number("id", 29), bit("used")].into_iter().chain(slots("touched")).collect();
    chunks(nodes, &node, 2);
    all.push(vec![("tree of pools", 0, Exactly(1))]);
    all
}

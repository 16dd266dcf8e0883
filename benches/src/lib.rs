//! What gadgets, slots and shapes cost in rows, wires and non-zeros, and what identifies the matrices of each registered shape.
//!
//! The tables are committed as `benches/constraints.csv` and `benches/matrices.csv`; `cargo test -p tapstone-benches` fails where they differ, and
//! `cargo run -p tapstone-benches --bin constraints -- --write` writes them anew. A change of matrices needs a new circuit version.

pub mod inputs;
mod memory;
pub mod process;
pub mod verify;

use ark_bn254::Fr;
use tapstone_circuits::account::Account;
use tapstone_circuits::account::constraints::AccountVar;
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::cs::{Cs, INSTANCE_WIRES, Mode, Num, System, poseidon};
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape, SlotKind};
use tapstone_circuits::signature::constraints::{PointVar, classify_key, enforce_signed, enforce_valid_key};
use tapstone_circuits::signature::curve::B8;
use tapstone_circuits::tree;
use tapstone_prover::key::matrix_hash;

/// The first line of the table.
pub const COLUMNS: &str = "name,rows,witnesses,nonzeros_a,nonzeros_b,nonzeros_c";

/// What one thing costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Rows.
    pub rows: usize,
    /// Witness wires.
    pub witnesses: usize,
    /// Non-zero entries of A, B and C.
    pub non_zeros: [usize; 3],
}

impl Cost {
    fn of(system: &System) -> Self {
        let matrices = &system.matrices;
        Self { rows: matrices.rows(), witnesses: system.wires - INSTANCE_WIRES, non_zeros: matrices.non_zeros() }
    }

    fn line(&self, name: &str) -> String {
        let [a, b, c] = self.non_zeros;
        format!("{name},{},{},{a},{b},{c}\n", self.rows, self.witnesses)
    }
}

/// The first line of the table of matrices.
pub const MATRIX_COLUMNS: &str = "shape,circuit_version,rows,wires,distinct_b,sha256";

/// Both tables.
#[derive(Debug)]
pub struct Tables {
    /// Costs.
    pub constraints: String,
    /// The matrices of each registered shape: size, distinct wires on the B side, and the hash that key files carry.
    pub matrices: String,
}

/// Records the circuits of all registered shapes.
pub fn tables() -> Tables {
    let circuits: Vec<BatchCircuit> = Shape::all().iter().map(BatchCircuit::new).collect();
    Tables { constraints: constraints(&circuits), matrices: matrices(&circuits) }
}

fn matrices(circuits: &[BatchCircuit]) -> String {
    let mut out = format!("{MATRIX_COLUMNS}\n");
    for circuit in circuits {
        let (name, system) = (&circuit.shape().name, circuit.system());
        let (rows, wires, b) = (system.matrices.rows(), system.wires, system.matrices.distinct_b());
        let hash = hex::encode(matrix_hash(circuit));
        out.push_str(&format!("{name},{CIRCUIT_VERSION},{rows},{wires},{b},{hash}\n"));
    }
    out
}

fn constraints(circuits: &[BatchCircuit]) -> String {
    let mut out = format!("{COLUMNS}\n");
    for (name, cost) in gadgets() {
        out.push_str(&cost.line(&name));
    }
    for (name, cost) in memory::gadgets() {
        out.push_str(&cost.line(name));
    }
    let mixed = Shape::registered("mixed-20").expect("the mixed shape is registered");
    let shapes: Vec<(&str, Cost)> = circuits.iter().map(|c| (c.shape().name.as_str(), Cost::of(c.system()))).collect();
    if let Some(circuit) = circuits.iter().find(|c| c.shape().name == mixed.name) {
        for kind in [SlotKind::Pair, SlotKind::Single] {
            let name = if kind == SlotKind::Pair { "slot/pair/10" } else { "slot/single/10" };
            out.push_str(&slot(circuit, kind).line(name));
        }
    }
    for (name, cost) in shapes {
        out.push_str(&cost.line(&format!("shape/{name}")));
    }
    out
}

fn gadget(build: impl FnOnce(&mut Cs)) -> Cost {
    let mut cs = Cs::new(Mode::Record, Fr::from(0u64));
    build(&mut cs);
    Cost::of(&cs.into_parts().0)
}

/// Costs of gadgets, their input wires included in `witnesses`.
fn gadgets() -> Vec<(String, Cost)> {
    let wires = |cs: &mut Cs, n: u64| -> Vec<Num> { (1..=n).map(|i| cs.witness(Fr::from(i))).collect() };
    let mut out = Vec::new();
    for arity in [2, 4, 5, 6, 7, 8, 9] {
        out.push((
            format!("poseidon/{arity}"),
            gadget(|cs| {
                let inputs = wires(cs, arity);
                poseidon::hash(cs, &inputs);
            }),
        ));
    }
    out.push((
        "range/96".into(),
        gadget(|cs| {
            let x = cs.witness(Fr::from(5u64));
            cs.enforce_range("range", &x, 96);
        }),
    ));
    out.push((
        "tree/level".into(),
        gadget(|cs| {
            let bits: Vec<Num> = (0..3).map(|_| cs.bit("bit", false)).collect();
            let x = wires(cs, 2);
            tree::constraints::update(cs, &bits, &[[Fr::from(0u64); 8]], &x[0], &x[1]);
        }),
    ));
    out.push((
        "signature".into(),
        gadget(|cs| {
            let on = cs.bit("bit", false);
            let key = PointVar::witness(cs, B8.x, B8.y);
            let message = cs.witness(Fr::from(7u64));
            let zero = Fr::from(0u64);
            enforce_signed(cs, &on, &key, &message, (zero, Fr::from(1u64)), 1u64.into());
        }),
    ));
    out.push((
        "key_entry".into(),
        gadget(|cs| {
            let key = PointVar::witness(cs, B8.x, B8.y);
            enforce_valid_key(cs, &key);
        }),
    ));
    out.push((
        "key_class".into(),
        gadget(|cs| {
            let key = PointVar::witness(cs, B8.x, B8.y);
            classify_key(cs, &key);
        }),
    ));
    out.push((
        "account/open".into(),
        gadget(|cs| {
            AccountVar::witness(cs, &Account::EMPTY);
        }),
    ));
    let account = |build: &dyn Fn(&mut Cs, AccountVar, &[Num])| {
        let open = gadget(|cs| {
            AccountVar::witness(cs, &Account::EMPTY);
        });
        let all = gadget(|cs| {
            let account = AccountVar::witness(cs, &Account::EMPTY);
            let inputs = wires(cs, 3);
            build(cs, account, &inputs);
        });
        Cost {
            rows: all.rows - open.rows,
            witnesses: all.witnesses - open.witnesses,
            non_zeros: [0, 1, 2].map(|i| all.non_zeros[i] - open.non_zeros[i]),
        }
    };
    out.push((
        "account/hash".into(),
        account(&|cs, a, _| {
            a.hash(cs);
        }),
    ));
    out.push((
        "account/debit".into(),
        account(&|cs, mut a, x| {
            a.debit(cs, &x[0], &x[1], &x[2]);
        }),
    ));
    out.push((
        "account/credit".into(),
        account(&|cs, mut a, x| {
            a.credit(cs, &x[0], &x[1], &x[2], &Num::one());
        }),
    ));
    out.push((
        "account/credit_unless".into(),
        account(&|cs, mut a, x| {
            a.credit_unless(cs, &x[0], &x[1], &x[2], &x[0], [&x[0], &x[0]]);
        }),
    ));
    out.push((
        "account/exchange".into(),
        account(&|cs, mut a, x| {
            a.exchange(cs, [&x[0], &x[0]], &x[1], &x[2]);
        }),
    ));
    out
}

/// Rows of the first slot of a kind, plus all rows that belong to no slot divided by all slots.
fn slot(circuit: &BatchCircuit, kind: SlotKind) -> Cost {
    let system = circuit.system();
    let slots = circuit.shape().slots.len();
    // Row ranges by top-level region; wires are one for each row but for free witnesses, so they are shared out by rows.
    let mut shared = (0, [0; 3]);
    let mut own = None;
    let mut start: Option<(usize, &str)> = None;
    let end = circuit.system().matrices.rows();
    let tops = system.regions().iter().map(|r| (r.first_row, r.path.split(" / ").next().unwrap_or(""))).chain([(end, "")]);
    for (row, top) in tops {
        match start {
            Some((_, name)) if name == top => {}
            _ => {
                if let Some((first, name)) = start {
                    let (before, after) = (system.matrices.non_zeros_before(first), system.matrices.non_zeros_before(row));
                    let span = (row - first, [0, 1, 2].map(|i| after[i] - before[i]));
                    if !name.starts_with("slot ") {
                        shared.0 += span.0;
                        (0..3).for_each(|i| shared.1[i] += span.1[i]);
                    } else if own.is_none() && name.contains(if kind == SlotKind::Pair { "(pair" } else { "(single" }) {
                        own = Some(span);
                    }
                }
                start = Some((row, top));
            }
        }
    }
    let (rows, non_zeros) = own.unwrap_or_default();
    let rows = rows + shared.0.div_ceil(slots);
    Cost {
        rows,
        witnesses: rows * (system.wires - INSTANCE_WIRES) / system.matrices.rows(),
        non_zeros: [0, 1, 2].map(|i| non_zeros[i] + shared.1[i].div_ceil(slots)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use tapstone_circuits::shape::Shape;

    /// Recording the large circuits takes seconds.
    static TABLES: LazyLock<super::Tables> = LazyLock::new(super::tables);

    #[test]
    fn the_committed_tables_are_the_measured_ones() {
        for (name, committed, measured) in [
            ("constraints.csv", include_str!("../constraints.csv"), &TABLES.constraints),
            ("matrices.csv", include_str!("../matrices.csv"), &TABLES.matrices),
        ] {
            for (had, needed) in committed.lines().zip(measured.lines()) {
                assert_eq!(had, needed, "benches/{name} is not what the code gives; write it anew");
            }
            assert_eq!(committed.lines().count(), measured.lines().count());
        }
    }

    /// Keys are told apart by these hashes, without recording a circuit.
    #[test]
    fn registered_hashes_are_those_of_the_table() {
        let registered = Shape::all().into_iter().map(|shape| {
            let hash = shape.registered_matrices().expect("every registered shape has a hash");
            let rows = shape.registered_rows().expect("every registered shape has its rows");
            (shape.name, rows.to_string(), hex::encode(hash))
        });
        let table = TABLES.matrices.lines().skip(1).map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0].to_owned(), fields[2].to_owned(), fields[5].to_owned())
        });
        assert!(registered.eq(table));
        let other = Shape { pools: 1, ..Shape::registered("tiny").expect("tiny is registered") };
        assert_eq!(other.registered_matrices(), None);
    }

    /// The bars of a transaction at 10 tree levels, everything included.
    #[test]
    fn slots_stay_below_their_bars() {
        for (slot, bar) in [("slot/pair/10,", 24_000), ("slot/single/10,", 17_000)] {
            let line = TABLES.constraints.lines().find(|line| line.starts_with(slot)).unwrap();
            let rows: usize = line.split(',').nth(1).and_then(|r| r.parse().ok()).unwrap();
            assert!(rows <= bar, "{line}");
        }
    }

    /// The bars of the memory gadgets, absorption included, and what is reached.
    #[test]
    fn memory_gadgets_stay_below_their_bars() {
        for (gadget, bar) in [
            ("access/account,", 450),
            ("access/pool,", 330),
            ("cell/account,", 1_015),
            ("cell/pool,", 1_010),
            ("node,", 980),
            ("memory/pair/10,", 6_100),
            ("memory/single/10,", 7_900),
            ("transcript/block,", 609),
            ("transcript/challenge,", 743),
        ] {
            let line = TABLES.constraints.lines().find(|line| line.starts_with(gadget)).unwrap();
            let rows: usize = line.split(',').nth(1).and_then(|r| r.parse().ok()).unwrap();
            assert!(rows <= bar, "{line}");
        }
    }

    #[test]
    fn large_shapes_fill_their_domain() {
        for line in TABLES.constraints.lines().filter(|l| l.starts_with("shape/") && l.contains("-20,")) {
            let rows: usize = line.split(',').nth(1).and_then(|r| r.parse().ok()).unwrap();
            // The domain holds the rows and one point for each instance wire.
            assert!(rows + 2 <= 1 << 20, "{line}");
            assert!(rows * 100 >= 97 << 20, "{line}");
        }
    }
}

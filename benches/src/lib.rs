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
use tapstone_circuits::circuit::{Circuit, CircuitShape};
use tapstone_circuits::cs::{Cs, Mode, Num, System, poseidon};
use tapstone_circuits::shape::{CIRCUIT_VERSION, PartShapes, Shape};
use tapstone_circuits::signature::constraints::{PointVar, classify_key, enforce_signed, enforce_valid_key};
use tapstone_circuits::signature::curve::B8;
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
        Self { rows: matrices.rows(), witnesses: system.wires - system.instance, non_zeros: matrices.non_zeros() }
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

/// Records the circuits of all registered shapes, one after the other: the largest take gigabytes.
pub fn tables() -> Tables {
    let mut constraints = format!("{COLUMNS}\n");
    for (name, cost) in gadgets() {
        constraints.push_str(&cost.line(&name));
    }
    for (name, cost) in memory::gadgets() {
        constraints.push_str(&cost.line(name));
    }
    let mut matrices = format!("{MATRIX_COLUMNS}\n");
    let mut add = |[cost, matrix]: [String; 2]| {
        constraints.push_str(&cost);
        matrices.push_str(&matrix);
    };
    Shape::all().iter().for_each(|shape| add(lines(shape)));
    for set in PartShapes::all() {
        set.segments.iter().for_each(|shape| add(lines(shape)));
        [set.cells, set.nodes].iter().for_each(|shape| add(lines(shape)));
    }
    Tables { constraints, matrices }
}

/// A shape's lines in both tables.
fn lines<S: CircuitShape>(shape: &S) -> [String; 2] {
    let circuit = Circuit::new(shape);
    let (name, system) = (shape.name(), circuit.system());
    let cost = Cost::of(system).line(&format!("shape/{name}"));
    let (rows, wires, b) = (system.matrices.rows(), system.wires, system.matrices.distinct_b());
    let hash = hex::encode(matrix_hash(&circuit));
    [cost, format!("{name},{CIRCUIT_VERSION},{rows},{wires},{b},{hash}\n")]
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use tapstone_circuits::shape::{PartShapes, Shape};

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
            (shape.name, (rows, hash))
        });
        let of =
            |name: String, circuit: Option<(usize, [u8; 32])>| (name, circuit.expect("every registered part has a hash"));
        let parts = PartShapes::all().into_iter().flat_map(|set| {
            let segments = set.segments.into_iter().map(|shape| (shape.name.clone(), shape.registered_circuit()));
            let states = [set.cells, set.nodes].map(|shape| (shape.name.clone(), shape.registered_circuit()));
            segments.chain(states).map(|(name, circuit)| of(name, circuit)).collect::<Vec<_>>()
        });
        let registered = registered.chain(parts);
        let registered = registered.map(|(name, (rows, hash))| (name, rows.to_string(), hex::encode(hash)));
        let table = TABLES.matrices.lines().skip(1).map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0].to_owned(), fields[2].to_owned(), fields[5].to_owned())
        });
        assert!(registered.eq(table));
        let other = Shape { nodes: 7, ..Shape::registered("tiny").expect("tiny is registered") };
        assert_eq!(other.registered_matrices(), None);
    }

    /// The bars of slots at 10 tree levels and of the memory gadgets, absorption included.
    #[test]
    fn what_a_batch_is_made_of_stays_below_its_bars() {
        for (gadget, bar) in [
            ("slot/pair/10,", 6_100),
            ("slot/single/10,", 7_900),
            ("access/account,", 450),
            ("access/pool,", 330),
            ("cell/account,", 1_015),
            ("cell/pool,", 1_010),
            ("node,", 980),
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
        for (shapes, log) in [("-18,", 18), ("-20,", 20), ("-22,", 22)] {
            for line in TABLES.constraints.lines().filter(|l| l.starts_with("shape/") && l.contains(shapes)) {
                let rows: usize = line.split(',').nth(1).and_then(|r| r.parse().ok()).unwrap();
                // The domain holds the rows and one point for each instance wire, of which a segment has most.
                assert!(rows + 48 <= 1 << log, "{line}");
                assert!(rows * 100 >= 97 << log, "{line}");
            }
        }
    }
}

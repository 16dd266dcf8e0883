//! MEMORY.md names tests and rules: they exist.

use std::collections::BTreeSet;

use ark_bn254::Fr;
use tapstone_circuits::circuit::synthesise;
use tapstone_circuits::cs::Mode;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::witness::BatchWitness;

const TEXT: &str = include_str!("../../MEMORY.md");
const TESTS: [(&str, &str); 8] = [
    ("accesses", include_str!("accesses.rs")),
    ("bound", include_str!("bound.rs")),
    ("closed", include_str!("closed.rs")),
    ("open", include_str!("open.rs")),
    ("freedom", include_str!("freedom.rs")),
    ("pools", include_str!("pools.rs")),
    ("trees", include_str!("trees.rs")),
    ("", include_str!("../../src/memory/record/constraints.rs")),
];

#[test]
fn every_test_and_rule_of_the_table_exists() {
    let witness = BatchWitness::blank(&Shape::registered("tiny").unwrap());
    let (system, _) = synthesise(Mode::Record, Fr::from(0u64), &witness).into_parts();
    let rules: BTreeSet<&str> = (0..system.matrices.rows()).map(|row| system.rule(row)).collect();
    let table = TEXT.split_once("| attack | test | rules |").unwrap().1;
    let table = table.split("\n## ").next().unwrap();
    let mut named = BTreeSet::new();
    for line in table.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let [_, tests, refusing] = line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        for test in tests.split(", ").map(|name| name.trim_matches('`')) {
            let (module, name) = test.rsplit_once("::").unwrap_or(("", test));
            let text = TESTS.iter().find(|(file, _)| *file == module).unwrap_or_else(|| panic!("no module {module}")).1;
            assert!(text.contains(&format!("fn {name}()")), "no test {test}");
        }
        for rule in refusing.split("; ").filter(|rule| !rule.is_empty()) {
            assert!(rules.contains(rule), "no rule {rule:?}");
            named.insert(rule);
        }
    }
    assert!(named.len() >= 14, "{named:?}");
}

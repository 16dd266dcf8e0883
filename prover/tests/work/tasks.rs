//! Tasks: one encoding, and no bytes that make a worker panic or prove something else.

use tapstone_circuits::ledger::{Executed, Part, Touched};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_prover::work::{Task, TaskError};

fn batch() -> (Task, Executed) {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 12);
    world.transfer(3, 11, 1, 50).swap(2, 0, Direction::ZeroForOne, 70);
    let touched = Touched::by(&world.shape, world.operator, &world.open);
    let Ok(part) = Part::load(&world.ledger, &touched);
    let (shape, operator, open) = (world.shape.clone(), world.operator, world.open.clone());
    let executed = world.apply().unwrap();
    (Task::new(&shape, operator, &open, part, executed.statement()), executed)
}

fn shape() -> Shape {
    Shape::registered("tiny").unwrap()
}

#[test]
fn a_task_is_read_and_executed_as_it_was() {
    let (task, executed) = batch();
    let bytes = task.encode().unwrap();
    let read = Task::decode(&bytes, &shape()).unwrap();
    assert_eq!(read.encode().unwrap(), bytes);
    assert_eq!(*read.statement(), executed.statement());
    let again = read.execute().unwrap();
    assert_eq!((again.witness, again.changes, again.data), (executed.witness, executed.changes, executed.data));
}

#[test]
fn a_task_for_another_shape_is_refused() {
    let bytes = batch().0.encode().unwrap();
    let error = Task::decode(&bytes, &Shape::registered("small").unwrap()).unwrap_err();
    assert!(matches!(&error, TaskError::OtherShape { had, needed } if had == "tiny" && needed == "small"), "{error}");
}

#[test]
fn a_task_of_another_version_is_refused() {
    let mut bytes = batch().0.encode().unwrap();
    bytes[16] += 1;
    assert!(matches!(Task::decode(&bytes, &shape()), Err(TaskError::CircuitVersion { .. })));
    bytes[0] += 1;
    assert!(matches!(Task::decode(&bytes, &shape()), Err(TaskError::Format)));
}

#[test]
fn another_statement_is_found_by_execution() {
    let (task, _) = batch();
    let mut statement = *task.statement();
    statement.withdrawals_root = statement.data_hash;
    let mut bytes = task.encode().unwrap();
    let at = bytes.windows(224).position(|window| window == task.statement().to_bytes()).unwrap();
    bytes[at..at + 224].copy_from_slice(&statement.to_bytes());
    let wrong = Task::decode(&bytes, &shape()).unwrap();
    assert!(matches!(wrong.execute(), Err(TaskError::Outcome { field: "withdrawals_root" })));
}

#[test]
fn cut_or_continued_it_is_refused() {
    let bytes = batch().0.encode().unwrap();
    for cut in (0..bytes.len()).step_by(97).chain(bytes.len() - 40..bytes.len()) {
        assert!(Task::decode(&bytes[..cut], &shape()).is_err(), "{cut}");
    }
    assert!(matches!(Task::decode(&[&bytes[..], &[0]].concat(), &shape()), Err(TaskError::Length { .. })));
}

/// Whatever is changed is found: before execution, or by it.
#[test]
fn a_changed_byte_anywhere_is_found() {
    let bytes = batch().0.encode().unwrap();
    let mut rng = SplitMix::new(5);
    for _ in 0..400 {
        let mut wrong = bytes.clone();
        let at = rng.below(bytes.len() as u64) as usize;
        wrong[at] ^= 1 << rng.below(8);
        let outcome = Task::decode(&wrong, &shape()).and_then(|task| task.execute());
        assert!(outcome.is_err(), "byte {at}");
    }
}

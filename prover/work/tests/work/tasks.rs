//! Tasks: one encoding, and no bytes that make a worker panic or prove something else.

use std::convert::Infallible;

use tapstone_circuits::account::Account;
use tapstone_circuits::ledger::{Executed, Head, Ledger, NUMBER_LIMIT, Part, PartError, Source, Touched};
use tapstone_circuits::pool::{Direction, Pool};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_circuits::tree::{Family, Place};
use tapstone_work::{Task, TaskError};

fn batch() -> (Task, Executed) {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 12);
    world.transfer(3, 11, 1, 50).swap(2, 0, Direction::ZeroForOne, 70);
    let touched = Touched::by(world.operator, &world.open);
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

/// What a source tells of a state.
enum Told<'a> {
    Head(&'a mut Head),
    Account(u32, &'a mut Account),
    Pool(u32, &'a mut Pool),
    AccountFamily(Place, &'a mut Family),
    PoolFamily(Place, &'a mut Family),
}

/// A state of which something is told otherwise.
struct Doctored<'a>(&'a Ledger, &'a dyn Fn(Told<'_>));

impl Source for Doctored<'_> {
    type Error = Infallible;

    fn head(&self) -> Result<Head, Infallible> {
        let mut head = self.0.head();
        self.1(Told::Head(&mut head));
        Ok(head)
    }

    fn account(&self, index: u32) -> Result<Account, Infallible> {
        let Ok(mut account) = Source::account(self.0, index);
        self.1(Told::Account(index, &mut account));
        Ok(account)
    }

    fn pool(&self, index: u32) -> Result<Pool, Infallible> {
        let Ok(mut pool) = Source::pool(self.0, index);
        self.1(Told::Pool(index, &mut pool));
        Ok(pool)
    }

    fn account_family(&self, place: Place) -> Result<Option<Family>, Infallible> {
        let Ok(mut family) = self.0.account_family(place);
        family.iter_mut().for_each(|family| self.1(Told::AccountFamily(place, family)));
        Ok(family)
    }

    fn pool_family(&self, place: Place) -> Result<Option<Family>, Infallible> {
        let Ok(mut family) = self.0.pool_family(place);
        family.iter_mut().for_each(|family| self.1(Told::PoolFamily(place, family)));
        Ok(family)
    }
}

/// Whether the part of this batch is found to be one of the state, if the state is told so.
fn checked(change: &dyn Fn(Told<'_>)) -> Result<(), PartError> {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 12);
    world.transfer(3, 11, 1, 50).swap(2, 0, Direction::ZeroForOne, 70);
    let touched = Touched::by(world.operator, &world.open);
    let Ok(part) = Part::load(&Doctored(&world.ledger, change), &touched);
    part.check()
}

#[test]
fn a_part_of_the_state_is_found_to_be_one() {
    assert_eq!(checked(&|_| ()), Ok(()));
}

#[test]
fn counters_beyond_their_limits_are_refused() {
    let head = World::populated(Shape::registered("tiny").unwrap(), 12).ledger.head();
    let (accounts, pools) = (8u64.pow(head.account_depth.into()), 8u64.pow(head.pool_depth.into()));
    type Set = fn(&mut Head, u64);
    let cases: [(&str, u64, Set); 4] = [
        ("next_account", accounts, |head, to| head.summary.next_account = to as u32),
        ("next_pool", pools, |head, to| head.summary.next_pool = to as u32),
        ("deposit_count", NUMBER_LIMIT, |head, to| head.summary.deposit_count = to),
        ("batch_number", NUMBER_LIMIT - 1, |head, to| head.summary.batch_number = to),
    ];
    for (name, most, set) in cases {
        let mut head = head;
        set(&mut head, most);
        assert_eq!(head.check_counters(), Ok(()), "{name}");
        set(&mut head, most + 1);
        let refused = Err(PartError::Counter { field: name, had: most + 1, largest: most });
        assert_eq!(head.check_counters(), refused);
    }
    // A part's own counters are looked at as well.
    let outcome = checked(&|told| {
        if let Told::Head(head) = told {
            head.summary.batch_number = NUMBER_LIMIT;
        }
    });
    assert!(matches!(outcome, Err(PartError::Counter { field: "batch_number", .. })), "{outcome:?}");
}

#[test]
fn nodes_of_another_state_are_refused_where_they_are() {
    let head = World::populated(Shape::registered("tiny").unwrap(), 12).ledger.head();
    for place in (0..head.account_depth).map(|level| Place { level, parent: 0 }) {
        let outcome = checked(&|told| match told {
            Told::AccountFamily(at, family) if at == place => family[7] += family[6],
            _ => (),
        });
        assert_eq!(outcome, Err(PartError::Nodes { tree: "account", place }));
    }
    for place in (0..head.pool_depth).map(|level| Place { level, parent: 0 }) {
        let outcome = checked(&|told| match told {
            Told::PoolFamily(at, family) if at == place => family[7] += family[6],
            _ => (),
        });
        assert_eq!(outcome, Err(PartError::Nodes { tree: "pool", place }));
    }
}

#[test]
fn another_root_is_refused_at_the_top() {
    let outcome = checked(&|told| {
        if let Told::Head(head) = told {
            head.summary.account_root += head.summary.pool_root;
        }
    });
    assert!(matches!(outcome, Err(PartError::Nodes { tree: "account", place: Place { parent: 0, .. } })), "{outcome:?}");
    let outcome = checked(&|told| {
        if let Told::Head(head) = told {
            head.summary.pool_root += head.summary.account_root;
        }
    });
    assert!(matches!(outcome, Err(PartError::Nodes { tree: "pool", place: Place { parent: 0, .. } })), "{outcome:?}");
}

#[test]
fn accounts_and_pools_that_are_not_in_their_trees_are_refused() {
    let outcome = checked(&|told| {
        if let Told::Account(3, account) = told {
            account.nonce += 1;
        }
    });
    assert_eq!(outcome, Err(PartError::Leaf { tree: "account", index: 3 }));
    let outcome = checked(&|told| {
        if let Told::Pool(0, pool) = told {
            pool.fee_bp += 1;
        }
    });
    assert_eq!(outcome, Err(PartError::Leaf { tree: "pool", index: 0 }));
}

/// Somebody is where, by the counters, nobody is yet.
#[test]
fn leaves_that_should_be_empty_are_refused() {
    let outcome = checked(&|told| {
        if let Told::Head(head) = told {
            head.summary.next_account = 11;
        }
    });
    assert_eq!(outcome, Err(PartError::Leaf { tree: "account", index: 11 }));
    let outcome = checked(&|told| {
        if let Told::Head(head) = told {
            head.summary.next_pool = 0;
        }
    });
    assert_eq!(outcome, Err(PartError::Leaf { tree: "pool", index: 0 }));
}

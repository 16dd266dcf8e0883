//! A node that goes away and comes back while a thread is published and followed.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tapstone_anchor::node::{Journal, NodeError, Patience, Patient, PublishError, Publisher};

use crate::fake::{Dies, Fake};
use crate::scenarios::{anchors, live, own};
use crate::scene::CHAIN;

/// Waits without sleeping: after some pauses the node is back.
struct Noted<'a> {
    fake: &'a Fake,
    lasts: usize,
    left: Cell<usize>,
    told: RefCell<Vec<String>>,
    pauses: RefCell<Vec<u64>>,
}

impl<'a> Noted<'a> {
    fn new(fake: &'a Fake, lasts: usize) -> Self {
        Self { fake, lasts, left: Cell::new(lasts), told: RefCell::default(), pauses: RefCell::default() }
    }
}

impl Patience for &Noted<'_> {
    fn away(&self, why: &NodeError) {
        self.told.borrow_mut().push(format!("away: {why}"));
    }
    fn back(&self, node: &str) {
        self.told.borrow_mut().push(format!("back: {node}"));
    }
    fn pause(&self, length: Duration) -> bool {
        self.pauses.borrow_mut().push(length.as_secs());
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0 {
            self.left.set(self.lasts);
            self.fake.die_at(None);
        }
        true
    }
}

/// Whichever call finds the node away, before or after it did what was asked: the thread goes on, and the outage is said once.
#[test]
fn a_thread_goes_on_when_its_node_is_back() {
    let mut outages = 0;
    for dies in [Dies::Before, Dies::After] {
        for at in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal");
            let fake = Fake::new();
            fake.fund(own(), 100_000);
            let noted = Noted::new(&fake, 8);
            let node = Patient::new(&fake, &noted);
            fake.die_at(Some((at, dies)));
            for _ in 0..3 {
                live(&node, &path, 2, 100).unwrap();
                fake.mine(&[]);
            }
            live(&node, &path, 2, 100).unwrap();
            assert_eq!(anchors(&fake, 2), [1, 1], "{dies:?} call {at}");
            if noted.told.borrow().is_empty() {
                break;
            }
            outages += 1;
            let told = noted.told.borrow();
            assert_eq!(told.len(), 2, "{told:?}");
            assert!(told[0].starts_with("away: node fake") && told[1] == "back: fake", "{told:?}");
            assert_eq!(*noted.pauses.borrow(), [1, 2, 4, 8, 16, 30, 30, 30]);
        }
    }
    assert!(outages > 40, "{outages}");
}

/// Whoever waits no more gets the error, and so does everybody at once for one that does not pass.
#[test]
fn errors_that_do_not_pass_are_not_waited_for() {
    struct Never;
    impl Patience for Never {
        fn away(&self, _: &NodeError) {}
        fn back(&self, _: &str) {}
        fn pause(&self, _: Duration) -> bool {
            false
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let node = Patient::new(&fake, Never);
    fake.die_at(Some((1, Dies::Before)));
    let failed = Publisher::new(&node, Journal::open(&path, CHAIN).unwrap()).err().unwrap();
    assert!(matches!(failed, PublishError::Node(NodeError::Away { .. })), "{failed}");
    fake.die_at(None);
    let other = Journal::open(&folder.path().join("other"), 0).unwrap();
    let failed = Publisher::new(&node, other).err().unwrap();
    assert!(matches!(failed, PublishError::Network { .. }) && failed.to_string().contains("node fake is on"), "{failed}");
}

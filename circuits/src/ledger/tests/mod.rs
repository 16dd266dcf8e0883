//! Tests of the ledger; this file holds what they share.

/// Alters one field of the last transaction.
macro_rules! with {
    ($world:expr, $kind:ident, $field:ident = $value:expr) => {{
        let value = $value;
        alter($world, |tx| match tx {
            Transaction::$kind { $field, .. } => *$field = value,
            _ => panic!("another kind"),
        })
    }};
}

mod batches;
mod bundles;
mod kinds;
mod parts;
mod refunds;
mod refusals;

use super::*;
use crate::shape::{Shape, SlotKind};
use crate::testing::World;
use crate::transaction::Transaction;

/// The tiny shape with other slots.
fn shape(letters: &str) -> Shape {
    let kind = |l| if l == 'P' { SlotKind::Pair } else { SlotKind::Single };
    Shape { slots: letters.chars().map(kind).collect(), ..Shape::registered("tiny").unwrap() }
}

/// Three accounts with tokens 1, 2, 3 and pool 0 of tokens 1 and 2; room for one transaction of each kind.
fn world() -> World {
    World::populated(shape("SPSPS"), 3)
}

/// Applies the open batch, which must fail and leave no trace.
fn error(w: &mut World) -> BatchError {
    let (before, root) = (w.ledger.snapshot(), w.ledger.state_root());
    let of_part = parts::load(w).0.execute(&w.shape, w.operator, &w.open).err();
    let error = w.apply().expect_err("the batch breaks a rule");
    assert_eq!(w.ledger.state_root(), root, "{error}");
    assert_eq!(w.ledger.snapshot(), before, "{error}");
    assert_eq!(of_part.as_ref(), Some(&error), "a part of the state gives another reason");
    error
}

/// The last transaction of the open batch, altered and signed anew by its signer's key.
fn alter(w: &mut World, change: impl FnOnce(&mut Transaction)) {
    let mut tx = w.open.pop().unwrap();
    change(&mut tx);
    w.push(tx);
}

/// The rule that the last transaction of the open batch breaks, wherever it stands.
fn refusal(w: &mut World) -> Refusal {
    let last = w.open.len() - 1;
    let (kind_name, who) = (w.open[last].kind_name(), w.open[last].account());
    match error(w) {
        BatchError::Refused { index, kind, account, rule } => {
            assert_eq!((index, kind, account), (last, kind_name, who));
            rule
        }
        other => panic!("{other}"),
    }
}

use super::*;
use crate::testing::World;

fn shape(letters: &str, pools: usize, fee_tokens: usize) -> Shape {
    let slots = letters.chars().map(|l| if l == 'P' { SlotKind::Pair } else { SlotKind::Single }).collect();
    Shape { slots, pools, fee_tokens, ..Shape::registered("tiny").unwrap() }
}

fn slots(shape: &Shape, next_pool: u32, world: &World) -> Vec<Vec<Option<usize>>> {
    split(shape, next_pool, &world.open).unwrap().into_iter().map(|p| p.slots).collect()
}

#[test]
fn transactions_take_the_next_slot_of_their_kind() {
    let mut w = World::registered("tiny");
    w.transfer(0, 1, 1, 1).transfer(0, 1, 1, 1).deposit(0, 1, 1).deposit(0, 1, 1).transfer(0, 1, 1, 1);
    let shape = shape("SPSP", 2, 2);
    // The first single slot and the one between the transfers are passed over; the second deposit opens a batch.
    let expected = vec![vec![None, Some(0), None, Some(1)], vec![Some(2), None, Some(3), Some(4)]];
    assert_eq!(slots(&shape, 0, &w), expected);
    let ranges: Vec<_> = split(&shape, 0, &w.open).unwrap().iter().map(Planned::transactions).collect();
    assert_eq!(ranges, [0..2, 2..5]);
    assert_eq!(split(&shape, 0, &[]), Ok(vec![]));
}

#[test]
fn pools_and_fee_tokens_open_batches() {
    let go = crate::pool::Direction::ZeroForOne;
    let mut w = World::registered("tiny");
    w.swap(0, 0, go, 1).swap(0, 1, go, 1).swap(0, 0, go, 1).swap(0, 2, go, 1);
    assert_eq!(slots(&shape("SSSS", 2, 1), 3, &w), [[Some(0), Some(1), Some(2), None], [Some(3), None, None, None]]);
    // A pool made in the batch counts under the index that it gets.
    let mut w = World::registered("tiny");
    w.create_pool(0, (1, 2), 30, (1, 1)).swap(0, 3, go, 1).create_pool(0, (1, 2), 30, (1, 1));
    assert_eq!(slots(&shape("SSSS", 1, 1), 3, &w), [[Some(0), Some(1), None, None], [Some(2), None, None, None]]);
    let mut w = World::registered("tiny");
    w.with_fee(5, 1).transfer(0, 1, 1, 1).transfer(0, 1, 1, 1).with_fee(6, 1).transfer(0, 1, 1, 1);
    w.with_fee(0, 0).transfer(0, 1, 1, 1);
    assert_eq!(slots(&shape("PPPP", 1, 1), 0, &w), [[Some(0), Some(1), None, None], [Some(2), Some(3), None, None]]);
}

#[test]
fn what_no_batch_can_hold_is_refused() {
    let mut w = World::registered("tiny");
    w.deposit(0, 1, 1).transfer(0, 1, 1, 1);
    let refused = split(&shape("S", 1, 1), 0, &w.open);
    assert_eq!(refused, Err(PlanError::NoSlot { index: 1, kind: SlotKind::Pair }));
    let mut w = World::registered("tiny");
    w.create_pool(0, (1, 2), 30, (1, 1));
    assert_eq!(split(&shape("S", 0, 1), 0, &w.open), Err(PlanError::NoPools { index: 0 }));
    let mut w = World::registered("tiny");
    w.with_fee(1, 1).transfer(0, 1, 1, 1);
    assert_eq!(split(&shape("P", 1, 0), 0, &w.open), Err(PlanError::NoFees { index: 0 }));
}

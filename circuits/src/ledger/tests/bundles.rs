//! Bundles: all members or none.

use super::*;
use crate::signature::SignatureError;
use crate::testing::secret;
use crate::transaction::bundle::BundleError;

#[test]
fn bundles() {
    let mut base = World::populated(shape("PPSPS"), 3);
    base.transfer(0, 1, 1, 5).transfer(1, 0, 2, 7).withdraw(0, 1, 3).bundle_from(0);
    let good = base.open.clone();
    base.clone().apply().unwrap();
    let bundle = |source| Refusal::Bundle(source);
    let case = |change: &dyn Fn(&mut World)| {
        let mut w = base.clone();
        change(&mut w);
        match error(&mut w) {
            BatchError::Refused { index, rule, .. } => (index, rule),
            other => panic!("{other}"),
        }
    };
    // One member copied out of the bundle and played alone.
    let forged = Refusal::Signature(SignatureError::Equation);
    let alone = case(&|w| {
        w.open.truncate(1);
        w.open[0].signed_mut().unwrap().message = None;
    });
    assert_eq!(alone, (0, forged.clone()));
    // A last member left out, a first one, one in the middle; members in another order.
    let mut cut = base.clone();
    cut.open.truncate(2);
    assert_eq!(error(&mut cut), BatchError::OpenBundle { first: 0, members: 2 });
    for order in [vec![1, 2], vec![0, 2]] {
        let mut w = base.clone();
        w.open = order.iter().map(|i| good[*i].clone()).collect();
        let had = error(&mut w);
        assert!(matches!(had, BatchError::OpenBundle { first: 0, members: 2 } | BatchError::Refused { .. }), "{had}");
    }
    let mut w = base.clone();
    w.open.swap(0, 1);
    assert_eq!(error(&mut w), BatchError::OpenBundle { first: 0, members: 3 });
    // A stranger in the middle, alone or from another bundle; a deposit.
    let stranger = case(&|w| {
        w.open.truncate(1);
        w.transfer(2, 0, 1, 1);
    });
    assert_eq!(stranger, (1, bundle(BundleError::OtherMessage)));
    let other = case(&|w| {
        w.open.truncate(1);
        w.transfer(2, 0, 1, 1).bundle_from(1);
    });
    assert_eq!(other, (1, bundle(BundleError::OtherMessage)));
    let deposit = case(&|w| {
        w.open.truncate(2);
        w.deposit(0, 1, 5);
    });
    assert_eq!(deposit, (2, bundle(BundleError::Deposit)));
    // A member that breaks a rule undoes those before it; one that another has signed for does not count.
    let poor = case(&|w| {
        w.open.clear();
        w.transfer(0, 1, 1, 5).transfer(1, 0, 2, 1 << 80).bundle_from(0);
    });
    assert!(matches!(poor, (1, Refusal::Debit { .. })));
    let unsigned = case(&|w| {
        let message = w.open[0].signed().unwrap().message.unwrap();
        w.open[1].signed_mut().unwrap().signature = secret(0).sign(message).unwrap();
    });
    assert_eq!(unsigned, (1, forged));
}

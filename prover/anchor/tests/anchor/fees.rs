//! Weights to the unit, fees, replacement, children, and what is refused.

use crate::scene::*;
use bitcoin::{Amount, FeeRate, ScriptBuf};
use tapstone_anchor::{AnchorPlanError, AnchorRequest, ChildRequest, DUST, First};
use tapstone_verifier::error::HeaderError;

/// The table of verifier/ANCHORING.md.
#[test]
fn weights_are_those_of_the_table_before_and_after_signing() {
    let cases = [
        (thread(vec![]), &[1][..], 444, 111),
        (thread(vec![coin(2, 50_000)]), &[1, 2], 846, 212),
        (start(), &[2], 616, 154),
    ];
    for (request, keys, weight, vbytes) in cases {
        let plan = request.plan().unwrap();
        assert_eq!((plan.weight().to_wu(), plan.weight().to_vbytes_ceil()), (weight, vbytes));
        let tx = signed(&plan, keys);
        assert_eq!(tx.weight(), plan.weight());
        assert_eq!(plan.fee(), Amount::from_sat(5 * vbytes));
    }
    // Many inputs: their count takes three bytes from 253 on.
    for coins in [251, 252, 300u32] {
        let mut request = thread(vec![]);
        request.change = Some(change());
        request.fee_limit = Amount::MAX_MONEY;
        request.coins = (0..coins)
            .map(|n| {
                let mut coin = coin(2, 10_000);
                coin.outpoint.vout = n;
                coin
            })
            .collect();
        let plan = request.plan().unwrap();
        assert_eq!(signed(&plan, &[1, 2]).weight(), plan.weight());
    }
    // Stripped, one input and one output: 94 bytes of the anchor proof.
    assert_eq!(thread(vec![]).plan().unwrap().unsigned().total_size(), 94);
}

#[test]
fn fees_are_paid_by_coins_and_the_anchor_keeps_its_value() {
    for sats in 1..=40 {
        let mut request = thread(vec![coin(2, 50_000)]);
        request.rate = rate(sats);
        let plan = request.plan().unwrap();
        let outputs: Vec<u64> = plan.unsigned().output.iter().map(|output| output.value.to_sat()).collect();
        assert_eq!(outputs, [10_000, 50_000 - 212 * sats]);
        assert_eq!(plan.fee(), Amount::from_sat(212 * sats));
        let mut request = thread(vec![]);
        request.rate = rate(sats);
        let plan = request.plan().unwrap();
        assert_eq!(plan.unsigned().output[0].value.to_sat(), 10_000 - 111 * sats);
    }
    // Half a sat/vB more, rounded up.
    let mut request = thread(vec![]);
    request.rate = FeeRate::from_sat_per_kwu(375);
    assert_eq!(request.plan().unwrap().fee(), Amount::from_sat(167));
}

#[test]
fn change_below_dust_goes_to_the_fee() {
    let with = |sats| thread(vec![coin(2, sats)]).plan().unwrap();
    let fee = 212 * 5;
    assert_eq!(with(fee + 330).unsigned().output.len(), 2);
    let without = with(fee + 329);
    assert_eq!(without.unsigned().output.len(), 1);
    assert_eq!(without.fee(), Amount::from_sat(fee + 329));
    assert_eq!(signed(&without, &[1, 2]).weight(), without.weight());
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let refuse = |change: &dyn Fn(&mut AnchorRequest)| {
        let mut request = thread(vec![coin(2, 50_000)]);
        change(&mut request);
        request.plan().unwrap_err()
    };
    let sats = Amount::from_sat;
    assert_eq!(
        refuse(&|r| r.value = Some(sats(329))),
        AnchorPlanError::Dust { what: "an anchor", value: sats(329), least: DUST }
    );
    let error = refuse(&|r| r.rate = FeeRate::from_sat_per_kwu(24));
    assert_eq!(error.to_string(), "fee rate of 0.096 sat/vB, needed at least 0.1");
    let error = AnchorPlanError::FeeLimit { fee: sats(1_060), limit: sats(1_059), vbytes: 212 };
    assert_eq!(
        error.to_string(),
        "the fee is 1060 sat for 212 vB, the limit is 1059 sat; a rate of at most 4.992 sat/vB would do"
    );
    assert_eq!(refuse(&|r| r.fee_limit = sats(1_059)), error);
    assert_eq!(refuse(&|r| r.change = None), AnchorPlanError::NoChange);
    assert_eq!(refuse(&|r| r.coins.push(coin(2, 1))), AnchorPlanError::Twice { outpoint: outpoint(2) });
    assert_eq!(refuse(&|r| r.coins[0].outpoint = outpoint(0xa0)), AnchorPlanError::Twice { outpoint: outpoint(0xa0) });
    let script = ScriptBuf::from_bytes(vec![0x51]);
    let error = AnchorPlanError::Coin { outpoint: outpoint(2), script_pubkey: script.clone() };
    assert_eq!(refuse(&|r| r.coins[0].output.script_pubkey = script.clone()), error);
    let error = AnchorPlanError::CoinKey { outpoint: outpoint(2), internal_key: x_only(3) };
    assert_eq!(refuse(&|r| r.coins[0].key.as_mut().unwrap().0 = x_only(3)), error);
    // Without change: 169 vB.
    let error = AnchorPlanError::Funds { had: sats(10_844), needed: sats(10_845), fee: sats(845), vbytes: 169 };
    assert_eq!(
        error.to_string(),
        "coins hold 10844 sat, needed 10845 sat: 845 sat of that as fee for 169 vB; a rate of at most 4.992 sat/vB would do"
    );
    assert_eq!(refuse(&|r| r.coins[0].output.value = sats(844)), error);
    let error = AnchorPlanError::Link(HeaderError::Sequence { expected: Some(1), actual: 2 });
    assert_eq!(refuse(&|r| r.anchor = anchor(2, 1)), error);
    assert!(matches!(refuse(&|r| r.first = First::Origin(coin(9, 1))), AnchorPlanError::First { sequence: 1, .. }));
    // More than there can be, in a coin, a value, or together.
    let too_much = Amount::MAX_MONEY + sats(1);
    let is_too_much = |error| matches!(error, AnchorPlanError::TooMuch { value, .. } if value == too_much);
    assert!(is_too_much(refuse(&|r| r.coins[0].output.value = too_much)));
    assert!(is_too_much(refuse(&|r| r.value = Some(too_much))));
    assert!(is_too_much(refuse(&|r| {
        let First::Anchor { value, .. } = &mut r.first else { panic!() };
        *value = too_much;
    })));
    assert_eq!(refuse(&|r| r.coins[0].output.value = Amount::MAX_MONEY), AnchorPlanError::Overflow);
    // The anchor itself pays until it would be dust.
    let mut request = thread(vec![]);
    request.rate = rate(87);
    assert_eq!(request.clone().plan().unwrap().unsigned().output[0].value, sats(343));
    request.rate = rate(88);
    assert!(matches!(request.clone().plan(), Err(AnchorPlanError::Dust { .. })));
    request.rate = rate(91);
    assert!(matches!(request.plan(), Err(AnchorPlanError::Funds { .. })));
}

#[test]
fn a_replacement_spends_the_same_and_keeps_header_and_value() {
    let plan = thread(vec![coin(2, 50_000)]).plan().unwrap();
    let limit = Amount::from_sat(50_000);
    let higher = plan.replaced(rate(6), limit, rate(1)).unwrap();
    let inputs = |tx: &bitcoin::Transaction| tx.input.iter().map(|input| input.previous_output).collect::<Vec<_>>();
    assert_eq!(inputs(higher.unsigned()), inputs(plan.unsigned()));
    assert_eq!(higher.unsigned().output[0], plan.unsigned().output[0]);
    assert_eq!(higher.fee(), Amount::from_sat(6 * 212));
    assert!(plan.unsigned().is_explicitly_rbf() && higher.unsigned().is_explicitly_rbf());
    assert_eq!(signed(&higher, &[1, 2]).weight(), higher.weight());
    let least = Amount::from_sat(6 * 212);
    let error = AnchorPlanError::Replacement { fee: Amount::from_sat(1_219), least, vbytes: 212 };
    assert_eq!(plan.replaced(FeeRate::from_sat_per_kwu(1_437), limit, rate(1)).unwrap_err(), error);
    assert_eq!(
        error.to_string(),
        "a replacement must pay at least 1272 sat, this one of 212 vB pays 1219 sat; a rate of 5.996 sat/vB would do"
    );
    assert!(matches!(plan.replaced(rate(6), Amount::from_sat(1_271), rate(1)), Err(AnchorPlanError::FeeLimit { .. })));
    // The step is the node's: 0.1 sat/vB from Bitcoin Core 30 on.
    let tenth = FeeRate::from_sat_per_kwu(25);
    let slightly = plan.replaced(FeeRate::from_sat_per_kwu(1_275), limit, tenth).unwrap();
    assert_eq!(slightly.fee(), Amount::from_sat(1_082));
    let error = plan.replaced(FeeRate::from_sat_per_kwu(1_274), limit, tenth).unwrap_err();
    assert!(error.to_string().ends_with("; a rate of 5.1 sat/vB would do"), "{error}");
    // The next anchor links to whichever is confirmed: headers name commitments.
    assert_ne!(plan.unsigned().compute_txid(), higher.unsigned().compute_txid());
    let First::Anchor { descriptor, value, .. } = higher.next() else { panic!() };
    assert_eq!((*descriptor.header(), value), (header(1), Amount::from_sat(10_000)));
}

#[test]
fn a_child_pays_for_its_parent_and_leaves_the_anchor_alone() {
    let parent = thread(vec![coin(2, 50_000)]).plan().unwrap();
    let request = ChildRequest { destination: change(), rate: rate(20), fee_limit: Amount::from_sat(10_000) };
    let (child, fee, weight) = request.child_of(&parent).unwrap();
    assert_eq!(weight.to_wu(), 444);
    assert_eq!((fee + parent.fee()).to_sat(), 20 * (212 + 111));
    assert_eq!(child.input.len(), 1);
    assert_eq!(child.input[0].previous_output.vout, 1);
    assert_eq!(child.output[0].value, parent.unsigned().output[1].value - fee);
    let refuse = |rate, limit, parent: &_| {
        ChildRequest { rate, fee_limit: Amount::from_sat(limit), ..request.clone() }.child_of(parent).unwrap_err()
    };
    assert!(matches!(refuse(rate(20), 100, &parent), AnchorPlanError::FeeLimit { .. }));
    // What the parent paid is enough for both: the child would pay too little by itself.
    let error = refuse(rate(3), 10_000, &parent);
    assert_eq!(error.to_string(), "fee rate of 3 sat/vB, needed at least 3.316");
    let needed = FeeRate::from_sat_per_kwu(829);
    assert!(ChildRequest { rate: needed, ..request.clone() }.child_of(&parent).is_ok());
    let destination = parent.unsigned().output[0].script_pubkey.clone();
    let own = ChildRequest { destination, ..request.clone() };
    assert_eq!(own.child_of(&parent).unwrap_err(), AnchorPlanError::ChildIsAnchor);
    assert!(own.psbt_of(&parent).is_err());
    assert!(matches!(refuse(rate(20), 10_000, &thread(vec![]).plan().unwrap()), AnchorPlanError::Parent { .. }));
    let small = thread(vec![coin(2, 1_060 + 400)]).plan().unwrap();
    assert!(matches!(refuse(rate(20), 10_000, &small), AnchorPlanError::Funds { .. }));
}

/// The PSBT of a child says whose key signs it where the change is the anchor's key's own, and what the key signs is what Bitcoin Core takes.
#[test]
fn a_childs_psbt_is_signed_by_the_key_of_the_change() {
    let mut request = thread(vec![coin(2, 50_000)]);
    request.change = Some(coin(1, 0).output.script_pubkey);
    let destination = request.change.clone().unwrap();
    let parent = request.plan().unwrap();
    let child = ChildRequest { destination, rate: rate(20), fee_limit: Amount::from_sat(10_000) };
    let (_, fee, weight) = child.child_of(&parent).unwrap();
    let mut psbt = child.psbt_of(&parent).unwrap();
    assert_eq!(psbt.fee().unwrap(), fee);
    assert_eq!(tapstone_anchor::sign(&mut psbt, secret(1)).unwrap(), 1);
    let mut tx = psbt.unsigned_tx.clone();
    tx.input[0].witness = bitcoin::Witness::p2tr_key_spend(&psbt.inputs[0].tap_key_sig.unwrap());
    assert_eq!(tx.weight(), weight);
    core(&tx, &[parent.unsigned().output[1].clone()]).unwrap();
    // A change that another key has is that one's to sign.
    let other = thread(vec![coin(2, 50_000)]).plan().unwrap();
    let mut psbt = ChildRequest { destination: change(), ..child }.psbt_of(&other).unwrap();
    assert!(matches!(tapstone_anchor::sign(&mut psbt, secret(1)), Err(tapstone_anchor::AnchorPsbtError::NotOurs)));
}

/// The change would have the script of output 0: no verifier ever accepts such an anchor.
#[test]
fn change_to_the_anchors_own_address_is_refused() {
    for mut request in [thread(vec![coin(2, 50_000)]), start()] {
        request.change = Some(request.anchor.script_pubkey());
        let error = request.clone().plan().unwrap_err();
        assert_eq!(error, AnchorPlanError::SecondAnchor { output: 1, what: "the change" });
        assert!(error.to_string().ends_with("needed another address for the change"), "{error}");
        // Also where nothing would be left for it.
        request.coins.truncate(0);
        request.value = None;
        assert_eq!(request.plan().unwrap_err(), error);
    }
}

#[test]
fn rates_go_down_to_a_tenth_of_a_satoshi() {
    let mut request = thread(vec![coin(2, 50_000)]);
    request.rate = FeeRate::from_sat_per_kwu(25);
    let plan = request.plan().unwrap();
    assert_eq!((plan.fee(), plan.weight().to_vbytes_ceil()), (Amount::from_sat(22), 212));
}

//! Keys, descriptors and PSBTs as wallets see them.

use crate::scene::*;
use bitcoin::bip32::DerivationPath;
use bitcoin::psbt::Psbt;
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{Amount, OutPoint};
use miniscript::{Descriptor, DescriptorPublicKey};
use tapstone_prover::anchor::{
    AnchorDescriptor, AnchorKey, AnchorKeyError, AnchorPsbtError, First, finalise, header_of, sign,
};

#[test]
fn keys_come_alone_or_from_an_extended_key() {
    let single = key(1);
    assert_eq!(single.x_only(), x_only(1));
    assert_eq!(single.source().1, DerivationPath::default());
    let secp = Secp256k1::new();
    for index in [0, 7] {
        let derived = AnchorKey::parse(&account(), Some(index), CHAIN).unwrap();
        let path: DerivationPath = format!("86h/1h/0h/0/{index}").parse().unwrap();
        let expected = master().derive_priv(&secp, &path).unwrap().to_keypair(&secp).x_only_public_key().0;
        assert_eq!(derived.x_only(), expected);
        assert_eq!(derived.source(), (master().fingerprint(&secp), path));
    }
    let refuse = |text: &str, index, chain| AnchorKey::parse(text, index, chain).unwrap_err();
    assert!(matches!(refuse(&account(), None, CHAIN), AnchorKeyError::Index { .. }));
    assert!(matches!(refuse(&x_only(1).to_string(), Some(1), CHAIN), AnchorKeyError::Index { .. }));
    assert!(matches!(refuse(&account(), Some(0), 0), AnchorKeyError::Network { .. }));
    assert!(matches!(refuse(&account(), Some(1 << 31), CHAIN), AnchorKeyError::Text { .. }));
    let compressed = secret(1).public_key(&secp).to_string();
    for text in ["", "00", &"ff".repeat(32), &compressed, &account().replace("/0/*", "/<0;1>/*"), &master().to_string()] {
        assert!(matches!(refuse(text, None, CHAIN), AnchorKeyError::Text { .. } | AnchorKeyError::Index { .. }), "{text}");
    }
}

#[test]
fn descriptors_are_importable_and_give_the_verifiers_output() {
    let keys = [key(1), AnchorKey::parse(&account(), Some(3), CHAIN).unwrap()];
    for own in keys {
        for recovery in [None, Some((key(200), 1_000))] {
            let anchor = AnchorDescriptor::new(header(2), own.clone(), recovery).unwrap();
            let read: Descriptor<DescriptorPublicKey> = anchor.text().parse().unwrap();
            read.sanity_check().unwrap();
            assert_eq!(read.to_string(), anchor.text());
            assert_eq!(read.at_derivation_index(0).unwrap().script_pubkey(), anchor.script_pubkey());
            assert_eq!(anchor.address().script_pubkey(), anchor.script_pubkey());
            if anchor.recovery().is_none() && own.source().1.is_empty() {
                assert_eq!(anchor.text(), anchor.output().descriptor());
            }
        }
    }
    let own = AnchorDescriptor::new(header(0), key(1), Some((key(1), 5)));
    assert!(matches!(own, Err(AnchorKeyError::Output(_))));
}

#[test]
fn the_psbt_has_all_that_a_wallet_needs() {
    let mut request = thread(vec![coin(2, 50_000)]);
    let derived = AnchorKey::parse(&account(), Some(3), CHAIN).unwrap();
    request.anchor = AnchorDescriptor::new(header(1), derived.clone(), Some((key(200), 1_000))).unwrap();
    let plan = request.plan().unwrap();
    let psbt = plan.to_psbt().unwrap();
    assert_eq!(Psbt::deserialize(&psbt.serialize()).unwrap(), psbt);
    assert_eq!(psbt.to_string().parse::<Psbt>().unwrap(), psbt);
    for (input, spent) in psbt.inputs.iter().zip(plan.spent()) {
        assert_eq!(input.witness_utxo.as_ref(), Some(spent));
        let own = input.tap_internal_key.unwrap();
        assert!(input.tap_key_origins[&own].0.is_empty());
    }
    assert_eq!(psbt.inputs[0].tap_merkle_root, Some(anchor(0, 1).output().merkle_root()));
    assert_eq!(psbt.inputs[1].tap_merkle_root, None);
    let output = &psbt.outputs[0];
    assert_eq!(output.tap_internal_key, Some(derived.x_only()));
    assert_eq!(output.tap_key_origins[&derived.x_only()].1, derived.source());
    assert_eq!(output.tap_tree.as_ref().unwrap().script_leaves().count(), 2);
    assert_eq!(header_of(&psbt).unwrap(), header(1));
    assert_eq!(psbt.fee().unwrap(), plan.fee());
}

#[test]
fn a_derived_key_is_signed_for_by_its_master() {
    let derived = AnchorKey::parse(&account(), Some(3), CHAIN).unwrap();
    let mut request = thread(vec![]);
    request.first = First::Anchor {
        descriptor: Box::new(AnchorDescriptor::new(header(0), derived, None).unwrap()),
        outpoint: OutPoint { vout: 0, ..outpoint(9) },
        value: Amount::from_sat(10_000),
    };
    let plan = request.plan().unwrap();
    let mut psbt = plan.to_psbt().unwrap();
    psbt.sign(&master(), &Secp256k1::new()).unwrap();
    let tx = finalise(&psbt).unwrap();
    assert_eq!(core(&tx, plan.spent()), Ok(()));
}

#[test]
fn no_transaction_comes_out_of_a_psbt_that_was_changed() {
    let plan = thread(vec![coin(2, 50_000)]).plan().unwrap();
    let mut psbt = plan.to_psbt().unwrap();
    assert!(matches!(finalise(&psbt), Err(AnchorPsbtError::Missing { input: 0, .. })));
    assert!(matches!(sign(&mut psbt, secret(9)), Err(AnchorPsbtError::NotOurs)));
    assert_eq!(sign(&mut psbt, secret(1)).unwrap(), 1);
    assert!(matches!(finalise(&psbt), Err(AnchorPsbtError::Missing { input: 1, .. })));
    assert_eq!(sign(&mut psbt, secret(2)).unwrap(), 1);
    let good = finalise(&psbt).unwrap();
    assert_eq!(core(&good, plan.spent()), Ok(()));

    let refuse = |change: &dyn Fn(&mut Psbt)| {
        let mut other = psbt.clone();
        change(&mut other);
        finalise(&other).unwrap_err()
    };
    let value = |psbt: &mut Psbt| psbt.unsigned_tx.output[1].value = Amount::ONE_SAT;
    assert!(matches!(refuse(&value), AnchorPsbtError::Signature { input: 0, .. }));
    assert!(matches!(refuse(&|psbt| psbt.unsigned_tx.output.swap(0, 1)), AnchorPsbtError::Output(_)));
    assert!(matches!(refuse(&|psbt| psbt.outputs[0].proprietary.clear()), AnchorPsbtError::NoHeader));
    assert!(matches!(refuse(&|psbt| psbt.outputs[0].tap_internal_key = Some(x_only(2))), AnchorPsbtError::Output(_)));
    let other = |psbt: &mut Psbt| *psbt.outputs[0].proprietary.values_mut().next().unwrap() = header(2).to_bytes().to_vec();
    assert!(matches!(refuse(&other), AnchorPsbtError::Output(_)));
    let cut = |psbt: &mut Psbt| psbt.outputs[0].proprietary.values_mut().next().unwrap().truncate(163);
    assert!(matches!(refuse(&cut), AnchorPsbtError::Header(_)));
    assert!(matches!(refuse(&|psbt| psbt.inputs[1].witness_utxo = None), AnchorPsbtError::Missing { input: 1, .. }));
    let swap = |psbt: &mut Psbt| psbt.inputs[0].tap_key_sig = psbt.inputs[1].tap_key_sig;
    assert!(matches!(refuse(&swap), AnchorPsbtError::Signature { input: 0, .. }));
    // What a wallet that finalises itself gives back is taken as well.
    let mut done = psbt.clone();
    for input in &mut done.inputs {
        let signature = input.tap_key_sig.take().unwrap();
        input.final_script_witness = Some(bitcoin::Witness::p2tr_key_spend(&signature));
    }
    assert_eq!(finalise(&done).unwrap(), good);
}

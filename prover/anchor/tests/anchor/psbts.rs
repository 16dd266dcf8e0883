//! Keys, descriptors and PSBTs as wallets see them.

use std::collections::BTreeMap;

use crate::scene::*;
use bitcoin::bip32::DerivationPath;
use bitcoin::psbt::Psbt;
use bitcoin::secp256k1::Secp256k1;
use bitcoin::sighash::TapSighashType;
use bitcoin::{Amount, NetworkKind, OutPoint, PrivateKey};
use miniscript::{Descriptor, DescriptorPublicKey};
use tapstone_anchor::{
    AnchorDescriptor, AnchorKey, AnchorKeyError, AnchorPsbtError, First, finalise, header_of, read_psbt, sign,
    with_signatures,
};
use tapstone_verifier::error::AnchorError;

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
            // Shells eat apostrophes.
            assert!(!anchor.text().contains('\''), "{}", anchor.text());
            assert_eq!(anchor.text().contains("/86h/1h/0h]"), !own.source().1.is_empty());
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
    assert!(matches!(
        refuse(&|psbt| psbt.unsigned_tx.output.swap(0, 1)),
        AnchorPsbtError::Rules(AnchorError::Output { .. })
    ));
    assert!(matches!(refuse(&|psbt| psbt.outputs[0].proprietary.clear()), AnchorPsbtError::NoHeader));
    assert!(matches!(refuse(&|psbt| psbt.outputs[0].tap_internal_key = Some(x_only(2))), AnchorPsbtError::Rules(_)));
    let other = |psbt: &mut Psbt| *psbt.outputs[0].proprietary.values_mut().next().unwrap() = header(2).to_bytes().to_vec();
    assert!(matches!(refuse(&other), AnchorPsbtError::Rules(_)));
    let twice =
        |psbt: &mut Psbt| psbt.unsigned_tx.output[1].script_pubkey = psbt.unsigned_tx.output[0].script_pubkey.clone();
    assert!(matches!(refuse(&twice), AnchorPsbtError::Rules(AnchorError::SecondAnchor { sequence: 1, output: 1 })));
    let too_much =
        |psbt: &mut Psbt| psbt.inputs[1].witness_utxo.as_mut().unwrap().value = Amount::MAX_MONEY + Amount::ONE_SAT;
    assert!(matches!(refuse(&too_much), AnchorPsbtError::TooMuch { input: 1, .. }));
    // Nothing is signed for an anchor that the verifier would refuse.
    let mut other = plan.to_psbt().unwrap();
    twice(&mut other);
    assert!(matches!(sign(&mut other, secret(1)), Err(AnchorPsbtError::Rules(_))));
    assert!(other.inputs.iter().all(|input| input.tap_key_sig.is_none()));
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

/// A PSBT as one key signed it, and as it was handed out.
fn signed_and_held() -> (Psbt, Psbt) {
    let held = thread(vec![coin(2, 50_000)]).plan().unwrap().to_psbt().unwrap();
    let mut signed = held.clone();
    sign(&mut signed, secret(1)).unwrap();
    sign(&mut signed, secret(2)).unwrap();
    (signed, held)
}

#[test]
fn psbts_are_read_in_every_form_that_wallets_write() {
    let (signed, _) = signed_and_held();
    let (bytes, base64) = (signed.serialize(), signed.to_string());
    let hex = hex::encode(&bytes);
    let wrapped = |text: &str, end: &str| -> String {
        text.as_bytes().chunks(64).map(|line| format!("{}{end}", std::str::from_utf8(line).unwrap())).collect()
    };
    let forms = [
        base64.clone(),
        format!("\n  {base64}\n"),
        wrapped(&base64, "\n"),
        wrapped(&base64, "\r\n"),
        hex.clone(),
        hex.to_uppercase(),
        wrapped(&hex, "\n"),
    ];
    for form in forms {
        assert_eq!(read_psbt(form.as_bytes()).unwrap(), signed, "{form}");
    }
    assert_eq!(read_psbt(&bytes).unwrap(), signed);
    // Bytes after the end, in each form.
    let longer = [&bytes[..], &[0]].concat();
    for form in [longer.clone(), hex::encode(&longer).into_bytes()] {
        assert!(matches!(read_psbt(&form), Err(AnchorPsbtError::TrailingBytes { count: 1 })));
    }
    for form in [&b""[..], b"psbt", b"70736274ff", b"cHNidP8", b"{}", &[0xff; 9], &bytes[..bytes.len() - 1]] {
        assert!(matches!(read_psbt(form), Err(AnchorPsbtError::Form(_))), "{form:?}");
    }
    // What is cut off is told as such.
    let cut = read_psbt(&bytes[..bytes.len() - 1]).unwrap_err().to_string();
    assert!(cut.ends_with("hexadecimal form: it ends too early"), "{cut}");
    // Version 2 has no transaction, but says so: magic, version of the transaction, counts, and 0xfb.
    let two = hex::decode("70736274ff01020402000000010401010105010001fb040200000000").unwrap();
    let error = read_psbt(&two).unwrap_err();
    assert!(matches!(error, AnchorPsbtError::Version { had: 2 }) && error.to_string().contains("BIP370"), "{error}");
}

/// Wallets leave out what they do not know, or change it: signatures are all that is taken.
#[test]
fn signatures_are_taken_from_what_is_left_of_a_psbt() {
    let (signed, held) = signed_and_held();
    let good = finalise(&signed).unwrap();
    let finish = |given: &Psbt| with_signatures(&held, given).and_then(|psbt| finalise(&psbt));
    let mut stripped = Psbt::from_unsigned_tx(signed.unsigned_tx.clone()).unwrap();
    for (input, own) in stripped.inputs.iter_mut().zip(&signed.inputs) {
        input.tap_key_sig = own.tap_key_sig;
    }
    assert!(matches!(finalise(&stripped), Err(AnchorPsbtError::NoHeader)));
    assert_eq!(finish(&stripped).unwrap(), good);
    let mut finished = stripped.clone();
    for input in &mut finished.inputs {
        input.final_script_witness = Some(bitcoin::Witness::p2tr_key_spend(&input.tap_key_sig.take().unwrap()));
    }
    assert_eq!(finish(&finished).unwrap(), good);
    // What it says of anything else is not believed.
    let mut lying = stripped.clone();
    lying.inputs[1].witness_utxo = Some(coin(3, 1).output);
    lying.outputs[0].proprietary = held.outputs[0].proprietary.clone();
    *lying.outputs[0].proprietary.values_mut().next().unwrap() = header(2).to_bytes().to_vec();
    assert_eq!(with_signatures(&held, &lying).unwrap(), with_signatures(&held, &stripped).unwrap());
    assert_eq!(finish(&lying).unwrap(), good);
    // A signature is missing, is another input's, or does not bind the whole transaction.
    let mut part = stripped.clone();
    part.inputs[1].tap_key_sig = None;
    assert!(matches!(finish(&part), Err(AnchorPsbtError::Missing { input: 1, .. })));
    let mut swapped = stripped.clone();
    swapped.inputs[0].tap_key_sig = signed.inputs[1].tap_key_sig;
    assert!(matches!(finish(&swapped), Err(AnchorPsbtError::Signature { input: 0, .. })));
    for (kind, is_good) in
        [(TapSighashType::All, true), (TapSighashType::None, false), (TapSighashType::AllPlusAnyoneCanPay, false)]
    {
        let mut other = held.clone();
        other.inputs.iter_mut().for_each(|input| input.sighash_type = Some(kind.into()));
        assert_eq!(sign(&mut other.clone(), secret(1)).is_ok(), is_good, "{kind}");
        let keys = [1, 2].map(|n| (x_only(n), PrivateKey::new(secret(n), NetworkKind::Test)));
        other.sign(&BTreeMap::from(keys), &Secp256k1::new()).unwrap();
        assert_eq!(other.inputs[0].tap_key_sig.unwrap().sighash_type, kind);
        assert_eq!(finish(&other).is_ok(), is_good, "{kind}");
        assert_eq!(finalise(&other).is_ok(), is_good, "{kind}");
    }
}

#[test]
fn a_transaction_that_a_wallet_changed_is_named() {
    let (signed, held) = signed_and_held();
    let difference = |change: &dyn Fn(&mut Psbt)| {
        let mut other = signed.clone();
        change(&mut other);
        match with_signatures(&held, &other).unwrap_err() {
            AnchorPsbtError::OtherTransaction { difference, .. } => difference,
            other => panic!("{other}"),
        }
    };
    let inputs = |psbt: &mut Psbt| {
        psbt.unsigned_tx.input.swap(0, 1);
        psbt.inputs.swap(0, 1);
    };
    assert!(difference(&inputs).contains("inputs are in another order"));
    assert!(difference(&|psbt| psbt.unsigned_tx.output.swap(0, 1)).contains("outputs are in another order"));
    assert!(difference(&|psbt| psbt.unsigned_tx.output[1].value = Amount::ONE_SAT).contains("pays other outputs"));
    assert!(difference(&|psbt| psbt.unsigned_tx.input[1].previous_output = outpoint(5)).contains("spends other outputs"));
    assert!(difference(&|psbt| psbt.unsigned_tx.input[1].sequence = bitcoin::Sequence::MAX).contains("sequence numbers"));
}

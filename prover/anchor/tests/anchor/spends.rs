//! Every way to spend an anchor, and ways that must not work, by Bitcoin Core's script code.

use crate::scene::*;
use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{Keypair, Message, Secp256k1};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::{LeafVersion, TapLeafHash};
use bitcoin::{Amount, Sequence, Transaction, TxOut, Witness};
use tapstone_anchor::{AnchorDescriptor, AnchorPlan, ChildRequest, First};
use tapstone_verifier::anchor::recovery::check_recovery_spend;
use tapstone_verifier::error::RevealError;

#[test]
fn a_thread_of_anchors_is_spent_by_the_key_path() {
    let mut plan = start().plan().unwrap();
    let tx = signed(&plan, &[2]);
    assert_eq!(core(&tx, plan.spent()), Ok(()));
    for n in 1..=4 {
        let mut request = thread(if n % 2 == 0 { vec![] } else { vec![coin(2, 50_000)] });
        // The key may change from anchor to anchor.
        request.anchor = anchor(n, n as u8 + 1);
        request.first = plan.next();
        plan = request.plan().unwrap();
        let keys = if n % 2 == 1 && n != 2 { vec![n as u8, 2] } else { vec![n as u8] };
        let mut unique = keys.clone();
        unique.dedup();
        let tx = signed(&plan, &unique);
        assert_eq!(core(&tx, plan.spent()), Ok(()), "anchor {n}");
        // Any changed bit of a signature is refused.
        let mut bad = tx.clone();
        let mut signature = bad.input[0].witness.nth(0).unwrap().to_vec();
        signature[40] ^= 1;
        bad.input[0].witness = Witness::from_slice(&[signature]);
        assert!(core(&bad, plan.spent()).is_err());
    }
}

#[test]
fn the_trap_without_spent_outputs_is_not_stepped_into() {
    let plan = thread(vec![]).plan().unwrap();
    let mut bad = signed(&plan, &[1]);
    bad.input[0].witness = Witness::from_slice(&[[0; 64]]);
    assert!(core(&bad, plan.spent()).is_err());
}

#[test]
fn a_child_spends_the_change() {
    let parent = thread(vec![coin(2, 50_000)]).plan().unwrap();
    let request = ChildRequest { destination: change(), rate: rate(20), fee_limit: Amount::from_sat(10_000) };
    let mut psbt = request.psbt_of(&parent).unwrap();
    psbt.inputs[0].tap_internal_key = Some(x_only(0x44));
    psbt.inputs[0].tap_key_origins.insert(x_only(0x44), (vec![], key(0x44).source()));
    tapstone_anchor::sign(&mut psbt, secret(0x44)).unwrap();
    let mut tx = psbt.unsigned_tx.clone();
    tx.input[0].witness = Witness::p2tr_key_spend(&psbt.inputs[0].tap_key_sig.unwrap());
    assert_eq!(core(&tx, &parent.unsigned().output[1..]), Ok(()));
    assert_eq!(tx.weight(), request.child_of(&parent).unwrap().2);
}

const BLOCKS: u16 = 144;

/// An anchor with recovery, and a plan that spends it.
fn recoverable() -> (AnchorDescriptor, AnchorPlan) {
    let descriptor = AnchorDescriptor::new(header(0), key(1), Some((key(200), BLOCKS))).unwrap();
    let mut request = thread(vec![]);
    request.first =
        First::Anchor { descriptor: Box::new(descriptor.clone()), outpoint: outpoint(3), value: Amount::from_sat(10_000) };
    (descriptor, request.plan().unwrap())
}

/// Spends the anchor by its recovery leaf after `blocks` blocks.
fn recover(descriptor: &AnchorDescriptor, plan: &AnchorPlan, blocks: u16, signer: u8) -> Transaction {
    let (secp, spent) = (Secp256k1::new(), plan.spent());
    let mut tx = plan.unsigned().clone();
    tx.input[0].sequence = Sequence::from_height(blocks);
    let script = descriptor.output().recovery().unwrap().script();
    let leaf = TapLeafHash::from_script(&script, LeafVersion::TapScript);
    let hash = SighashCache::new(&tx)
        .taproot_script_spend_signature_hash(0, &Prevouts::All(spent), leaf, TapSighashType::Default)
        .unwrap();
    let signature = secp.sign_schnorr_no_aux_rand(&Message::from(hash), &Keypair::from_secret_key(&secp, &secret(signer)));
    let control = descriptor.output().spend_info().control_block(&(script.clone(), LeafVersion::TapScript)).unwrap();
    tx.input[0].witness = Witness::from_slice(&[&signature.serialize()[..], script.as_bytes(), &control.serialize()]);
    tx
}

#[test]
fn an_anchor_with_recovery_is_spent_by_either_key() {
    let (descriptor, plan) = recoverable();
    assert_eq!(core(&signed(&plan, &[1]), plan.spent()), Ok(()));
    let tx = recover(&descriptor, &plan, BLOCKS, 200);
    assert_eq!(core(&tx, plan.spent()), Ok(()));
    let output = check_recovery_spend(&tx.input[0].witness, header(0).commitment(), &descriptor.script_pubkey()).unwrap();
    assert_eq!(&output, descriptor.output());
    // Too early, and with another key.
    assert!(core(&recover(&descriptor, &plan, BLOCKS - 1, 200), plan.spent()).is_err());
    assert!(core(&recover(&descriptor, &plan, BLOCKS, 1), plan.spent()).is_err());
}

/// What the verifier refuses of a revealed leaf, and what Bitcoin says of it: an annex is valid there, and refused here.
#[test]
fn control_blocks_are_held_to_at_least_what_bitcoin_asks() {
    let (descriptor, plan) = recoverable();
    let good = recover(&descriptor, &plan, BLOCKS, 200);
    let with = |item: usize, change: &dyn Fn(&mut Vec<u8>)| {
        let mut items = good.input[0].witness.to_vec();
        change(&mut items[item]);
        let mut tx = good.clone();
        tx.input[0].witness = Witness::from_slice(&items);
        let ours = check_recovery_spend(&tx.input[0].witness, header(0).commitment(), &descriptor.script_pubkey());
        (core(&tx, plan.spent()).is_ok(), ours.unwrap_err())
    };
    assert!(matches!(with(2, &|control| control[0] ^= 1), (false, RevealError::Parity { .. })));
    assert!(matches!(with(2, &|control| control[0] ^= 2), (false, RevealError::LeafVersion { .. })));
    assert!(matches!(with(2, &|control| control.push(0)), (false, RevealError::ControlBlock { .. })));
    assert!(matches!(with(2, &|control| control[64] ^= 1), (false, RevealError::Sibling)));
    assert!(matches!(with(1, &|script| script.push(0x51)), (false, RevealError::Script)));
    let mut items = good.input[0].witness.to_vec();
    items.push(vec![0x50]);
    assert_eq!(
        check_recovery_spend(&Witness::from_slice(&items), header(0).commitment(), &descriptor.script_pubkey()),
        Err(RevealError::Annex)
    );
}

/// The leaf that commits cannot be spent, not even by K with a preimage: the preimage of C has more than 32 bytes.
#[test]
fn the_committing_leaf_cannot_be_spent() {
    let secp = Secp256k1::new();
    let descriptor = anchor(0, 1);
    let plan = thread(vec![]).plan().unwrap();
    let mut tx = plan.unsigned().clone();
    let script = descriptor.output().leaf_script().to_owned();
    let leaf = TapLeafHash::from_script(&script, LeafVersion::TapScript);
    let spent: &[TxOut] = plan.spent();
    let hash = SighashCache::new(&tx)
        .taproot_script_spend_signature_hash(0, &Prevouts::All(spent), leaf, TapSighashType::Default)
        .unwrap();
    let pair = Keypair::from_secret_key(&secp, &secret(1));
    let signature = secp.sign_schnorr_no_aux_rand(&Message::from(hash), &pair).serialize();
    let control = descriptor.output().spend_info().control_block(&(script.clone(), LeafVersion::TapScript)).unwrap();
    let tag = bitcoin::hashes::sha256::Hash::hash(b"Tapstone/anchor/v1");
    use bitcoin::hashes::Hash;
    let preimage = [&tag.to_byte_array()[..], &tag.to_byte_array(), &header(0).to_bytes()].concat();
    assert_eq!(bitcoin::hashes::sha256::Hash::hash(&preimage).to_byte_array(), header(0).commitment().to_bytes());
    for preimage in [&preimage[..], &preimage[..32], &[]] {
        tx.input[0].witness = Witness::from_slice(&[preimage, &signature, script.as_bytes(), &control.serialize()]);
        assert!(core(&tx, spent).is_err());
    }
    // The same signature form is good where the key path is taken.
    let hash =
        SighashCache::new(&tx).taproot_key_spend_signature_hash(0, &Prevouts::All(spent), TapSighashType::Default).unwrap();
    let tweaked = pair.tap_tweak(&secp, Some(descriptor.output().merkle_root())).to_keypair();
    let signature = secp.sign_schnorr_no_aux_rand(&Message::from(hash), &tweaked);
    tx.input[0].witness = Witness::from_slice(&[signature.serialize()]);
    assert_eq!(core(&tx, spent), Ok(()));
}

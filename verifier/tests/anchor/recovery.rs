//! The profile with recovery: its output, and the witness that reveals its leaves.

use crate::story::key;
use bitcoin::{
    ScriptBuf, Witness, XOnlyPublicKey,
    opcodes::all::{OP_CHECKSIGVERIFY, OP_CSV},
    script::Builder,
    secp256k1::Secp256k1,
    taproot::{LeafVersion, TapNodeHash, TaprootBuilder},
};
use miniscript::{Descriptor, DescriptorPublicKey};
use std::str::FromStr;
use tapstone_verifier::{
    AnchorCommitment,
    anchor::{
        recovery::{RecoveryLeaf, check_recovery_spend},
        taproot::{AnchorOutput, AnchorOutputError},
    },
    error::RevealError,
};

const C: AnchorCommitment = AnchorCommitment::from_bytes([0xc0; 32]);

fn output(k: u8, blocks: u16) -> AnchorOutput {
    AnchorOutput::with_profile(key(k), C, Some(RecoveryLeaf::new(key(200), blocks).unwrap())).unwrap()
}

/// The witness of a recovery, with a signature of zeros: Bitcoin's own rules check that.
pub fn witness(output: &AnchorOutput) -> Vec<Vec<u8>> {
    let script = output.recovery().unwrap().script();
    let control = output.spend_info().control_block(&(script.clone(), LeafVersion::TapScript)).unwrap();
    vec![vec![0; 64], script.to_bytes(), control.serialize()]
}

fn check(items: &[Vec<u8>], output: &AnchorOutput) -> Result<AnchorOutput, RevealError> {
    check_recovery_spend(&Witness::from_slice(items), output.commitment(), &output.script_pubkey())
}

#[test]
fn miniscript_reads_the_descriptor_and_makes_the_same_output() {
    for blocks in [1, 16, 17, 127, 128, 144, 255, 256, 32767, 32768, 65535] {
        let output = output(1, blocks);
        let descriptor = Descriptor::<DescriptorPublicKey>::from_str(&output.descriptor()).unwrap();
        descriptor.sanity_check().unwrap();
        assert_eq!(descriptor.to_string(), output.descriptor());
        assert_eq!(descriptor.at_derivation_index(0).unwrap().script_pubkey(), output.script_pubkey());
        let leaf = output.recovery().unwrap();
        assert_eq!(RecoveryLeaf::from_script(&leaf.script()), Some(leaf));
        let tree = TaprootBuilder::new().add_leaf(1, output.leaf_script().into()).unwrap();
        let tree = tree.add_leaf(1, leaf.script()).unwrap().finalize(&Secp256k1::verification_only(), key(1)).unwrap();
        assert_eq!(tree.merkle_root(), Some(output.merkle_root()));
        assert_eq!(tree.output_key(), output.output_key());
    }
}

#[test]
fn leaves_that_cannot_be_are_refused() {
    let nums: XOnlyPublicKey = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0".parse().unwrap();
    assert_eq!(RecoveryLeaf::new(key(1), 0), Err(AnchorOutputError::RecoveryBlocks));
    assert_eq!(RecoveryLeaf::new(nums, 1), Err(AnchorOutputError::RecoveryKey { recovery_key: nums }));
    let own = AnchorOutput::with_profile(key(1), C, Some(RecoveryLeaf::new(key(1), 9).unwrap()));
    assert_eq!(own, Err(AnchorOutputError::RecoveryKey { recovery_key: key(1) }));
}

#[test]
fn only_the_template_is_a_recovery_script() {
    let script = |number: &[u8]| {
        let head = Builder::new().push_x_only_key(&key(200)).push_opcode(OP_CHECKSIGVERIFY).into_script();
        ScriptBuf::from_bytes([head.as_bytes(), number, &[OP_CSV.to_u8()]].concat())
    };
    assert_eq!(RecoveryLeaf::from_script(&script(&[0x51])).unwrap().blocks(), 1);
    assert_eq!(RecoveryLeaf::from_script(&script(&[2, 144, 0])).unwrap().blocks(), 144);
    let others: [&[u8]; 8] = [&[], &[0], &[1, 1], &[1, 0x80], &[2, 1, 0], &[3, 1, 1, 0], &[3, 0, 0, 1], &[4, 1, 2, 3, 4]];
    for number in others {
        assert_eq!(RecoveryLeaf::from_script(&script(number)), None, "{number:?}");
    }
    let good = output(1, 144).recovery().unwrap().script().to_bytes();
    for length in 0..good.len() {
        assert_eq!(RecoveryLeaf::from_script(bitcoin::Script::from_bytes(&good[..length])), None);
    }
}

#[test]
fn a_revealed_anchor_is_held_to_its_commitment_and_output() {
    // Keys whose output keys have both parities.
    for k in 1..=6 {
        let output = output(k, 144);
        let good = witness(&output);
        assert_eq!(check(&good, &output), Ok(output.clone()));

        let with = |item: usize, change: &dyn Fn(&mut Vec<u8>)| {
            let mut items = good.clone();
            change(&mut items[item]);
            check(&items, &output).unwrap_err()
        };
        assert!(matches!(with(2, &|control| control[0] ^= 1), RevealError::Parity { .. }));
        assert_eq!(with(2, &|control| control[0] = 0xc2), RevealError::LeafVersion { actual: 0xc2 });
        assert_eq!(with(2, &|control| control.push(0)), RevealError::ControlBlock { expected: 65, actual: 66 });
        assert_eq!(with(2, &|control| control.truncate(33)), RevealError::ControlBlock { expected: 65, actual: 33 });
        assert_eq!(with(2, &|control| control.extend([0; 32])), RevealError::ControlBlock { expected: 65, actual: 97 });
        assert_eq!(with(2, &|control| control[40] ^= 1), RevealError::Sibling);
        assert_eq!(with(2, &|control| control[1..33].fill(0xff)), RevealError::InternalKey);
        assert_eq!(with(1, &|script| script.push(0x51)), RevealError::Script);
        // A lock of one block less is another output.
        assert!(matches!(with(1, &|script| script[35] ^= 1), RevealError::Output(AnchorOutputError::ScriptPubKey { .. })));

        let annex = [&good[..], &[vec![0x50, 1]]].concat();
        assert_eq!(check(&annex, &output), Err(RevealError::Annex));
        let more = [&good[..1], &good[..]].concat();
        assert_eq!(check(&more, &output), Err(RevealError::Items { expected: 3, actual: 4 }));
        assert_eq!(check(&good[..1], &output), Err(RevealError::Items { expected: 3, actual: 1 }));
        assert_eq!(check(&[], &output), Err(RevealError::Items { expected: 3, actual: 0 }));
    }
}

/// A second commitment in place of the one that the header gives, in a tree that Bitcoin accepts.
#[test]
fn a_sibling_that_is_not_the_commitment_is_refused() {
    let output = output(1, 144);
    let script = output.recovery().unwrap().script();
    let other = AnchorOutput::new(key(1), AnchorCommitment::from_bytes([7; 32])).unwrap();
    let secp = Secp256k1::verification_only();
    for sibling in [other.leaf_hash(), TapNodeHash::assume_hidden([5; 32])] {
        let tree = TaprootBuilder::new().add_leaf(1, script.clone()).unwrap().add_hidden_node(1, sibling).unwrap();
        let tree = tree.finalize(&secp, key(1)).unwrap();
        let control = tree.control_block(&(script.clone(), LeafVersion::TapScript)).unwrap();
        let spent = ScriptBuf::new_p2tr_tweaked(tree.output_key());
        assert!(control.verify_taproot_commitment(&secp, tree.output_key().to_x_only_public_key(), &script));
        let items = [vec![0; 64], script.to_bytes(), control.serialize()];
        assert_eq!(check_recovery_spend(&Witness::from_slice(&items), C, &spent), Err(RevealError::Sibling));
    }
}

//! Test vectors of BIP340 (as they stand in libsecp256k1) and of BIP341's key path.

use bitcoin::consensus::deserialize;
use bitcoin::hashes::Hash;
use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{Keypair, Message, Secp256k1, SecretKey, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Amount, ScriptBuf, TapNodeHash, Transaction, TxOut, Witness, XOnlyPublicKey};
use serde_json::Value;

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn bip340() {
    let secp = Secp256k1::new();
    let vectors: Value = serde_json::from_str(include_str!("bip340_vectors.json")).unwrap();
    let (mut signed, mut refused) = (0, 0);
    for v in vectors.as_array().unwrap() {
        let Ok(key) = XOnlyPublicKey::from_slice(&bytes(&v["public_key"])) else {
            assert!([5, 14].contains(&v["index"].as_u64().unwrap()));
            continue;
        };
        let message = Message::from_digest(bytes(&v["message"]).try_into().unwrap());
        let signature = schnorr::Signature::from_slice(&bytes(&v["signature"])).unwrap();
        let valid = secp.verify_schnorr(&signature, &message, &key).is_ok();
        assert_eq!(valid, v["valid"] == true, "{}", v["index"]);
        refused += usize::from(!valid);
        if v["secret_key"].is_string() {
            let pair = Keypair::from_seckey_slice(&secp, &bytes(&v["secret_key"])).unwrap();
            assert_eq!(pair.x_only_public_key().0, key);
            let aux = bytes(&v["aux_rand"]).try_into().unwrap();
            assert_eq!(secp.sign_schnorr_with_aux_rand(&message, &pair, &aux), signature);
            signed += 1;
        }
    }
    assert_eq!((signed, refused), (4, 8));
}

/// Hashes and signatures of BIP341's wallet vectors, and Bitcoin Core's verdict on the whole transaction.
#[test]
fn bip341_key_path() {
    let secp = Secp256k1::new();
    let file = include_str!("../../../../verifier/tests/data/bip341_wallet_vectors.json");
    let vectors: Value = serde_json::from_str(file).unwrap();
    let v = &vectors["keyPathSpending"][0];
    let tx: Transaction = deserialize(&bytes(&v["given"]["rawUnsignedTx"])).unwrap();
    let spent: Vec<TxOut> = v["given"]["utxosSpent"]
        .as_array()
        .unwrap()
        .iter()
        .map(|utxo| TxOut {
            script_pubkey: ScriptBuf::from_bytes(bytes(&utxo["scriptPubKey"])),
            value: Amount::from_sat(utxo["amountSats"].as_u64().unwrap()),
        })
        .collect();
    let mut cache = SighashCache::new(&tx);
    let inputs = v["inputSpending"].as_array().unwrap();
    assert_eq!(inputs.len(), 7);
    for input in inputs {
        let given = &input["given"];
        let index = given["txinIndex"].as_u64().unwrap() as usize;
        let kind = TapSighashType::from_consensus_u8(given["hashType"].as_u64().unwrap() as u8).unwrap();
        let hash = cache.taproot_key_spend_signature_hash(index, &Prevouts::All(&spent), kind).unwrap();
        assert_eq!(hash.to_byte_array().to_vec(), bytes(&input["intermediary"]["sigHash"]));
        let root = given["merkleRoot"].as_str().map(|text| text.parse::<TapNodeHash>().unwrap());
        let pair = Keypair::from_secret_key(&secp, &SecretKey::from_slice(&bytes(&given["internalPrivkey"])).unwrap());
        let signature =
            secp.sign_schnorr_with_aux_rand(&Message::from(hash), &pair.tap_tweak(&secp, root).to_keypair(), &[0; 32]);
        let witness = bitcoin::taproot::Signature { signature, sighash_type: kind }.to_vec();
        assert_eq!(witness, bytes(&input["expected"]["witness"][0]));
    }
    let signed: Transaction = deserialize(&bytes(&v["auxiliary"]["fullySignedTx"])).unwrap();
    assert_eq!(crate::scene::core(&signed, &spent), Ok(()));
    let mut bad = signed;
    let first = bad.input.iter_mut().find(|input| input.witness.len() == 1).unwrap();
    first.witness = Witness::from_slice(&[[1; 64]]);
    assert!(crate::scene::core(&bad, &spent).is_err());
}

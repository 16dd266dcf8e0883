//! Keys, headers and coins that the tests have in common.

use bitcoin::bip32::{DerivationPath, Xpriv, Xpub};
use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{Keypair, Secp256k1, SecretKey};
use bitcoin::{Amount, FeeRate, NetworkKind, OutPoint, ScriptBuf, Transaction, TxOut, Txid, XOnlyPublicKey};
use tapstone_anchor::{AnchorDescriptor, AnchorKey, AnchorPlan, AnchorRequest, Coin, First};
use tapstone_verifier::AnchorHeader;

/// A regtest chain.
pub const CHAIN: u32 = 3;

pub fn secret(n: u8) -> SecretKey {
    SecretKey::from_slice(&[n; 32]).unwrap()
}

pub fn x_only(n: u8) -> XOnlyPublicKey {
    Keypair::from_secret_key(&Secp256k1::new(), &secret(n)).x_only_public_key().0
}

pub fn key(n: u8) -> AnchorKey {
    AnchorKey::parse(&x_only(n).to_string(), None, CHAIN).unwrap()
}

/// Master key of BIP32's first test vector, for test networks.
pub fn master() -> Xpriv {
    let seed: Vec<u8> = (0..16).collect();
    Xpriv::new_master(NetworkKind::Test, &seed).unwrap()
}

/// Its account key with origin and wildcard.
pub fn account() -> String {
    let (secp, path) = (Secp256k1::new(), "86h/1h/0h".parse::<DerivationPath>().unwrap());
    let account = Xpub::from_priv(&secp, &master().derive_priv(&secp, &path).unwrap());
    format!("[{}/{path}]{account}/0/*", master().fingerprint(&secp))
}

/// Header number `n` of a chain of anchors over one batch each.
pub fn header(n: u64) -> AnchorHeader {
    let mut bytes = [0; 164];
    bytes[..4].copy_from_slice(&1u32.to_be_bytes());
    bytes[4..8].copy_from_slice(&CHAIN.to_be_bytes());
    bytes[8..16].copy_from_slice(&n.to_be_bytes());
    bytes[16..24].copy_from_slice(&(n + 1).to_be_bytes());
    bytes[24..32].copy_from_slice(&1u64.to_be_bytes());
    if n > 0 {
        bytes[36..68].copy_from_slice(&header(n - 1).commitment().to_bytes());
    }
    bytes[99] = n as u8;
    bytes[131] = n as u8 + 1;
    bytes[163] = 7;
    AnchorHeader::from_bytes(&bytes).unwrap()
}

pub fn anchor(n: u64, key_number: u8) -> AnchorDescriptor {
    AnchorDescriptor::new(header(n), key(key_number), None).unwrap()
}

pub fn outpoint(n: u8) -> OutPoint {
    OutPoint { txid: Txid::from_byte_array([n; 32]), vout: 0 }
}

/// A coin of key n under BIP86.
pub fn coin(n: u8, sats: u64) -> Coin {
    let script_pubkey = ScriptBuf::new_p2tr(&Secp256k1::verification_only(), x_only(n), None);
    let output = TxOut { value: Amount::from_sat(sats), script_pubkey };
    Coin { outpoint: outpoint(n), output, key: Some((x_only(n), key(n).source())) }
}

pub fn change() -> ScriptBuf {
    ScriptBuf::new_p2tr(&Secp256k1::verification_only(), x_only(0x44), None)
}

pub fn rate(sat_per_vb: u64) -> FeeRate {
    FeeRate::from_sat_per_vb(sat_per_vb).unwrap()
}

/// The thread's step from anchor 0, worth 10,000 sat, to anchor 1.
pub fn thread(coins: Vec<Coin>) -> AnchorRequest {
    let first =
        First::Anchor { descriptor: Box::new(anchor(0, 1)), outpoint: outpoint(0xa0), value: Amount::from_sat(10_000) };
    let change = if coins.is_empty() { None } else { Some(change()) };
    AnchorRequest {
        anchor: anchor(1, 1),
        first,
        coins,
        value: None,
        change,
        rate: rate(5),
        fee_limit: Amount::from_sat(50_000),
    }
}

/// The first anchor, from an origin.
pub fn start() -> AnchorRequest {
    AnchorRequest {
        anchor: anchor(0, 1),
        first: First::Origin(coin(2, 100_000)),
        coins: vec![],
        value: Some(Amount::from_sat(10_000)),
        change: Some(change()),
        rate: rate(5),
        fee_limit: Amount::from_sat(50_000),
    }
}

/// Bitcoin Core's verdict on every input.
pub fn core(tx: &Transaction, spent: &[TxOut]) -> Result<(), String> {
    let scripts: Vec<&[u8]> = spent.iter().map(|output| output.script_pubkey.as_bytes()).collect();
    // Without the spent outputs the taproot rules would be left out, and anything would pass.
    let utxos: Vec<bitcoinconsensus::Utxo> = scripts
        .iter()
        .zip(spent)
        .map(|(script, output)| bitcoinconsensus::Utxo {
            script_pubkey: script.as_ptr(),
            script_pubkey_len: script.len() as u32,
            value: output.value.to_sat() as i64,
        })
        .collect();
    let bytes = serialize(tx);
    assert_eq!(tx.input.len(), spent.len());
    for (i, (script, output)) in scripts.iter().zip(spent).enumerate() {
        bitcoinconsensus::verify(script, output.value.to_sat(), &bytes, Some(&utxos), i)
            .map_err(|e| format!("input {i}: {e:?}"))?;
    }
    Ok(())
}

/// Signs every input with the keys of the scene, and takes the transaction out.
pub fn signed(plan: &AnchorPlan, keys: &[u8]) -> Transaction {
    let mut psbt = plan.to_psbt().unwrap();
    for n in keys {
        tapstone_anchor::sign(&mut psbt, secret(*n)).unwrap();
    }
    tapstone_anchor::finalise(&psbt).unwrap()
}

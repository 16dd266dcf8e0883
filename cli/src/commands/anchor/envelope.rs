//! `anchor envelope`: published data in a Bitcoin transaction.

use bitcoin::Address;
use bitcoin::consensus::encode::serialize_hex;
use tapstone_anchor::Envelope;
use tapstone_verifier::anchor::taproot::network;

use super::transaction::read_secret;
use crate::args::AnchorEnvelope;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::report::Report;

/// `tapstone anchor envelope`.
pub fn run(args: &AnchorEnvelope) -> Result<Report, Failure> {
    let data = input::data(&args.data)?;
    let network = network(data.chain_id);
    let envelope = Envelope::new(args.key, data.encode()).map_err(|e| Failure::at(Reason::Input, &args.data, e))?;
    let script = envelope.script_pubkey();
    let address = Address::from_script(&script, network).map_err(|e| Failure::new(Reason::Bug, e))?;
    let mut report = Report::default();
    report
        .add("chain_id", data.chain_id)
        .add("batch", data.batch_number)
        .add("bytes", envelope.data().len())
        .add("address", address.to_string())
        .add("script_pubkey", script.to_hex_string());
    if let (Some(coin), Some(to), Some(rate), Some(secret)) = (args.coin, &args.to, args.rate, &args.secret) {
        let to = to.script("--to", data.chain_id).map_err(|e| Failure::new(Reason::Usage, e))?;
        let secret = read_secret(secret)?;
        let own = secret.x_only_public_key(&bitcoin::secp256k1::Secp256k1::new()).0;
        if own != args.key {
            return Err(Failure::new(Reason::Mismatch, format!("the secret key is that of {own}, needed {}", args.key)));
        }
        let (tx, weight) = envelope
            .reveal((coin.outpoint, coin.value), to, rate, args.fee_limit, secret)
            .map_err(|e| Failure::new(Reason::Verdict, e))?;
        let left = tx.output.iter().map(|output| output.value.to_sat()).sum::<u64>();
        let hex = serialize_hex(&tx);
        if let Some(out) = &args.out {
            files::replace(out, hex.as_bytes())?;
        }
        report
            .add("txid", tx.compute_txid().to_string())
            .add("fee", coin.value.to_sat().saturating_sub(left))
            .add("weight", weight.to_wu())
            .add("vbytes", weight.to_vbytes_ceil());
        if args.out.is_none() {
            report.add("tx", hex);
        }
    }
    Ok(report)
}

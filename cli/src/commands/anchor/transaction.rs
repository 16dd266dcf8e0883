//! `anchor psbt`, `sign` and `finalise`: an anchor's transaction, from a header to what is broadcast.

use std::fmt::Display;
use std::path::Path;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use bitcoin::{Psbt, ScriptBuf, TxOut};
use tapstone_anchor::{
    AnchorDescriptor, AnchorKey, AnchorPlan, AnchorPlanError, AnchorPsbtError, AnchorRequest, ChildRequest, Coin, First,
    finalise, header_of, sign, with_signatures,
};
use tapstone_verifier::AnchorHeader;

use super::read_header;
use crate::args::{AddressText, AnchorFinalise, AnchorPsbt, AnchorSign, CoinText, Lock};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::Report;

/// The longest PSBT that is read: one of an anchor has one or two thousand bytes.
const PSBT_LIMIT: usize = 1 << 20;
/// The longest secret key file: its digits, and room for white space.
const SECRET_LIMIT: usize = 256;

pub(super) fn usage(e: impl Display) -> Failure {
    Failure::new(Reason::Usage, e)
}

/// `tapstone anchor psbt`.
pub fn psbt(args: &AnchorPsbt) -> Result<Report, Failure> {
    let header = read_header("--header", &args.header)?;
    let chain_id = header.chain_id();
    let script = |option: &str, address: &AddressText| address.script(option, chain_id).map_err(usage);
    let first = match (&args.origin, args.spends, args.spends_value, &args.spends_header, &args.spends_key) {
        (Some(origin), ..) => First::Origin(coin(origin, chain_id)?),
        (None, Some(outpoint), Some(value), Some(header), Some(key)) => {
            if outpoint.vout != 0 {
                return Err(usage(format!("--spends: {outpoint} is not an output 0")));
            }
            let header = read_header("--spends-header", header)?;
            let descriptor = Box::new(descriptor(header, key, args.spends_recovery)?);
            First::Anchor { descriptor, outpoint, value }
        }
        _ => return Err(usage("needed --origin, or --spends with value, header and key")),
    };
    let request = AnchorRequest {
        anchor: descriptor(header, &args.key, args.recovery)?,
        first,
        coins: args.coin.iter().map(|text| coin(text, chain_id)).collect::<Result<_, _>>()?,
        value: args.value,
        change: args.change.as_ref().map(|address| script("--change", address)).transpose()?,
        rate: args.rate,
        fee_limit: args.fee_limit,
    };
    let refuse = |e: AnchorPlanError| Failure::new(Reason::Verdict, e);
    let plan = match args.replaces_rate {
        None => request.plan(),
        Some(rate) => {
            let old = AnchorRequest { rate, ..request.clone() }.plan();
            old.and_then(|old| old.replaced(args.rate, args.fee_limit, args.replaces_step))
        }
    }
    .map_err(refuse)?;
    let psbt = plan.to_psbt().map_err(|e| Failure::new(Reason::Bug, e))?.to_string();
    if let Some(out) = &args.out {
        files::replace(out, psbt.as_bytes())?;
    }
    let mut report = describe(&plan, &psbt);
    if let (Some(out), Some(rate), Some(to)) = (&args.child_out, args.child_rate, &args.child_to) {
        let child = ChildRequest { destination: script("--child-to", to)?, rate, fee_limit: args.fee_limit };
        let (tx, fee, weight) = child.child_of(&plan).map_err(refuse)?;
        let psbt = child.psbt_of(&plan).map_err(|e| Failure::new(Reason::Bug, e))?;
        files::replace(out, psbt.to_string().as_bytes())?;
        let mut made = Report::default();
        made.add("txid", tx.compute_txid().to_string()).add("fee", fee.to_sat()).add("vbytes", weight.to_vbytes_ceil());
        report.add("child", made.into_value());
    }
    Ok(report)
}

fn describe(plan: &AnchorPlan, psbt: &str) -> Report {
    let anchor = &plan.request().anchor;
    let outputs: Vec<u64> = plan.unsigned().output.iter().map(|output| output.value.to_sat()).collect();
    let mut report = Report::default();
    report
        .add("commitment", anchor.header().commitment().to_string())
        .add("descriptor", anchor.text())
        .add("address", anchor.address().to_string())
        .add("txid", plan.unsigned().compute_txid().to_string())
        .add("outputs", outputs)
        .add("fee", plan.fee().to_sat())
        .add("weight", plan.weight().to_wu())
        .add("vbytes", plan.weight().to_vbytes_ceil())
        .add("psbt", psbt);
    report
}

pub(super) fn key(text: &str, chain_id: u32) -> Result<AnchorKey, Failure> {
    AnchorKey::parse(text, None, chain_id).map_err(usage)
}

fn descriptor(header: AnchorHeader, text: &str, recovery: Option<Lock>) -> Result<AnchorDescriptor, Failure> {
    let chain_id = header.chain_id();
    let recovery = recovery.map(|lock| Ok((key(&lock.key.to_string(), chain_id)?, lock.blocks))).transpose()?;
    AnchorDescriptor::new(header, key(text, chain_id)?, recovery).map_err(usage)
}

pub(super) fn coin(text: &CoinText, chain_id: u32) -> Result<Coin, Failure> {
    let key = key(&text.key, chain_id)?;
    let script_pubkey = ScriptBuf::new_p2tr(&Secp256k1::verification_only(), key.x_only(), None);
    let output = TxOut { value: text.value, script_pubkey };
    Ok(Coin { outpoint: text.outpoint, output, key: Some((key.x_only(), key.source())) })
}

pub(super) fn read_psbt(path: &Path) -> Result<Psbt, Failure> {
    let bytes = files::read(path, PSBT_LIMIT)?;
    tapstone_anchor::read_psbt(&bytes).map_err(|e| {
        let reason = if matches!(e, AnchorPsbtError::Version { .. }) { Reason::Mismatch } else { Reason::Input };
        Failure::at(reason, path, e)
    })
}

/// Reads a secret key of secp256k1.
pub fn read_secret(path: &Path) -> Result<SecretKey, Failure> {
    let text = files::read_secret(path, SECRET_LIMIT)?;
    text.trim().parse().map_err(|_| Failure::at(Reason::Input, path, "needed 64 hexadecimal digits of a secret key"))
}

/// `tapstone anchor sign`.
pub fn sign_psbt(args: &AnchorSign) -> Result<Report, Failure> {
    let mut psbt = read_psbt(&args.psbt)?;
    let secret = read_secret(&args.secret)?;
    let count = sign(&mut psbt, secret).map_err(|e| Failure::at(Reason::Verdict, &args.psbt, e))?;
    files::replace(&args.out, psbt.to_string().as_bytes())?;
    let mut report = Report::default();
    report.add("signed", count).add("inputs", psbt.inputs.len());
    Ok(report)
}

/// `tapstone anchor finalise`.
pub fn finalise_psbt(args: &AnchorFinalise) -> Result<Report, Failure> {
    let refuse = |e| Failure::at(Reason::Verdict, &args.psbt, e);
    let given = read_psbt(&args.psbt)?;
    let psbt = match &args.unsigned {
        Some(path) => with_signatures(&read_psbt(path)?, &given).map_err(refuse)?,
        None => given,
    };
    let header = header_of(&psbt).map_err(refuse)?;
    let tx = finalise(&psbt).map_err(refuse)?;
    let hex = serialize_hex(&tx);
    if let Some(out) = &args.out {
        files::replace(out, hex.as_bytes())?;
    }
    let mut report = Report::default();
    report
        .add("txid", tx.compute_txid().to_string())
        .add("sequence", header.sequence())
        .add("commitment", header.commitment().to_string())
        .add("weight", tx.weight().to_wu())
        .add("vbytes", tx.weight().to_vbytes_ceil())
        .add("tx", hex);
    if let Ok(fee) = psbt.fee() {
        report.add("fee", fee.to_sat());
    }
    Ok(report)
}

//! `keys import | contribute | show | list | export-vk`.

use std::path::PathBuf;

use clap::Parser;
use tapstone_ceremony::{Beacon, CeremonyHash};

/// Arguments of `keys import`.
#[derive(Debug, Parser)]
#[command(
    after_help = "What is verified, and who must do what before: prover/ceremony/CEREMONY.md. A refused import writes nothing.\n\n\
    Example:\n  tapstone keys import --shape small --zkey small-final.zkey --zkey-init small-0000.zkey \\\n    \
    --ptau powersOfTau28_hez_final_19.ptau --contribution-hash 5f0c... --beacon 00ab...:20"
)]
pub struct ImportKey {
    /// The shape.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The key after all contributions and the beacon.
    #[arg(long, value_name = "FILE")]
    pub zkey: PathBuf,
    /// The key before the first contribution.
    #[arg(long, value_name = "FILE")]
    pub zkey_init: PathBuf,
    /// The powers of tau, of at least twice the circuit's domain.
    #[arg(long, value_name = "FILE")]
    pub ptau: PathBuf,
    /// The hash of a contribution whose maker you trust, from that maker; repeat the option for more, in the order of the ceremony.
    #[arg(long = "contribution-hash", value_name = "HASH")]
    pub contributions: Vec<CeremonyHash>,
    /// The beacon that was announced: its value in hexadecimal digits, a colon, and two's exponent of its rounds.
    #[arg(long, value_name = "VALUE:EXPONENT")]
    pub beacon: Option<Beacon>,
    /// BLAKE2b of the powers of tau, if the file is not one of the known public ones.
    #[arg(long, value_name = "HASH")]
    pub ptau_hash: Option<CeremonyHash>,
    /// Folder of keys [default: tapstone in the user's cache].
    #[arg(long, value_name = "FOLDER")]
    pub keys: Option<PathBuf>,
    /// Replace the key of this shape that is there.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `keys contribute`.
#[derive(Debug, Parser)]
#[command(
    after_help = "The secret is drawn from the system's randomness and what you type, and wiped. Publish the hash that is printed.\n\
    Verify the key that you are given first, against circuit and powers: `snarkjs zkey verify`.\n\n\
    Example:\n  tapstone keys contribute small-0001.zkey small-0002.zkey --name \"Ada\""
)]
pub struct ContributeKey {
    /// The key to contribute to.
    pub zkey: PathBuf,
    /// The new key, which must not be there yet.
    pub out: PathBuf,
    /// How the contribution is to be called, for all to see.
    #[arg(long, default_value = "")]
    pub name: String,
}

/// A shape and a folder of keys: arguments of `keys show`.
#[derive(Debug, Parser)]
pub struct ShowKey {
    /// The shape.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The folder that keys are in.
    #[arg(long, value_name = "FOLDER")]
    pub keys: Option<PathBuf>,
}

/// Arguments of `keys list`.
#[derive(Debug, Parser)]
pub struct ListKeys {
    /// The folder that keys are in.
    #[arg(long, value_name = "FOLDER")]
    pub keys: Option<PathBuf>,
}

/// Arguments of `keys export-vk`.
#[derive(Debug, Parser)]
pub struct ExportVk {
    /// The file to write.
    pub file: PathBuf,
    /// The shape.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The folder that keys are in.
    #[arg(long, value_name = "FOLDER")]
    pub keys: Option<PathBuf>,
}

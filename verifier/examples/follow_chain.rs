//! A node that follows a chain of proven batches and prints their commitments.
//!
//! ```text
//! follow_chain REGISTRY CHAIN_ID GENESIS_ROOT CHECKPOINT KEY... < batches
//! ```
//!
//! REGISTRY is the text of the pinned key ids, CHAIN_ID and GENESIS_ROOT name the chain: all three from the node's configuration. KEY
//! files may come from anywhere. Each line of the standard input is a batch, three words in hexadecimal: the key's id, the statement
//! (224 bytes), the proof (128 bytes); a fourth word, `0x` and 64 digits, is the deposit head that the node expects from its own view
//! of the bridge. The checkpoint is read if the file exists, and written after each batch. The exit code is 1 where a batch is refused.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::{env, error::Error, fs, process::ExitCode};
use tapstone_verifier::{
    ChainEnd, ChainVerifier, Checkpoint, DepositHead, Deposits, NextBatch, Proof, Registry, Statement, VerifyingKey,
};

/// The longest line that is read.
const LINE_LIMIT: u64 = 4096;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [registry, chain_id, genesis, checkpoint, keys @ ..] = &arguments[..] else {
        eprintln!("usage: follow_chain REGISTRY CHAIN_ID GENESIS_ROOT CHECKPOINT KEY... < batches");
        return ExitCode::from(2);
    };
    match follow(registry, chain_id, genesis, Path::new(checkpoint), keys, io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Follows the batches of the input; the first that is refused ends it.
///
/// # Errors
/// What is wrong with an argument, a file or a batch.
pub fn follow(
    registry: &str,
    chain_id: &str,
    genesis: &str,
    checkpoint: &Path,
    keys: &[String],
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<(), Box<dyn Error>> {
    let start = if checkpoint.exists() {
        Checkpoint::from_bytes(&fs::read(checkpoint)?)?
    } else {
        Checkpoint::start(ChainEnd { chain_id: chain_id.parse()?, batch_number: 0, state_root: genesis.parse()? })
    };
    let mut chain = ChainVerifier::new(Registry::from_text(&fs::read_to_string(registry)?)?, start);
    for key in keys {
        chain.add_key(VerifyingKey::from_bytes(&fs::read(key)?)?)?;
    }
    loop {
        let mut line = String::new();
        if io::Read::take(&mut input, LINE_LIMIT).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let (id, statement, proof, head) = match words[..] {
            [id, statement, proof] => (id, statement, proof, None),
            [id, statement, proof, head] => (id, statement, proof, Some(head)),
            _ => return Err("a line has three or four words".into()),
        };
        let next = NextBatch {
            statement: &Statement::from_bytes(&unhex(statement)?)?,
            proof: &Proof::from_compressed(&unhex(proof)?)?,
            vk_id: id.parse()?,
            previous: None,
            deposits: head.map(str::parse).transpose()?.map_or(DepositHead::Unknown, DepositHead::Expected),
        };
        let followed = chain.follow(&next)?;
        let deposits = match followed.deposits {
            Deposits::Checked => "deposits checked".to_owned(),
            Deposits::Unchecked { since } => format!("deposits unchecked since batch {since}"),
        };
        writeln!(output, "{} {} {deposits}", followed.verified.statement().batch_number, followed.verified.commitment())?;
        // Written beside and renamed, so that a crash leaves one checkpoint or the other.
        let beside = checkpoint.with_extension("new");
        fs::write(&beside, chain.checkpoint().to_bytes())?;
        fs::rename(&beside, checkpoint)?;
    }
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    hex::decode(text).map_err(|error| error.to_string())
}

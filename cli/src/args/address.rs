//! [`AddressText`]: an address of Bitcoin on the command line, whose errors say what is wrong with it.

use std::str::FromStr;

use bitcoin::address::{Address, NetworkUnchecked, ParseError};
use bitcoin::bech32::primitives::decode::SegwitHrpstringError;
use bitcoin::bech32::segwit;
use bitcoin::{Network, ScriptBuf, base58};
use tapstone_anchor::with_causes;
use tapstone_verifier::anchor::taproot::network;

/// The parts that addresses of this form begin with.
const BECH32_PREFIXES: [&str; 3] = ["bc1", "tb1", "bcrt1"];

/// An address, of which the network is not checked yet.
#[derive(Clone, Debug)]
pub struct AddressText(Address<NetworkUnchecked>);

impl FromStr for AddressText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|e| explain(text, &e))
    }
}

impl AddressText {
    /// The script that the address pays to, on the network of a chain. `option` names where it was given.
    ///
    /// # Errors
    /// If it is an address of another network.
    pub fn script(&self, option: &str, chain_id: u32) -> Result<ScriptBuf, String> {
        let needed = network(chain_id);
        if !self.0.is_valid_for_network(needed) {
            let had: Vec<String> = [Network::Bitcoin, Network::Testnet4, Network::Signet, Network::Regtest]
                .into_iter()
                .filter(|network| self.0.is_valid_for_network(*network))
                .map(name)
                .collect();
            return Err(format!(
                "{option}: {} is an address of {}, and chain {chain_id} is anchored on {}: needed one that begins with {}",
                self.0.assume_checked_ref(),
                had.join(" or "),
                name(needed),
                prefix(needed)
            ));
        }
        Ok(self.0.assume_checked_ref().script_pubkey())
    }
}

fn name(network: Network) -> String {
    match network {
        Network::Bitcoin => "mainnet".into(),
        other => other.to_string(),
    }
}

fn prefix(network: Network) -> &'static str {
    match network {
        Network::Bitcoin => "bc1, 1 or 3",
        Network::Regtest => "bcrt1, m, n or 2",
        _ => "tb1, m, n or 2",
    }
}

/// What is wrong with text that is no address.
fn explain(text: &str, error: &ParseError) -> String {
    let lower = text.to_ascii_lowercase();
    let checksum = "its checksum is wrong: a character is missing or mistyped";
    let reason = if BECH32_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
        match segwit::decode(text) {
            Err(e) if matches!(e.0, SegwitHrpstringError::Checksum(_)) => checksum.to_owned(),
            Err(e) => with_causes(&e.0),
            Ok(_) => with_causes(error),
        }
    } else {
        match error {
            ParseError::Base58(base58::Error::IncorrectChecksum(_)) => checksum.to_owned(),
            ParseError::LegacyAddressTooLong(_) => "it is too long, and does not begin with bc1, tb1 or bcrt1".to_owned(),
            other => with_causes(other),
        }
    };
    format!("no address of Bitcoin: {reason}")
}

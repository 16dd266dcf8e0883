//! [`Terms`] of an anchor, and the coins that pay for it.

use std::collections::BTreeSet;

use bitcoin::{Address, Amount, FeeRate, ScriptBuf};
use tapstone_verifier::anchor::taproot::network;

use super::error::PublishError;
use super::{BlockPlace, Journal, Node};
use crate::{AnchorKey, Coin};

/// Blocks after which what a block's first transaction made can be spent.
const COINBASE_MATURITY: u32 = 100;

/// Where the fee comes from.
#[derive(Clone, Debug)]
pub enum Funds {
    /// Coins of the anchor's key (BIP86: taproot outputs of the key alone), which the node is asked for. Never an anchor, never an output
    /// that a transaction of the journal spends.
    Find,
    /// These coins; for the first anchor the first of them is the origin. They must be there.
    Coins(Vec<Coin>),
    /// The anchor's own value.
    Anchor,
}

/// What an anchor is made with, besides its header.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The internal key.
    pub key: AnchorKey,
    /// A recovery key and after how many blocks it may spend.
    pub recovery: Option<(AnchorKey, u16)>,
    /// Where the fee comes from.
    pub funds: Funds,
    /// The anchor's value; `None` as in [`AnchorRequest`](crate::AnchorRequest).
    pub value: Option<Amount>,
    /// Where what is left goes; `None`: to the key alone.
    pub change: Option<ScriptBuf>,
    /// The fee rate.
    pub rate: FeeRate,
    /// The most that may be paid as fee.
    pub fee_limit: Amount,
}

impl Terms {
    /// The script of the key alone.
    pub(super) fn own_script(&self) -> ScriptBuf {
        self.key.script_alone()
    }

    /// The key's coins that may be spent, the largest first.
    pub(super) fn find<N: Node>(&self, node: &N, journal: &Journal, tip: BlockPlace) -> Result<Vec<Coin>, PublishError> {
        let spoken_for: BTreeSet<_> = journal.spoken_for().collect();
        let mut found = node.unspent_of(&self.own_script())?;
        found.retain(|coin| {
            let ripe = !coin.coinbase || tip.height.saturating_add(1).saturating_sub(coin.height) >= COINBASE_MATURITY;
            ripe && !spoken_for.contains(&coin.outpoint)
        });
        // Equal values in a fixed order, so that the same chain gives the same plan.
        found.sort_by_key(|coin| (std::cmp::Reverse(coin.output.value), coin.outpoint));
        let key = Some((self.key.x_only(), self.key.source()));
        Ok(found.into_iter().map(|coin| Coin { outpoint: coin.outpoint, output: coin.output, key: key.clone() }).collect())
    }

    /// Each coin must be an unspent output of the best chain with this value and script.
    pub(super) fn check<N: Node>(node: &N, coins: &[Coin]) -> Result<(), PublishError> {
        for coin in coins {
            let outpoint = coin.outpoint;
            match node.unspent(outpoint)? {
                None => return Err(PublishError::Coin { outpoint, what: "is not an unspent output of the best chain" }),
                Some(output) if output != coin.output => {
                    return Err(PublishError::Coin { outpoint, what: "has another value or key than was said" });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn no_funds(&self, coins: &[Coin], chain_id: u32, reason: String) -> PublishError {
        let script = self.own_script();
        let key = Address::from_script(&script, network(chain_id)).map_or(script.to_string(), |address| address.to_string());
        let total = coins.iter().map(|coin| coin.output.value.to_sat()).fold(0, u64::saturating_add);
        PublishError::NoFunds { key, count: coins.len(), total, reason }
    }
}

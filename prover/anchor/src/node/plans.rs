//! Transactions that a [`Publisher`] plans: a position's first, and one in place of those that can never confirm.

use bitcoin::{Amount, OutPoint, Txid};
use tapstone_verifier::AnchorHeader;

use super::error::PublishError;
use super::funds::{Funds, Terms};
use super::journal::{Position, Version};
use super::{Node, Publisher};
use crate::{AnchorDescriptor, AnchorPlan, AnchorPlanError, AnchorRequest, Coin, First};

impl<N: Node> Publisher<'_, N> {
    /// Plans an anchor's transaction and notes it. The header that the position has already is no error and changes nothing, unless coins of all its
    /// transactions are spent: then it is planned anew, on the same anchor. A position that is the first keeps its origin, which may be among the coins again.
    ///
    /// # Errors
    /// [`PublishError::Equivocation`] if the position has another header; if the header is not the next one, the anchor before is not in a block, or nothing pays.
    pub fn intend(&mut self, header: AnchorHeader, terms: &Terms) -> Result<Txid, PublishError> {
        let (sequence, chain_id) = (header.sequence(), self.journal.chain_id());
        if header.chain_id() != chain_id {
            return Err(PublishError::Chain { had: header.chain_id(), needed: chain_id });
        }
        let next = self.journal.positions().len() as u64;
        if sequence > next {
            return Err(PublishError::Order { had: sequence, needed: next });
        }
        let index = sequence as usize;
        if let Some(position) = self.journal.positions().get(index) {
            if position.header != header {
                let (had, given) = (position.header.commitment(), header.commitment());
                return Err(PublishError::Equivocation { sequence, had, given });
            }
            // A position has a version from its first entry on.
            if let Some(version) = position.versions.last().filter(|_| !self.lacks_coins(index)) {
                return Ok(version.txid());
            }
        }
        self.plan(index, header, terms)
    }

    /// Plans anew the anchor of which no transaction can confirm, because coins of all of them are spent: the same header on the same anchor, with the key's
    /// coins that the node finds; keys, value, change and rate are those of its newest transaction. `None` if there is no such anchor.
    ///
    /// # Errors
    /// As [`Publisher::intend`].
    pub fn renew(&mut self, fee_limit: Amount) -> Result<Option<Txid>, PublishError> {
        let positions = self.journal.positions();
        let lacking = (0..positions.len()).find(|index| self.lacks_coins(*index));
        let Some((index, position)) = lacking.and_then(|index| Some((index, positions.get(index)?))) else {
            return Ok(None);
        };
        let Some(request) = position.versions.last().map(|version| &version.request) else { return Ok(None) };
        let terms = Terms {
            key: request.anchor.key().clone(),
            recovery: request.anchor.recovery().cloned(),
            funds: Funds::Find,
            value: request.value,
            change: request.change.clone(),
            rate: request.rate,
            fee_limit,
        };
        let header = position.header;
        self.plan(index, header, &terms).map(Some)
    }

    fn plan(&mut self, index: usize, header: AnchorHeader, terms: &Terms) -> Result<Txid, PublishError> {
        let chain_id = self.journal.chain_id();
        let anchor = AnchorDescriptor::new(header, terms.key.clone(), terms.recovery.clone())?;
        let first = self.first(index)?;
        let tip = self.node.tip()?;
        let request = |coins: &[Coin]| request(&anchor, first.clone(), coins, terms);
        let no_coin = |coins: &[Coin]| terms.no_funds(coins, chain_id, "the first anchor needs a coin".into());
        let plan = match &terms.funds {
            Funds::Find => {
                let coins = terms.find(self.node, &self.journal, tip)?;
                let mut last = "there are none".to_owned();
                let mut made = None;
                // The fewest coins that pay, the largest first.
                for count in 1..=coins.len() {
                    match request(coins.get(..count).unwrap_or_default()).map(AnchorRequest::plan) {
                        Some(Ok(plan)) => {
                            made = Some(plan);
                            break;
                        }
                        Some(Err(e @ AnchorPlanError::Funds { .. })) => last = e.to_string(),
                        Some(Err(e)) => return Err(e.into()),
                        None => {}
                    }
                }
                made.ok_or_else(|| terms.no_funds(&coins, chain_id, last))?
            }
            Funds::Coins(coins) => {
                Terms::check(self.node, coins)?;
                let origin = first.as_ref().filter(|_| index == 0).map(|first| first.spent().0);
                let others: Vec<Coin> = coins.iter().filter(|coin| Some(coin.outpoint) != origin).cloned().collect();
                request(&others).ok_or_else(|| no_coin(coins))?.plan()?
            }
            Funds::Anchor => request(&[]).ok_or_else(|| no_coin(&[]))?.plan()?,
        };
        self.note(&plan, tip.height)
    }

    /// Notes a plan in the journal, at a height of the tip.
    pub(super) fn note(&mut self, plan: &AnchorPlan, height: u32) -> Result<Txid, PublishError> {
        let psbt = plan.to_psbt()?;
        self.journal.intend(plan.request(), &psbt, height)?;
        Ok(psbt.unsigned_tx.compute_txid())
    }

    /// What input 0 of a position spends; `None` for the first anchor while it has no transaction.
    fn first(&self, index: usize) -> Result<Option<First>, PublishError> {
        let positions = self.journal.positions();
        match index.checked_sub(1).and_then(|before| positions.get(before)) {
            Some(parent) => confirmed_first(parent).map(Some),
            None => {
                let origin = positions.get(index).and_then(|position| position.versions.first());
                Ok(origin.map(|version| version.request.first.clone()))
            }
        }
    }
}

/// `None` if the first anchor has no coin to start from.
fn request(anchor: &AnchorDescriptor, first: Option<First>, coins: &[Coin], terms: &Terms) -> Option<AnchorRequest> {
    let (first, coins) = match first {
        Some(first) => (first, coins),
        None => {
            let (origin, rest) = coins.split_first()?;
            (First::Origin(origin.clone()), rest)
        }
    };
    let change = terms.change.clone().or_else(|| Some(terms.own_script()));
    Some(AnchorRequest {
        anchor: anchor.clone(),
        first,
        coins: coins.to_vec(),
        value: terms.value,
        change,
        rate: terms.rate,
        fee_limit: terms.fee_limit,
    })
}

/// Output 0 of an anchor that is in a block.
pub(super) fn confirmed_first(parent: &Position) -> Result<First, PublishError> {
    let unconfirmed = PublishError::Unconfirmed { sequence: parent.header.sequence() };
    match (parent.confirmed, parent.live()) {
        (Some(_), Some(version)) => Ok(output_0(version)),
        _ => Err(unconfirmed),
    }
}

fn output_0(version: &Version) -> First {
    let outpoint = OutPoint { txid: version.txid(), vout: 0 };
    let value = version.psbt.unsigned_tx.output.first().map_or(Amount::ZERO, |output| output.value);
    First::Anchor { descriptor: Box::new(version.request.anchor.clone()), outpoint, value }
}

//! [`Publisher`]: what is left to do for a thread of anchors, from its journal and what the node says.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::secp256k1::SecretKey;
use bitcoin::{Amount, FeeRate, Psbt, Txid};
use tapstone_verifier::anchor::taproot::network;

use super::error::PublishError;
use super::event::{Event, Step, Waiting};
use super::journal::{Confirmed, Journal};
use super::record::ChildEntry;
use super::{BlockPlace, Node};
use crate::psbt::extract;
use crate::{AnchorPsbtError, finalise, sign, with_signatures};

/// A thread, its journal, and a node.
#[derive(Debug)]
pub struct Publisher<'a, N> {
    pub(super) node: &'a N,
    pub(super) journal: Journal,
}

impl<'a, N: Node> Publisher<'a, N> {
    /// Goes on where the journal ends.
    ///
    /// # Errors
    /// If the node is of another network than the journal's chain.
    pub fn new(node: &'a N, journal: Journal) -> Result<Self, PublishError> {
        let (had, chain_id) = (node.network()?, journal.chain_id());
        let needed = network(chain_id);
        if had != needed {
            return Err(PublishError::Network { node: node.name(), had, chain_id, needed });
        }
        Ok(Self { node, journal })
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The PSBTs that are not signed yet, of anchors that are not in a block and of their children, each with its position.
    pub fn unsigned(&self) -> impl Iterator<Item = (u64, &Psbt)> {
        let waiting = (0..).zip(self.journal.positions()).filter(|(_, position)| position.confirmed.is_none());
        let anchors = waiting.filter_map(|(index, position)| {
            let newest = self.alive(index).last().filter(|version| version.signed.is_none());
            newest.map(|version| (position.header.sequence(), &version.psbt))
        });
        anchors.chain(self.unsigned_children())
    }

    fn unsigned_children(&self) -> impl Iterator<Item = (u64, &Psbt)> {
        let waiting = (0..).zip(self.journal.positions()).filter(|(_, position)| position.confirmed.is_none());
        waiting.flat_map(|(index, position)| {
            let newest = self.alive(index).filter_map(|version| version.children.last());
            let unsigned = newest.filter(|child| child.signed.is_none() && !child.moot);
            unsigned.map(|child| (position.header.sequence(), &child.psbt))
        })
    }

    /// Signs what waits for it, where the secret key is that of all inputs. Returns how many transactions. A child of a change that another key has is left
    /// to that one.
    ///
    /// # Errors
    /// If the key signs no input, or inputs are left unsigned.
    pub fn sign(&mut self, secret: SecretKey) -> Result<usize, PublishError> {
        let children: Vec<Txid> = self.unsigned_children().map(|(_, psbt)| psbt.unsigned_tx.compute_txid()).collect();
        let waiting: Vec<Psbt> = self.unsigned().map(|(_, psbt)| psbt.clone()).collect();
        let mut count = 0;
        for mut psbt in waiting {
            match sign(&mut psbt, secret) {
                Err(AnchorPsbtError::NotOurs) if children.contains(&psbt.unsigned_tx.compute_txid()) => continue,
                signed => signed?,
            };
            self.accept(&psbt)?;
            count += 1;
        }
        Ok(count)
    }

    /// Takes the signatures of a PSBT that fit the one that the journal holds, and nothing else of it, and notes the transaction.
    ///
    /// # Errors
    /// If it is for another transaction than the journal's, or a signature is missing or not valid.
    pub fn accept(&mut self, given: &Psbt) -> Result<Txid, PublishError> {
        let txid = given.unsigned_tx.compute_txid();
        let positions = self.journal.positions();
        let found = positions.iter().find_map(|position| {
            position.versions.iter().find(|v| v.txid() == txid).map(|v| (position.header.sequence(), v))
        });
        let child = self.journal.child(txid).map(|(position, parent, child)| (position.header.sequence(), parent, child));
        if let Some((sequence, parent, child)) = child {
            let tx = extract(&with_signatures(&child.psbt, given)?)?;
            if child.signed.is_none() {
                let parent = parent.txid();
                self.journal.note_child(sequence, parent, ChildEntry::Signed { tx: serialize_hex(&tx) })?;
            }
            return Ok(txid);
        }
        let Some((sequence, version)) = found else {
            // What the wallet made of the one that waits, if any does.
            let waiting = self.unsigned().next().map(|(_, held)| with_signatures(held, given));
            waiting.transpose()?;
            return Err(PublishError::NotIntended { txid });
        };
        let tx = finalise(&with_signatures(&version.psbt, given)?)?;
        if version.signed.is_none() {
            self.journal.signed(sequence, &tx)?;
        }
        Ok(txid)
    }

    /// Notes a replacement with a higher fee for the first anchor that is not in a block; it has yet to be signed. It pays for its own size above the old fee what
    /// the node asks. One at this rate that was noted before is not noted again.
    ///
    /// # Errors
    /// [`PublishError::NothingToBump`], or as [`AnchorPlan::replaced`](crate::AnchorPlan::replaced).
    pub fn bump(&mut self, rate: FeeRate, fee_limit: Amount) -> Result<Txid, PublishError> {
        let index = self.waiting().ok_or(PublishError::NothingToBump)?;
        let newest = self.alive(index).last().ok_or(PublishError::NothingToBump)?;
        let is_bumped = self.journal.positions().get(index).is_some_and(|position| position.versions.len() > 1);
        if newest.request.rate == rate && is_bumped {
            return Ok(newest.txid());
        }
        if newest.signed.is_none() {
            return Err(PublishError::NothingToBump);
        }
        let step = self.node.relay()?.step;
        let plan = newest.request.clone().plan()?.replaced(rate, fee_limit, step)?;
        let height = self.node.tip()?.height;
        self.note(&plan, height)
    }

    /// The first position that is in no block.
    pub(super) fn waiting(&self) -> Option<usize> {
        self.journal.positions().iter().position(|position| position.confirmed.is_none())
    }

    /// Whether the first anchor that is not in a block was planned so many blocks ago.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn is_late(&self, blocks: u32) -> Result<bool, PublishError> {
        let Some(version) = self.waiting().and_then(|index| self.alive(index).last()) else { return Ok(false) };
        Ok(self.node.tip()?.height.saturating_sub(version.height) >= blocks)
    }

    /// Looks at every anchor that is not buried, in order, and does what can be done: broadcasts (again), and notes blocks, depths, and transactions whose coins
    /// were spent by others.
    ///
    /// # Errors
    /// [`PublishError::Conflict`] if another transaction spends the anchor before or the origin, or in the mempool anything that an anchor spends; or if the node refuses or does not answer. What was done
    /// before is in the journal.
    pub fn step(&mut self, depth: u32) -> Result<Step, PublishError> {
        let mut step = Step::default();
        let tip = self.node.tip()?;
        for index in 0..self.journal.positions().len() {
            self.step_position(index, tip, depth, &mut step)?;
            self.follow_children(index, tip, depth, &mut step)?;
        }
        Ok(step)
    }

    fn step_position(&mut self, index: usize, tip: BlockPlace, depth: u32, step: &mut Step) -> Result<(), PublishError> {
        let Some(position) = self.journal.positions().get(index).filter(|position| !position.buried) else {
            return Ok(());
        };
        let sequence = position.header.sequence();
        if let Some(at) = position.confirmed {
            if self.node.block_hash(at.height)? == Some(at.block) {
                return self.deepen(sequence, at, tip, depth, step);
            }
            self.journal.dropped(sequence, at)?;
            step.events.push(Event::Dropped { sequence, at });
        }
        self.follow(index, tip, depth, step)
    }

    pub(super) fn deepen(
        &mut self,
        sequence: u64,
        at: Confirmed,
        tip: BlockPlace,
        least: u32,
        step: &mut Step,
    ) -> Result<(), PublishError> {
        let depth = (tip.height + 1).saturating_sub(at.height);
        if depth < least {
            step.waiting.push(Waiting::Depth { sequence, depth });
            return Ok(());
        }
        self.journal.buried(sequence, at.txid, depth)?;
        step.events.push(Event::Buried { sequence, txid: at.txid, depth });
        Ok(())
    }
}

//! Children of a thread's transactions: what a [`Publisher`] makes where a replacement is of no use, and how it follows them.
//!
//! A child rests on its parent. While that is in no block, the child is broadcast where the mempool holds the parent; once that is in a block, the child is in one,
//! in the mempool, or moot. A child whose output pays for the next anchor is broadcast again as long as that may help.

use bitcoin::{Amount, FeeRate, OutPoint, Transaction, Txid};

use super::child::Child;
use super::error::{NodeError, PublishError};
use super::event::{ChildEvent, Event, Step, Waiting};
use super::follow::FULL;
use super::journal::{Confirmed, Version};
use super::record::ChildEntry;
use super::{BlockPlace, Node, Publisher};
use crate::bump::{Parent, child_psbt};
use crate::plan::fee;
use crate::rules::{Role, check_rules};
use crate::{AnchorPlanError, ChildRequest};

impl<N: Node> Publisher<'_, N> {
    /// Raises the fee of the first anchor that is in no block: by a replacement, or where that cannot be planned by a child. Returns what is to be signed.
    ///
    /// # Errors
    /// [`PublishError::NoRaise`] if neither does, or as [`Publisher::bump`].
    pub fn raise(&mut self, rate: FeeRate, fee_limit: Amount) -> Result<Txid, PublishError> {
        match self.bump(rate, fee_limit) {
            Err(
                replacement @ PublishError::Plan(
                    AnchorPlanError::Funds { .. } | AnchorPlanError::Dust { .. } | AnchorPlanError::Replacement { .. },
                ),
            ) => match self.pay_by_child(rate, fee_limit) {
                Err(child @ (PublishError::Plan(_) | PublishError::NoChild { .. })) => {
                    Err(PublishError::NoRaise { replacement: Box::new(replacement), child: Box::new(child) })
                }
                made => made,
            },
            bumped => bumped,
        }
    }

    /// Notes a child of the first anchor's transaction that is in no block but in the node's mempool: it spends the change, pays to where that went, and brings
    /// both to this rate; it has yet to be signed. One at this rate that was noted before is not noted again; another is replaced, which costs what the node's
    /// `incrementalrelayfee` asks. The limit is for the fee of the child.
    ///
    /// # Errors
    /// [`PublishError::NothingToBump`] if all anchors are in blocks, [`PublishError::NoChild`] if the node does not hold the anchor's transaction or something else
    /// spends its change, and [`PublishError::Plan`] if it has none or the change does not pay.
    pub fn pay_by_child(&mut self, rate: FeeRate, fee_limit: Amount) -> Result<Txid, PublishError> {
        let index = self.waiting().ok_or(PublishError::NothingToBump)?;
        let signed: Vec<Version> = self.alive(index).filter(|version| version.signed.is_some()).cloned().collect();
        let sequence = index as u64;
        let refuse = |reason: String| PublishError::NoChild { sequence, reason };
        let mut held = None;
        for version in signed.into_iter().rev() {
            if self.node.in_mempool(version.txid())? {
                held = Some(version);
                break;
            }
        }
        let parent = held.ok_or_else(|| refuse("the node's mempool holds no transaction of it".into()))?;
        let newest = parent.children.last().filter(|child| !child.moot);
        if let Some(child) = newest.filter(|child| child.rate == rate || child.signed.is_none()) {
            return Ok(child.txid());
        }
        if let Some(change) = parent.change() {
            if self.journal.pays_for_an_anchor(change) {
                return Err(refuse(format!("its change {change} pays for the next anchor")));
            }
            let ours = |txid: Txid| parent.children.iter().any(|child| child.txid() == txid);
            if let Some(other) = self.node.mempool_spender(change)?.filter(|spender| !ours(*spender)) {
                return Err(refuse(format!("its change {change} is spent by {other}, which is not in the journal")));
            }
        }
        let (Some(tx), anchor) = (&parent.signed, &parent.request.anchor) else { return Err(PublishError::NothingToBump) };
        let change = tx.output.get(1).map(|output| output.script_pubkey.clone());
        let destination = change.unwrap_or_else(|| anchor.key().script_alone());
        let request = ChildRequest { destination, rate, fee_limit };
        let (child, pays, weight) = request.child(Parent { anchor, tx, fee: parent.fee(), weight: tx.weight() })?;
        if let Some(old) = newest {
            let step = self.node.relay()?.step;
            let least = old.fee().checked_add(fee(step, weight)).ok_or(AnchorPlanError::Overflow)?;
            if pays < least {
                let vbytes = weight.to_vbytes_ceil();
                return Err(AnchorPlanError::Replacement { fee: pays, least, vbytes }.into());
            }
        }
        let psbt = child_psbt(child, anchor, tx)?;
        let (txid, height) = (psbt.unsigned_tx.compute_txid(), self.node.tip()?.height);
        let entry = ChildEntry::Intent { rate_sat_per_kwu: rate.to_sat_per_kwu(), height, psbt: psbt.to_string() };
        self.journal.note_child(sequence, parent.txid(), entry)?;
        Ok(txid)
    }

    /// Looks at the children of a position's transactions, after these themselves.
    pub(super) fn follow_children(
        &mut self,
        index: usize,
        tip: BlockPlace,
        depth: u32,
        step: &mut Step,
    ) -> Result<(), PublishError> {
        let Some(position) = self.journal.positions().get(index) else { return Ok(()) };
        if position.versions.iter().all(|version| version.children.is_empty()) {
            return Ok(());
        }
        let (confirmed, versions) = (position.confirmed, position.versions.clone());
        for parent in &versions {
            // The newest first: the node takes the one that pays more, and those that it replaced wait for their end.
            for child in parent.children.iter().rev().filter(|child| !child.buried) {
                let is_needed = self.journal.pays_for_an_anchor(child.output());
                if child.moot && !is_needed {
                    continue;
                }
                let place = Place { index, sequence: index as u64, tip, depth };
                match confirmed {
                    Some(at) if at.txid == parent.txid() => self.follow_on_block(place, parent, child, is_needed, step)?,
                    Some(_) => self.give_up(place, parent, child, step)?,
                    None => self.follow_on_mempool(place, parent, child, step)?,
                }
            }
        }
        Ok(())
    }

    /// A child whose parent is in a block.
    fn follow_on_block(
        &mut self,
        place: Place,
        parent: &Version,
        child: &Child,
        is_needed: bool,
        step: &mut Step,
    ) -> Result<(), PublishError> {
        let (txid, sequence) = (child.txid(), place.sequence);
        if let Some(at) = child.confirmed {
            if self.node.block_hash(at.height)? == Some(at.block) {
                return self.deepen_child(place, parent, at, step);
            }
            self.drop_child(place, parent, at, step)?;
        }
        if child.signed.is_some() && self.node.in_mempool(txid)? {
            return self.child_is_held(place, parent, child, step);
        }
        let Some(change) = parent.change() else { return Ok(()) };
        if self.node.unspent(change)?.is_none() {
            // A block that came meanwhile is for the next step.
            let Some((spender, at)) = self.spender(sequence, change, place.tip)? else { return Ok(()) };
            if spender != txid {
                return self.give_up(place, parent, child, step);
            }
            let at = Confirmed { txid, block: at.hash, height: at.height };
            let entry = ChildEntry::Confirmed { txid: txid.to_string(), block: at.block.to_string(), height: at.height };
            self.journal.note_child(sequence, parent.txid(), entry)?;
            step.events.push(Event::Child { sequence, txid, what: ChildEvent::Confirmed(at) });
            return self.deepen_child(place, parent, at, step);
        }
        match &child.signed {
            Some(tx) if is_needed => self.send_child(place, parent, child, tx, step),
            _ => self.give_up(place, parent, child, step),
        }
    }

    /// A child whose parent is in no block, nor is another transaction of the position.
    fn follow_on_mempool(
        &mut self,
        place: Place,
        parent: &Version,
        child: &Child,
        step: &mut Step,
    ) -> Result<(), PublishError> {
        let (txid, sequence) = (child.txid(), place.sequence);
        if let Some(at) = child.confirmed {
            self.drop_child(place, parent, at, step)?;
        }
        let Some(tx) = &child.signed else {
            step.waiting.push(Waiting::ChildSignature { sequence, txid });
            return Ok(());
        };
        if self.node.in_mempool(txid)? {
            return self.child_is_held(place, parent, child, step);
        }
        // Only the newest is given to the network, and only where its parent is: elsewhere it would be an orphan.
        let may_be_sent = |other: &&Child| other.signed.is_some() && (!other.moot || other.txid() == txid);
        let newest = parent.children.iter().rev().find(may_be_sent).map(Child::txid);
        if newest != Some(txid) || !self.node.in_mempool(parent.txid())? {
            return Ok(());
        }
        self.send_child(place, parent, child, tx, step)
    }

    fn send_child(
        &mut self,
        place: Place,
        parent: &Version,
        child: &Child,
        tx: &Transaction,
        step: &mut Step,
    ) -> Result<(), PublishError> {
        let (txid, sequence, anchor) = (child.txid(), place.sequence, &parent.request.anchor);
        check_rules(sequence, anchor.output(), tx, Role::ChildOf(parent.txid())).map_err(AnchorPlanError::Rules)?;
        match self.node.broadcast(tx) {
            Ok(()) => return self.child_is_sent(place, parent, child, step),
            Err(NodeError::Rejected { .. }) if self.node.tip()? != place.tip => {}
            Err(refused @ NodeError::Rejected { .. }) => {
                let change = parent.change().map_or(Ok(None), |change| self.node.mempool_spender(change))?;
                let is_full = matches!(&refused, NodeError::Rejected { reason, .. } if reason.contains(FULL));
                match change {
                    // Its own child before, or the next anchor's transaction: one of them confirms.
                    Some(spender) if self.journal.is_own(spender) => {}
                    // Whoever has the change's key spent it: that is theirs to do.
                    Some(_) => return self.give_up(place, parent, child, step),
                    None if is_full => {}
                    None => return Err(refused.into()),
                }
            }
            Err(e) => return Err(e.into()),
        }
        step.waiting.push(Waiting::Child { sequence, txid });
        Ok(())
    }

    fn child_is_held(&mut self, place: Place, parent: &Version, child: &Child, step: &mut Step) -> Result<(), PublishError> {
        // A crash may have come between giving it to the network and noting that.
        if !child.sent || child.moot {
            return self.child_is_sent(place, parent, child, step);
        }
        step.waiting.push(Waiting::Child { sequence: place.sequence, txid: child.txid() });
        Ok(())
    }

    fn child_is_sent(&mut self, place: Place, parent: &Version, child: &Child, step: &mut Step) -> Result<(), PublishError> {
        let (txid, sequence) = (child.txid(), place.sequence);
        if !child.sent || child.moot {
            self.journal.note_child(sequence, parent.txid(), ChildEntry::Broadcast { txid: txid.to_string() })?;
        }
        step.events.push(Event::Child { sequence, txid, what: ChildEvent::Broadcast });
        step.waiting.push(Waiting::Child { sequence, txid });
        Ok(())
    }

    fn drop_child(&mut self, place: Place, parent: &Version, at: Confirmed, step: &mut Step) -> Result<(), PublishError> {
        let (txid, sequence) = (at.txid, place.sequence);
        let entry = ChildEntry::Dropped { txid: txid.to_string(), block: at.block.to_string() };
        self.journal.note_child(sequence, parent.txid(), entry)?;
        step.events.push(Event::Child { sequence, txid, what: ChildEvent::Dropped(at) });
        Ok(())
    }

    fn give_up(&mut self, place: Place, parent: &Version, child: &Child, step: &mut Step) -> Result<(), PublishError> {
        if child.moot {
            return Ok(());
        }
        let (txid, sequence) = (child.txid(), place.sequence);
        self.journal.note_child(sequence, parent.txid(), ChildEntry::Moot { txid: txid.to_string() })?;
        step.events.push(Event::Child { sequence, txid, what: ChildEvent::Moot });
        Ok(())
    }

    fn deepen_child(&mut self, place: Place, parent: &Version, at: Confirmed, step: &mut Step) -> Result<(), PublishError> {
        let (txid, sequence) = (at.txid, place.sequence);
        let depth = (place.tip.height + 1).saturating_sub(at.height);
        if depth < place.depth {
            // Until its anchor is buried, that is what is waited for.
            if self.journal.positions().get(place.index).is_some_and(|position| position.buried) {
                step.waiting.push(Waiting::Child { sequence, txid });
            }
            return Ok(());
        }
        self.journal.note_child(sequence, parent.txid(), ChildEntry::Buried { txid: txid.to_string(), depth })?;
        step.events.push(Event::Child { sequence, txid, what: ChildEvent::Buried(depth) });
        Ok(())
    }

    /// What is known of a coin that is not there, where a child should have made it.
    pub(super) fn maker(&self, made: OutPoint, tip: BlockPlace) -> Result<Maker, PublishError> {
        let Some((position, parent, child)) = self.journal.child(made.txid) else { return Ok(Maker::Other) };
        let Some(change) = parent.change().filter(|_| position.confirmed.is_some()) else { return Ok(Maker::Pending) };
        if self.node.unspent(change)?.is_some() {
            return Ok(Maker::Pending);
        }
        Ok(match self.spender(position.header.sequence(), change, tip)? {
            None => Maker::Pending,
            Some((spender, _)) if spender == child.txid() => Maker::Other,
            Some((spender, at)) => Maker::Usurped(spender, at),
        })
    }
}

/// What should have made a coin that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Maker {
    /// A child that is in no block, or of which nothing is known at the moment.
    Pending,
    /// A child that can never confirm, since this transaction, in this block, spent the change.
    Usurped(Txid, BlockPlace),
    /// No child, or one that is in a block.
    Other,
}

/// Which position is looked at, by which tip, and how deep what is in a block should be.
#[derive(Clone, Copy, Debug)]
struct Place {
    index: usize,
    sequence: u64,
    tip: BlockPlace,
    depth: u32,
}

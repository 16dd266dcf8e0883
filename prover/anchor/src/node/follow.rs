//! What a step of the [`Publisher`] does for an anchor that is in no block as far as is known.

use std::collections::BTreeSet;

use bitcoin::{Amount, BlockHash, FeeRate, OutPoint, Transaction, Txid};

use super::child::Child;
use super::children::Maker;
use super::error::{ConflictPlace, NodeError, PublishError};
use super::event::{Event, Step, Waiting};
use super::journal::{Confirmed, Spent, Version};
use super::plans::confirmed_first;
use super::{BlockPlace, Node, Publisher};
use crate::error::least_rate;
use crate::rules::{CHANGE_VOUT, Role, check_rules};
use crate::{AnchorPlanError, Coin};

/// Blocks below an intent's tip that are looked through for a spender: no reorganisation is expected to be deeper.
const SCAN_MARGIN: u32 = 144;

/// Bitcoin Core's words for a fee below what it relays at all.
const LOW_FEE: &str = "min relay fee not met";
/// The same for one below what its mempool has room for.
pub(super) const FULL: &str = "mempool min fee not met";

/// Why the node refuses a transaction, where waiting helps.
enum Refused {
    /// Another transaction of the journal, which was dead, stands in its way.
    Revived(Txid),
    /// The transaction before, which the mempool holds, and which this one may not replace.
    Stands { held: Txid, reason: String },
    /// It pays less than this rate, which may fall.
    Fee { needed: FeeRate, is_passing: bool },
}

/// The fee that a refusal asks for: its words end with `HAD < NEEDED` in satoshi.
fn needed_fee(reason: &str) -> Option<Amount> {
    let (_, needed) = reason.rsplit_once(" < ")?;
    let digits: String = needed.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().map(Amount::from_sat)
}

/// What the chain says of a position's transactions.
enum Seen {
    /// One of them is in a block.
    Confirmed(Confirmed),
    /// None is.
    Absent,
    /// The chain changed meanwhile: the next step looks again.
    Unclear,
}

impl<N: Node> Publisher<'_, N> {
    /// Whether the anchor before a position is in a block; there is none before the first.
    fn parent_stands(&self, index: usize) -> bool {
        let parent = index.checked_sub(1).and_then(|before| self.journal.positions().get(before));
        parent.is_none_or(|parent| parent.confirmed.is_some())
    }

    /// The transactions of a position that follow the anchor before as it is now.
    fn usable(&self, index: usize) -> impl Iterator<Item = &Version> {
        let positions = self.journal.positions();
        let parent = index.checked_sub(1).and_then(|before| positions.get(before));
        let parent_out = parent.map(|parent| parent.live().map(|live| OutPoint { txid: live.txid(), vout: 0 }));
        let versions = positions.get(index).into_iter().flat_map(|position| &position.versions);
        versions.filter(move |version| match parent_out {
            None => true,
            Some(out) => out.is_some() && version.spends().next() == out,
        })
    }

    /// Those of them that can confirm.
    pub(super) fn alive(&self, index: usize) -> impl Iterator<Item = &Version> {
        self.usable(index).filter(|version| version.dead.is_none())
    }

    /// Whether a position waits for other coins, on an anchor that stands.
    pub(super) fn lacks_coins(&self, index: usize) -> bool {
        let waits = self.journal.positions().get(index).is_some_and(|position| position.confirmed.is_none());
        waits && self.parent_stands(index) && self.alive(index).next().is_none()
    }

    pub(super) fn follow(&mut self, index: usize, tip: BlockPlace, depth: u32, step: &mut Step) -> Result<(), PublishError> {
        let Some(sequence) = self.journal.positions().get(index).map(|position| position.header.sequence()) else {
            return Ok(());
        };
        let parent_stands = self.parent_stands(index);
        let usable: Vec<Version> = self.usable(index).cloned().collect();
        if usable.is_empty() && parent_stands {
            return self.relink(index, tip, step);
        }
        let signed = |version: &&Version| version.signed.is_some() && version.dead.is_none();
        let candidate = usable.iter().rev().find(signed).map(Version::txid);
        let held = candidate.map(|txid| self.node.in_mempool(txid)).transpose()?.unwrap_or_default();
        let mut is_clear = true;
        // What the mempool holds is in no block, and no block has spent what it spends: nothing else is asked then.
        if parent_stands && !held {
            match self.look(sequence, &usable, tip, step)? {
                Seen::Confirmed(at) => {
                    self.journal.confirmed(sequence, at)?;
                    step.events.push(Event::Confirmed { sequence, at });
                    return self.deepen(sequence, at, tip, depth, step);
                }
                Seen::Absent => {}
                Seen::Unclear => is_clear = false,
            }
        }
        let alive: Vec<Version> = self.alive(index).cloned().collect();
        let Some(newest) = alive.last() else {
            step.waiting.push(if parent_stands { Waiting::Coins { sequence } } else { Waiting::Parent { sequence } });
            return Ok(());
        };
        if newest.signed.is_none() {
            step.waiting.push(Waiting::Signature { sequence, txid: newest.txid() });
        }
        let Some(version) = alive.iter().rev().find(signed) else { return Ok(()) };
        // One that became dead leaves its place to another, whose turn comes with the next step.
        if !is_clear || Some(version.txid()) != candidate {
            step.waiting.push(Waiting::Block { sequence, txid: version.txid() });
            return Ok(());
        }
        if !held {
            return self.send(sequence, version, &usable, tip, step);
        }
        // A crash may have come between giving it to the network and noting that.
        if !version.sent {
            self.sent(sequence, version.txid(), step)?;
        }
        step.waiting.push(Waiting::Block { sequence, txid: version.txid() });
        Ok(())
    }

    /// Looks for a position's transactions in blocks. All spend one output first, whose spender tells which of them is in a block; while it is there, a coin that
    /// another transaction spent in a block makes dead what needs it, which is noted.
    fn look(&mut self, sequence: u64, usable: &[Version], tip: BlockPlace, step: &mut Step) -> Result<Seen, PublishError> {
        let is_ours = |txid: Txid| usable.iter().any(|version| version.txid() == txid);
        let Some(outpoint) = usable.first().and_then(|version| version.spends().next()) else { return Ok(Seen::Absent) };
        if self.node.unspent(outpoint)?.is_none() {
            let Some((spender, at)) = self.spender(sequence, outpoint, tip)? else { return Ok(Seen::Unclear) };
            if !is_ours(spender) {
                return Err(PublishError::Conflict { sequence, outpoint, spender, place: ConflictPlace::Block(at.hash) });
            }
            return Ok(Seen::Confirmed(Confirmed { txid: spender, block: at.hash, height: at.height }));
        }
        let alive = |version: &&Version| version.dead.is_none();
        let coins: BTreeSet<OutPoint> = usable.iter().filter(alive).flat_map(|version| version.spends().skip(1)).collect();
        let mut dead: BTreeSet<Txid> = BTreeSet::new();
        for outpoint in coins {
            if self.node.unspent(outpoint)?.is_some() || self.is_pending(outpoint.txid) {
                continue;
            }
            let found = match self.maker(outpoint, tip)? {
                Maker::Pending => continue,
                Maker::Usurped(spender, at) => Some((spender, at)),
                Maker::Other => self.spender(sequence, outpoint, tip)?,
            };
            let Some((spender, at)) = found else { return Ok(Seen::Unclear) };
            // Only blocks of the best chain count, and one of ours would have spent the first output as well.
            if is_ours(spender) || self.node.tip()? != tip {
                return Ok(Seen::Unclear);
            }
            let spent = Spent { outpoint, spender, at };
            for version in usable.iter().filter(alive).filter(|version| version.spends().any(|spends| spends == outpoint)) {
                let txid = version.txid();
                if dead.insert(txid) {
                    self.journal.dead(sequence, txid, spent)?;
                    step.events.push(Event::Dead { sequence, txid, spent });
                }
            }
        }
        Ok(Seen::Absent)
    }

    /// Whether a transaction is one of the journal's that is in no block: what it makes is not there yet.
    fn is_pending(&self, txid: Txid) -> bool {
        let mut positions = self.journal.positions().iter().filter(|position| position.confirmed.is_none());
        positions.any(|position| position.versions.iter().any(|version| version.txid() == txid))
    }

    /// Gives a transaction to the network, which does not have it.
    fn send(
        &mut self,
        sequence: u64,
        version: &Version,
        usable: &[Version],
        tip: BlockPlace,
        step: &mut Step,
    ) -> Result<(), PublishError> {
        let (Some(tx), txid) = (&version.signed, version.txid()) else { return Ok(()) };
        let (anchor, first) = (&version.request.anchor, version.request.first.spent().0);
        check_rules(sequence, anchor.output(), tx, Role::Anchor(Some(first))).map_err(AnchorPlanError::Rules)?;
        let waits_for = match self.node.broadcast(tx) {
            Ok(()) => {
                self.sent(sequence, txid, step)?;
                txid
            }
            // A block that came meanwhile may be why: the next step looks again.
            Err(NodeError::Rejected { .. }) if self.node.tip()? != tip => txid,
            Err(refused) => match self.explain(sequence, refused, version, usable)? {
                Refused::Revived(txid) => txid,
                Refused::Stands { held, reason } => {
                    step.waiting.push(Waiting::Replacement { sequence, txid, held, reason });
                    return Ok(());
                }
                Refused::Fee { needed, is_passing } => {
                    let (fee, vbytes) = (version.fee(), tx.vsize() as u64);
                    step.waiting.push(Waiting::Fee { sequence, txid, fee, vbytes, needed, is_passing });
                    return Ok(());
                }
            },
        };
        step.waiting.push(Waiting::Block { sequence, txid: waits_for });
        Ok(())
    }

    fn sent(&mut self, sequence: u64, txid: Txid, step: &mut Step) -> Result<(), PublishError> {
        self.journal.broadcast(sequence, txid)?;
        step.events.push(Event::Broadcast { sequence, txid });
        Ok(())
    }

    /// What a refusal comes from: a transaction of somebody else is named as an error. One that was dead, but that a reorganisation brought back, and that
    /// pays more, is what is waited for, and so is a node that asks for less, or a replacement that pays more.
    fn explain(
        &self,
        sequence: u64,
        refused: NodeError,
        version: &Version,
        usable: &[Version],
    ) -> Result<Refused, PublishError> {
        let (mut revived, mut stands) = (None, None);
        for outpoint in version.spends().filter(|_| matches!(refused, NodeError::Rejected { .. })) {
            let Some(spender) = self.node.mempool_spender(outpoint)? else { continue };
            match usable.iter().find(|version| version.txid() == spender) {
                // A child that was moot and spends a coin which was free since: one of the two confirms.
                None if self.journal.child(spender).is_some() => revived = Some(spender),
                None => {
                    return Err(PublishError::Conflict { sequence, outpoint, spender, place: ConflictPlace::Mempool });
                }
                Some(own) if own.dead.is_some() => revived = Some(spender),
                Some(_) => stands = Some(spender),
            }
        }
        match (revived, &refused) {
            (Some(txid), _) => Ok(Refused::Revived(txid)),
            (None, NodeError::Rejected { reason, .. }) if reason.contains(LOW_FEE) || reason.contains(FULL) => {
                let vbytes = version.signed.as_ref().map_or(0, |tx| tx.vsize() as u64);
                let told = needed_fee(reason).and_then(|fee| least_rate(fee, vbytes));
                match told.map_or_else(|| self.node.relay().map(|relay| relay.least), Ok) {
                    Ok(needed) => Ok(Refused::Fee { needed, is_passing: reason.contains(FULL) }),
                    Err(e) if e.is_passing() => Err(e.into()),
                    Err(_) => Err(refused.into()),
                }
            }
            (None, NodeError::Rejected { reason, .. }) => {
                let reason = reason.clone();
                stands.map(|held| Refused::Stands { held, reason }).ok_or(refused.into())
            }
            (None, _) => Err(refused.into()),
        }
    }

    /// Who spends an output, in the blocks from the tip down to those before the intent. `None` if a block came meanwhile, so that the next step should look.
    pub(super) fn spender(
        &self,
        sequence: u64,
        outpoint: OutPoint,
        tip: BlockPlace,
    ) -> Result<Option<(Txid, BlockPlace)>, PublishError> {
        let oldest = self
            .journal
            .positions()
            .get(sequence as usize)
            .and_then(|position| position.versions.iter().map(|version| version.height).min());
        let from = oldest.unwrap_or(tip.height).saturating_sub(SCAN_MARGIN);
        let mut hash: BlockHash = tip.hash;
        for height in (from..=tip.height).rev() {
            let block = self.node.block(hash)?;
            let spends = |tx: &&Transaction| tx.input.iter().any(|input| input.previous_output == outpoint);
            if let Some(tx) = block.txdata.iter().find(spends) {
                return Ok(Some((tx.compute_txid(), BlockPlace { height, hash })));
            }
            hash = block.header.prev_blockhash;
        }
        if self.node.tip()? != tip {
            return Ok(None);
        }
        Err(PublishError::Lost { sequence, outpoint, from, to: tip.height })
    }

    /// The same header in a new transaction, on the one in which the anchor before confirmed. It spends the same coins, or the change of that one
    /// where it spent the change of another; if there is none, it waits for other coins.
    fn relink(&mut self, index: usize, tip: BlockPlace, step: &mut Step) -> Result<(), PublishError> {
        let positions = self.journal.positions();
        let parent = index.checked_sub(1).and_then(|before| positions.get(before));
        let (Some(position), Some(parent)) = (positions.get(index), parent) else { return Ok(()) };
        let (sequence, first) = (position.header.sequence(), confirmed_first(parent)?);
        let Some(mut request) = position.versions.last().map(|version| version.request.clone()) else { return Ok(()) };
        let standing = parent.live().map(|version| version.psbt.unsigned_tx.clone());
        let made_by_parent = |txid: Txid| parent.versions.iter().any(|version| version.txid() == txid);
        let children: Vec<Txid> = parent.versions.iter().flat_map(|version| &version.children).map(Child::txid).collect();
        for coin in &mut request.coins {
            let made = coin.outpoint;
            // What a child left of the change is the change again, where the child's parent is gone.
            let vout = match made_by_parent(made.txid) {
                true => made.vout,
                false if children.contains(&made.txid) => CHANGE_VOUT,
                false => continue,
            };
            let found = standing.as_ref().and_then(|tx| Some((tx.compute_txid(), tx.output.get(vout as usize)?)));
            let found = found.filter(|(_, output)| output.script_pubkey == coin.output.script_pubkey);
            let Some((txid, output)) = found else {
                step.waiting.push(Waiting::Coins { sequence });
                return Ok(());
            };
            *coin = Coin { outpoint: OutPoint { txid, vout }, output: output.clone(), key: coin.key.clone() };
        }
        request.first = first;
        let txid = self.note(&request.plan()?, tip.height)?;
        step.events.push(Event::Relinked { sequence, txid });
        step.waiting.push(Waiting::Signature { sequence, txid });
        Ok(())
    }
}

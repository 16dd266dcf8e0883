//! [`Publisher`]: what is left to do for a thread of anchors, from its journal and what the node says.

use bitcoin::secp256k1::SecretKey;
use bitcoin::{Amount, BlockHash, FeeRate, OutPoint, Psbt, Transaction, Txid};
use tapstone_verifier::AnchorHeader;
use tapstone_verifier::anchor::taproot::network;

use super::error::{ConflictPlace, NodeError, PublishError};
use super::funds::{Funds, Terms};
use super::journal::{Confirmed, Journal, Position, Version};
use super::{BlockPlace, Node};
use crate::anchor::{AnchorDescriptor, AnchorPlanError, AnchorRequest, Coin, First, finalise, sign};

/// Blocks below an intent's tip that are looked through for a spender: no reorganisation is expected to be deeper.
const SCAN_MARGIN: u32 = 144;

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A node took the transaction.
    Broadcast {
        /// The position.
        sequence: u64,
        /// The transaction.
        txid: Txid,
    },
    /// It is in a block.
    Confirmed {
        /// The position.
        sequence: u64,
        /// Where.
        at: Confirmed,
    },
    /// Its block left the best chain.
    Dropped {
        /// The position.
        sequence: u64,
        /// Where it was.
        at: Confirmed,
    },
    /// The anchor before confirmed in another transaction, so that this one needs a new one, which was noted.
    Relinked {
        /// The position.
        sequence: u64,
        /// The new transaction.
        txid: Txid,
    },
    /// It is as deep as was asked.
    Buried {
        /// The position.
        sequence: u64,
        /// The transaction.
        txid: Txid,
        /// The blocks from its own to the tip.
        depth: u32,
    },
}

/// What a position waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// The signatures of a transaction.
    Signature {
        /// The position.
        sequence: u64,
        /// The transaction.
        txid: Txid,
    },
    /// The anchor before.
    Parent {
        /// The position.
        sequence: u64,
    },
    /// A block.
    Block {
        /// The position.
        sequence: u64,
        /// The transaction in the mempool.
        txid: Txid,
    },
    /// More blocks.
    Depth {
        /// The position.
        sequence: u64,
        /// The blocks from its own to the tip.
        depth: u32,
    },
}

/// What was done, and what is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub events: Vec<Event>,
    /// What is waited for; empty once all anchors are buried.
    pub waiting: Vec<Waiting>,
}

/// A thread, its journal, and a node.
#[derive(Debug)]
pub struct Publisher<'a, N> {
    node: &'a N,
    journal: Journal,
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
            return Err(PublishError::Network { had, chain_id, needed });
        }
        Ok(Self { node, journal })
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Plans an anchor's transaction and notes it. The header that the position has already is no error and changes nothing.
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
        if let Some(position) = self.journal.positions().get(sequence as usize) {
            if position.header != header {
                let (had, given) = (position.header.commitment(), header.commitment());
                return Err(PublishError::Equivocation { sequence, had, given });
            }
            // A position has a version from its first entry on.
            if let Some(version) = position.versions.last() {
                return Ok(version.txid());
            }
        }
        let anchor = AnchorDescriptor::new(header, terms.key.clone(), terms.recovery.clone())?;
        let parent = self.journal.positions().last().map(|parent| Self::confirmed_first(parent)).transpose()?;
        let tip = self.node.tip()?;
        let plan = match &terms.funds {
            Funds::Find => {
                let coins = terms.find(self.node, &self.journal, tip)?;
                let mut last = "there are none".to_owned();
                let mut made = None;
                // The fewest coins that pay, the largest first.
                for count in 1..=coins.len() {
                    match self
                        .request(&anchor, parent.clone(), coins.get(..count).unwrap_or_default(), terms)
                        .map(AnchorRequest::plan)
                    {
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
                let request = self.request(&anchor, parent, coins, terms);
                request.ok_or_else(|| terms.no_funds(coins, chain_id, "the first anchor needs a coin".into()))?.plan()?
            }
            Funds::Anchor => {
                let request = self.request(&anchor, parent, &[], terms);
                request.ok_or_else(|| terms.no_funds(&[], chain_id, "the first anchor needs a coin".into()))?.plan()?
            }
        };
        let psbt = plan.to_psbt()?;
        self.journal.intend(plan.request(), &psbt, tip.height)?;
        Ok(psbt.unsigned_tx.compute_txid())
    }

    /// `None` if the first anchor has no coin to start from.
    fn request(
        &self,
        anchor: &AnchorDescriptor,
        parent: Option<First>,
        coins: &[Coin],
        terms: &Terms,
    ) -> Option<AnchorRequest> {
        let (first, coins) = match parent {
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

    fn confirmed_first(parent: &Position) -> Result<First, PublishError> {
        let unconfirmed = PublishError::Unconfirmed { sequence: parent.header.sequence() };
        match (parent.confirmed, parent.live()) {
            (Some(_), Some(version)) => Ok(output_0(version)),
            _ => Err(unconfirmed),
        }
    }

    /// The PSBTs that are not signed yet, of anchors that are not in a block, each with its position.
    pub fn unsigned(&self) -> impl Iterator<Item = (u64, &Psbt)> {
        let waiting = self.journal.positions().iter().filter(|position| position.confirmed.is_none());
        waiting.flat_map(|position| {
            let newest = position.versions.last().filter(|version| version.signed.is_none());
            newest.map(|version| (position.header.sequence(), &version.psbt))
        })
    }

    /// Signs what waits for it, where the secret key is that of all inputs. Returns how many transactions.
    ///
    /// # Errors
    /// If the key signs no input, or inputs are left unsigned.
    pub fn sign(&mut self, secret: SecretKey) -> Result<usize, PublishError> {
        let mut waiting: Vec<Psbt> = self.unsigned().map(|(_, psbt)| psbt.clone()).collect();
        for psbt in &mut waiting {
            sign(psbt, secret)?;
            self.accept(psbt)?;
        }
        Ok(waiting.len())
    }

    /// Takes a signed PSBT, checks it, and notes its transaction.
    ///
    /// # Errors
    /// If it is not the journal's, or a signature is missing or not valid.
    pub fn accept(&mut self, signed: &Psbt) -> Result<Txid, PublishError> {
        let tx = finalise(signed)?;
        let txid = tx.compute_txid();
        let positions = self.journal.positions();
        let found = positions.iter().find_map(|position| {
            position.versions.iter().find(|v| v.txid() == txid).map(|v| (position.header.sequence(), v))
        });
        let (sequence, version) = found.ok_or(PublishError::NotIntended { txid })?;
        // What the PSBT says of spent outputs is what its signatures were checked against.
        let same = version.psbt.inputs.iter().zip(&signed.inputs).all(|(own, other)| own.witness_utxo == other.witness_utxo);
        if !same {
            return Err(PublishError::NotIntended { txid });
        }
        if version.signed.is_none() {
            self.journal.signed(sequence, &tx)?;
        }
        Ok(txid)
    }

    /// Notes a replacement with a higher fee for the first anchor that is not in a block; it has yet to be signed. One at this rate that was noted
    /// before is not noted again.
    ///
    /// # Errors
    /// [`PublishError::NothingToBump`], or as [`AnchorPlan::replaced`](crate::anchor::AnchorPlan::replaced).
    pub fn bump(&mut self, rate: FeeRate, fee_limit: Amount) -> Result<Txid, PublishError> {
        let waiting = self.journal.positions().iter().find(|position| position.confirmed.is_none());
        let newest = waiting.and_then(|position| position.versions.last()).ok_or(PublishError::NothingToBump)?;
        if newest.request.rate == rate && waiting.is_some_and(|position| position.versions.len() > 1) {
            return Ok(newest.txid());
        }
        if newest.signed.is_none() {
            return Err(PublishError::NothingToBump);
        }
        let plan = newest.request.clone().plan()?.replaced(rate, fee_limit)?;
        let psbt = plan.to_psbt()?;
        let height = self.node.tip()?.height;
        self.journal.intend(plan.request(), &psbt, height)?;
        Ok(psbt.unsigned_tx.compute_txid())
    }

    /// Whether the first anchor that is not in a block was planned so many blocks ago.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn is_late(&self, blocks: u32) -> Result<bool, PublishError> {
        let waiting = self.journal.positions().iter().find(|position| position.confirmed.is_none());
        let Some(version) = waiting.and_then(|position| position.versions.last()) else { return Ok(false) };
        Ok(self.node.tip()?.height.saturating_sub(version.height) >= blocks)
    }

    /// Looks at every anchor that is not buried, in order, and does what can be done: broadcasts (again), and notes blocks and depths.
    ///
    /// # Errors
    /// [`PublishError::Conflict`] if another transaction spends what an anchor spends, or if the node refuses or does not answer. What was done
    /// before is in the journal.
    pub fn step(&mut self, depth: u32) -> Result<Step, PublishError> {
        let mut step = Step::default();
        let tip = self.node.tip()?;
        for index in 0..self.journal.positions().len() {
            let Some(position) = self.journal.positions().get(index).filter(|position| !position.buried) else { continue };
            let sequence = position.header.sequence();
            if let Some(at) = position.confirmed {
                if self.node.block_hash(at.height)? == Some(at.block) {
                    self.deepen(sequence, at, tip, depth, &mut step)?;
                    continue;
                }
                self.journal.dropped(sequence, at)?;
                step.events.push(Event::Dropped { sequence, at });
            }
            self.follow(index, tip, depth, &mut step)?;
        }
        Ok(step)
    }

    fn deepen(
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

    /// An anchor that is in no block as far as is known.
    fn follow(&mut self, index: usize, tip: BlockPlace, depth: u32, step: &mut Step) -> Result<(), PublishError> {
        let positions = self.journal.positions();
        let Some(position) = positions.get(index) else { return Ok(()) };
        let sequence = position.header.sequence();
        let parent = index.checked_sub(1).and_then(|before| positions.get(before));
        let parent_out = parent.map(|parent| parent.live().map(|live| OutPoint { txid: live.txid(), vout: 0 }));
        let parent_stands = parent.is_none_or(|parent| parent.confirmed.is_some());
        let spends_live = |version: &&Version| match parent_out {
            None => true,
            Some(out) => out.is_some() && version.spends().next() == out,
        };
        let usable: Vec<Version> = position.versions.iter().filter(spends_live).cloned().collect();
        let Some(newest) = usable.last() else {
            if parent_stands {
                return self.relink(index, tip, step);
            }
            step.waiting.push(Waiting::Parent { sequence });
            return Ok(());
        };
        if newest.signed.is_none() {
            step.waiting.push(Waiting::Signature { sequence, txid: newest.txid() });
        }
        if parent_stands {
            for outpoint in newest.spends().collect::<Vec<_>>() {
                if self.node.unspent(outpoint)?.is_some() || self.is_pending(outpoint.txid) {
                    continue;
                }
                let Some((spender, at)) = self.spender(sequence, outpoint, newest.height, tip)? else { continue };
                if !usable.iter().any(|version| version.txid() == spender) {
                    let place = ConflictPlace::Block(at.hash);
                    return Err(PublishError::Conflict { sequence, outpoint, spender, place });
                }
                let at = Confirmed { txid: spender, block: at.hash, height: at.height };
                self.journal.confirmed(sequence, at)?;
                step.events.push(Event::Confirmed { sequence, at });
                step.waiting.retain(|waiting| !matches!(waiting, Waiting::Signature { sequence: s, .. } if *s == sequence));
                return self.deepen(sequence, at, tip, depth, step);
            }
        }
        let Some((txid, tx)) = usable.iter().rev().find_map(|v| v.signed.as_ref().map(|tx| (v.txid(), tx))) else {
            return Ok(());
        };
        self.send(sequence, txid, tx, &usable, step)
    }

    /// Whether a transaction is one of the journal's that is in no block: what it makes is not there yet.
    fn is_pending(&self, txid: Txid) -> bool {
        let mut positions = self.journal.positions().iter().filter(|position| position.confirmed.is_none());
        positions.any(|position| position.versions.iter().any(|version| version.txid() == txid))
    }

    /// Sees that the mempool has the transaction.
    fn send(
        &mut self,
        sequence: u64,
        txid: Txid,
        tx: &Transaction,
        usable: &[Version],
        step: &mut Step,
    ) -> Result<(), PublishError> {
        let was_sent = usable.iter().any(|version| version.txid() == txid && version.sent);
        let known = self.node.in_mempool(txid)?;
        if !known && let Err(e) = self.node.broadcast(tx) {
            return Err(self.explain(sequence, e, usable)?);
        }
        if !known || !was_sent {
            self.journal.broadcast(sequence, txid)?;
            step.events.push(Event::Broadcast { sequence, txid });
        }
        step.waiting.push(Waiting::Block { sequence, txid });
        Ok(())
    }

    /// A refusal whose reason is a transaction of somebody else names that one.
    fn explain(&self, sequence: u64, refused: NodeError, usable: &[Version]) -> Result<PublishError, PublishError> {
        let spends = usable.last().into_iter().flat_map(Version::spends);
        for outpoint in spends.filter(|_| matches!(refused, NodeError::Rejected { .. })) {
            let spender = self.node.mempool_spender(outpoint)?;
            if let Some(spender) = spender.filter(|spender| usable.iter().all(|version| version.txid() != *spender)) {
                return Ok(PublishError::Conflict { sequence, outpoint, spender, place: ConflictPlace::Mempool });
            }
        }
        Ok(refused.into())
    }

    /// Who spends an output, in the blocks from the tip down to those before the intent. `None` if a block came meanwhile, so that the next step should look.
    fn spender(
        &self,
        sequence: u64,
        outpoint: OutPoint,
        intent: u32,
        tip: BlockPlace,
    ) -> Result<Option<(Txid, BlockPlace)>, PublishError> {
        let oldest = self.journal.positions().get(sequence as usize).and_then(|p| p.versions.first());
        let from = oldest.map_or(intent, |version| version.height).saturating_sub(SCAN_MARGIN);
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
    /// where it spent the change of another.
    fn relink(&mut self, index: usize, tip: BlockPlace, step: &mut Step) -> Result<(), PublishError> {
        let positions = self.journal.positions();
        let parent = index.checked_sub(1).and_then(|before| positions.get(before));
        let (Some(position), Some(parent)) = (positions.get(index), parent) else { return Ok(()) };
        let (sequence, first) = (position.header.sequence(), Self::confirmed_first(parent)?);
        let Some(mut request) = position.versions.last().map(|version| version.request.clone()) else { return Ok(()) };
        let standing = parent.live().map(|version| version.psbt.unsigned_tx.clone());
        let made_by_parent = |txid: Txid| parent.versions.iter().any(|version| version.txid() == txid);
        for coin in request.coins.iter_mut().filter(|coin| made_by_parent(coin.outpoint.txid)) {
            let found =
                standing.as_ref().and_then(|tx| Some((tx.compute_txid(), tx.output.get(coin.outpoint.vout as usize)?)));
            let found = found.filter(|(_, output)| output.script_pubkey == coin.output.script_pubkey);
            let gone =
                PublishError::Coin { outpoint: coin.outpoint, what: "is the change of a transaction that was replaced" };
            let (txid, output) = found.ok_or(gone)?;
            *coin = Coin { outpoint: OutPoint { txid, ..coin.outpoint }, output: output.clone(), key: coin.key.clone() };
        }
        request.first = first;
        let plan = request.plan()?;
        let psbt = plan.to_psbt()?;
        self.journal.intend(plan.request(), &psbt, tip.height)?;
        let txid = psbt.unsigned_tx.compute_txid();
        step.events.push(Event::Relinked { sequence, txid });
        step.waiting.push(Waiting::Signature { sequence, txid });
        Ok(())
    }
}

fn output_0(version: &Version) -> First {
    let outpoint = OutPoint { txid: version.txid(), vout: 0 };
    let value = version.psbt.unsigned_tx.output.first().map_or(Amount::ZERO, |output| output.value);
    First::Anchor { descriptor: Box::new(version.request.anchor.clone()), outpoint, value }
}

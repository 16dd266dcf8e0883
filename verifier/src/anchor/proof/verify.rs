//! The verdict on an [`AnchorProof`], and what the caller asks of it.

use super::{AnchorEntry, AnchorProof};
use crate::{
    anchor::{
        blocks::{BlockCheckpoint, HeaderChain},
        header::{AnchorCommitment, AnchorHeader},
        merkle::check_inclusion,
        rules::{check_outputs, check_spends},
        taproot::network,
        transaction::StrippedTransaction,
    },
    chain::ChainEnd,
    error::{AnchorError, AnchorProofError, ChainError},
    field::Element,
    key::VerifyingKey,
    many::{Claim, VerifyManyError, verify_many},
    registry::Registry,
    verify::Verified,
};
use alloc::vec::Vec;
use bitcoin::{BlockHash, OutPoint, Txid};

/// What the caller asks of an anchor proof. All of it is the caller's own configuration.
#[derive(Clone, Copy, Debug)]
pub struct AnchorPolicy<'a> {
    /// The rollup's chain.
    pub chain_id: u32,
    /// The thread of anchors.
    pub start: ThreadStart,
    /// The proofs of batches.
    pub proofs: Proofs<'a>,
    /// The least depth: blocks from the anchor's to the end of the chain, both included.
    pub least_depth: u32,
}

impl AnchorPolicy<'_> {
    /// The depth that Bitcoin's users ask for by custom.
    pub const USUAL_DEPTH: u32 = 6;
}

/// What tells the thread of anchors from others. Anyone can make anchors with any chain id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadStart {
    /// The output that input 0 of the first anchor spends. It can be named before there are anchors, and Bitcoin allows one spender.
    Origin(OutPoint),
    /// An anchor that was verified before.
    Known(KnownAnchor),
    /// Nothing is known: the verdict says that the thread is not pinned.
    Unpinned,
}

/// An anchor of the thread that was verified before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAnchor {
    /// Its header.
    pub header: AnchorHeader,
    /// Its transaction.
    pub txid: Txid,
}

/// Keys with which batches may be proven.
#[derive(Clone, Copy, Debug)]
pub struct PinnedKeys<'a> {
    /// Which key ids are good for which batches.
    pub registry: &'a Registry,
    /// The keys; each must stand in the registry.
    pub keys: &'a [VerifyingKey],
}

/// What is asked of the proofs of batches.
#[derive(Clone, Copy, Debug)]
pub enum Proofs<'a> {
    /// They are not looked at: the verdict says what was anchored, not that it is true.
    Ignored,
    /// Those in the file must be valid and lead without a gap to the last state root; the verdict says from where.
    Given(PinnedKeys<'a>),
    /// They must lead from this state, which the caller knows, to the last state root.
    From(ChainEnd, PinnedKeys<'a>),
}

/// A verified anchor. That there is no newer one, or that the published data is at hand, it does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct AnchorVerdict {
    /// The anchor's header.
    pub header: AnchorHeader,
    /// The anchor's commitment.
    pub commitment: AnchorCommitment,
    /// The transaction; output 0 is the one to watch for the next anchor.
    pub txid: Txid,
    /// The block's height.
    pub height: u32,
    /// The block.
    pub block: BlockHash,
    /// Blocks from the anchor's to the end of the chain, both included.
    pub depth: u32,
    /// The end of the chain of headers with the most work.
    pub tip: BlockHash,
    /// The sequence number of the first anchor that the proof shows; all from there on are one thread.
    pub first_sequence: u64,
    /// Whether the thread is the one that the caller knows.
    pub pinned: Pinned,
    /// The state from which proofs in the file lead to the anchor's state root; `None` if there are none, or they were not looked at.
    pub proven_from: Option<ChainEnd>,
}

/// Whether a thread is the one that the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// Back to its origin or to a known anchor.
    Yes,
    /// The caller named none.
    No,
}

impl AnchorVerdict {
    /// The state root after the last batch of the anchor.
    pub fn state_root(&self) -> Element {
        self.header.post_state_root()
    }

    /// The output that the next anchor of the thread must spend.
    pub fn next_spends(&self) -> OutPoint {
        OutPoint { txid: self.txid, vout: 0 }
    }

    /// This anchor, to continue from.
    pub fn known(&self) -> KnownAnchor {
        KnownAnchor { header: self.header, txid: self.txid }
    }
}

/// Verifies the bytes of an anchor proof against a checkpoint of the Bitcoin chain. `now` is the clock in seconds since 1970, where
/// there is one.
///
/// The best chain is that of the proof's own headers: a caller that sees other headers as well should follow them in a [`HeaderChain`] and
/// use [`AnchorProof::verify`].
///
/// # Errors
/// The first rule that does not hold, in the order of PROTOCOL.md.
pub fn verify_anchor(
    bytes: &[u8],
    checkpoint: BlockCheckpoint,
    now: Option<u32>,
    policy: &AnchorPolicy<'_>,
) -> Result<AnchorVerdict, AnchorError> {
    let proof = AnchorProof::from_bytes(bytes)?;
    let chain = proof.header_chain(checkpoint, now)?;
    proof.verify(&chain, policy)
}

impl AnchorProof {
    /// Verifies the proof against a chain of headers that holds the anchor's block; [`AnchorProof::add_headers`] adds what is missing.
    ///
    /// # Errors
    /// The first rule that does not hold, in the order of PROTOCOL.md.
    pub fn verify(&self, chain: &HeaderChain, policy: &AnchorPolicy<'_>) -> Result<AnchorVerdict, AnchorError> {
        let parts = self.parts();
        let last = self.last().ok_or_else(malformed)?;
        let block = parts.headers.get(usize::from(parts.block)).ok_or_else(malformed)?;

        let (expected, actual) = (policy.chain_id, last.header.chain_id());
        if actual != expected {
            return Err(AnchorError::ChainId { expected, actual });
        }
        let (expected, actual) = (network(last.header.chain_id()), chain.network());
        if actual != expected {
            return Err(AnchorError::Network { expected, actual });
        }
        chain.check_reach()?;
        let hash = block.block_hash();
        let claimed = parts.first_height.saturating_add(parts.block.into());
        let position = chain.position(&hash);
        let height = position.map_or(claimed, |position| position.height);
        if height != claimed {
            return Err(AnchorError::Height { expected: claimed, actual: height });
        }
        let depth = position.and_then(|position| position.depth).ok_or(AnchorError::NotOnBestChain { hash, height })?;

        let Thread { txid, oldest, first } = self.check_thread()?;
        let pinned = self.check_start(policy.start, oldest, &first)?;

        let proven_from = match policy.proofs {
            Proofs::Ignored => None,
            Proofs::Given(keys) => self.proven_from(keys)?,
            Proofs::From(known, keys) => {
                let proven_from = self.proven_from(keys)?;
                self.check_reaches(known, proven_from)?;
                proven_from
            }
        };
        if depth < policy.least_depth {
            return Err(AnchorError::Depth { expected: policy.least_depth, actual: depth });
        }
        Ok(AnchorVerdict {
            header: last.header,
            commitment: last.header.commitment(),
            txid,
            height,
            block: hash,
            depth,
            tip: chain.tip().1,
            first_sequence: oldest.header.sequence(),
            pinned,
            proven_from,
        })
    }

    /// Checks all that needs no chain of block headers: that the last anchor's transaction stands in the block that the proof names, that each
    /// transaction keeps the rules of an anchor's ([`rules`](crate::anchor::rules)), and that the anchors are one thread. Whoever makes a
    /// proof asks this of it; a verdict is [`AnchorProof::verify`].
    ///
    /// # Errors
    /// The first rule that does not hold, in the order of PROTOCOL.md.
    pub fn check_anchors(&self) -> Result<(), AnchorError> {
        self.check_thread().map(drop)
    }

    fn check_thread(&self) -> Result<Thread<'_>, AnchorError> {
        let parts = self.parts();
        let [older @ .., last] = &parts.anchors[..] else { return Err(malformed()) };
        let block = parts.headers.get(usize::from(parts.block)).ok_or_else(malformed)?;
        let coinbase = parse("the block's coinbase", &parts.coinbase)?;
        let transaction = parse("the anchor's transaction", &last.transaction)?;
        check_inclusion(block.merkle_root, &coinbase, &parts.coinbase_siblings, &transaction, &self.branch())?;

        check_output(last, &transaction)?;
        let (mut entry, mut spender) = (last, transaction);
        for previous in older.iter().rev() {
            let spent = parse("an earlier anchor's transaction", &previous.transaction)?;
            check_output(previous, &spent)?;
            entry.header.check_follows(&previous.header).map_err(AnchorError::Link)?;
            check_spends(entry.header.sequence(), &spender, OutPoint { txid: spent.txid(), vout: 0 })?;
            (entry, spender) = (previous, spent);
        }
        Ok(Thread { txid: transaction.txid(), oldest: entry, first: spender })
    }

    /// Holds the oldest anchor of the proof, or the known one among its anchors, to what the caller knows of the thread.
    fn check_start(
        &self,
        start: ThreadStart,
        oldest: &AnchorEntry,
        transaction: &StrippedTransaction<'_>,
    ) -> Result<Pinned, AnchorError> {
        let first = oldest.header.sequence();
        let last = self.last().map_or(first, |last| last.header.sequence());
        match start {
            ThreadStart::Unpinned => return Ok(Pinned::No),
            ThreadStart::Origin(outpoint) => {
                if first != 0 {
                    return Err(AnchorError::Start { expected: 0, first, last });
                }
                check_spends(first, transaction, outpoint)?;
            }
            ThreadStart::Known(known) => {
                let sequence = known.header.sequence();
                if let Some(same) = self.parts().anchors.iter().find(|entry| entry.header.sequence() == sequence) {
                    let actual = parse("the known anchor's transaction", &same.transaction)?.txid();
                    if same.header != known.header || actual != known.txid {
                        return Err(AnchorError::OtherAnchor { sequence, expected: known.txid, actual });
                    }
                } else if sequence.checked_add(1) == Some(first) {
                    oldest.header.check_follows(&known.header).map_err(AnchorError::Link)?;
                    check_spends(first, transaction, OutPoint { txid: known.txid, vout: 0 })?;
                } else {
                    return Err(AnchorError::Start { expected: sequence.saturating_add(1), first, last });
                }
            }
        }
        Ok(Pinned::Yes)
    }

    /// Verifies the proofs in the file, and that they lead without a gap to the last state root; says from where.
    fn proven_from(&self, pinned: PinnedKeys<'_>) -> Result<Option<ChainEnd>, AnchorError> {
        let entries = self.parts().anchors.iter().flat_map(|anchor| anchor.batches.iter().map(move |batch| (anchor, batch)));
        let entries: Vec<_> = entries.collect();
        let mut claims = Vec::with_capacity(entries.len());
        for (_, batch) in &entries {
            let (vk_id, statement) = (batch.vk_id, &batch.statement);
            if !pinned.registry.allows(vk_id, statement.batch_number) {
                let batch_number = Some(statement.batch_number);
                return Err(AnchorError::BatchProof(ChainError::KeyNotPinned { vk_id, batch_number }));
            }
            let key = pinned.keys.iter().find(|key| key.id() == vk_id);
            let key = key.ok_or(AnchorError::BatchProof(ChainError::KeyNotGiven { vk_id }))?;
            claims.push(Claim { key, expected: vk_id, statement, proof: &batch.proof });
        }
        let verified = match verify_many(&claims) {
            Ok(verified) => verified,
            // Nothing is said to be proven then.
            Err(VerifyManyError::NoClaims) => return Ok(None),
            Err(VerifyManyError::Refused { first: (_, error), .. }) => return Err(AnchorError::BatchProof(error.into())),
        };
        let mut end: Option<ChainEnd> = None;
        for ((anchor, batch), verified) in entries.iter().zip(&verified) {
            if let Some(end) = end {
                end.check_next_statement(verified.statement()).map_err(AnchorError::Batch)?;
            }
            anchor.header.check_batch(verified, &batch.branch).map_err(AnchorError::Batch)?;
            end = Some(ChainEnd::after(verified.statement()));
        }
        let last_batch = self.last().map_or(0, |last| last.header.last_batch());
        match end.filter(|end| end.batch_number != last_batch) {
            Some(end) => Err(AnchorError::NotProven { batch_number: end.batch_number + 1, state_root: end.state_root }),
            None => Ok(verified.first().map(before)),
        }
    }

    /// Checks that proofs which lead from `proven_from` to the last state root pass through the state that the caller knows.
    fn check_reaches(&self, known: ChainEnd, proven_from: Option<ChainEnd>) -> Result<(), AnchorError> {
        let missing =
            AnchorError::NotProven { batch_number: known.batch_number.saturating_add(1), state_root: known.state_root };
        let Some(last) = self.last().map(|last| last.header) else { return Err(missing) };
        // The state after each batch that the file tells, and the last one.
        let told =
            self.parts().anchors.iter().flat_map(|anchor| &anchor.batches).map(|batch| ChainEnd::after(&batch.statement));
        let end =
            ChainEnd { chain_id: last.chain_id(), batch_number: last.last_batch(), state_root: last.post_state_root() };
        let mut states = proven_from.into_iter().chain(told).chain([end]);
        match states.find(|state| state.batch_number == known.batch_number) {
            None => Err(missing),
            Some(state) if state == known => Ok(()),
            Some(state) => Err(AnchorError::Batch(crate::error::HeaderError::StateRoot {
                batch_number: known.batch_number,
                expected: known.state_root,
                actual: state.state_root,
            })),
        }
    }
}

/// The anchors of a proof, checked from the last to the first.
struct Thread<'a> {
    /// The last one's transaction.
    txid: Txid,
    /// The oldest anchor.
    oldest: &'a AnchorEntry,
    /// Its transaction.
    first: StrippedTransaction<'a>,
}

/// A proof without anchors or block headers, which [`AnchorProof::new`] does not make.
fn malformed() -> AnchorError {
    AnchorError::Malformed(AnchorProofError::Block { headers: 0, actual: 0 })
}

/// Where the chain stood before a batch.
fn before(batch: &Verified) -> ChainEnd {
    let statement = batch.statement();
    ChainEnd {
        chain_id: statement.chain_id,
        batch_number: statement.batch_number.saturating_sub(1),
        state_root: statement.pre_state_root,
    }
}

fn parse<'a>(what: &'static str, bytes: &'a [u8]) -> Result<StrippedTransaction<'a>, AnchorError> {
    StrippedTransaction::parse(bytes).map_err(|error| AnchorError::Transaction { what, error })
}

/// Output 0 is the anchor's, and no other output has its script.
fn check_output(entry: &AnchorEntry, transaction: &StrippedTransaction<'_>) -> Result<(), AnchorError> {
    let sequence = entry.header.sequence();
    let output = entry.output().map_err(|error| AnchorError::Output { sequence, found_at: None, error })?;
    check_outputs(sequence, &output, transaction)
}

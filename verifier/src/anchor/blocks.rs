//! [`HeaderChain`]: a light chain of block headers from a checkpoint on, and its best branch by work.
//!
//! What Bitcoin Core asks of a header is asked here: work, difficulty (with testnet4's rules of BIP94), median time past, versions,
//! checkpoints, and the clock where the caller has one. What needs whole blocks is not: that their transactions are valid, and on signet that
//! its signers signed them (BIP325). Work is cheap there, as on testnet4 and regtest: such a chain says little against an attacker.

use crate::error::BlockError;
use alloc::{collections::BTreeMap, vec, vec::Vec};
use bitcoin::{
    BlockHash, CompactTarget, Network, Work, block::Header, constants::genesis_block, hashes::Hash, params::Params,
};

/// Blocks between two retargets.
const PERIOD: u32 = 2016;
/// How many times the median is taken of.
const MEDIAN_OF: usize = 11;
/// How far ahead of the clock a block may be, in seconds.
const AHEAD: u32 = 7200;
/// How far before its parent the first block of a period may be, in seconds (BIP94, testnet4).
const TIMEWARP: u32 = 600;

/// Block hashes of Bitcoin Core 31's assumeutxo data (`src/kernel/chainparams.cpp`), which no chain contradicts.
const KNOWN: [(Network, u32, &str); 8] = [
    (Network::Bitcoin, 840_000, "0000000000000000000320283a032748cef8227873ff4872689bf23f1cda83a5"),
    (Network::Bitcoin, 880_000, "000000000000000000010b17283c3c400507969a9c2afd1dcf2082ec5cca2880"),
    (Network::Bitcoin, 910_000, "0000000000000000000108970acb9522ffd516eae17acddcb1bd16469194a821"),
    (Network::Bitcoin, 935_000, "0000000000000000000147034958af1652b2b91bba607beacc5e72a56f0fb5ee"),
    (Network::Testnet4, 90_000, "0000000002ebe8bcda020e0dd6ccfbdfac531d2f6a81457191b99fc2df2dbe3b"),
    (Network::Testnet4, 120_000, "000000000bd2317e51b3c5794981c35ba894ce27d3e772d5c39ecd9cbce01dc8"),
    (Network::Signet, 160_000, "0000003ca3c99aff040f2563c2ad8f8ec88bd0fd6b8f0895cfaf1ef90353a62c"),
    (Network::Signet, 290_000, "0000000577f2741bb30cd9d39d6d71b023afbeb9764f6260786a97969d5c9ac0"),
];

/// A block that the caller trusts to be buried in the chain of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockCheckpoint {
    /// The network.
    pub network: Network,
    /// The block's height.
    pub height: u32,
    /// The block's hash.
    pub hash: BlockHash,
}

impl BlockCheckpoint {
    /// The first block of a network.
    pub fn genesis(network: Network) -> Self {
        Self { network, height: 0, hash: genesis_block(network).block_hash() }
    }

    /// The checkpoints that this crate knows, from the first block of the network on.
    pub fn known(network: Network) -> Vec<Self> {
        let later = KNOWN.iter().filter(|(of, ..)| *of == network);
        let later = later.filter_map(|(_, height, hash)| Some(Self { network, height: *height, hash: hash.parse().ok()? }));
        core::iter::once(Self::genesis(network)).chain(later).collect()
    }

    /// The newest checkpoint that this crate knows: where nothing else is trusted, a chain of headers starts here. Regtest's is its first
    /// block.
    pub fn newest(network: Network) -> Self {
        Self::known(network).pop().unwrap_or_else(|| Self::genesis(network))
    }

    /// The height of the first header that a chain needs to start here: the first of the difficulty period, and eleven for the median.
    pub fn context_height(&self) -> u32 {
        let period = match self.network {
            // Regtest never retargets.
            Network::Regtest => self.height,
            _ => self.height - self.height % PERIOD,
        };
        period.min(self.height.saturating_sub(MEDIAN_OF as u32 - 1))
    }
}

/// What became of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was there.
    Known,
    /// It is the new end of the best branch.
    Best,
    /// It is on a branch with less work than the best, or as much.
    Side,
    /// Its branch has become the best one.
    Reorg {
        /// The height of the last block that both branches have.
        fork: u32,
    },
}

/// Where a header stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its height.
    pub height: u32,
    /// Blocks from it to the end of the best branch, itself included; `None` if it is not on the best branch, or if that one does not reach
    /// the newest checkpoint of its network ([`HeaderChain::check_reach`]).
    pub depth: Option<u32>,
}

#[derive(Clone, Debug)]
struct Node {
    header: Header,
    hash: BlockHash,
    height: u32,
    parent: usize,
    /// Work since the checkpoint, that one left out.
    work: Work,
    /// Time and difficulty of the first block of its period.
    period: (u32, CompactTarget),
    /// The difficulty of the last block up to this one, in its period, that made no use of the exception for late blocks.
    ordinary: CompactTarget,
}

/// Block headers from a checkpoint on, with all branches.
#[derive(Clone, Debug)]
pub struct HeaderChain {
    network: Network,
    checkpoint: usize,
    known: Vec<BlockCheckpoint>,
    nodes: Vec<Node>,
    by_hash: BTreeMap<BlockHash, usize>,
    /// The best branch, by height above the first header's.
    best: Vec<usize>,
    most: usize,
}

impl HeaderChain {
    /// A chain that starts at a checkpoint and holds at most `most` headers.
    ///
    /// `context` are the headers from [`BlockCheckpoint::context_height`] or below up to the checkpoint's own, in order. They need no
    /// trust: the checkpoint's hash binds them.
    ///
    /// # Errors
    /// [`BlockError::Network`] for a network without chain ids, [`BlockError::Context`] if the headers are not those,
    /// [`BlockError::Checkpoint`] if the checkpoint contradicts one that is known.
    pub fn new(checkpoint: BlockCheckpoint, context: &[Header], most: usize) -> Result<Self, BlockError> {
        let BlockCheckpoint { network, height, hash } = checkpoint;
        if network == Network::Testnet {
            return Err(BlockError::Network { network });
        }
        let known = BlockCheckpoint::known(network);
        if let Some(other) = known.iter().find(|known| known.height == height && known.hash != hash) {
            return Err(BlockError::Checkpoint { height, expected: other.hash, actual: hash });
        }
        let wrong = BlockError::Context { height, actual: context.len() };
        let before = u32::try_from(context.len()).ok().and_then(|n| n.checked_sub(1)).ok_or(wrong)?;
        let first = height.checked_sub(before).filter(|first| *first <= checkpoint.context_height()).ok_or(wrong)?;
        let linked = context.windows(2).all(|pair| matches!(pair, [a, b] if b.prev_blockhash == a.block_hash()));
        if !linked || context.last().map(Header::block_hash) != Some(hash) {
            return Err(wrong);
        }
        let mut chain = Self {
            network,
            checkpoint: context.len() - 1,
            known,
            nodes: Vec::with_capacity(context.len()),
            by_hash: BTreeMap::new(),
            best: Vec::with_capacity(context.len()),
            most: most.max(context.len()),
        };
        for (index, header) in context.iter().enumerate() {
            // Heights up to the checkpoint's fit: `first` was computed from it.
            let height = first.saturating_add(index as u32);
            let node = chain.node(*header, header.block_hash(), height, index.saturating_sub(1));
            // Work counts from the checkpoint on: what leads up to it was not held to any difficulty.
            chain.push(Node { work: zero(), ..node });
            chain.best.push(index);
        }
        Ok(chain)
    }

    /// A chain that starts with the first block of a network.
    ///
    /// # Errors
    /// [`BlockError::Network`] for a network without chain ids.
    pub fn from_genesis(network: Network, most: usize) -> Result<Self, BlockError> {
        Self::new(BlockCheckpoint::genesis(network), &[genesis_block(network).header], most)
    }

    /// Takes a header whose parent is known. `now` is the clock in seconds since 1970, where there is one.
    ///
    /// # Errors
    /// The rule that the header breaks; the chain is then as it was.
    pub fn add(&mut self, header: Header, now: Option<u32>) -> Result<Added, BlockError> {
        let hash = header.block_hash();
        if self.by_hash.contains_key(&hash) {
            return Ok(Added::Known);
        }
        let parent_hash = header.prev_blockhash;
        let parent = *self.by_hash.get(&parent_hash).ok_or(BlockError::Orphan { parent: parent_hash })?;
        let height = self.nodes.get(parent).map_or(0, |node| node.height).saturating_add(1);
        if parent < self.checkpoint {
            return Err(BlockError::BelowCheckpoint { height });
        }
        self.check(&header, hash, height, parent, now)?;
        if self.nodes.len() >= self.most {
            return Err(BlockError::Full { most: self.most });
        }
        let node = self.node(header, hash, height, parent);
        let (work, best) = (node.work, self.tip_node());
        let (extends, better) = (best == parent, self.nodes.get(best).is_none_or(|best| work > best.work));
        let index = self.push(node);
        Ok(match (extends, better) {
            (true, _) => {
                self.best.push(index);
                Added::Best
            }
            (false, true) => Added::Reorg { fork: self.reorganise(index) },
            (false, false) => Added::Side,
        })
    }

    /// The network.
    pub fn network(&self) -> Network {
        self.network
    }

    /// Checks that the best branch reaches the newest checkpoint that is built in for its network.
    ///
    /// What lies below it was mined at the difficulties of years ago, the first blocks by one machine: a branch that ends there says nothing
    /// of depth. One that goes on has that checkpoint's block, since no header with another hash is taken at its height.
    ///
    /// # Errors
    /// [`BlockError::Reach`] if it ends before.
    pub fn check_reach(&self) -> Result<(), BlockError> {
        let needed = self.known.last().map_or(0, |newest| newest.height);
        match self.tip().0 {
            actual if actual < needed => Err(BlockError::Reach { network: self.network, needed, actual }),
            _ => Ok(()),
        }
    }

    /// The height of the checkpoint at which the chain starts.
    pub fn checkpoint_height(&self) -> u32 {
        self.nodes.get(self.checkpoint).map_or(0, |node| node.height)
    }

    /// Height and hash of the end of the best branch, and the work of the branch since the checkpoint.
    pub fn tip(&self) -> (u32, BlockHash, Work) {
        let tip = self.nodes.get(self.tip_node());
        tip.map_or_else(|| (0, BlockHash::all_zeros(), zero()), |node| (node.height, node.hash, node.work))
    }

    /// The header of this height on the best branch.
    pub fn header_at(&self, height: u32) -> Option<&Header> {
        let index = height.checked_sub(self.nodes.first()?.height)?;
        self.nodes.get(*self.best.get(usize::try_from(index).ok()?)?).map(|node| &node.header)
    }

    /// Where a header stands; `None` if it is not known.
    pub fn position(&self, hash: &BlockHash) -> Option<Position> {
        let node = self.nodes.get(*self.by_hash.get(hash)?)?;
        let on_best = self.header_at(node.height).is_some_and(|header| *header == node.header);
        let has_depth = on_best && self.check_reach().is_ok();
        Some(Position { height: node.height, depth: has_depth.then(|| self.tip().0 - node.height + 1) })
    }

    fn tip_node(&self) -> usize {
        self.best.last().copied().unwrap_or(0)
    }

    /// What follows for a header from its parent; the first header counts as its own parent.
    fn node(&self, header: Header, hash: BlockHash, height: u32, parent: usize) -> Node {
        let own = (header.time, header.bits);
        let before = self.nodes.get(parent);
        let limit = limit(self.network);
        Node {
            header,
            hash,
            height,
            parent,
            work: before.map_or_else(zero, |before| before.work + header.work()),
            period: before.filter(|_| height % PERIOD != 0).map_or(own, |before| before.period),
            ordinary: before
                .filter(|_| height % PERIOD != 0 && header.bits == limit)
                .map_or(header.bits, |before| before.ordinary),
        }
    }

    fn push(&mut self, node: Node) -> usize {
        let index = self.nodes.len();
        self.by_hash.insert(node.hash, index);
        self.nodes.push(node);
        index
    }

    /// Makes the branch that ends with a node the best one; returns the height of the last block that both have.
    fn reorganise(&mut self, tip: usize) -> u32 {
        let first = self.nodes.first().map_or(0, |node| node.height);
        let (mut at, mut branch) = (tip, vec![]);
        while let Some(node) = self.nodes.get(at) {
            let place = (node.height - first) as usize;
            if self.best.get(place) == Some(&at) {
                self.best.truncate(place + 1);
                self.best.extend(branch.iter().rev());
                return node.height;
            }
            branch.push(at);
            at = node.parent;
        }
        first
    }

    fn check(
        &self,
        header: &Header,
        hash: BlockHash,
        height: u32,
        parent: usize,
        now: Option<u32>,
    ) -> Result<(), BlockError> {
        let Some(before) = self.nodes.get(parent) else {
            return Err(BlockError::Orphan { parent: header.prev_blockhash });
        };
        if let Some(other) = self.known.iter().find(|known| known.height == height && known.hash != hash) {
            return Err(BlockError::Checkpoint { height, expected: other.hash, actual: hash });
        }
        let (expected, actual) = (self.next_bits(before, header.time), header.bits);
        if actual != expected {
            return Err(BlockError::Bits { height, expected, actual });
        }
        let actual = header.time;
        let mut least = self.median_time(parent).saturating_add(1);
        if self.network == Network::Testnet4 && height % PERIOD == 0 {
            least = least.max(before.header.time.saturating_sub(TIMEWARP));
        }
        if actual < least {
            return Err(BlockError::TooEarly { height, least, actual });
        }
        if let Some(most) = now.map(|now| now.saturating_add(AHEAD)).filter(|most| actual > *most) {
            return Err(BlockError::TooLate { height, most, actual });
        }
        let actual = header.version.to_consensus();
        if actual < least_version(self.network, height) {
            return Err(BlockError::Version { height, actual });
        }
        if !header.target().is_met_by(hash) {
            return Err(BlockError::Work { height, hash });
        }
        Ok(())
    }

    /// The median of the times of up to eleven blocks that end with this one.
    fn median_time(&self, last: usize) -> u32 {
        let mut times = [0; MEDIAN_OF];
        let (mut at, mut count) = (last, 0);
        for (slot, time) in times.iter_mut().enumerate() {
            let Some(node) = self.nodes.get(at) else { break };
            *time = node.header.time;
            count = slot + 1;
            if at == 0 {
                break;
            }
            at = node.parent;
        }
        let (times, _) = times.split_at_mut(count);
        times.sort_unstable();
        times.get(count / 2).copied().unwrap_or(0)
    }

    /// The difficulty of the block after this one, if it has this time (Bitcoin Core's `GetNextWorkRequired`).
    fn next_bits(&self, before: &Node, time: u32) -> CompactTarget {
        if self.network == Network::Regtest {
            // All blocks have the limit: there is no retarget, and the exception for late blocks gives the limit as well.
            return limit(self.network);
        }
        let late = i64::from(time) > i64::from(before.header.time) + 20 * 60;
        match ((before.height + 1) % PERIOD == 0, self.network) {
            (true, network) => {
                let (first_time, first_bits) = before.period;
                // BIP94: the first block of a period can make no use of the exception for late blocks.
                let bits = if network == Network::Testnet4 { first_bits } else { before.header.bits };
                retarget(bits, i64::from(before.header.time) - i64::from(first_time), network)
            }
            (false, Network::Testnet4) if late => limit(self.network),
            (false, Network::Testnet4) => before.ordinary,
            (false, _) => before.header.bits,
        }
    }
}

fn zero() -> Work {
    Work::from_be_bytes([0; 32])
}

/// The difficulty after a period of `seconds` (Bitcoin Core's `CalculateNextWorkRequired`).
fn retarget(bits: CompactTarget, seconds: i64, network: Network) -> CompactTarget {
    // Clamped to a quarter and four times two weeks by the callee; a period may seem to take less than no time.
    let seconds = u64::try_from(seconds).unwrap_or(0);
    CompactTarget::from_next_work_required(bits, seconds, Params::new(network))
}

/// The easiest difficulty of a network.
fn limit(network: Network) -> CompactTarget {
    Params::new(network).max_attainable_target.to_compact_lossy()
}

/// BIP34, BIP66 and BIP65 raised the least version; buried heights as in Bitcoin Core.
fn least_version(network: Network, height: u32) -> i32 {
    match (network, height) {
        (Network::Bitcoin, 0..227_931) => i32::MIN,
        (Network::Bitcoin, 227_931..363_725) => 2,
        (Network::Bitcoin, 363_725..388_381) => 3,
        _ => 4,
    }
}

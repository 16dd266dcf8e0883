//! [`Patient`]: a node that is waited for.
//!
//! Nodes are restarted, and what follows a thread for weeks outlives that. A call that finds the node away is made again, after pauses that grow,
//! for as long as the caller likes; every other error is the caller's at once.

use std::cell::Cell;
use std::time::Duration;

use bitcoin::block::Header;
use bitcoin::{Block, BlockHash, Network, OutPoint, Script, Transaction, TxOut, Txid};

use super::error::NodeError;
use super::{BlockPlace, Node, Relay, Unspent};

/// The first pause; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What happens while a node is waited for.
pub trait Patience {
    /// The node does not serve: told once, however long that lasts.
    fn away(&self, why: &NodeError);
    /// It serves again: told once.
    fn back(&self, node: &str);
    /// Sleeps so long; `false` to wait no more, and the call ends with its error.
    fn pause(&self, length: Duration) -> bool;
}

/// A node, and how it is waited for.
#[derive(Debug)]
pub struct Patient<'a, N, P> {
    node: &'a N,
    patience: P,
    is_away: Cell<bool>,
}

impl<'a, N: Node, P: Patience> Patient<'a, N, P> {
    /// Waits for this node.
    pub fn new(node: &'a N, patience: P) -> Self {
        Self { node, patience, is_away: Cell::new(false) }
    }

    fn call<T>(&self, ask: impl Fn(&N) -> Result<T, NodeError>) -> Result<T, NodeError> {
        let mut length = FIRST_PAUSE;
        loop {
            let answer = ask(self.node);
            let Err(why) = answer.as_ref().map(drop) else {
                return self.came_back(answer);
            };
            if !why.is_passing() {
                return self.came_back(answer);
            }
            if !self.is_away.replace(true) {
                self.patience.away(why);
            }
            if !self.patience.pause(length) {
                return answer;
            }
            length = LONGEST_PAUSE.min(length.saturating_mul(2));
        }
    }

    fn came_back<T>(&self, answer: Result<T, NodeError>) -> Result<T, NodeError> {
        if answer.is_ok() && self.is_away.replace(false) {
            self.patience.back(&self.node.name());
        }
        answer
    }
}

impl<N: Node, P: Patience> Node for Patient<'_, N, P> {
    fn name(&self) -> String {
        self.node.name()
    }
    fn network(&self) -> Result<Network, NodeError> {
        self.call(N::network)
    }
    fn tip(&self) -> Result<BlockPlace, NodeError> {
        self.call(N::tip)
    }
    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, NodeError> {
        self.call(|node| node.block_hash(height))
    }
    fn header(&self, block: BlockHash) -> Result<Header, NodeError> {
        self.call(|node| node.header(block))
    }
    fn block(&self, block: BlockHash) -> Result<Block, NodeError> {
        self.call(|node| node.block(block))
    }
    fn unspent(&self, outpoint: OutPoint) -> Result<Option<TxOut>, NodeError> {
        self.call(|node| node.unspent(outpoint))
    }
    fn unspent_of(&self, script: &Script) -> Result<Vec<Unspent>, NodeError> {
        self.call(|node| node.unspent_of(script))
    }
    fn in_mempool(&self, txid: Txid) -> Result<bool, NodeError> {
        self.call(|node| node.in_mempool(txid))
    }
    fn mempool_spender(&self, outpoint: OutPoint) -> Result<Option<Txid>, NodeError> {
        self.call(|node| node.mempool_spender(outpoint))
    }
    fn relay(&self) -> Result<Relay, NodeError> {
        self.call(N::relay)
    }
    fn broadcast(&self, tx: &Transaction) -> Result<(), NodeError> {
        self.call(|node| node.broadcast(tx))
    }
}

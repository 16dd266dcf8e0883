//! A node in memory: blocks without work, a mempool with replacement by fee, and failures at a call of choice.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, FeeRate, Network, OutPoint, Script, ScriptBuf, Transaction, TxIn, TxMerkleNode,
    TxOut, Txid, absolute, transaction,
};
use tapstone_anchor::node::{BlockPlace, Node, NodeError, Relay, Unspent};

/// When the connection dies, relative to what the call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dies {
    Before,
    After,
}

/// Looks at a transaction before the node does.
type OnBroadcast = Box<dyn Fn(&Transaction)>;

pub struct Fake {
    blocks: RefCell<Vec<Block>>,
    mempool: RefCell<Vec<Transaction>>,
    calls: Cell<usize>,
    fault: Cell<Option<(usize, Dies)>>,
    salt: Cell<u32>,
    /// A block with these transactions comes right before a call.
    block_at: RefCell<Option<(usize, Vec<Transaction>)>>,
    /// The least rate that is relayed, and what a replacement pays for its own size.
    pub least: Cell<FeeRate>,
    pub step: Cell<FeeRate>,
    /// What must hold when a transaction is broadcast.
    pub on_broadcast: RefCell<Option<OnBroadcast>>,
}

impl Fake {
    pub fn new() -> Self {
        let fake = Self {
            blocks: RefCell::default(),
            mempool: RefCell::default(),
            calls: Cell::default(),
            fault: Cell::default(),
            salt: Cell::default(),
            block_at: RefCell::default(),
            least: Cell::new(FeeRate::BROADCAST_MIN),
            step: Cell::new(FeeRate::BROADCAST_MIN),
            on_broadcast: RefCell::default(),
        };
        fake.mine(&[]);
        fake
    }

    /// The nth call from now on dies, and all after it until this is called again.
    pub fn die_at(&self, fault: Option<(usize, Dies)>) {
        self.calls.set(0);
        self.fault.set(fault);
    }

    /// Right before the nth call from now on a block comes, with what is given and what the mempool holds.
    pub fn mine_at(&self, call: usize, txs: Vec<Transaction>) {
        self.calls.set(0);
        *self.block_at.borrow_mut() = Some((call, txs));
    }

    /// Whether that block came; if not, it does not come any more.
    pub fn has_mined(&self) -> bool {
        self.block_at.borrow_mut().take().is_none()
    }

    /// How many calls there were since then.
    pub fn calls(&self) -> usize {
        self.calls.get()
    }

    fn call<T>(&self, act: impl FnOnce() -> Result<T, NodeError>) -> Result<T, NodeError> {
        self.calls.set(self.calls.get() + 1);
        let comes = self.block_at.borrow_mut().take_if(|(at, _)| *at == self.calls.get());
        if let Some((_, txs)) = comes {
            self.mine(&txs);
        }
        let dead = || NodeError::Away { node: "fake".into(), method: "fake", reason: "connection lost".into() };
        match self.fault.get() {
            Some((at, Dies::After)) if self.calls.get() == at => act().and_then(|_| Err(dead())),
            Some((at, _)) if self.calls.get() >= at => Err(dead()),
            _ => act(),
        }
    }

    /// A block with what is given and then what the mempool holds.
    pub fn mine(&self, txs: &[Transaction]) -> BlockHash {
        let mut blocks = self.blocks.borrow_mut();
        self.salt.set(self.salt.get() + 1);
        let coinbase = Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::from_consensus(self.salt.get()),
            input: vec![TxIn::default()],
            output: vec![],
        };
        let mut txdata = vec![coinbase];
        txdata.extend(txs.iter().cloned());
        let taken: Vec<OutPoint> = txs.iter().flat_map(spends).collect();
        let mut mempool = self.mempool.borrow_mut();
        txdata.extend(mempool.drain(..).filter(|tx| spends(tx).all(|out| !taken.contains(&out))));
        let header = Header {
            version: Version::TWO,
            prev_blockhash: blocks.last().map_or(BlockHash::all_zeros(), Block::block_hash),
            merkle_root: TxMerkleNode::all_zeros(),
            time: self.salt.get(),
            bits: CompactTarget::from_consensus(0x207f_ffff),
            nonce: 0,
        };
        let mut block = Block { header, txdata };
        block.header.merkle_root = block.compute_merkle_root().unwrap();
        blocks.push(block);
        blocks.last().unwrap().block_hash()
    }

    /// A coin in a block of its own.
    pub fn fund(&self, script: ScriptBuf, sats: u64) -> OutPoint {
        self.salt.set(self.salt.get() + 1);
        let tx = Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::from_consensus(self.salt.get()),
            input: vec![],
            output: vec![TxOut { value: Amount::from_sat(sats), script_pubkey: script }],
        };
        self.mine(std::slice::from_ref(&tx));
        OutPoint { txid: tx.compute_txid(), vout: 0 }
    }

    /// Drops the last blocks, and everything in them and in the mempool with them.
    pub fn forget(&self, count: usize) {
        let mut blocks = self.blocks.borrow_mut();
        let left = blocks.len() - count;
        blocks.truncate(left);
        self.mempool.borrow_mut().clear();
    }

    /// Puts somebody else's transaction into the mempool.
    pub fn intrude(&self, tx: Transaction) {
        self.mempool.borrow_mut().push(tx);
    }

    /// Empties the mempool.
    pub fn evict(&self) {
        self.mempool.borrow_mut().clear();
    }

    pub fn mempool(&self) -> Vec<Txid> {
        self.mempool.borrow().iter().map(Transaction::compute_txid).collect()
    }

    /// All transactions of the best chain.
    pub fn chain(&self) -> Vec<Transaction> {
        self.blocks.borrow().iter().flat_map(|block| block.txdata.clone()).collect()
    }

    fn coins(&self) -> BTreeMap<OutPoint, (TxOut, u32)> {
        let mut coins = BTreeMap::new();
        for (height, block) in (0..).zip(self.blocks.borrow().iter()) {
            for tx in &block.txdata {
                spends(tx).for_each(|out| drop(coins.remove(&out)));
                let txid = tx.compute_txid();
                coins.extend((0..).zip(&tx.output).map(|(vout, out)| (OutPoint { txid, vout }, (out.clone(), height))));
            }
        }
        coins
    }
}

fn spends(tx: &Transaction) -> impl Iterator<Item = OutPoint> + '_ {
    tx.input.iter().map(|input| input.previous_output)
}

impl Node for Fake {
    fn name(&self) -> String {
        "fake".into()
    }

    fn network(&self) -> Result<Network, NodeError> {
        self.call(|| Ok(Network::Regtest))
    }

    fn tip(&self) -> Result<BlockPlace, NodeError> {
        self.call(|| {
            let blocks = self.blocks.borrow();
            Ok(BlockPlace { height: blocks.len() as u32 - 1, hash: blocks.last().unwrap().block_hash() })
        })
    }

    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, NodeError> {
        self.call(|| Ok(self.blocks.borrow().get(height as usize).map(Block::block_hash)))
    }

    fn header(&self, block: BlockHash) -> Result<Header, NodeError> {
        Ok(self.block(block)?.header)
    }

    fn block(&self, hash: BlockHash) -> Result<Block, NodeError> {
        let missing = || NodeError::Answer { node: "fake".into(), method: "fake", reason: "no such block".into() };
        self.call(|| self.blocks.borrow().iter().find(|block| block.block_hash() == hash).cloned().ok_or_else(missing))
    }

    fn unspent(&self, outpoint: OutPoint) -> Result<Option<TxOut>, NodeError> {
        self.call(|| Ok(self.coins().remove(&outpoint).map(|(output, _)| output)))
    }

    fn unspent_of(&self, script: &Script) -> Result<Vec<Unspent>, NodeError> {
        self.call(|| {
            let own = self.coins().into_iter().filter(|(_, (output, _))| *output.script_pubkey == *script);
            let unspent = |(outpoint, (output, height))| Unspent { outpoint, output, height, coinbase: false };
            Ok(own.map(unspent).collect())
        })
    }

    fn in_mempool(&self, txid: Txid) -> Result<bool, NodeError> {
        self.call(|| Ok(self.mempool().contains(&txid)))
    }

    fn mempool_spender(&self, outpoint: OutPoint) -> Result<Option<Txid>, NodeError> {
        let spender = |tx: &&Transaction| spends(tx).any(|out| out == outpoint);
        self.call(|| Ok(self.mempool.borrow().iter().find(spender).map(Transaction::compute_txid)))
    }

    fn relay(&self) -> Result<Relay, NodeError> {
        self.call(|| Ok(Relay { least: self.least.get(), step: self.step.get() }))
    }

    fn broadcast(&self, tx: &Transaction) -> Result<(), NodeError> {
        self.call(|| {
            if let Some(check) = &*self.on_broadcast.borrow() {
                check(tx);
            }
            let refuse =
                |reason: &str| NodeError::Rejected { node: "fake".into(), txid: tx.compute_txid(), reason: reason.into() };
            let mut coins: BTreeMap<OutPoint, TxOut> = self.coins().into_iter().map(|(at, (out, _))| (at, out)).collect();
            let mut mempool = self.mempool.borrow_mut();
            // What is there already is no error, as of Bitcoin Core.
            if mempool.contains(tx) {
                return Ok(());
            }
            for other in mempool.iter() {
                let txid = other.compute_txid();
                coins.extend((0..).zip(&other.output).map(|(vout, out)| (OutPoint { txid, vout }, out.clone())));
            }
            let fee = |tx: &Transaction| -> Option<u64> {
                let had = spends(tx).map(|out| coins.get(&out).map(|out| out.value.to_sat())).sum::<Option<u64>>()?;
                had.checked_sub(tx.output.iter().map(|out| out.value.to_sat()).sum())
            };
            let own = fee(tx).ok_or_else(|| refuse("bad-txns-inputs-missingorspent"))?;
            let needed = self.least.get().fee_vb(tx.vsize() as u64).unwrap().to_sat();
            if own < needed {
                return Err(refuse(&format!("min relay fee not met, {own} < {needed}")));
            }
            let step = self.step.get().fee_vb(tx.vsize() as u64).unwrap().to_sat();
            let spent: Vec<OutPoint> = spends(tx).collect();
            let conflicts = |other: &Transaction| spends(other).any(|out| spent.contains(&out));
            if mempool.iter().any(|other| conflicts(other) && fee(other).is_none_or(|fee| own < fee + step)) {
                return Err(refuse("insufficient fee"));
            }
            mempool.retain(|other| !conflicts(other));
            mempool.push(tx.clone());
            Ok(())
        })
    }
}

//! A regtest chain with a thread of three anchors over six batches, told by hand: blocks are mined, Merkle trees computed and
//! transactions made here, and nothing of that comes from the crate.

use crate::common::{proof, statement, verified};
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, Network, OutPoint, ScriptBuf, Sequence, Target, Transaction, TxIn,
    TxMerkleNode, TxOut, Txid, Witness, XOnlyPublicKey,
    absolute::LockTime,
    block::{Header, Version},
    consensus::serialize,
    constants::genesis_block,
    hashes::{Hash, sha256d},
    secp256k1::{Keypair, Secp256k1},
    transaction,
};
use tapstone_verifier::{
    AnchorHeader, BatchBranch, Commitment, Verified,
    anchor::{
        blocks::BlockCheckpoint,
        proof::{AnchorEntry, AnchorParts, BatchEntry},
        recovery::RecoveryLeaf,
        taproot::AnchorOutput,
    },
};

/// Value of every anchor output.
pub const VALUE: u64 = 1_000;

pub fn key(n: u8) -> XOnlyPublicKey {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[n; 32]).unwrap().x_only_public_key().0
}

pub fn outpoint(n: u8) -> OutPoint {
    OutPoint { txid: Txid::from_byte_array([n; 32]), vout: n.into() }
}

/// The output that input 0 of the first anchor spends.
pub fn origin() -> OutPoint {
    outpoint(0x0f)
}

pub fn tx_in(previous_output: OutPoint) -> TxIn {
    TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    }
}

pub fn tx_out(script_pubkey: ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(VALUE), script_pubkey }
}

pub fn tx(input: Vec<TxIn>, output: Vec<TxOut>) -> Transaction {
    Transaction { version: transaction::Version::TWO, lock_time: LockTime::ZERO, input, output }
}

/// A payment that no anchor has to do with.
pub fn filler(n: u8) -> Transaction {
    let script = ScriptBuf::from_bytes([&[0, 20][..], &[n; 20]].concat());
    tx(vec![tx_in(outpoint(n))], vec![tx_out(script)])
}

pub fn coinbase(height: u32) -> Transaction {
    let script_sig = ScriptBuf::from_bytes([&[4][..], &height.to_le_bytes()].concat());
    let script = ScriptBuf::from_bytes([&[0, 32][..], &[0xcb; 32]].concat());
    tx(vec![TxIn { script_sig, ..tx_in(OutPoint::null()) }], vec![tx_out(script)])
}

pub fn leaf(transaction: &Transaction) -> [u8; 32] {
    sha256d::Hash::hash(&serialize(transaction)).to_byte_array()
}

pub fn node(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    sha256d::Hash::hash(&[left, right].concat()).to_byte_array()
}

/// The siblings of a place, and the root.
pub fn siblings(leaves: &[[u8; 32]], index: usize) -> (Vec<[u8; 32]>, [u8; 32]) {
    let (mut level, mut at, mut out) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 {
        if level.len() % 2 == 1 {
            level.push(*level.last().unwrap());
        }
        out.push(level[at ^ 1]);
        level = level.chunks(2).map(|pair| node(pair[0], pair[1])).collect();
        at /= 2;
    }
    (out, level[0])
}

pub fn regtest() -> Header {
    genesis_block(Network::Regtest).header
}

pub fn checkpoint() -> BlockCheckpoint {
    BlockCheckpoint::genesis(Network::Regtest)
}

/// Finds the nonce, after whatever was changed.
pub fn mined(mut header: Header) -> Header {
    while !Target::from_compact(header.bits).is_met_by(header.block_hash()) {
        header.nonce += 1;
    }
    header
}

/// A block ten minutes after its parent.
pub fn block_after(parent: &Header, root: [u8; 32]) -> Header {
    mined(Header {
        version: Version::from_consensus(0x2000_0000),
        prev_blockhash: parent.block_hash(),
        merkle_root: TxMerkleNode::from_byte_array(root),
        time: parent.time + 600,
        bits: CompactTarget::from_consensus(0x207f_ffff),
        nonce: 0,
    })
}

/// Extends a chain by empty blocks, told apart by `salt`.
pub fn extend(headers: &mut Vec<Header>, count: u32, salt: u8) {
    for n in 0..count {
        let parent = *headers.last().unwrap();
        headers.push(block_after(&parent, [salt.wrapping_add(n as u8); 32]));
    }
}

/// The parts of an anchor that an attack may change.
#[derive(Clone)]
pub struct Anchor {
    pub header: AnchorHeader,
    pub batches: Vec<Verified>,
    pub key: XOnlyPublicKey,
    pub recovery: Option<RecoveryLeaf>,
    pub tx: Transaction,
}

impl Anchor {
    pub fn output(&self) -> AnchorOutput {
        AnchorOutput::with_profile(self.key, self.header.commitment(), self.recovery).unwrap()
    }

    /// Makes the transaction anew, with the output of what stands in the other fields.
    pub fn remake(&mut self) {
        let change = ScriptBuf::from_bytes([&[0, 20][..], &[0xca; 20]].concat());
        let input = self.tx.input.clone();
        self.tx = tx(input, vec![tx_out(self.output().script_pubkey()), tx_out(change)]);
    }

    pub fn entry(&self, with_proofs: bool) -> AnchorEntry {
        let commitments: Vec<Commitment> = self.batches.iter().map(Verified::commitment).collect();
        let entry = |(i, batch): (usize, &Verified)| BatchEntry {
            statement: *batch.statement(),
            vk_id: batch.vk_id(),
            proof: proof(batch.statement()),
            branch: BatchBranch::new(&commitments, i).unwrap(),
        };
        AnchorEntry {
            header: self.header,
            internal_key: self.key,
            recovery: self.recovery,
            transaction: serialize(&self.tx),
            batches: if with_proofs { self.batches.iter().enumerate().map(entry).collect() } else { Vec::new() },
        }
    }
}

/// Three anchors, and the block of the last.
#[derive(Clone)]
pub struct Story {
    pub anchors: Vec<Anchor>,
    /// Payments in the block before the last anchor's transaction, and after it.
    pub around: (u8, u8),
    /// Blocks on top.
    pub on_top: u32,
    pub with_proofs: bool,
}

impl Story {
    pub fn new() -> Self {
        let mut anchors: Vec<Anchor> = Vec::new();
        for (i, range) in [1..=2, 3..=5, 6..=6u64].into_iter().enumerate() {
            let batches: Vec<Verified> = range.map(|n| verified(&statement(n))).collect();
            let (header, spent) = match anchors.last() {
                None => (AnchorHeader::first(&batches).unwrap(), origin()),
                Some(previous) => {
                    let spent = OutPoint { txid: previous.tx.compute_txid(), vout: 0 };
                    (AnchorHeader::next(&previous.header, &batches).unwrap(), spent)
                }
            };
            let tx = tx(vec![tx_in(spent), tx_in(outpoint(0xf0 + i as u8))], vec![]);
            let mut anchor = Anchor { header, batches, key: key(1), recovery: None, tx };
            anchor.remake();
            anchors.push(anchor);
        }
        Self { anchors, around: (2, 3), on_top: 5, with_proofs: false }
    }

    /// Links the transactions again after one was changed.
    pub fn relink(&mut self) {
        for i in 1..self.anchors.len() {
            let txid = self.anchors[i - 1].tx.compute_txid();
            self.anchors[i].tx.input[0].previous_output = OutPoint { txid, vout: 0 };
        }
    }

    pub fn last(&mut self) -> &mut Anchor {
        self.anchors.last_mut().unwrap()
    }

    /// The transactions of the last anchor's block, which has height 2.
    pub fn block(&self) -> Vec<Transaction> {
        let mut block = vec![coinbase(2)];
        block.extend((0..self.around.0).map(|n| filler(0x10 + n)));
        block.push(self.anchors.last().unwrap().tx.clone());
        block.extend((0..self.around.1).map(|n| filler(0x20 + n)));
        block
    }

    /// Mines the chain and puts the proof together, from regtest's first block on.
    pub fn parts(&self) -> AnchorParts {
        let block = self.block();
        let leaves: Vec<[u8; 32]> = block.iter().map(leaf).collect();
        let index = 1 + usize::from(self.around.0);
        let (coinbase_siblings, root) = siblings(&leaves, 0);
        // rust-bitcoin agrees about the root.
        let whole = Block { header: regtest(), txdata: block.clone() };
        assert_eq!(whole.compute_merkle_root().unwrap().to_byte_array(), root);
        let mut headers = vec![regtest()];
        extend(&mut headers, 1, 0x70);
        let parent = *headers.last().unwrap();
        headers.push(block_after(&parent, root));
        extend(&mut headers, self.on_top, 0x80);
        AnchorParts {
            first_height: 0,
            headers,
            block: 2,
            coinbase: serialize(&block[0]),
            coinbase_siblings,
            index: index as u32,
            siblings: siblings(&leaves, index).0,
            anchors: self.anchors.iter().map(|anchor| anchor.entry(self.with_proofs)).collect(),
        }
    }
}

/// The hash of a header without a parent.
pub fn nowhere() -> BlockHash {
    BlockHash::from_byte_array([0x99; 32])
}

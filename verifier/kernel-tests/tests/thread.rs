//! A thread of anchors on a regtest chain that Bitcoin Core validates as a whole: at every step the light chain of headers stands where Core stands, and
//! anchor proofs say of a block what Core says of it.
//!
//! Hazard: `process_block` answers "new block" for a block with an invalid script as well. What counts is the tip.

use std::slice::from_ref;

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version};
use bitcoin::consensus::serialize;
use bitcoin::constants::genesis_block;
use bitcoin::hashes::{Hash, sha256d};
use bitcoin::key::TapTweak;
use bitcoin::script::Builder;
use bitcoin::secp256k1::{Keypair, Message, Secp256k1};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{
    Amount, Block, CompactTarget, Network, OutPoint, ScriptBuf, Sequence, TapNodeHash, Target, Transaction, TxIn,
    TxMerkleNode, TxOut, Witness, transaction,
};
use bitcoinkernel::{ChainType, ChainstateManager, ContextBuilder, prelude::*};
use tapstone_verifier::AnchorHeader;
use tapstone_verifier::anchor::blocks::{Added, HeaderChain};
use tapstone_verifier::anchor::proof::{
    AnchorEntry, AnchorParts, AnchorPolicy, AnchorProof, AnchorVerdict, Proofs, ThreadStart,
};
use tapstone_verifier::anchor::taproot::AnchorOutput;
use tapstone_verifier::error::AnchorError;

/// A coinbase matures after so many blocks.
const MATURITY: usize = 100;

fn pair() -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[1; 32]).unwrap()
}

/// The script of the key alone (BIP86).
fn own_script() -> ScriptBuf {
    ScriptBuf::new_p2tr(&Secp256k1::new(), pair().x_only_public_key().0, None)
}

/// Header number `n` over one batch; `salt` tells headers apart that follow one anchor.
fn header(previous: Option<&AnchorHeader>, salt: u8) -> AnchorHeader {
    let n = previous.map_or(0, |previous| previous.sequence() + 1);
    let mut bytes = [0; 164];
    bytes[3] = 1;
    bytes[7] = 3;
    bytes[8..16].copy_from_slice(&n.to_be_bytes());
    bytes[16..24].copy_from_slice(&(n + 1).to_be_bytes());
    bytes[31] = 1;
    if let Some(previous) = previous {
        bytes[36..68].copy_from_slice(&previous.commitment().to_bytes());
        bytes[68..100].copy_from_slice(&previous.post_state_root().to_be_bytes());
    }
    bytes[131] = salt;
    AnchorHeader::from_bytes(&bytes).unwrap()
}

/// An anchor and its transaction.
#[derive(Clone)]
struct Anchor {
    header: AnchorHeader,
    output: AnchorOutput,
    tx: Transaction,
}

/// Spends an output of the key, tweaked by `root`, to an anchor.
fn anchor(header: AnchorHeader, spends: OutPoint, spent: &TxOut, root: Option<TapNodeHash>) -> Anchor {
    let secp = Secp256k1::new();
    let output = AnchorOutput::new(pair().x_only_public_key().0, header.commitment()).unwrap();
    let value = spent.value - Amount::from_sat(1_000);
    let mut tx = Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn { previous_output: spends, sequence: Sequence::ENABLE_RBF_NO_LOCKTIME, ..TxIn::default() }],
        output: vec![TxOut { value, script_pubkey: output.script_pubkey() }],
    };
    let spent = [spent.clone()];
    let hash =
        SighashCache::new(&tx).taproot_key_spend_signature_hash(0, &Prevouts::All(&spent), TapSighashType::Default).unwrap();
    let tweaked = pair().tap_tweak(&secp, root).to_keypair();
    tx.input[0].witness = Witness::from_slice(&[secp.sign_schnorr_no_aux_rand(&Message::from(hash), &tweaked).serialize()]);
    Anchor { header, output, tx }
}

/// The successor of an anchor.
fn next(previous: &Anchor, salt: u8) -> Anchor {
    let spends = OutPoint { txid: previous.tx.compute_txid(), vout: 0 };
    anchor(header(Some(&previous.header), salt), spends, &previous.tx.output[0], Some(previous.output.merkle_root()))
}

/// A block on `parent` at this height, valid in all ways that its transactions are.
fn mine(parent: &Header, height: u32, transactions: &[Transaction], salt: u8) -> Block {
    let script_sig = Builder::new().push_int(height.into()).push_slice([salt; 2]).into_script();
    let input =
        TxIn { previous_output: OutPoint::null(), script_sig, witness: Witness::from_slice(&[[0; 32]]), ..TxIn::default() };
    let reward = TxOut { value: Amount::from_sat(50 * 100_000_000), script_pubkey: own_script() };
    let coinbase = Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: vec![reward],
    };
    let header = Header {
        version: Version::from_consensus(0x2000_0000),
        prev_blockhash: parent.block_hash(),
        merkle_root: TxMerkleNode::all_zeros(),
        time: parent.time + 600,
        bits: CompactTarget::from_consensus(0x207f_ffff),
        nonce: 0,
    };
    let mut block = Block { header, txdata: [&[coinbase], transactions].concat() };
    let commitment = Block::compute_witness_commitment(&block.witness_root().unwrap(), &[0; 32]);
    let script = [&[0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed][..], &commitment.to_byte_array()].concat();
    block.txdata[0].output.push(TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(script) });
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    while !Target::from_compact(block.header.bits).is_met_by(block.block_hash()) {
        block.header.nonce += 1;
    }
    block
}

fn stripped(tx: &Transaction) -> Vec<u8> {
    let mut tx = tx.clone();
    tx.input.iter_mut().for_each(|input| input.witness = Witness::new());
    serialize(&tx)
}

/// The proof of the last of these anchors, in a block of two transactions that stands at this height of a chain.
fn prove(chain: &[Block], height: usize, anchors: &[&Anchor]) -> AnchorProof {
    let block = &chain[height];
    let leaf = |tx: &Transaction| sha256d::Hash::hash(&stripped(tx)).to_byte_array();
    assert_eq!(block.txdata.len(), 2);
    AnchorProof::new(AnchorParts {
        first_height: 0,
        headers: chain.iter().map(|block| block.header).collect(),
        block: height as u16,
        coinbase: stripped(&block.txdata[0]),
        coinbase_siblings: vec![leaf(&block.txdata[1])],
        index: 1,
        siblings: vec![leaf(&block.txdata[0])],
        anchors: anchors
            .iter()
            .map(|anchor| AnchorEntry {
                header: anchor.header,
                internal_key: anchor.output.internal_key(),
                recovery: None,
                transaction: stripped(&anchor.tx),
                batches: vec![],
            })
            .collect(),
    })
    .unwrap()
}

/// Core and the light chain, fed with the same blocks.
struct Both<'a> {
    core: &'a ChainstateManager,
    light: HeaderChain,
    origin: OutPoint,
}

impl Both<'_> {
    /// Gives both a block; both must then have the same tip.
    fn feed(&mut self, block: &Block) -> Added {
        let added = self.light.add(block.header, None).unwrap();
        self.feed_core(block);
        self.agree();
        added
    }

    fn feed_core(&mut self, block: &Block) {
        let _ = self.core.process_block(&bitcoinkernel::Block::new(&serialize(block)).unwrap());
    }

    fn core_tip(&self) -> (u32, [u8; 32]) {
        let tip = self.core.active_chain().tip();
        (tip.height() as u32, tip.block_hash().to_bytes())
    }

    fn agree(&self) {
        let (height, hash, _) = self.light.tip();
        assert_eq!(self.core_tip(), (height, hash.to_byte_array()));
    }

    fn verify(&self, proof: &AnchorProof, least_depth: u32) -> Result<AnchorVerdict, AnchorError> {
        let start = ThreadStart::Origin(self.origin);
        proof.verify(&self.light, &AnchorPolicy { chain_id: 3, start, proofs: Proofs::Ignored, least_depth })
    }
}

#[test]
fn a_thread_an_equivocation_and_a_reorganisation() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let context = ContextBuilder::new().chain_type(ChainType::Regtest).build().unwrap();
    let core = ChainstateManager::new(&context, &path("data"), &path("blocks")).unwrap();
    core.import_blocks().unwrap();

    let mut chain = vec![genesis_block(Network::Regtest)];
    let mut both =
        Both { core: &core, light: HeaderChain::from_genesis(Network::Regtest, 1_000).unwrap(), origin: OutPoint::null() };
    let extend = |chain: &mut Vec<Block>, both: &mut Both<'_>, transactions: &[Transaction], salt: u8| {
        let block = mine(&chain.last().unwrap().header, chain.len() as u32, transactions, salt);
        let added = both.feed(&block);
        chain.push(block);
        added
    };
    for _ in 0..=MATURITY {
        assert_eq!(extend(&mut chain, &mut both, &[], 1), Added::Best);
    }

    // A thread of three anchors in three blocks, from the first coinbase on.
    let first_coinbase = &chain[1].txdata[0];
    both.origin = OutPoint { txid: first_coinbase.compute_txid(), vout: 0 };
    let a0 = anchor(header(None, 10), both.origin, &first_coinbase.output[0], None);
    let (a1, a2);
    extend(&mut chain, &mut both, from_ref(&a0.tx), 1);
    let height = chain.len() - 1;
    a1 = next(&a0, 11);
    extend(&mut chain, &mut both, from_ref(&a1.tx), 1);
    a2 = next(&a1, 12);
    extend(&mut chain, &mut both, from_ref(&a2.tx), 1);
    let of_a0 = prove(&chain, height, &[&a0]);
    let of_a1 = prove(&chain, height + 1, &[&a0, &a1]);
    let of_a2 = prove(&chain, height + 2, &[&a0, &a1, &a2]);
    for (proof, anchor, depth) in [(&of_a0, &a0, 3), (&of_a1, &a1, 2), (&of_a2, &a2, 1)] {
        let verdict = both.verify(proof, depth).unwrap();
        assert_eq!((verdict.depth, verdict.commitment), (depth, anchor.header.commitment()));
        assert_eq!(verdict.txid, anchor.tx.compute_txid());
        assert!(matches!(both.verify(proof, depth + 1), Err(AnchorError::Depth { .. })));
    }

    // A second successor of anchor 1: Core refuses the block that spends it twice. The light chain follows Core, and does not know the block.
    let other = next(&a1, 99);
    let twice = mine(&chain.last().unwrap().header, chain.len() as u32, from_ref(&other.tx), 2);
    both.feed_core(&twice);
    both.agree();
    let forged: Vec<Block> = chain.iter().cloned().chain([twice]).collect();
    let proof = prove(&forged, forged.len() - 1, &[&a0, &a1, &other]);
    assert!(matches!(both.verify(&proof, 1), Err(AnchorError::NotOnBestChain { .. })));

    // One whose signature is for another transaction.
    let mut bad = next(&a2, 13);
    bad.tx.output[0].value -= Amount::ONE_SAT;
    let invalid = mine(&chain.last().unwrap().header, chain.len() as u32, from_ref(&bad.tx), 3);
    both.feed_core(&invalid);
    both.agree();

    // A longer branch from below anchor 1, with another successor of anchor 0.
    let mut branch = chain[..=height].to_vec();
    let b1 = next(&a0, 21);
    for (n, transactions) in [vec![b1.tx.clone()], vec![], vec![]].iter().enumerate() {
        let block = mine(&branch.last().unwrap().header, branch.len() as u32, transactions, 5);
        let added = both.feed(&block);
        branch.push(block);
        let expected = if n < 2 { Added::Side } else { Added::Reorg { fork: height as u32 } };
        assert_eq!(added, expected);
    }
    assert_eq!(both.verify(&of_a0, 4).unwrap().depth, 4);
    for gone in [&of_a1, &of_a2] {
        assert!(matches!(both.verify(gone, 1), Err(AnchorError::NotOnBestChain { .. })));
    }
    let of_b1 = prove(&branch, height + 1, &[&a0, &b1]);
    assert_eq!(both.verify(&of_b1, 3).unwrap().commitment, b1.header.commitment());
    // The replaced anchor 1 cannot come back: Core refuses it, since its input is spent.
    let again = mine(&branch.last().unwrap().header, branch.len() as u32, from_ref(&a1.tx), 6);
    both.feed_core(&again);
    both.agree();
    // The thread goes on from the one that stayed.
    let b2 = next(&b1, 22);
    extend(&mut branch, &mut both, from_ref(&b2.tx), 7);
    let verdict = both.verify(&prove(&branch, branch.len() - 1, &[&a0, &b1, &b2]), 1).unwrap();
    assert_eq!((verdict.header.sequence(), verdict.first_sequence), (2, 0));
}

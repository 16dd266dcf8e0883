//! The publisher on Bitcoin Core.

use std::cell::Cell;

use bitcoin::block::Header;
use bitcoin::{Address, Amount, Block, BlockHash, Network, OutPoint, Script, Transaction, TxOut, Txid};
use serde_json::json;
use tapstone_anchor::node::{
    BlockPlace, ChildEvent, Event, Journal, Node, NodeError, PublishError, Publisher, Relay, Rpc, Unspent, Waiting,
};

use crate::bitcoind::{Core, spend};
use crate::scenarios::{live, own};
use crate::scene::{CHAIN, anchor, rate, secret};

/// How often each position of the thread is on the chain.
fn anchors(core: &Core, count: u64) -> Vec<usize> {
    let tip = core.rpc.tip().unwrap().height;
    let blocks: Vec<Block> =
        (0..=tip).map(|height| core.rpc.block(core.rpc.block_hash(height).unwrap().unwrap()).unwrap()).collect();
    let txs: Vec<&Transaction> = blocks.iter().flat_map(|block| &block.txdata).collect();
    let script = |n| anchor(n, 1).script_pubkey();
    (0..count).map(|n| txs.iter().filter(|tx| tx.output[0].script_pubkey == script(n)).count()).collect()
}

/// A node whose connection dies at a call, after what the call does.
struct Dying<'a> {
    rpc: &'a Rpc,
    left: Cell<usize>,
}

impl Dying<'_> {
    fn call<T>(&self, answer: Result<T, NodeError>) -> Result<T, NodeError> {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        let lost = || NodeError::Away { node: self.rpc.name(), method: "test", reason: "connection lost".into() };
        if left == 0 { Err(lost()) } else { answer }
    }
}

impl Node for Dying<'_> {
    fn name(&self) -> String {
        self.rpc.name()
    }
    fn network(&self) -> Result<Network, NodeError> {
        self.call(self.rpc.network())
    }
    fn tip(&self) -> Result<BlockPlace, NodeError> {
        self.call(self.rpc.tip())
    }
    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, NodeError> {
        self.call(self.rpc.block_hash(height))
    }
    fn header(&self, block: BlockHash) -> Result<Header, NodeError> {
        self.call(self.rpc.header(block))
    }
    fn block(&self, block: BlockHash) -> Result<Block, NodeError> {
        self.call(self.rpc.block(block))
    }
    fn unspent(&self, outpoint: OutPoint) -> Result<Option<TxOut>, NodeError> {
        self.call(self.rpc.unspent(outpoint))
    }
    fn unspent_of(&self, script: &Script) -> Result<Vec<Unspent>, NodeError> {
        self.call(self.rpc.unspent_of(script))
    }
    fn in_mempool(&self, txid: Txid) -> Result<bool, NodeError> {
        self.call(self.rpc.in_mempool(txid))
    }
    fn mempool_spender(&self, outpoint: OutPoint) -> Result<Option<Txid>, NodeError> {
        self.call(self.rpc.mempool_spender(outpoint))
    }
    fn relay(&self) -> Result<Relay, NodeError> {
        self.call(self.rpc.relay())
    }
    fn broadcast(&self, tx: &Transaction) -> Result<(), NodeError> {
        self.call(self.rpc.broadcast(tx))
    }
}

#[test]
fn core_takes_a_thread_through_crashes_a_replacement_and_a_reorganisation() {
    let folder = tempfile::tempdir().unwrap();
    let Some(core) = Core::start(folder.path()) else { return };
    let path = folder.path().join("journal");
    let address = Address::from_script(&own(), Network::Regtest).unwrap().to_string();
    core.ask("generatetoaddress", json!([2, address]));
    core.mine(100);

    // Three anchors; for each, the program dies at every call there is.
    for sequence in 0..3 {
        for calls in 0.. {
            let dying = Dying { rpc: &core.rpc, left: Cell::new(calls) };
            match live(&dying, &path, sequence + 1, 100) {
                Ok(_) => break,
                Err(e) => assert!(matches!(e, PublishError::Node(NodeError::Away { .. })), "{e}"),
            }
        }
        if sequence == 2 {
            // The last one is replaced.
            let mut publisher = Publisher::new(&core.rpc, Journal::open(&path, CHAIN).unwrap()).unwrap();
            let txid = publisher.bump(rate(9), Amount::from_sat(50_000)).unwrap();
            publisher.sign(secret(1)).unwrap();
            let events = publisher.step(100).unwrap().events;
            assert_eq!(events, [Event::Broadcast { sequence, txid }]);
            assert_eq!(core.ask("getrawmempool", json!([])), json!([txid.to_string()]));
        }
        core.mine(1);
        live(&core.rpc, &path, sequence + 1, 100).unwrap();
    }
    assert_eq!(anchors(&core, 3), [1, 1, 1]);

    // The blocks of the last two are gone, and another branch is longer.
    let block = Journal::open_existing(&path).unwrap().positions()[1].confirmed.unwrap().block;
    core.ask("invalidateblock", json!([block.to_string()]));
    for _ in 0..3 {
        core.mine_these(&[]);
    }
    let step = live(&core.rpc, &path, 3, 2).unwrap();
    let dropped = step.events.iter().filter(|event| matches!(event, Event::Dropped { .. })).count();
    assert_eq!(dropped, 2, "{step:?}");
    core.mine(2);
    let step = live(&core.rpc, &path, 3, 2).unwrap();
    assert!(step.waiting.is_empty(), "{step:?}");
    assert_eq!(anchors(&core, 3), [1, 1, 1]);
}

#[test]
fn core_confirms_one_transaction_of_two_when_a_coin_is_spent_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let Some(core) = Core::start(folder.path()) else { return };
    let path = folder.path().join("journal");
    let address = Address::from_script(&own(), Network::Regtest).unwrap().to_string();
    core.ask("generatetoaddress", json!([3, address]));
    core.mine(100);
    live(&core.rpc, &path, 1, 100).unwrap();
    core.mine(1);
    live(&core.rpc, &path, 2, 100).unwrap();
    let version = Journal::open_existing(&path).unwrap().positions()[1].versions[0].clone();
    let old = version.signed.clone().unwrap();
    assert_eq!(core.ask("getrawmempool", json!([])), json!([version.txid().to_string()]));

    let other = spend(&version.request.coins[0], secret(1));
    let block = core.mine_these(&[&other]);
    let step = live(&core.rpc, &path, 2, 100).unwrap();
    assert!(step.events.iter().any(|event| matches!(event, Event::Dead { sequence: 1, .. })), "{step:?}");
    let new = Journal::open_existing(&path).unwrap().positions()[1].versions[1].txid();
    assert_eq!(core.ask("getrawmempool", json!([])), json!([new.to_string()]));
    core.mine(1);
    live(&core.rpc, &path, 2, 100).unwrap();
    let confirmed = || Journal::open_existing(&path).unwrap().positions()[1].confirmed.unwrap().txid;
    assert_eq!((anchors(&core, 2), confirmed()), (vec![1, 1], new));

    // Without the block that spent the coin the dead one is valid again, and confirms in place of the other.
    core.ask("invalidateblock", json!([block.to_string()]));
    core.mine_these(&[&old]);
    core.mine_these(&[]);
    live(&core.rpc, &path, 2, 100).unwrap();
    assert_eq!((anchors(&core, 2), confirmed()), (vec![1, 1], old.compute_txid()));
}

/// Both are in one block, the change pays for the next anchor, and a reorganisation changes nothing of that.
#[test]
fn core_takes_a_child_with_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let Some(core) = Core::start(folder.path()) else { return };
    let path = folder.path().join("journal");
    let address = Address::from_script(&own(), Network::Regtest).unwrap().to_string();
    core.ask("generatetoaddress", json!([1, address]));
    core.mine(100);
    live(&core.rpc, &path, 1, 100).unwrap();
    let child = {
        let mut publisher = Publisher::new(&core.rpc, Journal::open(&path, CHAIN).unwrap()).unwrap();
        let txid = publisher.pay_by_child(rate(20), Amount::from_sat(50_000)).unwrap();
        publisher.sign(secret(1)).unwrap();
        let events = publisher.step(100).unwrap().events;
        assert_eq!(events, [Event::Child { sequence: 0, txid, what: ChildEvent::Broadcast }]);
        // A replacement of the parent would have to pay for the child as well: the node keeps both.
        publisher.bump(rate(4), Amount::from_sat(50_000)).unwrap();
        publisher.sign(secret(1)).unwrap();
        let waiting = publisher.step(100).unwrap().waiting;
        assert!(waiting.iter().any(|waiting| matches!(waiting, Waiting::Replacement { .. })), "{waiting:?}");
        txid
    };
    let mempool = core.ask("getrawmempool", json!([]));
    assert!(mempool.as_array().is_some_and(|txids| txids.len() == 2 && txids.contains(&json!(child.to_string()))));
    core.mine(1);
    live(&core.rpc, &path, 2, 100).unwrap();
    let spends: Vec<OutPoint> = Journal::open_existing(&path).unwrap().positions()[1].versions[0].spends().collect();
    assert_eq!(spends[1], OutPoint { txid: child, vout: 0 });
    core.mine(1);
    live(&core.rpc, &path, 2, 100).unwrap();
    assert_eq!(anchors(&core, 2), [1, 1]);

    let block = Journal::open_existing(&path).unwrap().positions()[0].confirmed.unwrap().block;
    core.ask("invalidateblock", json!([block.to_string()]));
    for _ in 0..3 {
        core.mine_these(&[]);
    }
    live(&core.rpc, &path, 2, 100).unwrap();
    core.mine(1);
    live(&core.rpc, &path, 2, 100).unwrap();
    core.mine(1);
    live(&core.rpc, &path, 2, 100).unwrap();
    assert_eq!(anchors(&core, 2), [1, 1]);
}

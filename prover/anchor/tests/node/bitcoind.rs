//! Bitcoin Core's `bitcoind` on regtest, for tests, on a loopback port and in a folder of the test's.
//!
//! Where TAPSTONE_BITCOIND names no `bitcoind` the test says so and passes.
#![allow(dead_code, reason = "each test program uses a part of this module")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::secp256k1::SecretKey;
use bitcoin::{Amount, BlockHash, Psbt, ScriptBuf, Transaction, TxIn, TxOut, Witness, absolute, transaction};
use serde_json::{Value, json};
use tapstone_anchor::node::{Credentials, Node, Rpc};
use tapstone_anchor::{Coin, sign};

/// How long a node may take to start.
const START: Duration = Duration::from_secs(60);

/// A node that ends with the test.
pub struct Core {
    process: Child,
    pub rpc: Rpc,
    /// Its address, http://127.0.0.1:PORT.
    pub url: String,
    pub cookie: PathBuf,
}

impl Drop for Core {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Core {
    /// Starts a node on a chain of its own, whose data folder is `folder`.
    pub fn start(folder: &Path) -> Option<Self> {
        let Ok(program) = std::env::var("TAPSTONE_BITCOIND") else {
            eprintln!("NOT TESTED: TAPSTONE_BITCOIND names no bitcoind");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            .args(["-regtest", "-server", "-listen=0", "-dnsseed=0", "-fixedseeds=0", "-discover=0", "-printtoconsole=0"])
            .args([format!("-datadir={}", folder.display()), format!("-rpcport={port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (url, cookie) = (format!("http://127.0.0.1:{port}"), folder.join("regtest/.cookie"));
        let rpc = Rpc::new(&url, Credentials::File(cookie.clone())).unwrap();
        let core = Self { process, rpc, url, cookie };
        let started = Instant::now();
        while let Err(e) = core.rpc.tip() {
            assert!(started.elapsed() < START, "{e}");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(core)
    }

    pub fn ask(&self, method: &'static str, params: Value) -> Value {
        self.rpc.ask(method, &params).unwrap()
    }

    /// Makes blocks whose coins go to a script that is nobody's, so that they change no funds.
    pub fn mine(&self, count: u32) {
        self.ask("generatetodescriptor", json!([count, "raw(51)"]));
    }
    /// Makes a block with these transactions alone, which need not be in the mempool.
    pub fn mine_these(&self, txs: &[&Transaction]) -> BlockHash {
        let txs: Vec<String> = txs.iter().map(|tx| serialize_hex(*tx)).collect();
        self.ask("generateblock", json!(["raw(51)", txs]))["hash"].as_str().unwrap().parse().unwrap()
    }
}

/// Another transaction that spends a coin, to nobody's script.
pub fn spend(coin: &Coin, secret: SecretKey) -> Transaction {
    let value = coin.output.value - Amount::from_sat(1_000);
    let tx = Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn { previous_output: coin.outpoint, ..TxIn::default() }],
        output: vec![TxOut { value, script_pubkey: ScriptBuf::from_bytes(vec![0x51]) }],
    };
    let mut psbt = Psbt::from_unsigned_tx(tx).unwrap();
    psbt.inputs[0].witness_utxo = Some(coin.output.clone());
    let (key, source) = coin.key.clone().unwrap();
    psbt.inputs[0].tap_internal_key = Some(key);
    psbt.inputs[0].tap_key_origins = BTreeMap::from([(key, (Vec::new(), source))]);
    sign(&mut psbt, secret).unwrap();
    let signature = psbt.inputs[0].tap_key_sig.unwrap();
    psbt.unsigned_tx.input[0].witness = Witness::p2tr_key_spend(&signature);
    psbt.unsigned_tx
}

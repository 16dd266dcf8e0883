//! The node in memory behind HTTP, as Bitcoin Core answers: it can be down, start, be busy or lie behind a proxy while a command runs.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{FeeRate, Network, OutPoint, ScriptBuf, Transaction};
use serde_json::{Value, json};
use tapstone_anchor::node::{Node, NodeError};

use crate::common::write_secret;
use crate::fake::Fake;

/// What whoever asks meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Serves,
    /// Nobody listens.
    Down,
    /// It loads its blocks.
    Starts,
    /// Its queue is full.
    Busy,
    /// A proxy stands before it, and finds nobody.
    Proxied,
    /// It loads blocks that others have long had.
    Downloads,
    /// It takes no cookie.
    Refuses,
}

/// A node that ends with the test.
pub struct Served {
    pub url: String,
    pub cookie: PathBuf,
    state: Arc<Mutex<State>>,
    mine: Arc<AtomicU32>,
    /// The least rate that it relays, in satoshi for 1,000 units of weight.
    pub least: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Starts it, with a coin for a script. The cookie is in `folder`.
    pub fn start(folder: &Path, script: ScriptBuf, sats: u64) -> Self {
        let cookie = folder.join(".cookie");
        write_secret(&cookie, "__cookie__:secret");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::Serves));
        let (mine, ends) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let least = Arc::new(AtomicU64::new(250));
        let seen = (Arc::clone(&state), Arc::clone(&mine), Arc::clone(&least), Arc::clone(&ends));
        let serve = move || {
            let (state, mine, least, ends) = seen;
            let node = Fake::new();
            node.fund(script, sats);
            let mut listener = Some(listener);
            while !ends.load(Ordering::SeqCst) {
                (0..mine.swap(0, Ordering::SeqCst)).for_each(|_| {
                    node.mine(&[]);
                });
                node.least.set(FeeRate::from_sat_per_kwu(least.load(Ordering::SeqCst)));
                let now = *state.lock().unwrap();
                if now == State::Down {
                    listener = None;
                } else {
                    let listener = listener.get_or_insert_with(|| TcpListener::bind(address).unwrap());
                    listener.set_nonblocking(true).unwrap();
                    match listener.accept() {
                        Ok((stream, _)) => answer(stream, &node, now),
                        Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
                    }
                }
                thread::sleep(Duration::from_millis(2));
            }
        };
        let thread = Some(thread::spawn(serve));
        Self { url: format!("http://{address}"), cookie, state, mine, least, ends, thread }
    }

    pub fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }

    /// Mines blocks, when nobody asks.
    pub fn mine(&self, count: u32) {
        self.mine.store(count, Ordering::SeqCst);
        while self.mine.load(Ordering::SeqCst) > 0 {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(stream: TcpStream, node: &Fake, state: State) {
    stream.set_nonblocking(false).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut content = vec![0; length];
    if reader.read_exact(&mut content).is_err() {
        return;
    }
    let (status, body) = match state {
        State::Starts => ("500 Internal Server Error", failed(-28, "Loading block index...")),
        State::Busy => ("503 Service Unavailable", "Work queue depth exceeded".into()),
        State::Proxied => ("200 OK", "<html>welcome</html>".into()),
        State::Refuses => ("401 Unauthorized", String::new()),
        State::Serves | State::Downloads | State::Down => called(&content, node, state),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let stream = reader.get_mut();
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn failed(code: i32, message: &str) -> String {
    json!({ "result": null, "error": { "code": code, "message": message }, "id": 0 }).to_string()
}

fn called(content: &[u8], node: &Fake, state: State) -> (&'static str, String) {
    let asked: Value = serde_json::from_slice(content).unwrap();
    let params = &asked["params"];
    let outpoint = |txid: &Value, vout: &Value| OutPoint {
        txid: txid.as_str().unwrap().parse().unwrap(),
        vout: u32::try_from(vout.as_u64().unwrap()).unwrap(),
    };
    let hash = || params[0].as_str().unwrap().parse().unwrap();
    let bitcoin = |amount: bitcoin::Amount| amount.to_btc();
    let answer: Result<Value, (i32, String)> = match asked["method"].as_str().unwrap() {
        "getblockchaininfo" => {
            let tip = node.tip().unwrap();
            let (headers, downloads) = match state {
                State::Downloads => (tip.height + 100, true),
                _ => (tip.height, false),
            };
            Ok(json!({
                "chain": Network::Regtest.to_core_arg(), "blocks": tip.height, "headers": headers,
                "bestblockhash": tip.hash.to_string(), "initialblockdownload": downloads,
            }))
        }
        "getblockhash" => {
            let height = u32::try_from(params[0].as_u64().unwrap()).unwrap();
            let found = node.block_hash(height).unwrap();
            found.map(|hash| json!(hash.to_string())).ok_or((-8, "Block height out of range".into()))
        }
        "getblock" => Ok(json!(serialize_hex(&node.block(hash()).unwrap()))),
        "getblockheader" => Ok(json!(serialize_hex(&node.header(hash()).unwrap()))),
        "gettxout" => {
            let found = node.unspent(outpoint(&params[0], &params[1])).unwrap();
            Ok(found.map_or(
                Value::Null,
                |out| json!({ "value": bitcoin(out.value), "scriptPubKey": { "hex": out.script_pubkey.to_hex_string() } }),
            ))
        }
        "scantxoutset" => {
            let script = params[1][0].as_str().unwrap().trim_start_matches("raw(").trim_end_matches(')').to_owned();
            let coins = node.unspent_of(&ScriptBuf::from_hex(&script).unwrap()).unwrap();
            let coin = |coin: tapstone_anchor::node::Unspent| {
                json!({
                    "txid": coin.outpoint.txid.to_string(), "vout": coin.outpoint.vout, "scriptPubKey": script,
                    "amount": bitcoin(coin.output.value), "height": coin.height, "coinbase": false,
                })
            };
            Ok(json!({ "success": true, "unspents": coins.into_iter().map(coin).collect::<Vec<_>>() }))
        }
        "getmempoolentry" => match node.in_mempool(params[0].as_str().unwrap().parse().unwrap()).unwrap() {
            true => Ok(json!({})),
            false => Err((-5, "Transaction not in mempool".into())),
        },
        "gettxspendingprevout" => {
            let (txid, vout) = (&params[0][0]["txid"], &params[0][0]["vout"]);
            let mut answer = json!({ "txid": txid, "vout": vout });
            if let Some(spender) = node.mempool_spender(outpoint(txid, vout)).unwrap() {
                answer["spendingtxid"] = json!(spender.to_string());
            }
            Ok(json!([answer]))
        }
        "getmempoolinfo" => {
            let relay = node.relay().unwrap();
            let bitcoin = |rate: FeeRate| 4.0 * rate.to_sat_per_kwu() as f64 / 1e8;
            let (least, step) = (bitcoin(relay.least), bitcoin(relay.step));
            Ok(json!({ "mempoolminfee": least, "minrelaytxfee": least, "incrementalrelayfee": step }))
        }
        "sendrawtransaction" => {
            let tx: Transaction = deserialize_hex(params[0].as_str().unwrap()).unwrap();
            match node.broadcast(&tx) {
                Ok(()) => Ok(json!(tx.compute_txid().to_string())),
                Err(NodeError::Rejected { reason, .. }) => Err((-26, reason)),
                Err(e) => panic!("{e}"),
            }
        }
        other => Err((-32_601, format!("Method not found: {other}"))),
    };
    match answer {
        Ok(result) => ("200 OK", json!({ "result": result, "error": null, "id": 0 }).to_string()),
        Err((code, message)) => ("500 Internal Server Error", failed(code, &message)),
    }
}

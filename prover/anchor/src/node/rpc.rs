//! [`Rpc`]: Bitcoin Core by JSON-RPC over HTTP.
//!
//! Hazards: HTTP is not encrypted, so that the node belongs on this machine or behind a tunnel. Proxies of the environment are not used and
//! redirections not followed: credentials go to the address given and nowhere else. Answers are bounded in length and time, and held to the
//! question: blocks to their hash and Merkle root, coins to the script, transactions to their id.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::block::Header;
use bitcoin::consensus::Decodable;
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Amount, Block, BlockHash, FeeRate, Network, OutPoint, Script, ScriptBuf, Transaction, TxOut, Txid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tapstone_secret::{self as secret, SecretFileError};
use ureq::Agent;
use zeroize::Zeroizing;

use super::error::NodeError;
use super::{BlockPlace, Node, Relay, Unspent};
use crate::with_causes;

/// The longest answer: a block of 4,000,000 bytes in hexadecimal digits, and room.
const MAX_ANSWER: u64 = 9_000_000;
/// How long an answer may take; a search of the whole set of coins takes minutes on the main network.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The same for the search of coins.
const SCAN_TIMEOUT: Duration = Duration::from_secs(1_800);
/// The longest cookie or file of credentials.
const MAX_CREDENTIALS: usize = 1_024;
/// How much is repeated of an answer that is none.
const EXCERPT: usize = 80;
/// Bitcoin Core's codes for a node that starts, has no peers yet, or has yet to catch up.
const NOT_YET: [i64; 3] = [-28, -9, -10];
/// Bitcoin Core's code for something that is not there.
const NOT_FOUND: i64 = -5;
/// Its code for a parameter out of range: a height above the tip.
const OUT_OF_RANGE: i64 = -8;
/// Its codes for a transaction that it does not take.
const REFUSED: [i64; 2] = [-25, -26];
/// Its code for a transaction that is in a block already.
const ALREADY: i64 = -27;

/// Where credentials come from. They are read for each call, since a node makes a new cookie whenever it starts.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A file that holds `user:password`: Bitcoin Core's `.cookie`, or one's own. One that others may use is refused.
    File(PathBuf),
    /// An environment variable that holds `user:password`.
    Variable(String),
}

impl Credentials {
    /// What to send; `None` if the file is not there, as a cookie while its node is down.
    fn read(&self, node: &str) -> Result<Option<Zeroizing<String>>, NodeError> {
        let refuse = |reason: String| NodeError::Credentials { node: node.into(), source_name: self.to_string(), reason };
        let text = match self {
            Self::File(path) => match secret::read_text(path, MAX_CREDENTIALS) {
                Err(SecretFileError::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                read => read.map_err(|e| refuse(e.to_string()))?,
            },
            Self::Variable(name) => {
                Zeroizing::new(std::env::var(name).map_err(|_| refuse("it is not set, or not UTF-8".into()))?)
            }
        };
        let text = text.trim();
        if !text.contains(':') || text.chars().any(char::is_control) {
            return Err(refuse("needed user:password".into()));
        }
        let encoded = Zeroizing::new(STANDARD.encode(text));
        Ok(Some(Zeroizing::new(["Basic ", &encoded].concat())))
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}

/// A node by its address.
pub struct Rpc {
    url: String,
    credentials: Credentials,
    agent: Agent,
}

impl fmt::Debug for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rpc").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What the node writes as a string and `FromStr` reads: hashes.
struct Text<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Failed {
    code: i64,
    message: String,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Answer {
    #[serde(default)]
    result: Value,
    error: Option<Failed>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ChainInfo {
    chain: String,
    blocks: u32,
    #[serde(default)]
    headers: u32,
    bestblockhash: Text<BlockHash>,
    #[serde(default)]
    initialblockdownload: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct MempoolInfo {
    mempoolminfee: serde_json::Number,
    minrelaytxfee: serde_json::Number,
    /// Told since version 24.
    incrementalrelayfee: Option<serde_json::Number>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Scan {
    success: bool,
    unspents: Vec<ScanCoin>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ScanCoin {
    txid: Text<Txid>,
    vout: u32,
    #[serde(rename = "scriptPubKey")]
    script_pubkey: String,
    amount: serde_json::Number,
    height: u32,
    coinbase: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OutScript {
    hex: String,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Out {
    value: serde_json::Number,
    #[serde(rename = "scriptPubKey")]
    script_pubkey: OutScript,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Spending {
    txid: Text<Txid>,
    vout: u32,
    spendingtxid: Option<Text<Txid>>,
    /// Of a spender in a block, which a node with an index of spent outputs tells as well.
    blockhash: Option<Text<BlockHash>>,
}

impl Rpc {
    /// A node at `http://HOST:PORT`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`NodeError::Url`] if the address is another, or holds credentials.
    pub fn new(url: &str, credentials: Credentials) -> Result<Self, NodeError> {
        // An address with credentials is not repeated.
        if url.contains('@') {
            return Err(NodeError::Url { url: "...".into(), needed: "credentials come from a file or the environment" });
        }
        if !url.starts_with("http://") {
            return Err(NodeError::Url { url: url.into(), needed: "needed http://HOST:PORT" });
        }
        let config =
            Agent::config_builder().proxy(None).max_redirects(0).max_idle_connections(0).http_status_as_error(false).build();
        Ok(Self { url: url.to_owned(), credentials, agent: config.into() })
    }

    /// Any other method, for tests and tools.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn ask(&self, method: &'static str, params: &Value) -> Result<Value, NodeError> {
        self.call(method, params)
    }

    fn away(&self, method: &'static str, reason: String) -> NodeError {
        NodeError::Away { node: self.url.clone(), method, reason }
    }

    fn refuse(&self, method: &'static str, reason: impl fmt::Display) -> NodeError {
        NodeError::Answer { node: self.url.clone(), method, reason: reason.to_string() }
    }

    /// What became of a call that no answer came to.
    fn lost(&self, method: &'static str, e: &ureq::Error) -> NodeError {
        match e {
            ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                self.away(method, e.to_string())
            }
            _ => NodeError::Transport { node: self.url.clone(), method, reason: e.to_string() },
        }
    }

    /// Status and content of the answer to a question.
    fn send(&self, method: &'static str, params: &Value, credentials: Option<&str>) -> Result<(u16, Vec<u8>), NodeError> {
        let timeout = if method == "scantxoutset" { SCAN_TIMEOUT } else { TIMEOUT };
        let lost = |e: ureq::Error| self.lost(method, &e);
        let body = json!({ "jsonrpc": "1.0", "id": 0, "method": method, "params": params }).to_string();
        let request = self.agent.post(&self.url).config().timeout_global(Some(timeout)).build();
        let request = request.header("Content-Type", "application/json");
        let request = match credentials {
            Some(credentials) => request.header("Authorization", credentials),
            None => request,
        };
        let mut response = request.send(body).map_err(lost)?;
        let status = response.status().as_u16();
        if status == 401 || status == 403 {
            return Ok((status, Vec::new()));
        }
        let text = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(lost)?;
        Ok((status, text))
    }

    fn call<T: DeserializeOwned>(&self, method: &'static str, params: &Value) -> Result<T, NodeError> {
        let credentials = self.credentials.read(&self.url)?;
        let (mut status, mut text) = self.send(method, params, credentials.as_ref().map(|text| text.as_str()))?;
        if status == 401 {
            // A node that started meanwhile has made another cookie.
            let again = self.credentials.read(&self.url)?;
            match again {
                None => {
                    let (node, source_name) = (self.url.clone(), self.credentials.to_string());
                    return Err(NodeError::Credentials { node, source_name, reason: "there is no such file".into() });
                }
                Some(again) if credentials.as_ref() != Some(&again) => {
                    (status, text) = self.send(method, params, Some(&again))?;
                }
                Some(_) => {}
            }
        }
        if status == 401 || status == 403 {
            return Err(NodeError::Unauthorised { node: self.url.clone(), method, status });
        }
        let answer: Answer = serde_json::from_slice(&text).map_err(|e| self.no_answer(method, status, &text, &e))?;
        if let Some(Failed { code, message }) = answer.error {
            let message: String = message.chars().take(500).collect();
            // A search goes on in the node when whoever asked for it is gone.
            let is_scanning = method == "scantxoutset" && message.contains("already in progress");
            if NOT_YET.contains(&code) || is_scanning {
                return Err(self.away(method, message));
            }
            return Err(NodeError::Rpc { node: self.url.clone(), method, code, message });
        }
        serde_json::from_value(answer.result).map_err(|e| self.refuse(method, e))
    }

    /// Content that is no answer of JSON-RPC: a node that is too busy says so in plain text, and a proxy in front of one that is down in HTML. A page
    /// that is not there, or another refusal, stays one.
    fn no_answer(&self, method: &'static str, status: u16, text: &[u8], e: &serde_json::Error) -> NodeError {
        let excerpt: String = String::from_utf8_lossy(text).trim().chars().take(EXCERPT).collect();
        let reason = format!("status {status}, no answer of JSON-RPC ({e}): {excerpt:?}");
        match status {
            200..=299 | 408 | 429 | 500.. => self.away(method, reason),
            _ => self.refuse(method, reason),
        }
    }

    fn decoded<T: Decodable>(&self, method: &'static str, params: &Value) -> Result<T, NodeError> {
        let text: String = self.call(method, params)?;
        deserialize_hex(&text).map_err(|e| self.refuse(method, with_causes(&e)))
    }

    /// The state of the chain, of a node that has caught up with it: what another says of coins and depths is of the past.
    fn info(&self) -> Result<ChainInfo, NodeError> {
        let method = "getblockchaininfo";
        let info: ChainInfo = self.call(method, &json!([]))?;
        // On regtest nobody mines while nobody wants to, and a chain without recent blocks is whole.
        if info.initialblockdownload && (info.chain != "regtest" || info.headers > info.blocks) {
            let (blocks, headers) = (info.blocks, info.headers);
            return Err(self.away(method, format!("it has yet to catch up with its chain: block {blocks} of {headers}")));
        }
        Ok(info)
    }

    /// Amounts come as decimal numbers of bitcoin with eight decimals, which floating point holds exactly enough to be rounded to the satoshi meant.
    fn amount(&self, method: &'static str, value: &serde_json::Number) -> Result<Amount, NodeError> {
        let bitcoin = value.as_f64().ok_or_else(|| self.refuse(method, format!("amount {value}")))?;
        let amount = Amount::from_btc(bitcoin).map_err(|e| self.refuse(method, format!("amount {value}: {e}")))?;
        if amount > Amount::MAX_MONEY {
            return Err(self.refuse(method, format!("amount {value} is more than there can be")));
        }
        Ok(amount)
    }

    /// A fee rate, which comes in bitcoin for 1,000 virtual bytes.
    fn rate(&self, method: &'static str, value: &serde_json::Number) -> Result<FeeRate, NodeError> {
        Ok(FeeRate::from_sat_per_kwu(self.amount(method, value)?.to_sat().div_ceil(4)))
    }

    fn output(&self, method: &'static str, value: &serde_json::Number, script: &str) -> Result<TxOut, NodeError> {
        let script_pubkey = ScriptBuf::from_hex(script).map_err(|e| self.refuse(method, e))?;
        Ok(TxOut { value: self.amount(method, value)?, script_pubkey })
    }
}

/// `None` where the node says, by this code, that there is none.
fn absent<T>(result: Result<T, NodeError>, absent: i64) -> Result<Option<T>, NodeError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(NodeError::Rpc { code, .. }) if code == absent => Ok(None),
        Err(e) => Err(e),
    }
}

impl Node for Rpc {
    fn name(&self) -> String {
        self.url.clone()
    }

    fn network(&self) -> Result<Network, NodeError> {
        let chain = self.info()?.chain;
        Network::from_core_arg(&chain).map_err(|e| self.refuse("getblockchaininfo", format!("chain {chain:?}: {e}")))
    }

    fn tip(&self) -> Result<BlockPlace, NodeError> {
        let info = self.info()?;
        Ok(BlockPlace { height: info.blocks, hash: info.bestblockhash.0 })
    }

    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, NodeError> {
        let found = absent(self.call::<Text<BlockHash>>("getblockhash", &json!([height])), OUT_OF_RANGE)?;
        Ok(found.map(|text| text.0))
    }

    fn header(&self, block: BlockHash) -> Result<Header, NodeError> {
        let method = "getblockheader";
        let found: Header = self.decoded(method, &json!([block.to_string(), false]))?;
        let other = || self.refuse(method, format!("block {}, needed {block}", found.block_hash()));
        if found.block_hash() == block { Ok(found) } else { Err(other()) }
    }

    fn block(&self, block: BlockHash) -> Result<Block, NodeError> {
        let method = "getblock";
        let found: Block = self.decoded(method, &json!([block.to_string(), 0]))?;
        if found.block_hash() != block {
            return Err(self.refuse(method, format!("block {}, needed {block}", found.block_hash())));
        }
        // A list that repeats transactions at its end can have the same root (CVE-2012-2459).
        let ids: BTreeSet<Txid> = found.txdata.iter().map(Transaction::compute_txid).collect();
        if !found.check_merkle_root() || ids.len() != found.txdata.len() {
            return Err(
                self.refuse(method, format!("the transactions are not those of block {block}: its Merkle root is another"))
            );
        }
        Ok(found)
    }

    fn unspent(&self, outpoint: OutPoint) -> Result<Option<TxOut>, NodeError> {
        let method = "gettxout";
        let found: Option<Out> = self.call(method, &json!([outpoint.txid.to_string(), outpoint.vout, false]))?;
        found.map(|out| self.output(method, &out.value, &out.script_pubkey.hex)).transpose()
    }

    fn unspent_of(&self, script: &Script) -> Result<Vec<Unspent>, NodeError> {
        let method = "scantxoutset";
        let scan: Scan = self.call(method, &json!(["start", [format!("raw({})", script.to_hex_string())]]))?;
        if !scan.success {
            return Err(self.refuse(method, "the search was broken off"));
        }
        let coin = |coin: ScanCoin| {
            let outpoint = OutPoint { txid: coin.txid.0, vout: coin.vout };
            let output = self.output(method, &coin.amount, &coin.script_pubkey)?;
            if *output.script_pubkey != *script {
                let had = output.script_pubkey.to_hex_string();
                return Err(
                    self.refuse(method, format!("{outpoint} has script {had}, asked for {}", script.to_hex_string()))
                );
            }
            Ok(Unspent { outpoint, output, height: coin.height, coinbase: coin.coinbase })
        };
        scan.unspents.into_iter().map(coin).collect()
    }

    fn in_mempool(&self, txid: Txid) -> Result<bool, NodeError> {
        let entry = self.call::<Value>("getmempoolentry", &json!([txid.to_string()]));
        Ok(absent(entry, NOT_FOUND)?.is_some())
    }

    fn mempool_spender(&self, outpoint: OutPoint) -> Result<Option<Txid>, NodeError> {
        let method = "gettxspendingprevout";
        let params = json!([[{ "txid": outpoint.txid.to_string(), "vout": outpoint.vout }]]);
        let found: Vec<Spending> = self.call(method, &params)?;
        if let Some(other) = found.iter().find(|found| (found.txid.0, found.vout) != (outpoint.txid, outpoint.vout)) {
            return Err(self.refuse(method, format!("output {}:{}, asked for {outpoint}", other.txid.0, other.vout)));
        }
        let in_mempool = found.into_iter().filter(|spending| spending.blockhash.is_none());
        Ok(in_mempool.filter_map(|spending| spending.spendingtxid).map(|text| text.0).next())
    }

    fn relay(&self) -> Result<Relay, NodeError> {
        let method = "getmempoolinfo";
        let info: MempoolInfo = self.call(method, &json!([]))?;
        let least = self.rate(method, &info.mempoolminfee)?.max(self.rate(method, &info.minrelaytxfee)?);
        let step = info.incrementalrelayfee.map_or(Ok(FeeRate::BROADCAST_MIN), |step| self.rate(method, &step))?;
        Ok(Relay { least, step })
    }

    fn broadcast(&self, tx: &Transaction) -> Result<(), NodeError> {
        let (method, txid) = ("sendrawtransaction", tx.compute_txid());
        match self.call::<Text<Txid>>(method, &json!([serialize_hex(tx)])) {
            Ok(Text(sent)) if sent != txid => Err(self.refuse(method, format!("it took transaction {sent}, given {txid}"))),
            Ok(_) | Err(NodeError::Rpc { code: ALREADY, .. }) => Ok(()),
            Err(NodeError::Rpc { node, code, message, .. }) if REFUSED.contains(&code) => {
                Err(NodeError::Rejected { node, txid, reason: message })
            }
            Err(e) => Err(e),
        }
    }
}

//! [`Rpc`]: Bitcoin Core by JSON-RPC over HTTP.
//!
//! Hazards: HTTP is not encrypted, so that the node belongs on this machine or behind a tunnel. Proxies of the environment are not used and
//! redirections not followed: credentials go to the address given and nowhere else. Answers are bounded in length and time.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::block::Header;
use bitcoin::consensus::Decodable;
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Amount, Block, BlockHash, Network, OutPoint, Script, ScriptBuf, Transaction, TxOut, Txid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use ureq::Agent;
use zeroize::Zeroizing;

use super::error::NodeError;
use super::{BlockPlace, Node, Unspent};
use crate::secret;

/// The longest answer: a block of 4,000,000 bytes in hexadecimal digits, and room.
const MAX_ANSWER: u64 = 9_000_000;
/// How long an answer may take; a search of the whole set of coins takes minutes on the main network.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The same for the search of coins.
const SCAN_TIMEOUT: Duration = Duration::from_secs(1_800);
/// The longest cookie or file of credentials.
const MAX_CREDENTIALS: usize = 1_024;
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
    fn read(&self) -> Result<Zeroizing<String>, NodeError> {
        let refuse = |reason: String| {
            let source_name = match self {
                Self::File(path) => path.display().to_string(),
                Self::Variable(name) => format!("${name}"),
            };
            NodeError::Credentials { source_name, reason }
        };
        let text = match self {
            Self::File(path) => secret::read_text(path, MAX_CREDENTIALS).map_err(|e| refuse(e.to_string()))?,
            Self::Variable(name) => {
                Zeroizing::new(std::env::var(name).map_err(|_| refuse("it is not set, or not UTF-8".into()))?)
            }
        };
        let text = text.trim();
        if !text.contains(':') || text.chars().any(char::is_control) {
            return Err(refuse("needed user:password".into()));
        }
        let encoded = Zeroizing::new(STANDARD.encode(text));
        Ok(Zeroizing::new(["Basic ", &encoded].concat()))
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
struct Failed {
    code: i64,
    message: String,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Value,
    error: Option<Failed>,
}

#[derive(Deserialize)]
struct ChainInfo {
    chain: String,
    blocks: u32,
    bestblockhash: Text<BlockHash>,
}

#[derive(Deserialize)]
struct Scan {
    success: bool,
    unspents: Vec<ScanCoin>,
}

#[derive(Deserialize)]
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
struct OutScript {
    hex: String,
}

#[derive(Deserialize)]
struct Out {
    value: serde_json::Number,
    #[serde(rename = "scriptPubKey")]
    script_pubkey: OutScript,
}

#[derive(Deserialize)]
struct Spending {
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

    fn call<T: DeserializeOwned>(&self, method: &'static str, params: &Value) -> Result<T, NodeError> {
        let timeout = if method == "scantxoutset" { SCAN_TIMEOUT } else { TIMEOUT };
        let transport = |e: ureq::Error| NodeError::Transport { method, reason: e.to_string() };
        let body = json!({ "jsonrpc": "1.0", "id": 0, "method": method, "params": params }).to_string();
        let request = self.agent.post(&self.url).config().timeout_global(Some(timeout)).build();
        let request =
            request.header("Authorization", self.credentials.read()?.as_str()).header("Content-Type", "application/json");
        let mut response = request.send(body).map_err(transport)?;
        let status = response.status().as_u16();
        if status == 401 || status == 403 {
            return Err(NodeError::Unauthorised { method, status });
        }
        let text = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(transport)?;
        let refuse = |reason: String| NodeError::Answer { method, reason };
        let answer: Answer =
            serde_json::from_slice(&text).map_err(|e| refuse(format!("status {status}, no answer of JSON-RPC: {e}")))?;
        if let Some(Failed { code, message }) = answer.error {
            return Err(NodeError::Rpc { method, code, message: message.chars().take(500).collect() });
        }
        serde_json::from_value(answer.result).map_err(|e| refuse(e.to_string()))
    }

    fn decoded<T: Decodable>(&self, method: &'static str, params: &Value) -> Result<T, NodeError> {
        let text: String = self.call(method, params)?;
        deserialize_hex(&text).map_err(|e| NodeError::Answer { method, reason: e.to_string() })
    }

    fn info(&self) -> Result<ChainInfo, NodeError> {
        self.call("getblockchaininfo", &json!([]))
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

/// Amounts come as decimal numbers of bitcoin with eight decimals, which floating point holds exactly enough to be rounded to the satoshi meant.
fn output(method: &'static str, value: &serde_json::Number, script: &str) -> Result<TxOut, NodeError> {
    let refuse = |reason: String| NodeError::Answer { method, reason };
    let bitcoin = value.as_f64().ok_or_else(|| refuse(format!("amount {value}")))?;
    let value = Amount::from_btc(bitcoin).map_err(|e| refuse(format!("amount {value}: {e}")))?;
    let script_pubkey = ScriptBuf::from_hex(script).map_err(|e| refuse(e.to_string()))?;
    Ok(TxOut { value, script_pubkey })
}

impl Node for Rpc {
    fn network(&self) -> Result<Network, NodeError> {
        let chain = self.info()?.chain;
        Network::from_core_arg(&chain)
            .map_err(|e| NodeError::Answer { method: "getblockchaininfo", reason: format!("chain {chain:?}: {e}") })
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
        let other = NodeError::Answer { method, reason: format!("block {}, needed {block}", found.block_hash()) };
        if found.block_hash() == block { Ok(found) } else { Err(other) }
    }

    fn block(&self, block: BlockHash) -> Result<Block, NodeError> {
        let method = "getblock";
        let found: Block = self.decoded(method, &json!([block.to_string(), 0]))?;
        let other = NodeError::Answer { method, reason: format!("block {}, needed {block}", found.block_hash()) };
        if found.block_hash() == block { Ok(found) } else { Err(other) }
    }

    fn unspent(&self, outpoint: OutPoint) -> Result<Option<TxOut>, NodeError> {
        let method = "gettxout";
        let found: Option<Out> = self.call(method, &json!([outpoint.txid.to_string(), outpoint.vout, false]))?;
        found.map(|out| output(method, &out.value, &out.script_pubkey.hex)).transpose()
    }

    fn unspent_of(&self, script: &Script) -> Result<Vec<Unspent>, NodeError> {
        let method = "scantxoutset";
        let scan: Scan = self.call(method, &json!(["start", [format!("raw({})", script.to_hex_string())]]))?;
        if !scan.success {
            return Err(NodeError::Answer { method, reason: "the search was broken off".into() });
        }
        let coin = |coin: ScanCoin| {
            Ok(Unspent {
                outpoint: OutPoint { txid: coin.txid.0, vout: coin.vout },
                output: output(method, &coin.amount, &coin.script_pubkey)?,
                height: coin.height,
                coinbase: coin.coinbase,
            })
        };
        scan.unspents.into_iter().map(coin).collect()
    }

    fn in_mempool(&self, txid: Txid) -> Result<bool, NodeError> {
        let entry = self.call::<Value>("getmempoolentry", &json!([txid.to_string()]));
        Ok(absent(entry, NOT_FOUND)?.is_some())
    }

    fn mempool_spender(&self, outpoint: OutPoint) -> Result<Option<Txid>, NodeError> {
        let params = json!([[{ "txid": outpoint.txid.to_string(), "vout": outpoint.vout }]]);
        let found: Vec<Spending> = self.call("gettxspendingprevout", &params)?;
        let in_mempool = found.into_iter().filter(|spending| spending.blockhash.is_none());
        Ok(in_mempool.filter_map(|spending| spending.spendingtxid).map(|text| text.0).next())
    }

    fn broadcast(&self, tx: &Transaction) -> Result<(), NodeError> {
        let txid = tx.compute_txid();
        match self.call::<Text<Txid>>("sendrawtransaction", &json!([serialize_hex(tx)])) {
            Ok(_) | Err(NodeError::Rpc { code: ALREADY, .. }) => Ok(()),
            Err(NodeError::Rpc { code, message, .. }) if REFUSED.contains(&code) => {
                Err(NodeError::Rejected { txid, reason: message })
            }
            Err(e) => Err(e),
        }
    }
}

//! The client of JSON-RPC against a server that says what the tests want.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, BlockHash, FeeRate, Network, OutPoint};
use tapstone_anchor::node::{Credentials, Node, NodeError, Relay, Rpc};

/// Answers one call for each of the bodies, and gives back what it was asked: the headers and the body.
fn server(answers: Vec<(&'static str, String)>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (url, serve(listener, answers, |_| ()))
}

/// The same, and does something before each answer.
fn serve(
    listener: TcpListener,
    answers: Vec<(&'static str, String)>,
    before: impl Fn(usize) + Send + 'static,
) -> thread::JoinHandle<Vec<String>> {
    let serve = move || {
        let answer = |(n, (status, body)): (usize, (&str, String))| {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let (mut asked, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                asked.push_str(&line);
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut content = vec![0; length];
            reader.read_exact(&mut content).unwrap();
            asked.push_str(&String::from_utf8(content).unwrap());
            before(n);
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // The client may hang up on an answer that is too long.
            let _ = reader.get_mut().write_all(head.as_bytes()).and_then(|()| reader.get_mut().write_all(body.as_bytes()));
            asked
        };
        answers.into_iter().enumerate().map(answer).collect()
    };
    thread::spawn(serve)
}

/// A file that its owner alone may use.
fn write_secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn cookie(folder: &Path) -> Credentials {
    let path = folder.join(".cookie");
    write_secret(&path, "__cookie__:secret\n");
    Credentials::File(path)
}

#[test]
fn answers_are_read_and_credentials_sent() {
    let folder = tempfile::tempdir().unwrap();
    let info = r#"{"result":{"chain":"regtest","blocks":7,"bestblockhash":"00000000000000000000000000000000000000000000000000000000000000ff","more":1},"error":null,"id":0}"#;
    let out = r#"{"result":{"value":20999999.12345678,"scriptPubKey":{"hex":"51"}},"error":null,"id":0}"#;
    let (url, asked) = server(vec![
        ("200 OK", info.into()),
        ("200 OK", info.into()),
        ("200 OK", out.into()),
        ("200 OK", r#"{"result":null,"error":null,"id":0}"#.into()),
        ("500 Internal Server Error", r#"{"result":null,"error":{"code":-8,"message":"out of range"},"id":0}"#.into()),
        ("500 Internal Server Error", r#"{"result":null,"error":{"code":-5,"message":"not in mempool"},"id":0}"#.into()),
    ]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    assert!(!format!("{rpc:?}").contains("cookie"));
    assert_eq!(rpc.network().unwrap(), Network::Regtest);
    assert_eq!(rpc.tip().unwrap().height, 7);
    let value = rpc.unspent(OutPoint::null()).unwrap().unwrap().value;
    assert_eq!(value, Amount::from_sat(2_099_999_912_345_678));
    assert_eq!(rpc.unspent(OutPoint::null()).unwrap(), None);
    assert_eq!(rpc.block_hash(8).unwrap(), None);
    assert!(!rpc.in_mempool(OutPoint::null().txid).unwrap());
    for asked in asked.join().unwrap() {
        assert!(asked.contains("Basic X19jb29raWVfXzpzZWNyZXQ="), "{asked}");
    }
}

#[test]
fn what_a_node_must_not_say_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (url, asked) = server(vec![
        ("401 Unauthorized", String::new()),
        ("200 OK", r#"{"result":{"chain":"moon","blocks":7,"bestblockhash":"00"},"error":null}"#.into()),
        ("200 OK", "x".repeat(9_000_001)),
        ("302 Found", String::new()),
    ]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    assert!(matches!(rpc.network(), Err(NodeError::Unauthorised { status: 401, .. })));
    assert!(matches!(rpc.network(), Err(NodeError::Answer { .. })));
    assert!(matches!(rpc.network(), Err(NodeError::Transport { .. })));
    assert!(matches!(rpc.network(), Err(NodeError::Answer { .. })));
    asked.join().unwrap();
}

/// What a node says that is restarted, busy, or behind a proxy; and what no waiting mends. Every message names the address.
#[test]
fn what_passes_is_told_from_what_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let failed = |code: i32, message: &str| {
        let body = format!(r#"{{"result":null,"error":{{"code":{code},"message":"{message}"}},"id":0}}"#);
        ("500 Internal Server Error", body)
    };
    let info = |chain: &str, blocks: u32, headers: u32| {
        let hash = BlockHash::all_zeros();
        let body = format!(
            r#"{{"result":{{"chain":"{chain}","blocks":{blocks},"headers":{headers},"bestblockhash":"{hash}","initialblockdownload":true}},"error":null,"id":0}}"#
        );
        ("200 OK", body)
    };
    let passing = vec![
        failed(-28, "Loading block index..."),
        failed(-9, "Bitcoin is not connected!"),
        ("503 Service Unavailable", "Work queue depth exceeded".into()),
        ("502 Bad Gateway", "<html>nginx</html>".into()),
        ("504 Gateway Timeout", "<html>nginx</html>".into()),
        ("200 OK", "<html>hello</html>".into()),
        ("200 OK", "{".into()),
        info("main", 7, 7),
        info("regtest", 7, 900),
    ];
    let lasting = vec![
        failed(-32_601, "Method not found"),
        failed(-1, "Block not available (pruned data)"),
        ("404 Not Found", "<html>no such page</html>".into()),
        ("400 Bad Request", String::new()),
        ("403 Forbidden", String::new()),
    ];
    let count = passing.len();
    let (url, asked) = server([passing, lasting, vec![info("regtest", 7, 7)]].concat());
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    for n in 0..count + 5 {
        let error = rpc.tip().unwrap_err();
        assert_eq!(error.is_passing(), n < count, "{n}: {error}");
        assert!(error.to_string().contains(&url), "{error}");
    }
    // A regtest chain on which nobody mines is whole.
    assert_eq!(rpc.tip().unwrap().height, 7);
    asked.join().unwrap();
    // Nobody is there.
    let error = rpc.tip().unwrap_err();
    assert!(error.is_passing() && error.to_string().contains(&url), "{error}");
    // A search that the last call left running.
    let (url, asked) = server(vec![failed(-8, "Scan already in progress"), failed(-8, "Invalid descriptor")]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    let script = bitcoin::ScriptBuf::new();
    assert!(rpc.unspent_of(&script).unwrap_err().is_passing());
    assert!(!rpc.unspent_of(&script).unwrap_err().is_passing());
    asked.join().unwrap();
}

/// A node removes its cookie when it ends, and makes another when it starts.
#[test]
fn a_cookie_comes_and_goes_with_its_node() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".cookie");
    // The node is down, and so is its cookie.
    let rpc = Rpc::new("http://127.0.0.1:1", Credentials::File(path.clone())).unwrap();
    assert!(rpc.tip().unwrap_err().is_passing());
    // The node is there, and the file is not.
    let (url, asked) = server(vec![("401 Unauthorized", String::new())]);
    let rpc = Rpc::new(&url, Credentials::File(path.clone())).unwrap();
    let error = rpc.tip().unwrap_err();
    assert!(matches!(error, NodeError::Credentials { .. }) && error.to_string().contains(&url), "{error}");
    assert!(!asked.join().unwrap()[0].to_lowercase().contains("authorization"));
    // The old cookie is refused; a new one that came meanwhile is tried.
    write_secret(&path, "__cookie__:old");
    let genesis = r#"{"result":"0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206","error":null,"id":0}"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (writes, cookie_path) = (path.clone(), path.clone());
    let answers = vec![("401 Unauthorized", String::new()), ("200 OK", genesis.to_owned())];
    let asked = serve(listener, answers, move |n| {
        if n == 0 {
            write_secret(&writes, "__cookie__:new");
        }
    });
    let rpc = Rpc::new(&url, Credentials::File(cookie_path)).unwrap();
    assert!(rpc.block_hash(0).unwrap().is_some());
    let asked = asked.join().unwrap();
    assert!(asked[0].contains(&STANDARD.encode("__cookie__:old")) && asked[1].contains(&STANDARD.encode("__cookie__:new")));
}

/// Answers are held to the question: coins to the script, spent outputs and transactions to their ids, blocks to their Merkle root.
#[test]
fn answers_to_other_questions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let told = |result: String| ("200 OK", format!(r#"{{"result":{result},"error":null,"id":0}}"#));
    let genesis = bitcoin::constants::genesis_block(Network::Regtest);
    let mut other = genesis.clone();
    other.txdata[0].output[0].value = Amount::ONE_SAT;
    let mut twice = genesis.clone();
    twice.txdata.push(genesis.txdata[0].clone());
    let mut none = genesis.clone();
    none.txdata.clear();
    let txid = genesis.txdata[0].compute_txid();
    let coin = |script: &str, amount: &str| {
        told(format!(
            r#"{{"success":true,"unspents":[{{"txid":"{txid}","vout":0,"scriptPubKey":"{script}","amount":{amount},"height":1,"coinbase":false}}]}}"#
        ))
    };
    let (url, asked) = server(vec![
        told(format!("{:?}", serialize_hex(&other))),
        told(format!("{:?}", serialize_hex(&twice))),
        told(format!("{:?}", serialize_hex(&none))),
        coin("52", "0.1"),
        coin("51", "21000000.00000001"),
        coin("51", "0.1"),
        told(format!(r#"[{{"txid":"{txid}","vout":1,"spendingtxid":"{txid}"}}]"#)),
        told(format!("{:?}", OutPoint::null().txid.to_string())),
        told(format!("{:?}", txid.to_string())),
    ]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    let refused = |error: NodeError| assert!(matches!(error, NodeError::Answer { .. }), "{error}");
    for _ in 0..3 {
        refused(rpc.block(genesis.block_hash()).unwrap_err());
    }
    let script = bitcoin::ScriptBuf::from_bytes(vec![0x51]);
    refused(rpc.unspent_of(&script).unwrap_err());
    refused(rpc.unspent_of(&script).unwrap_err());
    assert_eq!(rpc.unspent_of(&script).unwrap()[0].output.value, Amount::from_sat(10_000_000));
    refused(rpc.mempool_spender(OutPoint { txid, vout: 0 }).unwrap_err());
    refused(rpc.broadcast(&genesis.txdata[0]).unwrap_err());
    rpc.broadcast(&genesis.txdata[0]).unwrap();
    asked.join().unwrap();
}

#[test]
fn rates_are_the_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let told = |more: &str| {
        let body =
            format!(r#"{{"result":{{"mempoolminfee":0.00002000,"minrelaytxfee":0.00000100{more}}},"error":null,"id":0}}"#);
        ("200 OK", body)
    };
    let (url, asked) = server(vec![told(r#","incrementalrelayfee":0.00000100"#), told("")]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    let rate = FeeRate::from_sat_per_kwu;
    assert_eq!(rpc.relay().unwrap(), Relay { least: rate(500), step: rate(25) });
    assert_eq!(rpc.relay().unwrap(), Relay { least: rate(500), step: rate(250) });
    asked.join().unwrap();
}

#[test]
fn addresses_and_credentials_are_checked_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["https://127.0.0.1:8332", "127.0.0.1:8332", "http://me:hush@127.0.0.1:8332"] {
        let refused = Rpc::new(url, cookie(folder.path())).unwrap_err();
        assert!(matches!(refused, NodeError::Url { .. }) && !refused.to_string().contains("hush"), "{refused}");
    }
    for text in ["", "no colon", "a:b\nc"] {
        let path = folder.path().join("file");
        write_secret(&path, text);
        let rpc = Rpc::new("http://127.0.0.1:1", Credentials::File(path)).unwrap();
        assert!(matches!(rpc.tip(), Err(NodeError::Credentials { .. })));
    }
    let rpc = Rpc::new("http://127.0.0.1:1", Credentials::Variable("TAPSTONE_NO_SUCH_VARIABLE".into())).unwrap();
    assert!(matches!(rpc.tip(), Err(NodeError::Credentials { .. })));
}

#[test]
fn a_spender_in_a_block_is_not_in_the_mempool() {
    let folder = tempfile::tempdir().unwrap();
    let txid = OutPoint::null().txid;
    let answer = |more: &str| {
        let body =
            format!(r#"{{"result":[{{"txid":"{txid}","vout":0,"spendingtxid":"{txid}"{more}}}],"error":null,"id":0}}"#);
        ("200 OK", body)
    };
    let block = format!(r#","blockhash":"{}""#, BlockHash::all_zeros());
    let nobody = ("200 OK", format!(r#"{{"result":[{{"txid":"{txid}","vout":0}}],"error":null,"id":0}}"#));
    let spent = OutPoint { txid, vout: 0 };
    let (url, asked) = server(vec![answer(""), answer(&block), nobody]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    assert_eq!(rpc.mempool_spender(spent).unwrap(), Some(txid));
    assert_eq!(rpc.mempool_spender(spent).unwrap(), None);
    assert_eq!(rpc.mempool_spender(spent).unwrap(), None);
    asked.join().unwrap();
}

#[test]
fn another_block_than_was_asked_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = bitcoin::constants::genesis_block(Network::Regtest);
    let answer = |hex: String| ("200 OK", format!(r#"{{"result":"{hex}","error":null,"id":0}}"#));
    let (header, block) = (serialize_hex(&genesis.header), serialize_hex(&genesis));
    let (url, asked) = server(vec![answer(header.clone()), answer(block.clone()), answer(header), answer(block)]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    assert_eq!(rpc.header(genesis.block_hash()).unwrap(), genesis.header);
    assert_eq!(rpc.block(genesis.block_hash()).unwrap(), genesis);
    assert!(matches!(rpc.header(BlockHash::all_zeros()), Err(NodeError::Answer { .. })));
    assert!(matches!(rpc.block(BlockHash::all_zeros()), Err(NodeError::Answer { .. })));
    asked.join().unwrap();
}

/// An answer of another form is told in the words of JSON.
#[test]
fn answers_of_another_form_are_told_without_names_of_types() {
    let folder = tempfile::tempdir().unwrap();
    let answer = |result: &str| ("200 OK", format!("{{\"result\":{result},\"error\":null,\"id\":0}}"));
    let (url, asked) = server(vec![answer("null"), answer("[]"), answer("7")]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    for _ in 0..3 {
        let error = rpc.tip().unwrap_err().to_string();
        assert!(error.contains("expected an object") && !error.contains("struct"), "{error}");
    }
    asked.join().unwrap();
}

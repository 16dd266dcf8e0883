//! The client of JSON-RPC against a server that says what the tests want.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, BlockHash, Network, OutPoint};
use tapstone_prover::anchor::node::{Credentials, Node, NodeError, Rpc};

/// Answers one call for each of the bodies, and gives back what it was asked: the headers and the body.
fn server(answers: Vec<(&'static str, String)>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        let answer = |(status, body): (&str, String)| {
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
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // The client may hang up on an answer that is too long.
            let _ = reader.get_mut().write_all(head.as_bytes()).and_then(|()| reader.get_mut().write_all(body.as_bytes()));
            asked
        };
        answers.into_iter().map(answer).collect()
    };
    (url, thread::spawn(serve))
}

fn cookie(folder: &Path) -> Credentials {
    let path = folder.join(".cookie");
    std::fs::write(&path, "__cookie__:secret\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
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
        ("200 OK", "{".into()),
        ("200 OK", r#"{"result":{"chain":"moon","blocks":7,"bestblockhash":"00"},"error":null}"#.into()),
        ("200 OK", "x".repeat(9_000_001)),
        ("302 Found", String::new()),
    ]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    assert!(matches!(rpc.network(), Err(NodeError::Unauthorised { status: 401, .. })));
    assert!(matches!(rpc.network(), Err(NodeError::Answer { .. })));
    assert!(matches!(rpc.network(), Err(NodeError::Answer { .. })));
    assert!(matches!(rpc.network(), Err(NodeError::Transport { .. })));
    assert!(rpc.network().is_err());
    asked.join().unwrap();
    assert!(matches!(rpc.network(), Err(NodeError::Transport { .. })));
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
        std::fs::write(&path, text).unwrap();
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
    let nobody = ("200 OK", r#"{"result":[{"txid":"00","vout":0}],"error":null,"id":0}"#.into());
    let (url, asked) = server(vec![answer(""), answer(&block), nobody]);
    let rpc = Rpc::new(&url, cookie(folder.path())).unwrap();
    assert_eq!(rpc.mempool_spender(OutPoint::null()).unwrap(), Some(txid));
    assert_eq!(rpc.mempool_spender(OutPoint::null()).unwrap(), None);
    assert_eq!(rpc.mempool_spender(OutPoint::null()).unwrap(), None);
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

//! Signing line by line: standard output is transactions and nothing else, and what is signed is what stood on the line.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::common::*;

const TX: &str = r#"{"kind":"transfer_new","from":0,"to_key":"KEY","token":1,"amount":"5","fee_token":0,"fee":"0","nonce":"0","expiry":0}"#;

struct Wallet {
    folder: tempfile::TempDir,
    tx: String,
}

impl Wallet {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (code, report, _) = tapstone(&["wallet", "new", text(&folder.path().join("secret"))]);
        assert_eq!(code, 0);
        Self { folder, tx: TX.replace("KEY", report["key"].as_str().unwrap()) }
    }

    fn sign(&self, lines: impl Into<Vec<u8>>) -> (i32, String, String) {
        let secret = self.folder.path().join("secret");
        let output = command()
            .args(["--quiet", "wallet", "sign", text(&secret), "--chain-id", "3"])
            .write_stdin(lines)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

#[test]
fn signed_lines_and_a_header_are_a_batch_file() {
    let wallet = Wallet::new();
    for input in [format!("{}\n{}\n", wallet.tx, wallet.tx), format!("{}\r\n  {}", wallet.tx, wallet.tx)] {
        let (code, signed, stderr) = wallet.sign(input);
        assert_eq!((code, stderr.as_str()), (0, ""));
        let header = fs::read_to_string(batches().join("tiny.jsonl")).unwrap().lines().next().unwrap().to_owned();
        let path = wallet.folder.path().join("batch.jsonl");
        fs::write(&path, format!("{header}\n{signed}")).unwrap();
        let (code, report, stderr) = tapstone(&["inspect", text(&path)]);
        assert_eq!((code, &report["transactions"]), (0, &2.into()), "{stderr}");
    }
}

#[test]
fn what_would_not_be_signed_as_it_stands_is_refused_with_line_and_field() {
    let wallet = Wallet::new();
    let signed = wallet.tx.replacen('}', &format!(",\"signature\":\"{}\"}}", "0".repeat(128)), 1);
    let cases: [(Vec<u8>, &str); 8] = [
        (
            wallet.tx.replacen("\"amount\":\"5\"", "\"amount\":\"5\",\"amount\":\"6\"", 1).into(),
            "\"amount\": the field is repeated",
        ),
        (signed.into(), "\"signature\": the field is repeated"),
        (wallet.tx.replacen("\"from\":0", "\"from\":0,\"more\":0", 1).into(), "\"more\": unknown field"),
        (wallet.tx.replacen("\"amount\":\"5\"", "\"amount\":\"05\"", 1).into(), "field \"amount\""),
        ("not json".into(), "line 2"),
        ("".into(), "blank"),
        (vec![0xff], "UTF-8"),
        (vec![b' '; 1 << 20], "longer than 65536 bytes"),
    ];
    for (line, part) in cases {
        let input = [wallet.tx.as_bytes(), b"\n", &line, b"\n"].concat();
        let (code, signed, stderr) = wallet.sign(input);
        assert_eq!(code, 3, "{stderr}");
        assert!(stderr.starts_with("tapstone: line 2") && stderr.contains(part), "{part}: {stderr}");
        assert_eq!(signed.lines().count(), 1, "the line before is signed");
    }
}

#[test]
fn signing_ends_where_nobody_reads_on() {
    let wallet = Wallet::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tapstone"))
        .args(["wallet", "sign", "--chain-id", "3"])
        .arg(wallet.folder.path().join("secret"))
        .stdin(Stdio::piped())
        .stdout(writer)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", wallet.tx).unwrap();
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn parties_sign_a_bundle_one_after_the_other() {
    use tapstone_circuits::file::BatchFile;

    let (a, b) = (Wallet::new(), Wallet::new());
    let bundle = |wallet: &Wallet, account: &str, lines: &str| {
        let secret = wallet.folder.path().join("secret");
        let args = ["--quiet", "wallet", "bundle", text(&secret), "--chain-id", "3", "--account", account];
        let output = command().args(args).write_stdin(lines).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let lines = format!("{}\n{}\n", a.tx, b.tx.replace("\"from\":0", "\"from\":1"));
    let (code, half, stderr) = bundle(&a, "0", &lines);
    assert_eq!(code, 0, "{stderr}");
    let (code, whole, stderr) = bundle(&b, "1", &half);
    assert_eq!(code, 0, "{stderr}");
    let header = fs::read_to_string(batches().join("tiny.jsonl")).unwrap().lines().next().unwrap().to_owned();
    let members = BatchFile::read(format!("{header}\n{whole}").as_bytes()).unwrap().transactions;
    let message = tapstone_circuits::transaction::bundle::message(&members, 3);
    for (tx, wallet) in members.iter().zip([&a, &b]) {
        let signed = tx.signed().unwrap();
        assert_eq!(signed.message, Some(message));
        let secret = fs::read_to_string(wallet.folder.path().join("secret")).unwrap();
        let secret = hex::decode(secret.trim()).unwrap().try_into().unwrap();
        let key = tapstone_circuits::signature::SecretKey::from_bytes(secret).public_key();
        key.verify(message, &signed.signature).unwrap();
    }
    // What the first party signed is not what the second would: members were changed.
    let changed = half.replacen("\"amount\":\"5\"", "\"amount\":\"6\"", 1);
    let (code, signed, stderr) = bundle(&b, "1", &changed);
    assert_eq!((code, signed.as_str()), (3, ""));
    assert!(stderr.contains("members were changed"), "{stderr}");
    let (code, _, stderr) = bundle(&a, "7", &lines);
    assert!(code == 3 && stderr.contains("account 7"), "{stderr}");
    let (code, _, stderr) = bundle(&a, "0", "not json\n");
    assert!(code == 3 && stderr.contains("line 1"), "{stderr}");
    // Line by line nobody signs a member, for the digest of the others is not to be seen.
    let (code, _, stderr) = a.sign(half.lines().next().unwrap().replacen(",\"signature\":", ",\"x\":", 1));
    assert_eq!(code, 3, "{stderr}");
    let bare: String = {
        let line = half.lines().nth(1).unwrap();
        let start = line.find(",\"signature\"").unwrap();
        let end = line.find(",\"message\"").unwrap();
        format!("{}{}", &line[..start], &line[end..])
    };
    let (code, _, stderr) = b.sign(bare);
    assert!(code == 3 && stderr.contains("wallet bundle"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let wallet = Wallet::new();
    let path = wallet.folder.path().join("secret");
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "as it was made");
    let secret = text(&path);
    for commands in [
        vec!["wallet", "public", secret],
        vec!["wallet", "sign", secret, "--chain-id", "3"],
        vec!["wallet", "bundle", secret, "--chain-id", "3", "--account", "0"],
    ] {
        for shared in [0o644, 0o640, 0o606] {
            mode(shared);
            let (code, _, stderr) = tapstone(&commands);
            assert!(code == 2 && stderr.contains(&format!("chmod 600 {secret}")), "{commands:?} {shared:o}: {stderr}");
        }
    }
    mode(0o400);
    assert_eq!(tapstone(&["wallet", "public", secret]).0, 0);
}

//! The commands of GUIDE.md do what the guide says: those that need a Bitcoin node where TAPSTONE_BITCOIND names a `bitcoind`.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::bitcoind::Core;
use crate::common::*;

/// The blocks that a language marks, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let start = format!("```{language}");
    let mut list = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match &mut open {
            None if line == start => open = Some(String::new()),
            None => {}
            Some(block) if line == "```" => {
                list.push(std::mem::take(block));
                open = None;
            }
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    list
}

/// The commands of a block that shows a prompt before each, with the lines that go on after a backslash.
fn commands(block: &str) -> String {
    let mut text = String::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => text.push_str(command),
            None if text.ends_with("\\\n") => text.push_str(line),
            None => panic!("neither a command nor the rest of one: {line}"),
        }
        text.push('\n');
    }
    text
}

/// What stands in for `bitcoin-cli`, which is not built with the node: it takes what the guide gives it, and asks the node by JSON-RPC.
fn bitcoin_cli(core: &Core, folder: &Path) {
    let port = core.url.rsplit(':').next().unwrap();
    let script = format!(
        r#"#!/usr/bin/env bash
set -euo pipefail
[ "$1" = -regtest ]
method=$2
shift 2
params=
for param; do
    case $param in *[!0-9]*) param="\"$param\"" ;; esac
    params+=${{params:+,}}$param
done
body="{{\"id\":0,\"method\":\"$method\",\"params\":[$params]}}"
exec 3<>/dev/tcp/127.0.0.1/{port}
printf 'POST / HTTP/1.0\r\nAuthorization: Basic %s\r\nContent-Length: %s\r\n\r\n%s' "$(base64 -w 0 '{cookie}')" ${{#body}} "$body" >&3
answer=$(cat <&3)
echo "$answer"
case $answer in *'"error":null'*) ;; *) exit 1 ;; esac
"#,
        cookie = core.cookie.display()
    );
    let path = folder.join("bitcoin-cli");
    fs::write(&path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What the commands have that ask a node: the guide's is at Bitcoin Core's own port on regtest.
const JOURNAL: &str = "--journal thread.journal";

#[test]
fn every_command_of_the_guide_works() {
    let text_of = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("GUIDE.md")).unwrap();
    let mut scripts = blocks(&text_of, "sh");
    assert_eq!(scripts.len(), 10);
    let by_node = blocks(&text_of, "console");
    assert_eq!(by_node.len(), 1);
    let folder = tempfile::tempdir().unwrap();
    // The node's cookie is where the guide's user has it.
    let (home, bin) = (folder.path().join("home"), folder.path().join("bin"));
    let data = home.join(".bitcoin");
    fs::create_dir_all(&data).unwrap();
    fs::create_dir(&bin).unwrap();
    let core = Core::start(&data);
    if let Some(core) = &core {
        bitcoin_cli(core, &bin);
        let block = commands(&by_node[0]);
        // Three commands ask the node; that they ask another port is all that is changed.
        assert_eq!(block.matches(JOURNAL).count(), 3, "{block}");
        scripts.push(block.replace(JOURNAL, &format!("{JOURNAL} --node {}", core.url)));
    }
    let program = assert_cmd::cargo::cargo_bin("tapstone");
    let path = format!("{}:{}:{}", text(&bin), text(program.parent().unwrap()), env::var("PATH").unwrap());
    let script = format!("set -euo pipefail\n{}", scripts.join("\n"));
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(folder.path()).env("PATH", path).env("HOME", &home);
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    for said in ["batches to prove      2", "250000 -> 224900 (-25100)", "50000 -> 75000 (+25000)", "verdict"] {
        assert!(stdout.contains(said), "{said}: {stdout}");
    }
    // An anchor's transaction with two outputs, and no file left half-written.
    let tx = fs::read_to_string(folder.path().join("anchor.tx")).unwrap();
    let tx: bitcoin::Transaction = bitcoin::consensus::encode::deserialize_hex(tx.trim()).unwrap();
    assert_eq!((tx.output.len(), tx.output[0].value.to_sat()), (2, 10_000));
    assert!(names(folder.path()).iter().all(|name| !name.starts_with(".tapstone-")));
    assert!(fs::read_to_string(folder.path().join("report.html")).unwrap().contains("Tapstone: chain 3"));
    if core.is_some() {
        // The last command's verdict: six blocks deep, and the state that the chain is in.
        let verdict = stdout.rsplit("verdict ").next().unwrap();
        let says = |name: &str| {
            let line = verdict.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name}: {verdict}")).trim().to_owned()
        };
        assert_eq!((verdict.lines().next().unwrap().trim(), says("depth").as_str()), ("anchored", "6"));
        let (code, state, stderr) = tapstone(&["state", "show", text(&folder.path().join("mychain"))]);
        assert_eq!((code, &state["state_root"]), (0, &says("state root").into()), "{stderr}");
    }
}

//! `prove --store`, `worker` and `queue`: what they do and say, and what they refuse.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tapstone_work::{ArtefactId, Artefacts, Folder, NewTask, TaskKey, TaskState};

use crate::common::*;
use crate::scene::{Process, Scene};

#[test]
fn workers_prove_what_one_process_proves() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    let (file, proven) = (batches().join("tiny.jsonl"), Proven::once());
    let place = format!("sqlite:{}", at("queue.sqlite"));
    // The planner has the verifying key alone.
    let (vk, keys) = (at("vk.json"), proven.keys());
    let key = proven.key();
    assert_eq!(tapstone(&["keys", "export-vk", &vk, "--shape", "tiny", "--keys", text(&keys)]).0, 0);
    let (out, none, binary) = (at("out"), at("none"), proven.file("verifying.key"));
    let args = ["prove", text(&file), "--shape", "tiny", "--store", &place, "--out", &out, "--keys", &none];
    let (code, _, stderr) = tapstone(&args);
    assert!(code == 2 && stderr.contains("--verifying-key"), "{stderr}");
    let planner = Process::start(&[&args[..], &["--verifying-key", &vk]].concat());
    let worker = loop {
        if fs::exists(at("queue.sqlite")).unwrap() {
            break Process::start(&["worker", text(&key), "--store", &place, "--name", "one"]);
        }
    };
    let (code, report, stderr) = planner.end();
    assert_eq!(code, 0, "{stderr}");
    for number in 1..=report["batches"].as_array().unwrap().len() {
        for name in [format!("batch-{number}.data"), format!("batch-{number}.public.json")] {
            assert_eq!(
                fs::read(folder.path().join("out").join(&name)).unwrap(),
                fs::read(proven.file(&name)).unwrap(),
                "{name}"
            );
        }
    }
    for name in ["verifying.key", "state.json"] {
        assert_eq!(fs::read(folder.path().join("out").join(name)).unwrap(), fs::read(proven.file(name)).unwrap(), "{name}");
    }
    let manifest: Value = serde_json::from_slice(&fs::read(folder.path().join("out/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["workers"], json!(["one"]));
    for batch in manifest["batches"].as_array().unwrap() {
        let made = &batch["made"];
        assert!(made["threads"].as_u64() > Some(0) && made["peak_bytes"].as_u64() > Some(1 << 20), "{made}");
    }
    worker.signal("TERM");
    assert_eq!(worker.end().0, 0);
    // What the queue has is not asked for again: without a worker, and with the other form of the key.
    let (code, again, stderr) = tapstone(&[&args[..], &["--verifying-key", text(&binary)]].concat());
    assert_eq!((code, &again["state_root"]), (0, &report["state_root"]), "{stderr}");
    let (code, status, _) = tapstone(&["queue", "status", "--store", &place]);
    assert_eq!((code, &status["queued"], &status["dead"]), (0, &json!(0), &json!(0)));
    assert_eq!(status["workers"][0]["worker"], "one");
    // A key of another shape.
    let small = batches().join("small.jsonl");
    let args = ["prove", text(&small), "--store", &place, "--verifying-key", text(&binary)];
    refused(&args, 4, "shape tiny, needed version 3, shape small");
}

#[test]
fn a_chain_is_carried_on_by_workers() {
    let scene = Scene::new(2);
    let chain = scene.path("chain");
    let id = tapstone_circuits::testing::World::new(tapstone_circuits::shape::Shape::registered("tiny").unwrap());
    let id = id.ledger.chain_id().to_string();
    assert_eq!(tapstone(&["init", text(&chain), "--chain-id", &id, "--shape", "tiny"]).0, 0);
    let planner = scene.planner(&["--chain", text(&chain)]);
    scene.until_queued();
    let worker = scene.worker("a", &["--drain"]);
    scene.check(planner);
    assert_eq!(worker.end().0, 0);
    let (code, report, stderr) = tapstone(&["state", "show", text(&chain)]);
    assert_eq!((code, &report["batch_number"]), (0, &json!(2)), "{stderr}");
    assert_eq!(tapstone(&["state", "check", text(&chain)]).0, 0);
    scene.check(scene.planner(&["--chain", text(&chain)]));
}

#[test]
fn a_task_that_fails_for_good_ends_the_planner_and_is_replayed_and_queued_again() {
    let scene = Scene::new(2);
    let planner = scene.planner(&["--attempts", "1"]);
    scene.until_queued();
    let first = scene.store().tasks(TaskState::Queued, 1).unwrap().remove(0);
    let folder = Folder::new(&scene.artefacts());
    let bundle = folder.get(&first.task.bundle, 1 << 24).unwrap();
    fs::remove_file(folder.file(&first.task.bundle)).unwrap();
    let replays = scene.path("replays");
    let worker = scene.worker("a", &["--drain"]);
    let (code, report, stderr) = planner.end();
    let key = first.task.key.to_string();
    assert_eq!((code, &report["dead"]), (1, &json!(key)), "{stderr}");
    for said in ["batch 1 was not proven", "is not in the storage", &format!("queue replay {key} --store sqlite:")] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
    assert_eq!(worker.end().0, 0);
    let at = ["--store", &scene.place];
    let (code, dead, _) = tapstone(&[&["queue", "dead"][..], &at].concat());
    assert_eq!((code, &dead["letters"][0]["task"], &dead["letters"][0]["batch"]), (0, &json!(key), &json!(1)));
    assert!(dead["letters"][0]["cause"].as_str().unwrap().contains("is not in the storage"));
    refused(&[&["queue", "replay", &key][..], &at].concat(), 5, "is not in the storage");

    // It is there again: it does not fail any more.
    folder.put(&bundle).unwrap();
    let keys = Proven::once().keys();
    let out = scene.path("proven.json");
    let replay = ["queue", "replay", &key, "--key", text(&keys), "--out", text(&out)];
    let (code, report, stderr) = tapstone(&[&replay[..], &at].concat());
    assert_eq!((code, report["outcome"].as_str().unwrap().starts_with("proven")), (0, true), "{stderr}");
    let proven = Proven::once();
    let (verifying, vk_id) = (proven.file("verifying.key"), proven.vk_id());
    let verify = ["verify", text(&out), "--key", text(&verifying), "--vk-id", &vk_id];
    assert_eq!(tapstone(&verify).0, 0);
    let (code, report, stderr) = tapstone(&[&["queue", "dead", "--replays", text(&replays)][..], &at].concat());
    assert_eq!(code, 0, "{stderr}");
    let replay = report["letters"][0]["replay"].as_str().unwrap();
    assert_eq!(tapstone(&["queue", "replay", replay, "--key", text(&keys)]).0, 0);
    let (code, report, _) = tapstone(&[&["queue", "requeue", &key][..], &at].concat());
    assert_eq!((code, &report["queued_again"]), (0, &json!(1)));
    refused(&[&["queue", "requeue", &key][..], &at].concat(), 2, "needed a dead one");
    let planner = scene.planner(&["--resume"]);
    let worker = scene.worker("a", &["--drain", "--tables", "2"]);
    scene.check(planner);
    assert_eq!(worker.end().0, 0);
}

#[test]
fn what_is_no_task_is_a_dead_letter_when_two_workers_say_so_and_fails_here_too() {
    let scene = Scene::new(0);
    let store = scene.store();
    let bundle = Folder::new(&scene.artefacts()).put(b"no task").unwrap();
    let (keys, key) = (Proven::once().keys(), Proven::once().key());
    let (_, report, _) = tapstone(&["keys", "show", "--shape", "tiny", "--keys", text(&keys)]);
    let vk_id = report["vk_id"].as_str().unwrap().parse().unwrap();
    let task = |bundle| NewTask {
        key: TaskKey::of(vk_id, bundle),
        vk_id,
        chain_id: 1,
        batch_number: 7,
        bundle,
        memory: 1,
        deadline: 1,
        max_attempts: 3,
    };
    store.add(&[task(bundle)]).unwrap();
    let replays = scene.path("replays");
    assert_eq!(scene.worker("a", &["--drain", "--replays", text(&replays)]).end().0, 0);
    let replay = replays.join(format!("{}.replay", task(bundle).key));
    refused(
        &["queue", "replay", text(&replay), "--key", text(&key)],
        1,
        "not a task of format tapstone-task/1; it fails whoever tries",
    );
    let wrong = scene.path("wrong");
    fs::write(&wrong, "no bundle").unwrap();
    refused(&["queue", "replay", text(&wrong), "--key", text(&key)], 3, "not a replay bundle");
    let all = ["queue", "requeue", "--all-dead", "--store", &scene.place];
    assert_eq!(tapstone(&all).1["queued_again"], 0, "one worker's word is not enough");
    assert_eq!(scene.worker("b", &["--drain"]).end().0, 0);
    assert_eq!(tapstone(&all).1["queued_again"], 1);
    assert_eq!(tapstone(&all).1["queued_again"], 0);
    refused(&["queue", "requeue", "abc", "--store", &scene.place], 2, "not the key of a task");
    let unknown = TaskKey::of(vk_id, ArtefactId::of(b"unknown")).to_string();
    refused(&["queue", "requeue", &unknown, "--store", &scene.place], 2, "no task");
    refused(&["queue", "replay", &unknown, "--store", &scene.place], 2, "has no task");
}

#[test]
fn a_confined_worker_is_shown_and_pardoned() {
    let scene = Scene::new(0);
    drop(scene.store());
    let (code, report, _) = tapstone(&["queue", "confine", "a", "--reason", "a test", "--store", &scene.place]);
    assert_eq!((code, &report["confined"]), (0, &json!("a")));
    let (_, status, _) = tapstone(&["queue", "status", "--store", &scene.place]);
    assert_eq!(status["workers"][0]["quarantine"], "a test");
    let (code, _, stderr) = scene.worker("a", &["--drain"]).end();
    assert!(code == 1 && stderr.contains("worker a is in quarantine: a test"), "{stderr}");
    refused(&["queue", "pardon", "b", "--store", &scene.place], 2, "knows no worker");
    let (code, report, _) = tapstone(&["queue", "pardon", "a", "--store", &scene.place]);
    assert_eq!((code, &report["reason"]), (0, &json!("a test")));
    refused(&["queue", "pardon", "a", "--store", &scene.place], 2, "not in quarantine");
    assert_eq!(scene.worker("a", &["--drain"]).end().0, 0);
}

#[test]
fn the_queue_is_watched_in_a_pipe() {
    let scene = Scene::new(2);
    let planner = scene.planner(&[]);
    scene.until_queued();
    let watch = ["queue", "watch", "--until-empty", "--interval", "20", "--store", &scene.place];
    let watcher = Process::start(&watch);
    let worker = scene.worker("a", &["--drain"]);
    scene.check(planner);
    assert_eq!(worker.end().0, 0);
    let (code, lines, _) = watcher.end();
    let lines: Vec<Value> = lines.as_str().unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, &lines.last().unwrap()["done"]), (0, &json!(2)));
    let output = command().args(watch).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("0 queued, 0 leased (0 lapsed), 2 done, 0 dead;") && said.lines().count() == 1, "{said}");
}

/// Where a worker says that its metrics are.
pub fn metrics_at(worker: &Process) -> String {
    let line = worker.until_says("metrics at http://");
    line.split_once("http://").unwrap().1.split('/').next().unwrap().to_owned()
}

/// What a worker's metrics server answers.
pub fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn metrics_are_served_on_loopback() {
    let scene = Scene::new(0);
    drop(scene.store());
    let mut worker = scene.worker("a", &["--metrics", "127.0.0.1:0"]);
    let address = metrics_at(&worker);
    let page = ask(&address, "GET /metrics");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("tapstone_queue_up{worker=\"a\"} 1"), "{page}");
    assert!(ask(&address, "GET /").starts_with("HTTP/1.1 404"));
    assert!(ask(&address, "POST /metrics").starts_with("HTTP/1.1 405"));
    worker.signal("INT");
    assert!(worker.wait().unwrap().success());
    let (code, _, stderr) = scene.worker("a", &["--metrics", "0.0.0.0:0", "--drain"]).end();
    assert!(code == 2 && stderr.contains("--metrics-public"), "{stderr}");
    let (code, _, stderr) = scene.worker("a", &["--metrics", "0.0.0.0:0", "--metrics-public", "--drain"]).end();
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn tables_are_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.sqlite");
    let place = format!("sqlite:{}", path.display());
    let migrate = |more: &[&str]| tapstone(&[&["queue", "migrate", "--store", &place][..], more].concat());
    let (code, report, _) = migrate(&["--dry-run"]);
    assert_eq!((code, &report["version"], path.exists()), (0, &json!(0), false));
    assert_eq!(migrate(&[]).1["migration"], "tables of version 3 were made");
    for more in [&["--dry-run"][..], &[]] {
        assert_eq!(migrate(more).1["migration"], "nothing to do");
    }
    refused(&["queue", "migrate", "--roles", "--store", &place], 2, "--roles is for PostgreSQL");
}

#[test]
fn passwords_do_not_belong_on_a_command_line() {
    let key = Proven::once().key();
    let file = batches().join("tiny.jsonl");
    let place = "postgres://me:hush@127.0.0.1/queue";
    for args in [
        vec!["queue", "status", "--store", place],
        vec!["queue", "migrate", "--store", "postgres://me@127.0.0.1/queue?password=hush"],
        vec!["worker", text(&key), "--store", place, "--artefacts", "x"],
        vec!["prove", text(&file), "--shape", "tiny", "--store", place],
    ] {
        let (code, report, stderr) = tapstone(&[&args[..], &["--log", "debug"]].concat());
        assert!(code == 2 && stderr.contains("PGPASSWORD") && stderr.contains("--password-file"), "{stderr}");
        assert!(!stderr.contains("hush") && !report.to_string().contains("hush"), "{stderr}");
    }
}

#[test]
fn a_worker_refuses_what_does_not_fit_before_it_takes_work() {
    let folder = tempfile::tempdir().unwrap();
    let place = format!("sqlite:{}", folder.path().join("queue.sqlite").display());
    let key = Proven::once().key();
    let at = ["--store", &place];
    // The log comes before the error.
    let worker = |args: &[&str], code: i32, part: &str| {
        let (had, _, stderr) = tapstone(&[&["worker"][..], args, &at].concat());
        assert!(had == code && stderr.lines().count() == 1 && stderr.contains(part), "{had}: {stderr}");
    };
    worker(&[text(&key)], 5, "queue.sqlite: no such file");
    refused(&["queue", "status", "--store", &place], 5, "tapstone queue migrate");
    assert_eq!(tapstone(&[&["queue", "migrate"][..], &at].concat()).0, 0);
    worker(&["/nonexistent"], 5, "/nonexistent");
    worker(&[text(folder.path())], 4, "no key of circuit version 3");
    worker(&[text(&key), "--max-memory", "1M"], 5, "--max-memory allows 1");
    worker(&[text(&key), "--name", "a\nb"], 2, "no name of a worker");
    let wrong = folder.path().join("wrong");
    fs::write(&wrong, "no key").unwrap();
    worker(&[text(&wrong)], 4, "wrong");
    worker(&[text(&key), "--artefacts", "ftp://host/bucket"], 2, "needed a folder or s3://bucket/prefix");
    let mut damaged = fs::read(&key).unwrap();
    damaged.truncate(damaged.len() / 2);
    fs::write(&wrong, damaged).unwrap();
    worker(&[text(&wrong)], 4, "damaged");
    refused(&["queue", "status", "--store", "queue.sqlite"], 2, "needed sqlite:FILE or postgres://");
    fs::write(&wrong, "no database\n".repeat(500)).unwrap();
    refused(&["queue", "status", "--store", &format!("sqlite:{}", wrong.display())], 5, "database");
}

#[test]
fn the_commands_of_scaling_md_work() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prover/work/SCALING.md");
    let manual = fs::read_to_string(manual).unwrap();
    let (_, section) = manual.split_once("## From the command line").unwrap();
    let script = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin("tapstone");
    let path = format!("{}:{}", text(program.parent().unwrap()), std::env::var("PATH").unwrap());
    // The key is one that is there already: making one takes the longest.
    fs::create_dir(folder.path().join("keys")).unwrap();
    let key = Proven::once().key();
    fs::copy(&key, folder.path().join("keys").join(key.file_name().unwrap())).unwrap();
    let script = format!("set -euo pipefail\n{script}");
    let output = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).env("PATH", path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("queued               0") && folder.path().join("out/manifest.json").exists(), "{said}");
}

//! The committed header is what cbindgen makes, and a C program that uses it links to the static library and runs.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const HEADER: &str = "include/tapstone_verifier.h";

fn header() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new().with_config(config).with_src(root.join("src/lib.rs")).generate().unwrap();
    let mut out = Vec::new();
    bindings.write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
#[ignore = "writes the header"]
fn write_header() {
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(HEADER), header()).unwrap();
}

#[test]
fn the_header_is_what_cbindgen_makes() {
    assert_eq!(fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(HEADER)).unwrap(), header());
}

#[test]
fn a_c_program_links_to_the_static_library() {
    // Cargo puts the library next to this test, with a hash in its name; the newest is the one built with it.
    let test = std::env::current_exe().unwrap();
    let built = fs::read_dir(test.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("libtapstone_verifier");
    let library = built
        .filter(|path| named(path) && path.extension().is_some_and(|e| e == "a"))
        .max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap())
        .unwrap();
    let program = test.with_file_name(format!("capi-test-{}", std::process::id()));
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compiled = Command::new(compiler)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-Iinclude", "tests/verify.c", "-o"])
        .arg(&program)
        .arg(&library)
        .args(["-lpthread", "-ldl", "-lm"])
        .status()
        .unwrap();
    assert!(compiled.success());
    let ran = Command::new(&program).arg("../tests/data").current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    fs::remove_file(&program).unwrap();
    assert!(ran.success());
}

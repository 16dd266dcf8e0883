//! libfaketime: processes whose clock is wrong.
//!
//! Where there is no such library the test says so and passes, unless `TAPSTONE_REQUIRE_FAKETIME=1`.

use std::fs;
use std::process::Command;

/// Where Debian's package `faketime` puts the variant for programs with threads, below a folder of the machine's kind.
const NAME: &str = "faketime/libfaketimeMT.so.1";

/// The library, to be preloaded.
pub fn library() -> Option<&'static str> {
    let found = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path().join(NAME)).find(|path| path.exists());
    let Some(found) = found else {
        let required = std::env::var("TAPSTONE_REQUIRE_FAKETIME").is_ok_and(|value| value == "1");
        assert!(!required, "TAPSTONE_REQUIRE_FAKETIME is 1 and there is no {NAME} here");
        eprintln!("NOT TESTED: there is no {NAME} in a folder of /usr/lib");
        return None;
    };
    Some(found.to_str().unwrap().to_owned().leak())
}

/// A time as GNU date reads it, in seconds since 1970.
pub fn seconds(time: &str) -> i64 {
    let output = Command::new("date").args(["-u", "+%s", "-d", time]).output().unwrap();
    assert!(output.status.success(), "{time}");
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

//! Arrivals of transactions: read from a file, or drawn from a seed.

use std::path::Path;

use serde::Deserialize;
use tapstone_circuits::shape::SlotKind;

use super::random::Random;
use crate::exit::{Failure, Reason};
use crate::files;

/// The most arrivals of a simulation: their times take some hundred megabytes.
pub const MOST: usize = 5_000_000;
/// The longest file of arrivals, in bytes.
const LONGEST: usize = 256 << 20;
/// A day, the period of traffic unless told otherwise.
const DAY: f64 = 86_400.0;

/// A transaction that comes in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// Seconds since the start.
    pub seconds: f64,
    /// The slot that it takes.
    pub slot: SlotKind,
}

/// Arrivals of a file, or of `rate=...`.
///
/// # Errors
/// What does not read, with the line or the name that is wrong, and more than [`MOST`] arrivals.
pub fn arrivals(text: &str, seed: u64) -> Result<Vec<Arrival>, Failure> {
    let list = if text.contains('=') && !Path::new(text).exists() {
        Traffic::read(text)?.draw(seed)
    } else {
        read(Path::new(text))?
    };
    if list.is_empty() {
        return Err(Failure::new(Reason::Input, format!("{text}: no transaction comes in")));
    }
    Ok(list)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seconds: f64,
    #[serde(default)]
    slot: Slot,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Slot {
    #[default]
    Pair,
    Single,
}

fn read(path: &Path) -> Result<Vec<Arrival>, Failure> {
    let text = files::read_text(path, LONGEST)?;
    let bad = |line: usize, what: &dyn std::fmt::Display| Failure::at(Reason::Input, path, format!("line {line}: {what}"));
    let mut list: Vec<Arrival> = Vec::new();
    let mut add = |number: usize, line: Line| {
        if !(line.seconds.is_finite() && line.seconds >= 0.0) {
            return Err(bad(number, &format!("{} seconds, needed 0 or more", line.seconds)));
        }
        if let Some(last) = list.last().filter(|last| last.seconds > line.seconds) {
            return Err(bad(number, &format!("{} seconds after {}, needed in order", line.seconds, last.seconds)));
        }
        if list.len() == MOST {
            return Err(bad(number, &format!("more than {MOST} transactions")));
        }
        let slot = match line.slot {
            Slot::Pair => SlotKind::Pair,
            Slot::Single => SlotKind::Single,
        };
        list.push(Arrival { seconds: line.seconds, slot });
        Ok(())
    };
    if text.trim_start().starts_with('{') {
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            add(index + 1, serde_json::from_str(line).map_err(|error| bad(index + 1, &error))?)?;
        }
    } else {
        let mut table = csv::Reader::from_reader(text.as_bytes());
        let headers = table.headers().map_err(|error| bad(1, &error))?;
        if !headers.iter().any(|name| name == "seconds") {
            return Err(bad(1, &"no column named seconds"));
        }
        for (index, line) in table.deserialize().enumerate() {
            add(index + 2, line.map_err(|error| bad(index + 2, &error))?)?;
        }
    }
    Ok(list)
}

/// Traffic that is drawn: waits are exponential, the rate swings like a sine.
#[derive(Debug)]
struct Traffic {
    /// Transactions a second, on average.
    rate: f64,
    /// Seconds until the last one.
    seconds: f64,
    /// The share that takes a slot for one account.
    singles: f64,
    /// How far the rate swings, as a share of it.
    swing: f64,
    /// Seconds of a swing.
    period: f64,
}

impl Traffic {
    fn read(text: &str) -> Result<Self, Failure> {
        let mut traffic = Self { rate: 0.0, seconds: 3600.0, singles: 0.0, swing: 0.0, period: DAY };
        for part in text.split(',') {
            let bad = |what: &str| Failure::new(Reason::Usage, format!("--simulate: {part}: {what}"));
            let (name, value) = part.split_once('=').ok_or_else(|| bad("needed name=number, or a file that exists"))?;
            let value: f64 = value.parse().map_err(|_| bad("not a number"))?;
            let (field, most) = match name {
                "rate" => (&mut traffic.rate, f64::MAX),
                "seconds" => (&mut traffic.seconds, f64::MAX),
                "period" => (&mut traffic.period, f64::MAX),
                "singles" => (&mut traffic.singles, 1.0),
                "swing" => (&mut traffic.swing, 1.0),
                _ => return Err(bad("needed rate, seconds, singles, swing or period")),
            };
            if !(0.0..=most).contains(&value) {
                return Err(bad(if most == 1.0 { "needed 0 to 1" } else { "needed 0 or more" }));
            }
            *field = value;
        }
        for (name, value) in [("rate", traffic.rate), ("seconds", traffic.seconds), ("period", traffic.period)] {
            if value == 0.0 {
                return Err(Failure::new(Reason::Usage, format!("--simulate: {name} is 0, needed more")));
            }
        }
        // Draws of so many differ by less than a hundredth from their mean.
        if traffic.rate * traffic.seconds > 0.99 * MOST as f64 {
            let what = format!(
                "--simulate: {} transactions a second for {} s are more than {MOST}: fewer seconds",
                traffic.rate, traffic.seconds
            );
            return Err(Failure::new(Reason::Usage, what));
        }
        Ok(traffic)
    }

    fn draw(&self, seed: u64) -> Vec<Arrival> {
        let (mut times, mut kinds) = (Random::new(seed, 1), Random::new(seed, 2));
        let highest = self.rate * (1.0 + self.swing);
        let (mut list, mut seconds) = (Vec::new(), times.wait(1.0 / highest));
        while seconds < self.seconds && list.len() < MOST {
            // Of arrivals at the highest rate some are left out where the rate is lower.
            let rate = self.rate * (1.0 + self.swing * (std::f64::consts::TAU * seconds / self.period).sin());
            if times.share() * highest < rate {
                let slot = if kinds.share() < self.singles { SlotKind::Single } else { SlotKind::Pair };
                list.push(Arrival { seconds, slot });
            }
            seconds += times.wait(1.0 / highest);
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_traffic_has_its_rate_and_its_kinds() {
        let list = arrivals("rate=50,seconds=2000,singles=0.25,swing=0.8,period=500", 7).unwrap();
        assert!((list.len() as f64 / 100_000.0 - 1.0).abs() < 0.02, "{}", list.len());
        let singles = list.iter().filter(|arrival| arrival.slot == SlotKind::Single).count();
        assert!((singles as f64 / list.len() as f64 - 0.25).abs() < 0.01);
        // The first quarter of a swing is busier than the third.
        let within = |from: f64, to: f64| list.iter().filter(|a| (from..to).contains(&(a.seconds % 500.0))).count();
        assert!(within(0.0, 250.0) > 2 * within(250.0, 500.0));
        assert!(list.windows(2).all(|pair| pair[0].seconds <= pair[1].seconds));
        assert_eq!(list, arrivals("rate=50,seconds=2000,singles=0.25,swing=0.8,period=500", 7).unwrap());
        assert_ne!(list, arrivals("rate=50,seconds=2000,singles=0.25,swing=0.8,period=500", 8).unwrap());
    }

    #[test]
    fn what_does_not_read_is_refused_with_its_reason() {
        for (text, reason) in [
            ("rate=0", "rate is 0"),
            ("seconds=5", "rate is 0"),
            ("rate=1,seconds=0", "seconds is 0"),
            ("rate=x", "not a number"),
            ("rate=NaN", "needed 0 or more"),
            ("rate=-1", "needed 0 or more"),
            ("rate=inf", "needed 0 or more"),
            ("rate=1,singles=2", "needed 0 to 1"),
            ("rate=1,colour=2", "needed rate"),
            ("rate=1,2", "needed name=number"),
            ("rate=100000,seconds=3600", "fewer seconds"),
            ("rate=0.001,seconds=0.001", "no transaction comes in"),
        ] {
            let error = arrivals(text, 1).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn files_are_read_in_either_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            arrivals(path.to_str().unwrap(), 1)
        };
        let both = read("seconds,slot\n0.5,pair\n2,single\n").unwrap();
        assert_eq!(both[1], Arrival { seconds: 2.0, slot: SlotKind::Single });
        assert_eq!(read("{\"seconds\":0.5}\n\n{\"seconds\":2,\"slot\":\"single\"}\n").unwrap(), both);
        for (text, reason) in [
            ("seconds,slot\n2,pair\n1,pair\n", "line 3: 1 seconds after 2"),
            ("seconds\n-1\n", "line 2: -1 seconds"),
            ("seconds\nNaN\n", "line 2: NaN seconds"),
            ("seconds,slot\n1,triple\n", "line 2"),
            ("time\n1\n", "no column named seconds"),
            ("{\"seconds\":1}\n{\"time\":1}\n", "line 2"),
            ("seconds\n", "no transaction comes in"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}

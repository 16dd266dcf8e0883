//! [`Registry`]: which keys a caller pins, and for which batches.
//!
//! A registry is the caller's own data: it comes from where the rest of the caller's configuration comes from, never from where
//! batches do. Old keys stay in it with the batches that they proved, so that an upgrade keeps those verifiable.

use crate::{error::RegistryError, key::VkId, statement::BATCH_NUMBER_END};
use alloc::{format, string::String, vec::Vec};

/// First line of the text form.
const HEADER: &str = "tapstone-keys/1";

/// A key id, and the batches that it may prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin {
    /// The first batch, at least 1.
    pub first_batch: u64,
    /// The key's id.
    pub vk_id: VkId,
    /// The last batch; `None` where no end is set yet.
    pub last_batch: Option<u64>,
}

impl Pin {
    /// A key for all batches.
    pub const fn always(vk_id: VkId) -> Self {
        Self { first_batch: 1, vk_id, last_batch: None }
    }

    /// Whether the key may prove this batch.
    pub fn covers(&self, batch_number: u64) -> bool {
        self.first_batch <= batch_number && self.last_batch.is_none_or(|last| batch_number <= last)
    }
}

/// The keys that a caller pins. Several may be good for one batch: each shape of a chain has its own.
///
/// Text form: the line `tapstone-keys/1`, then a line for each pin, `<first batch> <key id> <last batch or ->`, in rising order, each
/// line ended by a line feed. What is read back is written the same; everything else is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry(Vec<Pin>);

impl Registry {
    /// The most pins that a registry holds.
    pub const MAX_PINS: usize = 1024;

    /// Takes pins in any order.
    ///
    /// # Errors
    /// If there are none or more than 1,024, a range is empty or not within 1 .. 2^48, or a key is pinned twice for one batch.
    pub fn new(pins: impl IntoIterator<Item = Pin>) -> Result<Self, RegistryError> {
        let mut sorted: Vec<Pin> = pins.into_iter().take(Self::MAX_PINS + 1).collect();
        sorted.sort_unstable();
        Self::from_sorted(sorted)
    }

    fn from_sorted(pins: Vec<Pin>) -> Result<Self, RegistryError> {
        if pins.is_empty() || pins.len() > Self::MAX_PINS {
            return Err(RegistryError::Count { most: Self::MAX_PINS, actual: pins.len() });
        }
        for (i, pin) in pins.iter().enumerate() {
            let last = pin.last_batch.unwrap_or(pin.first_batch);
            if pin.first_batch == 0 || last < pin.first_batch || last >= BATCH_NUMBER_END {
                return Err(RegistryError::Range { pin: *pin });
            }
            let earlier = pins.get(..i).unwrap_or(&[]);
            if let Some(other) = earlier.iter().find(|other| other.vk_id == pin.vk_id && other.covers(pin.first_batch)) {
                return Err(RegistryError::Overlap { first: *other, second: *pin });
            }
        }
        Ok(Self(pins))
    }

    /// Whether a key may prove a batch.
    pub fn allows(&self, vk_id: VkId, batch_number: u64) -> bool {
        self.0.iter().any(|pin| pin.vk_id == vk_id && pin.covers(batch_number))
    }

    /// The keys that may prove a batch.
    pub fn at(&self, batch_number: u64) -> impl Iterator<Item = VkId> + '_ {
        self.0.iter().filter(move |pin| pin.covers(batch_number)).map(|pin| pin.vk_id)
    }

    /// The pins, in rising order.
    pub fn pins(&self) -> &[Pin] {
        &self.0
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        let mut out = format!("{HEADER}\n");
        for Pin { first_batch, vk_id, last_batch } in &self.0 {
            match last_batch {
                Some(last) => out.push_str(&format!("{first_batch} {vk_id} {last}\n")),
                None => out.push_str(&format!("{first_batch} {vk_id} -\n")),
            }
        }
        out
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// As [`Registry::new`], and with the number of the first line that is not what [`Registry::to_text`] writes.
    pub fn from_text(text: &str) -> Result<Self, RegistryError> {
        let body = text.strip_suffix('\n').ok_or(RegistryError::Line { number: text.split('\n').count() })?;
        let mut lines = body.split('\n').enumerate();
        if lines.next().map(|(_, line)| line) != Some(HEADER) {
            return Err(RegistryError::Line { number: 1 });
        }
        let mut pins: Vec<Pin> = Vec::new();
        for (index, line) in lines {
            if pins.len() == Self::MAX_PINS {
                return Err(RegistryError::Count { most: Self::MAX_PINS, actual: pins.len() + 1 });
            }
            let pin = parse(line).filter(|pin| pins.last().is_none_or(|last| last < pin));
            pins.push(pin.ok_or(RegistryError::Line { number: index + 1 })?);
        }
        Self::from_sorted(pins)
    }
}

fn parse(line: &str) -> Option<Pin> {
    let mut words = line.split(' ');
    let (first, vk_id, last) = (words.next()?, words.next()?, words.next()?);
    let last_batch = if last == "-" { None } else { Some(number(last)?) };
    let pin = Pin { first_batch: number(first)?, vk_id: vk_id.parse().ok()?, last_batch };
    words.next().is_none().then_some(pin)
}

/// A decimal number without leading zeros or sign.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(id: u8, first_batch: u64, last_batch: Option<u64>) -> Pin {
        Pin { first_batch, vk_id: VkId::from_bytes([id; 32]), last_batch }
    }

    #[test]
    fn ranges_include_both_ends_and_old_keys_stay_good_for_old_batches() {
        let registry = Registry::new([pin(2, 10, None), pin(1, 1, Some(9)), pin(3, 5, Some(12))]).unwrap();
        let at = |n| registry.at(n).map(|id| id.to_bytes()[0]).collect::<Vec<_>>();
        assert_eq!(at(0), []);
        assert_eq!([at(1), at(4)], [[1], [1]]);
        assert_eq!([at(5), at(9)], [[1, 3], [1, 3]]);
        assert_eq!([at(10), at(12)], [[3, 2], [3, 2]]);
        assert_eq!([at(13), at(BATCH_NUMBER_END - 1)], [[2], [2]]);
        let id = VkId::from_bytes([1; 32]);
        assert!(registry.allows(id, 9) && !registry.allows(id, 10) && !registry.allows(VkId::from_bytes([9; 32]), 9));
    }

    #[test]
    fn ranges_and_overlaps_are_checked() {
        for bad in [pin(1, 0, None), pin(1, 5, Some(4)), pin(1, 1, Some(BATCH_NUMBER_END)), pin(1, BATCH_NUMBER_END, None)] {
            assert_eq!(Registry::new([bad]), Err(RegistryError::Range { pin: bad }));
        }
        let (a, b) = (pin(1, 1, Some(9)), pin(1, 9, None));
        assert_eq!(Registry::new([b, a]), Err(RegistryError::Overlap { first: a, second: b }));
        assert!(Registry::new([a, pin(1, 10, None)]).is_ok());
        assert_eq!(Registry::new([]), Err(RegistryError::Count { most: 1024, actual: 0 }));
        let many = (1..).map(|n| pin(1, n, Some(n)));
        assert_eq!(Registry::new(many), Err(RegistryError::Count { most: 1024, actual: 1025 }));
    }

    #[test]
    fn text_round_trips_and_is_strict() {
        let registry = Registry::new([pin(0xab, 10, None), pin(1, 1, Some(9))]).unwrap();
        let text = registry.to_text();
        assert_eq!(text, format!("tapstone-keys/1\n1 {} 9\n10 {} -\n", "01".repeat(32), "ab".repeat(32)));
        assert_eq!(Registry::from_text(&text), Ok(registry));
        for (from, to, number) in [
            ("tapstone-keys/1", "tapstone-keys/2", 1),
            ("\n1 ", "\n01 ", 2),
            ("\n1 ", "\n+1 ", 2),
            ("\n1 ", "\n1  ", 2),
            (" 9\n", " 9 \n", 2),
            (" 9\n", " 9\r\n", 2),
            (" 9\n", " \n", 2),
            ("ab ", "AB ", 3),
            (" -\n", " -\n\n", 4),
            ("\n10 ", "\n1 00", 3),
        ] {
            let bad = text.replace(from, to);
            assert_eq!(Registry::from_text(&bad), Err(RegistryError::Line { number }), "{bad:?}");
        }
        assert_eq!(Registry::from_text(text.trim_end()), Err(RegistryError::Line { number: 3 }));
        assert_eq!(Registry::from_text(""), Err(RegistryError::Line { number: 1 }));
        let swapped = format!("tapstone-keys/1\n10 {} -\n1 {} 9\n", "ab".repeat(32), "01".repeat(32));
        assert_eq!(Registry::from_text(&swapped), Err(RegistryError::Line { number: 3 }));
    }
}

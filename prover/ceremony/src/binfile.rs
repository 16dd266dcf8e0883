//! The container of iden3's files: a magic word, a version, and numbered sections, all numbers little-endian.

use std::ops::Range;

use super::error::{CeremonyFile, CeremonyFileError};
use super::points::Point;

/// The most sections that are read: powers of tau have 11.
const MOST_SECTIONS: u32 = 64;
/// Bytes before the first section, and before each.
const HEAD: usize = 4 + 4 + 4;
const SECTION_HEAD: usize = 4 + 8;

/// A file whose sections were found; their contents are not looked at.
#[derive(Debug)]
pub(super) struct BinFile<'a> {
    file: CeremonyFile,
    bytes: &'a [u8],
    sections: Vec<(u32, Range<usize>)>,
}

impl<'a> BinFile<'a> {
    /// Finds the sections, whose numbers must be among `known`, and which must end where the file ends.
    pub(super) fn parse(
        file: CeremonyFile,
        magic: [u8; 4],
        known: &[u32],
        bytes: &'a [u8],
    ) -> Result<Self, CeremonyFileError> {
        let had = bytes.len() as u64;
        let truncated = |needed: u64| CeremonyFileError::Truncated { file, had, needed };
        let head = bytes.get(..HEAD).ok_or(truncated(HEAD as u64))?;
        if head[..4] != magic {
            return Err(CeremonyFileError::Magic { file, had: [head[0], head[1], head[2], head[3]], needed: magic });
        }
        let (version, count) = (u32_at(head, 4), u32_at(head, 8));
        if version != 1 {
            return Err(CeremonyFileError::Version { file, had: version });
        }
        if count > MOST_SECTIONS {
            return Err(CeremonyFileError::Sections { file, had: count, most: MOST_SECTIONS });
        }
        let mut sections: Vec<(u32, Range<usize>)> = Vec::new();
        let mut at = HEAD;
        for _ in 0..count {
            let start = at + SECTION_HEAD;
            let head = bytes.get(at..start).ok_or(truncated(start as u64))?;
            let (id, length) = (u32_at(head, 0), u64_at(head, 4));
            let end = (start as u64).saturating_add(length);
            if end > had {
                return Err(truncated(end));
            }
            if !known.contains(&id) {
                return Err(CeremonyFileError::Unknown { file, id });
            }
            if sections.iter().any(|(other, _)| *other == id) {
                return Err(CeremonyFileError::Repeated { file, id });
            }
            at = end as usize;
            sections.push((id, start..at));
        }
        if at != bytes.len() {
            return Err(CeremonyFileError::TrailingBytes { file, had, needed: at as u64 });
        }
        Ok(Self { file, bytes, sections })
    }

    /// A section, under a name for errors.
    pub(super) fn section(&self, id: u32, name: &'static str) -> Result<Section<'a>, CeremonyFileError> {
        let missing = CeremonyFileError::Missing { file: self.file, id, section: name };
        let (_, range) = self.sections.iter().find(|(other, _)| *other == id).ok_or(missing)?;
        Ok(Section { file: self.file, name, bytes: &self.bytes[range.clone()] })
    }
}

/// The bytes of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    pub(super) file: CeremonyFile,
    pub(super) name: &'static str,
    pub(super) bytes: &'a [u8],
}

impl<'a> Section<'a> {
    /// Itself, if it has so many bytes.
    pub(super) fn of_length(self, needed: u64) -> Result<Self, CeremonyFileError> {
        if self.bytes.len() as u64 == needed {
            Ok(self)
        } else {
            Err(CeremonyFileError::Length { file: self.file, section: self.name, had: self.bytes.len() as u64, needed })
        }
    }

    pub(super) fn wrong(&self, what: &'static str) -> CeremonyFileError {
        CeremonyFileError::Header { file: self.file, section: self.name, what }
    }

    /// The first `count` points, of which `infinity` says whether they may be at infinity.
    pub(super) fn points<P: Point>(&self, count: usize, infinity: Infinity) -> Result<Vec<P>, CeremonyFileError> {
        P::decode_all(&self.bytes[..self.bytes.len().min(count.saturating_mul(P::BYTES))], infinity)
            .map_err(|(index, reason)| CeremonyFileError::Point { file: self.file, section: self.name, index, reason })
    }

    /// Reads from its start on.
    pub(super) fn reader(&self) -> Reader<'a> {
        Reader { section: *self, at: 0 }
    }
}

/// Whether points may be at infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Infinity {
    /// Where a wire does not occur.
    Allowed,
    /// Where no honest file has it.
    Refused,
}

/// Reads a section field by field.
pub(super) struct Reader<'a> {
    pub(super) section: Section<'a>,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn slice(&mut self, count: usize) -> Result<&'a [u8], CeremonyFileError> {
        let end = self.at.saturating_add(count);
        let slice = self.section.bytes.get(self.at..end).ok_or(CeremonyFileError::Length {
            file: self.section.file,
            section: self.section.name,
            had: self.section.bytes.len() as u64,
            needed: end as u64,
        })?;
        self.at = end;
        Ok(slice)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CeremonyFileError> {
        let mut out = [0; N];
        out.copy_from_slice(self.slice(N)?);
        Ok(out)
    }

    pub(super) fn u8(&mut self) -> Result<u8, CeremonyFileError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32, CeremonyFileError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A point that is not infinity; `index` names it in errors.
    pub(super) fn point<P: Point>(&mut self, index: usize) -> Result<P, CeremonyFileError> {
        let (file, section) = (self.section.file, self.section.name);
        let bytes = self.slice(P::BYTES)?;
        P::decode_all(bytes, Infinity::Refused)
            .map_err(|(_, reason)| CeremonyFileError::Point { file, section, index, reason })?
            .pop()
            .ok_or(self.section.wrong("no point"))
    }

    /// How much was read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn finish(self) -> Result<(), CeremonyFileError> {
        self.section.of_length(self.at as u64).map(drop)
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u64_of(&bytes[at..at + 4]) as u32
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64_of(&bytes[at..at + 8])
}

fn u64_of(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Appends a section.
pub(super) fn put_section(to: &mut Vec<u8>, id: u32, bytes: &[u8]) {
    to.extend(id.to_le_bytes());
    to.extend((bytes.len() as u64).to_le_bytes());
    to.extend(bytes);
}

/// The start of a file.
pub(super) fn head(magic: [u8; 4], sections: u32) -> Vec<u8> {
    let mut out = magic.to_vec();
    out.extend(1u32.to_le_bytes());
    out.extend(sections.to_le_bytes());
    out
}

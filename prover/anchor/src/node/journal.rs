//! [`Journal`]: what was intended, signed, sent and seen, in a file that only grows.
//!
//! Every entry is on the disk before the next thing is done. A line without its end is what a crash leaves and is cut off when the file is opened; any other
//! damage is an error. A lock keeps a second process out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, BlockHash, FeeRate, OutPoint, Psbt, ScriptBuf, Transaction, Txid};
use tapstone_verifier::AnchorHeader;

use super::BlockPlace;
use super::child::Child;
use super::error::JournalError;
use super::record::{ChildEntry, Entry, FORMAT, IntentRecord, OLDEST_FORMAT, line, read};
use crate::{AnchorDescriptor, AnchorKey, AnchorRequest, Coin, First, header_of, with_causes};

/// The longest journal that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// An output that another transaction spent, in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The output.
    pub outpoint: OutPoint,
    /// Who spent it.
    pub spender: Txid,
    /// The block of that one.
    pub at: BlockPlace,
}

/// A transaction of a position: intended, and perhaps signed and sent.
#[derive(Clone, Debug)]
pub struct Version {
    /// What was asked for.
    pub request: AnchorRequest,
    /// The PSBT to sign.
    pub psbt: Psbt,
    /// The tip's height when it was intended.
    pub height: u32,
    /// The signed transaction.
    pub signed: Option<Transaction>,
    /// Whether a node took it once.
    pub sent: bool,
    /// The coin whose spending by another made it dead: it was given up. Only a reorganisation can bring it back.
    pub dead: Option<Spent>,
    /// Its children, the newest last: all spend its change, so that at most one of them confirms.
    pub children: Vec<Child>,
}

impl Version {
    /// The transaction's id, which signatures do not change.
    pub fn txid(&self) -> Txid {
        self.psbt.unsigned_tx.compute_txid()
    }

    /// What it pays as fee.
    pub fn fee(&self) -> Amount {
        self.psbt.fee().unwrap_or(Amount::ZERO)
    }

    /// The outputs that it spends, in order.
    pub fn spends(&self) -> impl Iterator<Item = OutPoint> + '_ {
        self.psbt.unsigned_tx.input.iter().map(|input| input.previous_output)
    }
}

/// The block of an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The transaction, one of the position's versions.
    pub txid: Txid,
    /// The block's hash.
    pub block: BlockHash,
    /// Its height.
    pub height: u32,
}

/// A position of the thread: one header, and the transactions made for it.
#[derive(Clone, Debug)]
pub struct Position {
    /// The header.
    pub header: AnchorHeader,
    /// The transactions, the newest last; never empty.
    pub versions: Vec<Version>,
    /// Where one of them is.
    pub confirmed: Option<Confirmed>,
    /// Whether it is so deep that it is looked at no more.
    pub buried: bool,
}

impl Position {
    /// The transaction in a block, or else the newest signed one that is not dead.
    pub fn live(&self) -> Option<&Version> {
        match self.confirmed {
            Some(confirmed) => self.versions.iter().find(|version| version.txid() == confirmed.txid),
            None => self.versions.iter().rev().find(|version| version.signed.is_some() && version.dead.is_none()),
        }
    }
}

/// A journal that is open, and locked.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    digest: sha256::Hash,
    format: u32,
    chain_id: u32,
    positions: Vec<Position>,
    poisoned: bool,
}

/// The lines of a file that are complete, and whether another follows that is not.
fn whole_lines(file: &mut File) -> io::Result<(Vec<u8>, bool)> {
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let torn = whole < text.len();
    text.truncate(whole);
    Ok((text, torn))
}

impl Journal {
    /// Opens a journal; makes one for the chain if there is none.
    ///
    /// # Errors
    /// If another process has it open, a line is damaged, or the file system refuses.
    pub fn open(path: &Path, chain_id: u32) -> Result<Self, JournalError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut journal = Self::load(path, &options)?;
        if journal.digest == sha256::Hash::all_zeros() {
            journal.chain_id = chain_id;
            journal.append(&Entry::Thread { format: FORMAT, chain_id })?;
            journal.sync_folder()?;
        }
        Ok(journal)
    }

    /// Opens a journal that there is.
    ///
    /// # Errors
    /// As [`Journal::open`], and if there is none or it has no line yet.
    pub fn open_existing(path: &Path) -> Result<Self, JournalError> {
        Self::load(path, OpenOptions::new().read(true).write(true))?.begun()
    }

    /// Reads a journal that there is, to look at: its file stays as it is, and may be one that another
    /// process has open or that cannot be written to. Lines are only ever added, and one that is not complete
    /// does not count.
    ///
    /// # Errors
    /// As [`Journal::open_existing`], but for another process.
    pub fn look(path: &Path) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(io)?;
        let (text, _) = whole_lines(&mut file).map_err(io)?;
        Self::of(path, file, text)?.begun()
    }

    fn begun(self) -> Result<Self, JournalError> {
        if self.digest == sha256::Hash::all_zeros() {
            return Err(self.refuse(1, "it has no first line"));
        }
        Ok(self)
    }

    fn load(path: &Path, options: &OpenOptions) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        let mut file = options.open(path).map_err(io)?;
        file.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => JournalError::Busy { path: path.to_owned() },
            TryLockError::Error(source) => io(source),
        })?;
        let (text, torn) = whole_lines(&mut file).map_err(io)?;
        if torn {
            file.set_len(text.len() as u64).map_err(io)?;
            file.sync_all().map_err(io)?;
        }
        Self::of(path, file, text)
    }

    /// The journal that these lines are.
    fn of(path: &Path, mut file: File, text: Vec<u8>) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let digest = sha256::Hash::all_zeros();
        let mut journal = Self {
            path: path.to_owned(),
            file,
            digest,
            format: FORMAT,
            chain_id: 0,
            positions: Vec::new(),
            poisoned: false,
        };
        let text = String::from_utf8(text).map_err(|_| journal.refuse(1, "not UTF-8"))?;
        for (index, line) in text.lines().enumerate() {
            let (entry, digest) = read(&journal.digest, line).map_err(|e| journal.refuse(index + 1, e))?;
            if let Entry::Thread { format, chain_id } = entry {
                journal.check_format(format)?;
                if index > 0 {
                    return Err(journal.refuse(index + 1, "a second first line"));
                }
                (journal.format, journal.chain_id) = (format, chain_id);
            } else if index == 0 {
                return Err(journal.refuse(1, "not the first line of a journal"));
            } else {
                if let Entry::Format { format } = entry {
                    journal.check_format(format)?;
                }
                journal.apply(&entry).map_err(|e| journal.refuse(index + 1, e))?;
            }
            journal.digest = digest;
        }
        Ok(journal)
    }

    fn check_format(&self, had: u32) -> Result<(), JournalError> {
        if (OLDEST_FORMAT..=FORMAT).contains(&had) {
            return Ok(());
        }
        Err(JournalError::FormatVersion { path: self.path.clone(), had, needed: FORMAT })
    }

    fn refuse(&self, line: usize, reason: impl Into<String>) -> JournalError {
        JournalError::Line { path: self.path.clone(), line, reason: reason.into() }
    }

    fn sync_folder(&self) -> Result<(), JournalError> {
        // Elsewhere a folder is no file that can be synced.
        #[cfg(unix)]
        {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let io = |source| JournalError::Io { path: folder.to_owned(), source };
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        Ok(())
    }

    /// The chain whose anchors these are.
    pub fn chain_id(&self) -> u32 {
        self.chain_id
    }

    /// The positions from 0 on.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Every output that some transaction of the journal spends or makes as an anchor. The coins of a dead one are free, and so is the change that a
    /// child would spend which is moot.
    pub(super) fn spoken_for(&self) -> impl Iterator<Item = OutPoint> + '_ {
        let versions = self.positions.iter().flat_map(|position| &position.versions);
        versions.flat_map(|version| {
            let bound = if version.dead.is_some() { 1 } else { usize::MAX };
            let for_child = version.change().filter(|_| version.children.iter().any(|child| !child.moot));
            version.spends().take(bound).chain([OutPoint { txid: version.txid(), vout: 0 }]).chain(for_child)
        })
    }

    /// Whether an anchor that may yet confirm spends an output.
    pub(super) fn pays_for_an_anchor(&self, outpoint: OutPoint) -> bool {
        let mut versions = self.positions.iter().flat_map(|position| &position.versions);
        versions.any(|version| version.dead.is_none() && version.spends().any(|spends| spends == outpoint))
    }

    /// The child with this id, its parent, and the position.
    pub(super) fn child(&self, txid: Txid) -> Option<(&Position, &Version, &Child)> {
        self.positions.iter().find_map(|position| {
            position.versions.iter().find_map(|version| {
                let child = version.children.iter().find(|child| child.txid() == txid)?;
                Some((position, version, child))
            })
        })
    }

    /// Whether a transaction is one of the journal's.
    pub(super) fn is_own(&self, txid: Txid) -> bool {
        let mut versions = self.positions.iter().flat_map(|position| &position.versions);
        versions.any(|version| version.txid() == txid || version.children.iter().any(|child| child.txid() == txid))
    }

    /// Notes something of a child.
    pub(super) fn note_child(&mut self, sequence: u64, parent: Txid, child: ChildEntry) -> Result<(), JournalError> {
        if self.format < FORMAT {
            self.append(&Entry::Format { format: FORMAT })?;
        }
        self.append(&Entry::Child { sequence, parent: parent.to_string(), child })
    }

    /// Notes a transaction to sign.
    pub(super) fn intend(&mut self, request: &AnchorRequest, psbt: &Psbt, height: u32) -> Result<(), JournalError> {
        let anchor = &request.anchor;
        let recovery = anchor.recovery().map(|(key, blocks)| (key.expression().to_string(), *blocks));
        self.append(&Entry::Intent(IntentRecord {
            sequence: anchor.header().sequence(),
            header: hex::encode(anchor.header().to_bytes()),
            key: anchor.key().expression().to_string(),
            recovery,
            value: request.value.map(Amount::to_sat),
            change: request.change.as_ref().map(|script| script.to_hex_string()),
            rate_sat_per_kwu: request.rate.to_sat_per_kwu(),
            fee_limit: request.fee_limit.to_sat(),
            height,
            psbt: psbt.to_string(),
        }))
    }

    /// Notes a transaction with its signatures.
    pub(super) fn signed(&mut self, sequence: u64, tx: &Transaction) -> Result<(), JournalError> {
        self.append(&Entry::Signed { sequence, tx: serialize_hex(tx) })
    }

    pub(super) fn broadcast(&mut self, sequence: u64, txid: Txid) -> Result<(), JournalError> {
        self.append(&Entry::Broadcast { sequence, txid: txid.to_string() })
    }

    pub(super) fn confirmed(&mut self, sequence: u64, at: Confirmed) -> Result<(), JournalError> {
        let (txid, block) = (at.txid.to_string(), at.block.to_string());
        self.append(&Entry::Confirmed { sequence, txid, block, height: at.height })
    }

    pub(super) fn dropped(&mut self, sequence: u64, at: Confirmed) -> Result<(), JournalError> {
        self.append(&Entry::Dropped { sequence, txid: at.txid.to_string(), block: at.block.to_string() })
    }

    pub(super) fn buried(&mut self, sequence: u64, txid: Txid, depth: u32) -> Result<(), JournalError> {
        self.append(&Entry::Buried { sequence, txid: txid.to_string(), depth })
    }

    pub(super) fn dead(&mut self, sequence: u64, txid: Txid, spent: Spent) -> Result<(), JournalError> {
        self.append(&Entry::Dead {
            sequence,
            txid: txid.to_string(),
            coin: spent.outpoint.to_string(),
            spender: spent.spender.to_string(),
            block: spent.at.hash.to_string(),
            height: spent.at.height,
        })
    }

    /// Writes an entry through to the disk, then believes it.
    fn append(&mut self, entry: &Entry) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned { path: self.path.clone() });
        }
        let refuse = |e: serde_json::Error| JournalError::Line { path: self.path.clone(), line: 0, reason: e.to_string() };
        let (line, digest) = line(&self.digest, entry).map_err(refuse)?;
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            self.poisoned = true;
            return Err(JournalError::Io { path: self.path.clone(), source });
        }
        if !matches!(entry, Entry::Thread { .. }) {
            self.apply(entry).map_err(|e| self.refuse(0, e))?;
        }
        self.digest = digest;
        Ok(())
    }

    fn position(&mut self, sequence: u64) -> Result<&mut Position, String> {
        let index = usize::try_from(sequence).ok();
        index.and_then(|index| self.positions.get_mut(index)).ok_or_else(|| format!("no anchor {sequence} was intended"))
    }

    fn apply(&mut self, entry: &Entry) -> Result<(), String> {
        let one_of = |position: &Position, txid: &str| -> Result<usize, String> {
            let found = position.versions.iter().position(|version| version.txid().to_string() == *txid);
            found.ok_or_else(|| format!("{txid} is no transaction of anchor {}", position.header.sequence()))
        };
        match entry {
            Entry::Thread { .. } => return Err("a second first line".into()),
            Entry::Format { format } => self.format = *format,
            Entry::Child { .. } if self.format < FORMAT => {
                return Err(format!("a child in a journal of format {}, which has none", self.format));
            }
            Entry::Child { sequence, parent, child } => {
                let position = self.position(*sequence)?;
                let index = one_of(position, parent)?;
                if let Some(version) = position.versions.get_mut(index) {
                    version.apply_child(child)?;
                }
            }
            Entry::Intent(record) => self.apply_intent(record)?,
            Entry::Signed { sequence, tx } => {
                let tx: Transaction = deserialize_hex(tx).map_err(|e| with_causes(&e))?;
                let position = self.position(*sequence)?;
                let index = one_of(position, &tx.compute_txid().to_string())?;
                if let Some(version) = position.versions.get_mut(index) {
                    version.signed = Some(tx);
                }
            }
            Entry::Broadcast { sequence, txid } => {
                let position = self.position(*sequence)?;
                let index = one_of(position, txid)?;
                if let Some(version) = position.versions.get_mut(index) {
                    version.sent = true;
                }
            }
            Entry::Confirmed { sequence, txid, block, height } => {
                let block = block.parse().map_err(|_| format!("{block} is no block hash"))?;
                let position = self.position(*sequence)?;
                let index = one_of(position, txid)?;
                if let Some(version) = position.versions.get_mut(index) {
                    // Whoever spent its coin before did so in a block that is gone.
                    version.dead = None;
                    position.confirmed = Some(Confirmed { txid: version.txid(), block, height: *height });
                }
            }
            Entry::Dropped { sequence, .. } => self.position(*sequence)?.confirmed = None,
            Entry::Buried { sequence, .. } => self.position(*sequence)?.buried = true,
            Entry::Dead { sequence, txid, coin, spender, block, height } => {
                let hash = block.parse().map_err(|_| format!("{block} is no block hash"))?;
                let outpoint = coin.parse().map_err(|_| format!("{coin} is no output"))?;
                let spender = spender.parse().map_err(|_| format!("{spender} is no transaction id"))?;
                let spent = Spent { outpoint, spender, at: BlockPlace { height: *height, hash } };
                let position = self.position(*sequence)?;
                let index = one_of(position, txid)?;
                if let Some(version) = position.versions.get_mut(index) {
                    version.dead = Some(spent);
                }
            }
        }
        Ok(())
    }

    fn apply_intent(&mut self, record: &IntentRecord) -> Result<(), String> {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let bytes = hex::decode(&record.header).map_err(|e| text(&e))?;
        let header = AnchorHeader::from_bytes(&bytes).map_err(|e| text(&e))?;
        let psbt: Psbt = record.psbt.parse().map_err(|e: bitcoin::psbt::PsbtParseError| with_causes(&e))?;
        if header_of(&psbt).map_err(|e| text(&e))? != header || record.sequence != header.sequence() {
            return Err("the PSBT is for another header".into());
        }
        if header.chain_id() != self.chain_id {
            return Err(format!("chain {}, needed {}", header.chain_id(), self.chain_id));
        }
        let key = |given: &str| AnchorKey::parse(given, None, self.chain_id).map_err(|e| text(&e));
        let recovery = record.recovery.as_ref().map(|(own, blocks)| Ok::<_, String>((key(own)?, *blocks))).transpose()?;
        let anchor = AnchorDescriptor::new(header, key(&record.key)?, recovery).map_err(|e| text(&e))?;
        let mut coins = psbt.inputs.iter().zip(&psbt.unsigned_tx.input).map(|(input, unsigned)| {
            let output = input.witness_utxo.clone().ok_or("an input lacks the output that it spends")?;
            let origin = input
                .tap_internal_key
                .and_then(|key| input.tap_key_origins.get(&key).map(|(_, source)| (key, source.clone())));
            Ok::<_, String>(Coin { outpoint: unsigned.previous_output, output, key: origin })
        });
        let first = coins.next().ok_or("the PSBT has no input")??;
        let coins = coins.collect::<Result<Vec<_>, _>>()?;
        let index = usize::try_from(record.sequence).map_err(|e| text(&e))?;
        let parent = index.checked_sub(1).map(|before| self.positions.get(before).ok_or("the anchor before is missing"));
        let first = match parent.transpose()? {
            None => First::Origin(first),
            Some(parent) => {
                let spent = parent.versions.iter().find(|version| version.txid() == first.outpoint.txid);
                let spent = spent.filter(|_| first.outpoint.vout == 0).ok_or("input 0 is not the anchor before")?;
                let descriptor = Box::new(spent.request.anchor.clone());
                First::Anchor { descriptor, outpoint: first.outpoint, value: first.output.value }
            }
        };
        let change = record.change.as_deref().map(ScriptBuf::from_hex).transpose().map_err(|e| text(&e))?;
        let request = AnchorRequest {
            anchor,
            first,
            coins,
            value: record.value.map(Amount::from_sat),
            change,
            rate: FeeRate::from_sat_per_kwu(record.rate_sat_per_kwu),
            fee_limit: Amount::from_sat(record.fee_limit),
        };
        let (signed, sent, dead, children) = (None, false, None, Vec::new());
        let mut version = Version { request, psbt, height: record.height, signed, sent, dead, children };
        let next = self.positions.len();
        match self.positions.get_mut(index) {
            Some(position) if position.header == header => {
                let origin = position.versions.first().and_then(|first| first.spends().next());
                if index == 0 && origin != version.spends().next() {
                    return Err("a replacement of the first anchor spends another origin".into());
                }
                // A transaction that was dead and is intended again, after a reorganisation, lives as the newest.
                if let Some(index) = position.versions.iter().position(|other| other.txid() == version.txid()) {
                    let old = position.versions.remove(index);
                    version = Version { signed: old.signed, sent: old.sent, children: old.children, ..version };
                }
                position.versions.push(version);
            }
            Some(_) => return Err(format!("a second header for anchor {index}")),
            None if index == next => {
                self.positions.push(Position { header, versions: vec![version], confirmed: None, buried: false });
            }
            None => return Err(format!("anchor {index} out of order, needed {next}")),
        }
        Ok(())
    }
}

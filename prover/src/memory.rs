//! [`Bytes`]: the bytes of a key, mapped from its file or owned, and `View`, a typed part of them that is read in place.
//!
//! Hazard: a mapped file must not be cut short while it is mapped, or reading it ends the process. Tapstone never writes into a key
//! file: a new one takes the name of the old, whose bytes stay as long as they are mapped.

use std::fs::File;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::sync::Arc;

use memmap2::Mmap;

/// A multiple of every element's alignment, and a line of the cache.
pub(crate) const ALIGNMENT: usize = 64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; ALIGNMENT]);

/// Bytes that start at a multiple of `ALIGNMENT`.
pub struct Bytes(Source);

enum Source {
    Mapped(Mmap),
    Owned { lines: Vec<Line>, length: usize },
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = if matches!(self.0, Source::Mapped(_)) { "mapped" } else { "owned" };
        write!(f, "Bytes({} bytes, {how})", self.len())
    }
}

impl Bytes {
    /// Maps a file.
    ///
    /// # Errors
    /// What the system says.
    pub fn map(file: &File) -> std::io::Result<Self> {
        // SAFETY: nobody changes a key file in place, see the module's documentation; and whatever its bytes are, all types that are
        // read from them hold any bits.
        unsafe { Mmap::map(file) }.map(|map| Self(Source::Mapped(map)))
    }

    /// That many zeros.
    pub(crate) fn zeros(length: usize) -> Self {
        Self(Source::Owned { lines: vec![Line([0; ALIGNMENT]); length.div_ceil(ALIGNMENT)], length })
    }

    /// A copy.
    pub(crate) fn copied(from: &[u8]) -> Self {
        let mut bytes = Self::zeros(from.len());
        bytes.owned_mut().copy_from_slice(from);
        bytes
    }

    /// The bytes to be filled; none of a mapped file.
    pub(crate) fn owned_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Source::Mapped(_) => &mut [],
            // SAFETY: lines lie one after the other, are initialised, and are at least as many bytes as `length` says.
            Source::Owned { lines, length } => unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), *length) },
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Source::Mapped(map) => map,
            // SAFETY: as above.
            Source::Owned { lines, length } => unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), *length) },
        }
    }
}

/// Types that may be read from any bytes.
///
/// # Safety
/// Every pattern of bits is a value, there is no padding, and the alignment divides [`ALIGNMENT`].
pub(crate) unsafe trait Plain: Copy + Send + Sync + 'static {}

// SAFETY: integers, and arrays of them.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for [u32; 2] {}

/// A list of elements within [`Bytes`].
pub(crate) struct View<T> {
    bytes: Arc<Bytes>,
    at: usize,
    count: usize,
    element: PhantomData<T>,
}

impl<T> std::fmt::Debug for View<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "View({} elements)", self.count)
    }
}

impl<T: Plain> View<T> {
    /// The elements in a range of bytes; `None` if it is not a whole number of them, is not aligned, or leaves the bytes.
    pub(crate) fn new(bytes: &Arc<Bytes>, range: Range<usize>) -> Option<Self> {
        let length = bytes.get(range.clone())?.len();
        let fits = length.is_multiple_of(size_of::<T>()) && range.start.is_multiple_of(align_of::<T>());
        fits.then(|| Self {
            bytes: Arc::clone(bytes),
            at: range.start,
            count: length / size_of::<T>(),
            element: PhantomData,
        })
    }
}

impl<T: Plain> Deref for View<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the range lies within the bytes, which neither move nor change as long as they are shared; it is aligned, as they start at a
        // multiple of every alignment; and any bits are a value.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().add(self.at).cast(), self.count) }
    }
}

/// A list that is owned or read in place.
#[derive(Debug)]
pub(crate) enum List<T> {
    /// Owned.
    Owned(Vec<T>),
    /// Part of a key.
    View(View<T>),
}

impl<T: Plain> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Owned(list) => list,
            Self::View(view) => view,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    #[test]
    fn views_read_what_is_there_and_nothing_else() {
        let bytes = Arc::new(Bytes::copied(&(0..100u8).collect::<Vec<_>>()));
        assert_eq!(bytes.as_ptr() as usize % ALIGNMENT, 0);
        let view = View::<u32>::new(&bytes, 4..12).unwrap();
        assert_eq!(view[..], [4, 8].map(|at| u32::from_ne_bytes(std::array::from_fn(|i| at + i as u8))));
        assert_eq!(View::<[u32; 2]>::new(&bytes, 96..96).unwrap().len(), 0);
        for (start, end) in [(4, 11), (2, 6), (96, 104), (200, 204), (8, 4), (usize::MAX, 3)] {
            assert!(View::<u32>::new(&bytes, Range { start, end }).is_none(), "{start}..{end}");
        }
    }

    #[test]
    fn a_mapped_file_is_its_bytes() {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &[7; 65]).unwrap();
        let mut mapped = Bytes::map(&file).unwrap();
        assert_eq!(mapped[..], [7; 65]);
        assert!(mapped.owned_mut().is_empty());
    }
}

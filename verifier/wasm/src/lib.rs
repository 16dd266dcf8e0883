//! The verifier as a WebAssembly module without imports: any host that runs WebAssembly can link it, with no glue.
//!
//! A host asks [`tapstone_alloc`] for room, writes its bytes there, calls [`tapstone_verify`], and gives the room back to
//! [`tapstone_free`]. `tests/verify.mjs` wraps that in a few lines of JavaScript.

use core::slice;

use tapstone_verifier::{Proof, Statement, VerifyingKey, VkId, error::VerifyError, verify};

/// The proof is valid.
const VALID: i32 = 1;
/// The proof is not valid.
const INVALID: i32 = 0;
/// A pointer is null that must not be, whatever length comes with it.
const NULL: i32 = -1;
/// A length that no memory has.
const LENGTH: i32 = -3;

/// Room for `length` bytes, or null for none. To be given back to [`tapstone_free`] with the same length.
#[unsafe(no_mangle)]
pub extern "C" fn tapstone_alloc(length: usize) -> *mut u8 {
    let mut room: Vec<u8> = Vec::new();
    if length == 0 || room.try_reserve_exact(length).is_err() {
        return core::ptr::null_mut();
    }
    room.resize(length, 0);
    Box::into_raw(room.into_boxed_slice()).cast::<u8>()
}

/// Takes back what [`tapstone_alloc`] gave.
///
/// # Safety
/// `room` is null, or came from `tapstone_alloc(length)` and was not given back before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tapstone_free(room: *mut u8, length: usize) {
    if !room.is_null() {
        // SAFETY: the caller gives back a box of this length, which nothing else refers to.
        drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(room, length)) });
    }
}

/// Verifies a proof (128 bytes compressed, or 256 bytes EVM) of a statement (224 bytes) under a key file whose id must be the pinned
/// one (32 bytes). 1: valid. 0: not valid. -1: a pointer is null, as [`tapstone_alloc`] gives it for no bytes and where there is no
/// room. -3: a length that no memory has. Otherwise the negated code of the error, as `tapstone-verifier` lists them.
///
/// The commitment of a valid batch is written to the 32 bytes at `commitment`, unless that is null.
///
/// # Safety
/// Each pointer is null or good for reading the bytes that it comes with, `commitment` for writing 32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tapstone_verify(
    key: *const u8,
    key_length: usize,
    vk_id: *const u8,
    statement: *const u8,
    statement_length: usize,
    proof: *const u8,
    proof_length: usize,
    commitment: *mut u8,
) -> i32 {
    // SAFETY: the caller vouches for the pointers.
    let inputs = unsafe {
        [input(key, key_length), input(vk_id, 32), input(statement, statement_length), input(proof, proof_length)]
    };
    match verdict(inputs) {
        Ok(bytes) => {
            if !commitment.is_null() {
                // SAFETY: the caller vouches for 32 bytes.
                unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), commitment, bytes.len()) };
            }
            VALID
        }
        Err(code) => code,
    }
}

/// The bytes at a pointer.
///
/// # Safety
/// `bytes` is null, or good for reading `length` bytes until `'a` ends.
unsafe fn input<'a>(bytes: *const u8, length: usize) -> Result<&'a [u8], i32> {
    if bytes.is_null() {
        return Err(NULL);
    }
    // No object is longer, and no slice may be.
    if isize::try_from(length).is_err() {
        return Err(LENGTH);
    }
    // SAFETY: the pointer is not null, the length is one that a slice may have, and the caller vouches for the bytes.
    Ok(unsafe { slice::from_raw_parts(bytes, length) })
}

/// The commitment of the batch, from key file, pinned id, statement and proof.
fn verdict([key, id, statement, proof]: [Result<&[u8], i32>; 4]) -> Result<[u8; 32], i32> {
    let (key, id, statement, proof) = (key?, id?, statement?, proof?);
    let negated = |code: u16| -i32::from(code);
    let pinned = id.try_into().map(VkId::from_bytes).map_err(|_| LENGTH)?;
    let key = VerifyingKey::from_bytes(key).map_err(|e| negated(e.code()))?;
    let statement = Statement::from_bytes(statement).map_err(|e| negated(e.code()))?;
    let proof = if proof.len() == Proof::EVM_BYTES { Proof::from_evm_bytes(proof) } else { Proof::from_compressed(proof) };
    let proof = proof.map_err(|e| negated(e.code()))?;
    match verify(&key, pinned, &statement, &proof) {
        Ok(verified) => Ok(verified.commitment().to_bytes()),
        Err(VerifyError::InvalidProof { .. }) => Err(INVALID),
        Err(e) => Err(negated(e.code())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = include_bytes!("../../tests/data/example.vk");
    const STATEMENT: &[u8] = include_bytes!("../../tests/data/example.statement");
    const PROOF: &[u8] = include_bytes!("../../tests/data/example.proof");
    const NOWHERE: *const u8 = core::ptr::null();

    /// Calls as a host does: key, id, statement, proof, each a pointer with a length.
    fn call([key, id, statement, proof]: [(*const u8, usize); 4]) -> i32 {
        let mut commitment = [0; 32];
        // SAFETY: the pointers are null, or those of slices no shorter than the length is taken for.
        unsafe { tapstone_verify(key.0, key.1, id.0, statement.0, statement.1, proof.0, proof.1, commitment.as_mut_ptr()) }
    }

    fn inputs(id: &[u8]) -> [(*const u8, usize); 4] {
        [KEY, id, STATEMENT, PROOF].map(|bytes| (bytes.as_ptr(), bytes.len()))
    }

    #[test]
    fn null_and_lengths_that_cannot_be_are_errors() {
        let id = VerifyingKey::from_bytes(KEY).map(|key| key.id().to_bytes()).unwrap_or_default();
        assert_eq!(call(inputs(&id)), VALID);
        for place in 0..4 {
            for length in [0, 1, 32, usize::MAX] {
                let mut bad = inputs(&id);
                bad[place] = (NOWHERE, length);
                assert_eq!(call(bad), NULL, "{place} {length}");
            }
        }
        for (place, code) in [(0, -301), (2, -101), (3, -201)] {
            let mut bad = inputs(&id);
            bad[place].1 = 0;
            assert_eq!(call(bad), code, "{place}");
            bad[place].1 = usize::MAX;
            assert_eq!(call(bad), LENGTH, "{place}");
        }
    }

    #[test]
    fn no_room_is_null_and_null_is_no_room() {
        for length in [0, usize::MAX, isize::MAX as usize + 1] {
            let room = tapstone_alloc(length);
            assert!(room.is_null(), "{length}");
            // SAFETY: null is no room.
            unsafe { tapstone_free(room, length) };
        }
        let room = tapstone_alloc(3);
        assert!(!room.is_null());
        // SAFETY: it was given for this length.
        unsafe { tapstone_free(room, 3) };
    }
}

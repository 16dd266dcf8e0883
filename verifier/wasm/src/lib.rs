//! The verifier as a WebAssembly module without imports: any host that runs WebAssembly can link it, with no glue.
//!
//! A host asks [`tapstone_alloc`] for room, writes its bytes there, calls [`tapstone_verify`], and gives the room back to
//! [`tapstone_free`]. `tests/verify.mjs` wraps that in a few lines of JavaScript.

use tapstone_verifier::{Proof, Statement, VerifyingKey, VkId, error::VerifyError, verify};

/// The proof is valid.
const VALID: i32 = 1;
/// The proof is not valid.
const INVALID: i32 = 0;

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
/// one (32 bytes). 1: valid. 0: not valid. Otherwise the negated code of the error, as `tapstone-verifier` lists them.
///
/// The commitment of a valid batch is written to the 32 bytes at `commitment`, unless that is null.
///
/// # Safety
/// Each pointer is good for reading the bytes that it comes with, `commitment` for writing 32.
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
    let mut id = [0; 32];
    // SAFETY: the caller vouches for the pointers.
    let (key, statement, proof) = unsafe {
        id.copy_from_slice(core::slice::from_raw_parts(vk_id, 32));
        (
            core::slice::from_raw_parts(key, key_length),
            core::slice::from_raw_parts(statement, statement_length),
            core::slice::from_raw_parts(proof, proof_length),
        )
    };
    match verdict(key, VkId::from_bytes(id), statement, proof) {
        Ok(bytes) => {
            if !commitment.is_null() {
                // SAFETY: the caller vouches for 32 bytes.
                unsafe { core::slice::from_raw_parts_mut(commitment, 32) }.copy_from_slice(&bytes);
            }
            VALID
        }
        Err(code) => code,
    }
}

fn verdict(key: &[u8], pinned: VkId, statement: &[u8], proof: &[u8]) -> Result<[u8; 32], i32> {
    let negated = |code: u16| -i32::from(code);
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

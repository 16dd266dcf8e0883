//! C interface of [`tapstone_verifier_core`], the crate `tapstone-verifier`.
//!
//! Every function gives 1 for valid, 0 for not valid, and a negative number for an error: -1 for a null pointer where there must be
//! none, whatever length comes with it, -2 for a fault of this library, -3 for a length that no memory has, or else the negated code of
//! the error as `tapstone-verifier` lists them (-201: a proof of another length, -404: no proofs at all, for example). Nothing is kept of
//! what a pointer refers to. Functions may be called from many threads at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use tapstone_verifier_core::{
    Claim, Proof, Statement, VerifyManyError, VerifyingKey, VkId, error::VerifyError, verify, verify_many,
};

/// The proof, or each of the proofs, is valid.
pub const TAPSTONE_VALID: i32 = 1;
/// The proof, or one of the proofs, is not valid.
pub const TAPSTONE_INVALID: i32 = 0;
/// A pointer is null that must not be.
pub const TAPSTONE_NULL: i32 = -1;
/// A fault of this library.
pub const TAPSTONE_FAULT: i32 = -2;
/// A length, or a number of proofs, of which no memory has the bytes.
pub const TAPSTONE_LENGTH: i32 = -3;
/// Bytes of a key id, and of a commitment.
pub const TAPSTONE_HASH_BYTES: usize = 32;
/// Bytes of a statement.
pub const TAPSTONE_STATEMENT_BYTES: usize = 224;
/// Bytes of a compressed proof. A proof in the EVM's form has 256.
pub const TAPSTONE_PROOF_BYTES: usize = 128;

/// A verifying key, checked and prepared for many verifications.
pub struct TapstoneKey(VerifyingKey);

fn negated(code: u16) -> i32 {
    -i32::from(code)
}

/// Runs a body that gives a code, or fails with one; a panic, which would be a fault, does not pass into C.
fn guarded(body: impl FnOnce() -> Result<i32, i32>) -> i32 {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(TAPSTONE_FAULT)).unwrap_or_else(|code| code)
}

/// The bytes at a pointer.
///
/// # Safety
/// `bytes` is null, or good for reading `length` bytes until `'a` ends.
unsafe fn input<'a>(bytes: *const u8, length: usize) -> Result<&'a [u8], i32> {
    if bytes.is_null() {
        return Err(TAPSTONE_NULL);
    }
    // No object is longer, and no slice may be.
    if isize::try_from(length).is_err() {
        return Err(TAPSTONE_LENGTH);
    }
    // SAFETY: the pointer is not null, the length is one that a slice may have, and the caller vouches for the bytes.
    Ok(unsafe { std::slice::from_raw_parts(bytes, length) })
}

fn decode(statement: &[u8], proof: &[u8]) -> Result<(Statement, Proof), i32> {
    let statement = Statement::from_bytes(statement).map_err(|e| negated(e.code()))?;
    let proof = if proof.len() == Proof::EVM_BYTES { Proof::from_evm_bytes(proof) } else { Proof::from_compressed(proof) };
    Ok((statement, proof.map_err(|e| negated(e.code()))?))
}

/// Reads a key file, whose id must be the pinned one (32 bytes), and puts a pointer to the prepared key at `key`. Gives 1, or a
/// negative number, with which `*key` is null.
///
/// The id must come from the caller's own configuration: whoever chooses the key can prove anything. The key is to be given back to
/// `tapstone_key_free`.
///
/// # Safety
/// `file` is good for reading `length` bytes, `vk_id` for 32, `key` for writing a pointer; or they are null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tapstone_key_read(
    file: *const u8,
    length: usize,
    vk_id: *const u8,
    key: *mut *mut TapstoneKey,
) -> i32 {
    if key.is_null() {
        return TAPSTONE_NULL;
    }
    // SAFETY: the caller vouches for `key`.
    unsafe { key.write(std::ptr::null_mut()) };
    guarded(|| {
        // SAFETY: the caller vouches for both.
        let (file, id) = unsafe { (input(file, length)?, input(vk_id, TAPSTONE_HASH_BYTES)?) };
        let read = VerifyingKey::from_bytes(file).map_err(|e| negated(e.code()))?;
        let expected = id.try_into().map(VkId::from_bytes).map_err(|_| TAPSTONE_FAULT)?;
        if read.id() != expected {
            return Err(negated(VerifyError::KeyMismatch { expected, actual: read.id() }.code()));
        }
        // SAFETY: the caller vouches for `key`.
        unsafe { key.write(Box::into_raw(Box::new(TapstoneKey(read)))) };
        Ok(TAPSTONE_VALID)
    })
}

/// Takes a key back. Null is no key, and fine.
///
/// # Safety
/// `key` is null, or came from `tapstone_key_read`, was not given back before, and is in use nowhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tapstone_key_free(key: *mut TapstoneKey) {
    if !key.is_null() {
        // SAFETY: the caller gives the key back, so that nothing else refers to it.
        drop(unsafe { Box::from_raw(key) });
    }
}

/// Verifies that a proof (128 bytes compressed, or 256 bytes in the EVM's form) proves a statement (224 bytes) under a key. The batch
/// commitment of a valid one is written to the 32 bytes at `commitment`, unless that is null.
///
/// # Safety
/// `key` came from `tapstone_key_read`; `statement` and `proof` are good for reading as many bytes as they come with, `commitment` for
/// writing 32; or they are null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tapstone_verify(
    key: *const TapstoneKey,
    statement: *const u8,
    statement_length: usize,
    proof: *const u8,
    proof_length: usize,
    commitment: *mut u8,
) -> i32 {
    guarded(|| {
        // SAFETY: the caller vouches for all three.
        let (TapstoneKey(key), statement, proof) = unsafe {
            (key.as_ref().ok_or(TAPSTONE_NULL)?, input(statement, statement_length)?, input(proof, proof_length)?)
        };
        let (statement, proof) = decode(statement, proof)?;
        match verify(key, key.id(), &statement, &proof) {
            Ok(verified) => {
                if !commitment.is_null() {
                    let bytes = verified.commitment().to_bytes();
                    // SAFETY: the caller vouches for 32 bytes.
                    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), commitment, bytes.len()) };
                }
                Ok(TAPSTONE_VALID)
            }
            Err(VerifyError::InvalidProof { .. }) => Ok(TAPSTONE_INVALID),
            Err(e) => Err(negated(e.code())),
        }
    })
}

/// Verifies `count` compressed proofs of `count` statements under one key, for less than half of what they cost one by one.
/// `statements` holds 224 bytes for each, `proofs` 128, one after the other. `verdicts`, unless it is null, receives what
/// `tapstone_verify` would give for each.
///
/// Gives 1 if all are valid, 0 if all could be read and not all are valid, and the first error otherwise; -404 for a count of 0, of which
/// nothing is verified, whether the pointers are null then or not.
///
/// # Safety
/// `key` came from `tapstone_key_read`; `statements` and `proofs` are good for reading `224 count` and `128 count` bytes, `verdicts`
/// for writing `count` numbers; or they are null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tapstone_verify_many(
    key: *const TapstoneKey,
    statements: *const u8,
    proofs: *const u8,
    count: usize,
    verdicts: *mut i32,
) -> i32 {
    guarded(|| {
        // SAFETY: the caller vouches for it.
        let TapstoneKey(key) = unsafe { key.as_ref() }.ok_or(TAPSTONE_NULL)?;
        if count == 0 {
            return Err(negated(VerifyManyError::NoClaims.code()));
        }
        let bytes = |each: usize| count.checked_mul(each).ok_or(TAPSTONE_LENGTH);
        let (s, p) = (bytes(TAPSTONE_STATEMENT_BYTES)?, bytes(TAPSTONE_PROOF_BYTES)?);
        // SAFETY: the caller vouches for both.
        let (statements, proofs) = unsafe { (input(statements, s)?, input(proofs, p)?) };
        let decoded: Vec<_> = statements
            .chunks_exact(TAPSTONE_STATEMENT_BYTES)
            .zip(proofs.chunks_exact(TAPSTONE_PROOF_BYTES))
            .map(|(statement, proof)| decode(statement, proof))
            .collect();
        let mut codes: Vec<i32> = decoded.iter().map(|d| d.as_ref().err().copied().unwrap_or(TAPSTONE_VALID)).collect();
        let readable = decoded.iter().enumerate().filter_map(|(i, d)| d.as_ref().ok().map(|d| (i, d)));
        let (places, claims): (Vec<usize>, Vec<Claim<'_>>) =
            readable.map(|(i, (statement, proof))| (i, Claim { key, expected: key.id(), statement, proof })).unzip();
        // Where none could be read, nothing is refused, and each has its error already.
        if let Err(error) = verify_many(&claims) {
            for (index, e) in error.refused() {
                let code = if matches!(e, VerifyError::InvalidProof { .. }) { TAPSTONE_INVALID } else { negated(e.code()) };
                if let Some(slot) = places.get(*index).and_then(|i| codes.get_mut(*i)) {
                    *slot = code;
                }
            }
        }
        if !verdicts.is_null() {
            // SAFETY: the caller vouches for `count` numbers.
            unsafe { std::ptr::copy_nonoverlapping(codes.as_ptr(), verdicts, codes.len()) };
        }
        let first_error = codes.iter().find(|code| **code < 0);
        let verdict = if codes.contains(&TAPSTONE_INVALID) { TAPSTONE_INVALID } else { TAPSTONE_VALID };
        first_error.map_or(Ok(verdict), |code| Err(*code))
    })
}

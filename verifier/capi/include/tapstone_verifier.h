/* C interface of tapstone-verifier. Made by cbindgen from src/lib.rs: change it there. */

#ifndef TAPSTONE_VERIFIER_H
#define TAPSTONE_VERIFIER_H

#include <stddef.h>
#include <stdint.h>

/*
 The proof, or each of the proofs, is valid.
 */
#define TAPSTONE_VALID 1

/*
 The proof, or one of the proofs, is not valid.
 */
#define TAPSTONE_INVALID 0

/*
 A pointer is null that must not be.
 */
#define TAPSTONE_NULL -1

/*
 A fault of this library.
 */
#define TAPSTONE_FAULT -2

/*
 A length, or a number of proofs, of which no memory has the bytes.
 */
#define TAPSTONE_LENGTH -3

/*
 Bytes of a key id, and of a commitment.
 */
#define TAPSTONE_HASH_BYTES 32

/*
 Bytes of a statement.
 */
#define TAPSTONE_STATEMENT_BYTES 224

/*
 Bytes of a compressed proof. A proof in the EVM's form has 256.
 */
#define TAPSTONE_PROOF_BYTES 128

/*
 A verifying key, checked and prepared for many verifications.
 */
typedef struct tapstone_key tapstone_key;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Reads a key file, whose id must be the pinned one (32 bytes), and puts a pointer to the prepared key at `key`. Gives 1, or a
 negative number, with which `*key` is null.

 The id must come from the caller's own configuration: whoever chooses the key can prove anything. The key is to be given back to
 `tapstone_key_free`.

 # Safety
 `file` is good for reading `length` bytes, `vk_id` for 32, `key` for writing a pointer; or they are null.
 */
int32_t tapstone_key_read(const uint8_t *file,
                          size_t length,
                          const uint8_t *vk_id,
                          struct tapstone_key **key);

/*
 Takes a key back. Null is no key, and fine.

 # Safety
 `key` is null, or came from `tapstone_key_read`, was not given back before, and is in use nowhere.
 */
void tapstone_key_free(struct tapstone_key *key);

/*
 Verifies that a proof (128 bytes compressed, or 256 bytes in the EVM's form) proves a statement (224 bytes) under a key. The batch
 commitment of a valid one is written to the 32 bytes at `commitment`, unless that is null.

 # Safety
 `key` came from `tapstone_key_read`; `statement` and `proof` are good for reading as many bytes as they come with, `commitment` for
 writing 32; or they are null.
 */
int32_t tapstone_verify(const struct tapstone_key *key,
                        const uint8_t *statement,
                        size_t statement_length,
                        const uint8_t *proof,
                        size_t proof_length,
                        uint8_t *commitment);

/*
 Verifies `count` compressed proofs of `count` statements under one key, for less than half of what they cost one by one.
 `statements` holds 224 bytes for each, `proofs` 128, one after the other. `verdicts`, unless it is null, receives what
 `tapstone_verify` would give for each.

 Gives 1 if all are valid, 0 if all could be read and not all are valid, and the first error otherwise; -404 for a count of 0, of which
 nothing is verified, whether the pointers are null then or not.

 # Safety
 `key` came from `tapstone_key_read`; `statements` and `proofs` are good for reading `224 count` and `128 count` bytes, `verdicts`
 for writing `count` numbers; or they are null.
 */
int32_t tapstone_verify_many(const struct tapstone_key *key,
                             const uint8_t *statements,
                             const uint8_t *proofs,
                             size_t count,
                             int32_t *verdicts);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TAPSTONE_VERIFIER_H */

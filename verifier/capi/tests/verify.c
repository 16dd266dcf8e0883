/* Verifies the shipped proof through the C interface: verify FOLDER, where FOLDER is verifier/tests/data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tapstone_verifier.h"

static int failures = 0;

static void expect(const char *what, int32_t actual, int32_t expected) {
    if (actual != expected) {
        fprintf(stderr, "%s: %d, expected %d\n", what, (int)actual, (int)expected);
        failures++;
    }
}

static size_t read_file(const char *folder, const char *name, uint8_t *out, size_t most) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    size_t length = fread(out, 1, most, file);
    fclose(file);
    return length;
}

static void from_hex(const char *text, uint8_t out[TAPSTONE_HASH_BYTES]) {
    for (size_t i = 0; i < TAPSTONE_HASH_BYTES; i++) {
        unsigned byte;
        sscanf(text + 2 * i, "%2x", &byte);
        out[i] = (uint8_t)byte;
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    uint8_t file[1024], statement[TAPSTONE_STATEMENT_BYTES], proof[TAPSTONE_PROOF_BYTES];
    uint8_t id[TAPSTONE_HASH_BYTES], expected[TAPSTONE_HASH_BYTES], commitment[TAPSTONE_HASH_BYTES] = {0};
    size_t length = read_file(argv[1], "example.vk", file, sizeof file);
    read_file(argv[1], "example.statement", statement, sizeof statement);
    read_file(argv[1], "example.proof", proof, sizeof proof);
    from_hex("fec6f3141c74ec8d94b6aa5c7f223f5de7025e6b88ae742b8c2293c4534e367e", id);
    from_hex("3710ed34dfca723c65a1988828d634ac708fa87453d43c77c4555a91ee264fbe", expected);

    tapstone_key *key = NULL, *other = NULL;
    expect("another id", tapstone_key_read(file, length, expected, &key), -401);
    expect("a key cut off", tapstone_key_read(file, length - 1, id, &key), -301);
    expect("no file", tapstone_key_read(NULL, length, id, &key), TAPSTONE_NULL);
    expect("no place", tapstone_key_read(file, length, id, NULL), TAPSTONE_NULL);
    if (key) {
        expect("a key after an error", 1, 0);
    }
    expect("key", tapstone_key_read(file, length, id, &key), TAPSTONE_VALID);

    expect("valid", tapstone_verify(key, statement, sizeof statement, proof, sizeof proof, commitment), TAPSTONE_VALID);
    expect("commitment", memcmp(commitment, expected, sizeof expected), 0);
    expect("no commitment wanted", tapstone_verify(key, statement, sizeof statement, proof, sizeof proof, NULL), TAPSTONE_VALID);
    expect("no key", tapstone_verify(NULL, statement, sizeof statement, proof, sizeof proof, NULL), TAPSTONE_NULL);
    expect("a short proof", tapstone_verify(key, statement, sizeof statement, proof, 127, NULL), -201);
    expect("a short statement", tapstone_verify(key, statement, 223, proof, sizeof proof, NULL), -101);

    uint8_t statements[3 * TAPSTONE_STATEMENT_BYTES], proofs[3 * TAPSTONE_PROOF_BYTES];
    int32_t verdicts[3] = {9, 9, 9};
    for (size_t i = 0; i < 3; i++) {
        memcpy(statements + i * sizeof statement, statement, sizeof statement);
        memcpy(proofs + i * sizeof proof, proof, sizeof proof);
    }
    expect("many", tapstone_verify_many(key, statements, proofs, 3, verdicts), TAPSTONE_VALID);
    expect("many: third", verdicts[2], TAPSTONE_VALID);
    statements[sizeof statement + 150] ^= 1;
    expect("another statement", tapstone_verify(key, statements + sizeof statement, sizeof statement, proof, sizeof proof, NULL),
           TAPSTONE_INVALID);
    expect("one of many", tapstone_verify_many(key, statements, proofs, 3, verdicts), TAPSTONE_INVALID);
    expect("one of many: first", verdicts[0], TAPSTONE_VALID);
    expect("one of many: second", verdicts[1], TAPSTONE_INVALID);
    memset(proofs + 2 * sizeof proof, 0xff, sizeof proof);
    expect("an unreadable one", tapstone_verify_many(key, statements, proofs, 3, verdicts), -202);
    expect("an unreadable one: second", verdicts[1], TAPSTONE_INVALID);
    expect("an unreadable one: third", verdicts[2], -202);
    expect("no verdicts wanted", tapstone_verify_many(key, statements, proofs, 1, NULL), TAPSTONE_VALID);
    verdicts[0] = 9;
    expect("none of many", tapstone_verify_many(key, statements, proofs, 0, verdicts), -404);
    expect("none of many: no verdict", verdicts[0], 9);
    /* An empty vector in C++ has a null pointer. */
    expect("none, and nowhere", tapstone_verify_many(key, NULL, NULL, 0, NULL), -404);
    expect("none, and no key", tapstone_verify_many(NULL, NULL, NULL, 0, NULL), TAPSTONE_NULL);
    expect("no key for many", tapstone_verify_many(NULL, statements, proofs, 3, NULL), TAPSTONE_NULL);
    expect("many statements nowhere", tapstone_verify_many(key, NULL, proofs, 3, NULL), TAPSTONE_NULL);
    expect("many proofs nowhere", tapstone_verify_many(key, statements, NULL, 3, NULL), TAPSTONE_NULL);
    /* Numbers whose bytes do not fit into an address, and into half of the addresses. */
    expect("too many", tapstone_verify_many(key, statements, proofs, SIZE_MAX, NULL), TAPSTONE_LENGTH);
    expect("too many, by bytes", tapstone_verify_many(key, statements, proofs, SIZE_MAX / 224, NULL), TAPSTONE_LENGTH);

    /* Null with a length and without one; no length at all. */
    expect("null file", tapstone_key_read(NULL, 0, id, &other), TAPSTONE_NULL);
    expect("empty file", tapstone_key_read(file, 0, id, &other), -301);
    expect("endless file", tapstone_key_read(file, SIZE_MAX, id, &other), TAPSTONE_LENGTH);
    expect("no id", tapstone_key_read(file, length, NULL, &other), TAPSTONE_NULL);
    if (other) {
        expect("a key after an error", 1, 0);
    }
    for (size_t n = 0; n <= sizeof statement; n += sizeof statement) {
        expect("null statement", tapstone_verify(key, NULL, n, proof, sizeof proof, NULL), TAPSTONE_NULL);
        expect("null proof", tapstone_verify(key, statement, sizeof statement, NULL, n, NULL), TAPSTONE_NULL);
    }
    expect("empty statement", tapstone_verify(key, statement, 0, proof, sizeof proof, NULL), -101);
    expect("empty proof", tapstone_verify(key, statement, sizeof statement, proof, 0, NULL), -201);
    expect("endless statement", tapstone_verify(key, statement, SIZE_MAX, proof, sizeof proof, NULL), TAPSTONE_LENGTH);
    expect("endless proof", tapstone_verify(key, statement, sizeof statement, proof, SIZE_MAX, NULL), TAPSTONE_LENGTH);

    tapstone_key_free(key);
    tapstone_key_free(NULL);
    if (!failures) {
        puts("the C interface gives what it should");
    }
    return failures ? 1 : 0;
}

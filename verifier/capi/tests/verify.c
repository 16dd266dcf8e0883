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

    tapstone_key *key = NULL;
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
    expect("none of many", tapstone_verify_many(key, statements, proofs, 0, NULL), TAPSTONE_VALID);

    tapstone_key_free(key);
    tapstone_key_free(NULL);
    if (!failures) {
        puts("the C interface gives what it should");
    }
    return failures ? 1 : 0;
}

#!/usr/bin/env node
// Loads the module and verifies the shipped proof: verify.mjs MODULE.wasm
// It also holds the module to its size, and to having no imports.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** The size pinned, in bytes. A larger module must be a decision: change it with the change that needs it. */
const MOST_BYTES = 220_000;

const code = readFileSync(process.argv[2]);
const module = new WebAssembly.Module(code);
assert.deepEqual(WebAssembly.Module.imports(module), []);
const { exports } = new WebAssembly.Instance(module);

function verify(key, id, statement, proof) {
    const inputs = [key, id, statement, proof, new Uint8Array(32)];
    const rooms = inputs.map((bytes) => exports.tapstone_alloc(bytes.length));
    inputs.forEach((bytes, i) => new Uint8Array(exports.memory.buffer).set(bytes, rooms[i]));
    const [k, i, s, p, c] = rooms;
    const code = exports.tapstone_verify(k, key.length, i, s, statement.length, p, proof.length, c);
    const commitment = Buffer.from(new Uint8Array(exports.memory.buffer, c, 32)).toString('hex');
    inputs.forEach((bytes, i) => exports.tapstone_free(rooms[i], bytes.length));
    return { code, commitment };
}

const data = (name) => readFileSync(new URL(`../../tests/data/${name}`, import.meta.url));
const [key, statement, proof] = ['example.vk', 'example.statement', 'example.proof'].map(data);
const id = Buffer.from('fec6f3141c74ec8d94b6aa5c7f223f5de7025e6b88ae742b8c2293c4534e367e', 'hex');

const started = performance.now();
const rounds = 20;
for (let i = 0; i < rounds; i++) {
    assert.deepEqual(verify(key, id, statement, proof), {
        code: 1,
        commitment: '3710ed34dfca723c65a1988828d634ac708fa87453d43c77c4555a91ee264fbe',
    });
}
const each = (performance.now() - started) / rounds;

const flipped = (bytes, at) => { const copy = Buffer.from(bytes); copy[at] ^= 1; return copy; };
assert.equal(verify(key, id, flipped(statement, 100), proof).code, 0);
assert.equal(verify(key, flipped(id, 0), statement, proof).code, -401);
assert.equal(verify(flipped(key, 0), id, statement, proof).code, -303);
assert.equal(verify(key, id, flipped(statement, 32), proof).code, -104);
assert.equal(verify(key, id, statement, proof.subarray(1)).code, -201);
// The room for no bytes is null.
const none = new Uint8Array(0);
for (const inputs of [[none, id, statement, proof], [key, none, statement, proof], [key, id, none, proof], [key, id, statement, none]]) {
    assert.equal(verify(...inputs).code, -1);
}

console.log(`module of ${code.length} bytes, ${gzipSync(code).length} with gzip; key and proof read and verified in ${each.toFixed(1)} ms`);
assert.ok(code.length <= MOST_BYTES, `the module has ${code.length} bytes, at most ${MOST_BYTES} are allowed`);

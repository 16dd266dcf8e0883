#!/usr/bin/env node
// Makes a key and a proof with snarkjs: make.mjs PUBLIC_INPUT FOLDER
//
// The circuit is `a b = x` with the one public output x, written out here as .r1cs and .wtns (iden3's formats), so that no circuit
// compiler is needed. The secrets of the set-up are random and forgotten. Writes verification_key.json, proof.json, public.json and
// calldata.txt to the folder. snarkjs is the one that test-vectors/client pins.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

const require = createRequire(new URL('../../../test-vectors/client/package.json', import.meta.url));
const snarkjs = require('snarkjs');

const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); return b; };
const element = (x) => Buffer.from(x.toString(16).padStart(64, '0'), 'hex').reverse();

function file(magic, version, sections) {
    const parts = [Buffer.from(magic), u32(version), u32(sections.length)];
    sections.forEach(([id, body]) => parts.push(u32(id), u64(body.length), body));
    return Buffer.concat(parts);
}

// Wires: 0 is one, 1 is x, 2 is a, 3 is b.
function r1cs() {
    const header = Buffer.concat([u32(32), element(r), u32(4), u32(1), u32(0), u32(2), u64(4), u32(1)]);
    const single = (wire) => Buffer.concat([u32(1), u32(wire), element(1n)]);
    const constraints = Buffer.concat([single(2), single(3), single(1)]);
    const labels = Buffer.concat([0, 1, 2, 3].map(u64));
    return file('r1cs', 1, [[1, header], [2, constraints], [3, labels]]);
}

function inverse(x) {
    let [result, base, exponent] = [1n, x % r, r - 2n];
    for (; exponent > 0n; exponent >>= 1n, base = base * base % r) if (exponent & 1n) result = result * base % r;
    return result;
}

function wtns(x) {
    const a = 3n;
    const values = [1n, x, a, x * inverse(a) % r];
    return file('wtns', 2, [[1, Buffer.concat([u32(32), element(r), u32(4)])], [2, Buffer.concat(values.map(element))]]);
}

const [input, folder] = process.argv.slice(2);
if (!folder) {
    console.error('usage: make.mjs PUBLIC_INPUT FOLDER');
    process.exit(2);
}
const scratch = mkdtempSync(join(tmpdir(), 'snarkjs-'));
const path = (name) => join(scratch, name);
const entropy = () => randomBytes(32).toString('hex');
try {
    writeFileSync(path('c.r1cs'), r1cs());
    writeFileSync(path('c.wtns'), wtns(BigInt(input)));
    const curve = await snarkjs.curves.getCurveFromName('bn128');
    await snarkjs.powersOfTau.newAccumulator(curve, 4, path('0.ptau'));
    await snarkjs.powersOfTau.contribute(path('0.ptau'), path('1.ptau'), 'one', entropy());
    await snarkjs.powersOfTau.preparePhase2(path('1.ptau'), path('2.ptau'));
    await snarkjs.zKey.newZKey(path('c.r1cs'), path('2.ptau'), path('0.zkey'));
    await snarkjs.zKey.contribute(path('0.zkey'), path('1.zkey'), 'one', entropy());
    const key = await snarkjs.zKey.exportVerificationKey(path('1.zkey'));
    const { proof, publicSignals } = await snarkjs.groth16.prove(path('1.zkey'), path('c.wtns'));
    if (!(await snarkjs.groth16.verify(key, publicSignals, proof))) throw new Error('snarkjs refuses its own proof');
    mkdirSync(folder, { recursive: true });
    const write = (name, value) => writeFileSync(join(folder, name), JSON.stringify(value, null, 1) + '\n');
    write('verification_key.json', key);
    write('proof.json', proof);
    write('public.json', publicSignals);
    const calldata = await snarkjs.groth16.exportSolidityCallData(proof, publicSignals);
    writeFileSync(join(folder, 'calldata.txt'), calldata + '\n');
} finally {
    rmSync(scratch, { recursive: true });
}
process.exit(0); // also ends the worker threads of snarkjs

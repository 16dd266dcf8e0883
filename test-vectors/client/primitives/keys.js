// Keys and signatures, from two libraries.

import { createRequire } from 'node:module';
import { buildBabyjub, buildEddsa } from 'circomlibjs';
import { R, elementToHex, toBytesLE } from '../src/field.js';
import { L, addPoints, isValidKey, packPoint, packSignature, unpackPoint, unpackSignature, verify } from '../src/keys.js';
import { secretOf } from '../src/scenario.js';
import { same, seeded, seededElement } from './seeded.js';

// Its ES module build does not load in Node 20 (named imports from a CommonJS package); its CommonJS build does.
const zkKit = createRequire(import.meta.url)('@zk-kit/eddsa-poseidon');

export async function keyVectors() {
  const eddsa = await buildEddsa();
  const babyjub = await buildBabyjub();
  const { F } = babyjub;

  const secrets = [
    Buffer.alloc(32, 0x00),
    Buffer.alloc(32, 0xff),
    Buffer.from('0001020304050607080900010203040506070809000102030405060708090001', 'hex'),
    Buffer.from([...Array(31).fill(0), 1]),
    ...['operator', 'alice', 'bob', 'carol', 'dave'].map(secretOf),
    ...[0, 1, 2].map((i) => seeded('secret', i)),
  ];

  const messages = [0n, 1n, 1234n, R - 1n, 2n ** 253n, seededElement('message', 0), seededElement('message', 1)];
  const keys = [];
  const signatures = [];

  for (const [i, secret] of secrets.entries()) {
    const point = eddsa.prv2pub(secret);
    const key = { x: F.toObject(point[0]), y: F.toObject(point[1]) };
    same(`${key.x},${key.y}`, zkKit.derivePublicKey(secret), 'public key');
    const packed = same(Buffer.from(babyjub.packPoint(point)).toString('hex'), packPoint(key).toString('hex'), 'packed key');
    const back = unpackPoint(Buffer.from(packed, 'hex'));
    same(`${key.x},${key.y}`, `${back.x},${back.y}`, 'unpacked key');
    if (!isValidKey(key)) throw new Error('a derived key is not valid');
    keys.push({ secret: secret.toString('hex'), x: elementToHex(key.x), y: elementToHex(key.y), packed });

    // Every message under the first keys, two messages under the others.
    for (const message of i < 4 ? messages : messages.slice(-2)) {
      const made = eddsa.signPoseidon(secret, F.e(message));
      const signature = { R8: { x: F.toObject(made.R8[0]), y: F.toObject(made.R8[1]) }, S: made.S };
      const other = zkKit.signMessage(secret, message);
      same([signature.R8.x, signature.R8.y, signature.S], [...other.R8, other.S], 'signature');
      const bytes = packSignature(signature);
      same(bytes.toString('hex'), Buffer.from(eddsa.packSignature(made)).toString('hex'), 'packed signature');
      if (!verify(signature, message, key) || !zkKit.verifySignature(message, other, [key.x, key.y])) {
        throw new Error('a signature does not verify');
      }
      signatures.push({
        secret: secret.toString('hex'),
        message: elementToHex(message),
        r8_x: elementToHex(signature.R8.x),
        r8_y: elementToHex(signature.R8.y),
        s: signature.S.toString(),
        packed: bytes.toString('hex'),
      });
    }
  }
  return { keys, signatures };
}

/** Signatures that are not accepted, each beside the good one that it was made from. */
export function refusedSignatures({ keys, signatures }) {
  const good = signatures[5];
  const key = keys.find((k) => k.secret === good.secret).packed;
  const bytes = Buffer.from(good.packed, 'hex');
  const { R8, S } = unpackSignature(bytes);
  const withS = (n) => Buffer.concat([bytes.subarray(0, 32), toBytesLE(n, 32)]).toString('hex');
  const torsion = { x: 0n, y: R - 1n }; // the point of order 2
  const cases = [
    ['S + l', key, good.message, withS(S + L)],
    ['S = l', key, good.message, withS(L)],
    ['S + 1', key, good.message, withS(S + 1n)],
    ['S = 0', key, good.message, withS(0n)],
    ['another message', key, elementToHex((BigInt(good.message) + 1n) % R), good.packed],
    ['another key', keys[7].packed, good.message, good.packed],
    ['R8 negated', key, good.message, packSignature({ R8: { x: R - R8.x, y: R8.y }, S }).toString('hex')],
    ['R8 plus the point of order 2', key, good.message, packSignature({ R8: addPoints(R8, torsion), S }).toString('hex')],
    ['R8 is no point', key, good.message, Buffer.concat([toBytesLE(R, 32), bytes.subarray(32)]).toString('hex')],
    ['all zeros', key, good.message, '00'.repeat(64)],
  ];
  return cases.map(([why, signer, message, packed]) => {
    let accepted = false;
    try {
      accepted = verify(unpackSignature(Buffer.from(packed, 'hex')), BigInt(message), unpackPoint(Buffer.from(signer, 'hex')));
    } catch {
      // does not decode
    }
    if (accepted) throw new Error(`accepted: ${why}`);
    return { why, key: signer, message, packed };
  });
}

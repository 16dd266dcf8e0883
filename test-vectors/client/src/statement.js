// Sections 8 and 9: statement, commitments, anchor.

import { createHash } from 'node:crypto';
import { R, toBytesBE } from './field.js';
import { hash } from './poseidon.js';

/** The seven fields of the statement in their order. */
const fieldsOf = (s) => [
  BigInt(s.chainId),
  BigInt(s.batchNumber),
  s.preStateRoot,
  s.postStateRoot,
  s.dataHash,
  s.depositHead,
  s.withdrawalsRoot,
];

export const publicInput = (statement) => hash.statement(...fieldsOf(statement));

/** The 224 bytes of a statement in commitments and challenges. */
export const statementBytes = (statement) => Buffer.concat(fieldsOf(statement).map((n) => toBytesBE(n, 32)));

export const sha256 = (...parts) => parts.reduce((h, part) => h.update(part), createHash('sha256')).digest();

export function tagged(tag, ...parts) {
  const t = sha256(Buffer.from(tag, 'ascii'));
  return sha256(t, t, ...parts);
}

export const CIRCUIT_VERSION = 3;

/** VkId of a verification key in the JSON form of snarkjs. */
export function vkId(shapeName, key) {
  if (!/^[a-z0-9_.-]{1,255}$/.test(shapeName)) throw new RangeError(`not the name of a shape: ${shapeName}`);
  const affine = (point) => {
    const [, , z] = point;
    const isOne = Array.isArray(z) ? z[0] === '1' && z[1] === '0' : z === '1';
    if (!isOne) throw new Error('the point is not affine');
    return point;
  };
  const g1 = (point) => affine(point).slice(0, 2).map((n) => toBytesBE(n, 32));
  const g2 = (point) => affine(point).slice(0, 2).flatMap(([c0, c1]) => [toBytesBE(c1, 32), toBytesBE(c0, 32)]);
  const name = Buffer.from(shapeName, 'ascii');
  return tagged(
    'Tapstone/vk/v1',
    Buffer.concat([
      toBytesBE(CIRCUIT_VERSION, 4),
      toBytesBE(name.length, 1),
      name,
      ...g1(key.vk_alpha_1),
      ...g2(key.vk_beta_2),
      ...g2(key.vk_gamma_2),
      ...g2(key.vk_delta_2),
      toBytesBE(key.IC.length, 4),
      ...key.IC.flatMap(g1),
    ]),
  );
}

export const batchCommitment = (statement, vk) =>
  tagged('Tapstone/batch/v1', statementBytes(statement), vk);

export function batchesRoot(commitments) {
  if (commitments.length === 0) throw new RangeError('an anchor covers at least one batch');
  let level = commitments.map((c) => tagged('Tapstone/batches/leaf/v1', c));
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 2) {
      above.push(i + 1 < level.length ? tagged('Tapstone/batches/node/v1', level[i], level[i + 1]) : level[i]);
    }
    level = above;
  }
  return tagged('Tapstone/batches/root/v1', toBytesBE(commitments.length, 8), level[0]);
}

/** The 164 bytes of an anchor header. */
export function anchorHeader(a) {
  if (a.numberOfBatches < 1) throw new RangeError('an anchor covers at least one batch');
  if (a.preStateRoot >= R || a.postStateRoot >= R) throw new RangeError('a root is not below r');
  const header = Buffer.concat([
    toBytesBE(1, 4),
    toBytesBE(a.chainId, 4),
    toBytesBE(a.sequence, 8),
    toBytesBE(a.firstBatch, 8),
    toBytesBE(a.numberOfBatches, 8),
    toBytesBE(0, 4),
    a.previous ?? Buffer.alloc(32),
    toBytesBE(a.preStateRoot, 32),
    toBytesBE(a.postStateRoot, 32),
    a.batchesRoot,
  ]);
  if (header.length !== 164) throw new RangeError('an anchor header has 164 bytes');
  return header;
}

export const anchorCommitment = (header) => tagged('Tapstone/anchor/v1', header);

/** The only leaf script of an anchor output: 73 bytes. `key` is x-only. */
export const anchorScript = (key, commitment) =>
  Buffer.concat([
    Buffer.from([0x20]), key, Buffer.from([0xad]), // <K> OP_CHECKSIGVERIFY
    Buffer.from([0x82, 0x01, 0x20, 0x88]), // OP_SIZE <32> OP_EQUALVERIFY
    Buffer.from([0xa8, 0x20]), commitment, Buffer.from([0x87]), // OP_SHA256 <C> OP_EQUAL
  ]);

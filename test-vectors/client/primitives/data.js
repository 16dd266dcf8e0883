// Published data of whole batches, and bytes that a decoder refuses.

import { dataHash, encodeData, transactionBytes, varint } from '../src/data.js';
import { decodeData } from '../src/decode.js';
import { R, elementToHex, toBytesBE, toBytesLE } from '../src/field.js';
import { B8, packPoint } from '../src/keys.js';
import { seeded, seededElement } from './seeded.js';

const MAX = 2n ** 96n - 1n;
const none = { fee_token: 0, fee: 0n };
const fee = { fee_token: 1, fee: 150n };
const destination = seeded('destination', 0);
const HEAD = seededElement('deposit head', 0);

const transfer = { kind: 'transfer', from: 3, to: 4, token: 5, amount: 11n, ...fee };
const swap = { kind: 'swap', account: 8, pool: 2, direction: 1, amount_in: 7n, ...none };
const withdraw = { kind: 'withdraw', account: 2, token: 1, amount: 700_000n, destination, fee_token: 6, fee: 9n };
const deposit = { kind: 'deposit', account: 77, token: 1, amount: 9n };
const depositNew = { kind: 'deposit_new', key: B8, token: 9, amount: 1n };
const refund = { kind: 'refund', account: 69, token: 1, amount: 7n, destination };
const add = { kind: 'add_liquidity', account: 8, pool: 1, max0: 5n, max1: MAX, ...none };
const remove = { kind: 'remove_liquidity', account: 8, pool: 1, shares: 6n, ...fee };
const create = { kind: 'create_pool', account: 8, token0: 1, token1: 9, fee_bp: 9999, amount0: 50n, amount1: 51n, ...none };
const changeKey = { kind: 'change_key', account: 1, key: B8, ...fee };
const transferNew = { kind: 'transfer_new', from: 3, to_key: B8, token: 1, amount: 1000n, ...none };

const plain = { chainId: 3, batchNumber: 1, operator: 0, depositHead: HEAD };
const batch = (transactions, more) => ({ ...plain, transactions, ...more });

const ACCEPTED = [
  ['signed transactions only: no deposit head', batch([transfer, swap, withdraw])],
  ['a deposit', batch([deposit])],
  ['a deposit for a new account', batch([transfer, depositNew, swap])],
  ['a refund', batch([refund])],
  ['the greatest deposit head', batch([refund, withdraw], { depositHead: R - 1n })],
  ['a deposit head of 0', batch([deposit, refund], { depositHead: 0n })],
  [
    'every kind',
    batch([transfer, transferNew, deposit, depositNew, swap, create, add, remove, changeKey, withdraw, refund], {
      chainId: 2 ** 32 - 1,
      batchNumber: 2 ** 48 - 1,
      operator: 511,
    }),
  ],
];

const join = (...parts) => Buffer.concat(parts.map((part) => (typeof part === 'number' ? varint(part) : Buffer.from(part))));
const start = (count, { version = 1, chainId = 3, batchNumber = 1, operator = 0 } = {}) =>
  join([version], chainId, batchNumber, operator, count);
const one = (...parts) => join(start(1), ...parts);
const head = toBytesBE(HEAD, 32);
const bytesOf = transactionBytes;

const overlong = [0x83, 0x00]; // 3 in two bytes
const signBit = (bytes) => Buffer.from([...bytes.subarray(0, 31), bytes[31] | 0x80]);

const REFUSED = [
  ['nothing', []],
  ['version 0', join(start(1, { version: 0 }), bytesOf(swap))],
  ['version 2', join(start(1, { version: 2 }), bytesOf(swap))],
  ['chain id 2^32', join(start(1, { chainId: 2 ** 32 }), bytesOf(swap))],
  ['batch number 0', join(start(1, { batchNumber: 0 }), bytesOf(swap))],
  ['batch number 2^48', join(start(1, { batchNumber: 2 ** 48 }), bytesOf(swap))],
  ['operator 2^30', join(start(1, { operator: 2 ** 30 }), bytesOf(swap))],
  ['chain id not in the shortest form', join([1], overlong, 1, 0, 1, bytesOf(swap))],
  ['number of transactions not in the shortest form', join([1], 3, 1, 0, [0x81, 0x00], bytesOf(swap))],
  ['one transaction missing', join(start(2), bytesOf(swap))],
  ['one transaction too many', join(start(1), bytesOf(swap), bytesOf(swap))],
  ['a byte after the last transaction', one(bytesOf(swap), [0])],
  ['the last byte missing', one(bytesOf(withdraw).subarray(0, -1))],

  ['a deposit without a deposit head', one(bytesOf(deposit))],
  ['a deposit for a new account without a deposit head', one(bytesOf(depositNew))],
  ['a refund without a deposit head', one(bytesOf(refund))],
  ['a deposit head of 31 bytes', one(bytesOf(deposit), head.subarray(0, 31))],
  ['a byte after the deposit head', one(bytesOf(deposit), head, [0])],
  ['two deposit heads', one(bytesOf(deposit), head, head)],
  ['a deposit head of r', one(bytesOf(deposit), toBytesBE(R, 32))],
  ['a deposit head of 2^256 - 1', one(bytesOf(deposit), Buffer.alloc(32, 0xff))],
  ['a deposit head without a deposit', one(bytesOf(withdraw), head)],
  ['a deposit head of 0 without a deposit', one(bytesOf(swap), Buffer.alloc(32))],

  ['kind 0', one([0], 8, 5, 14)],
  ['kind 12', one([12], 8, 5, 14)],
  ['kind 15', one([15], 8, 5, 14)],
  ['bit 128', one([5 + 128], 8, 5, 14)],
  ['FEE_NATIVE without FEE', one([5 + 32], 8, 5, 14)],
  ['FEE with a fee of 0', one([5 + 16 + 32], 8, 5, 14, 0)],
  ['a native fee token that is written', one([5 + 16], 8, 5, 14, 1, 18)],
  ['fee token 2^30', one([5 + 16], 8, 5, 14, 2 ** 30, 18)],
  ['a deposit with a fee', one([3 + 64 + 16 + 32], 77, 18, 18, head)],
  ['a refund with a fee', one([11 + 64 + 16 + 32], 69, 14, destination, 18, head)],
  ['FEE on a deposit, without a fee', one([3 + 64 + 16], 77, 18, head)],
  ['NATIVE on a swap', one([5 + 64], 8, 5, 14)],
  ['NATIVE on a change of keys', one([9 + 64], 1, packPoint(B8))],
  ['a native token that is written, transfer', one([1], 3, 4, 1, 22)],
  ['a native token that is written, refund', one([11], 69, 1, 14, destination, head)],

  ['an amount in its longer form, plain', one([5], 8, 5, 200)], // 100 is 1 * 10^2
  ['an amount in its longer form, scaled', one([5], 8, 5, 65)], // 1 is plain
  ['an amount with a smaller z', one([5], 8, 5, 643)], // 100 as 10 * 10^1
  ['an amount of 0 in its scaled form', one([5], 8, 5, 1)],
  ['an amount not in the shortest form', one([5], 8, 5, [0x8e, 0x00])],
  ['an amount of 2^96', one([5], 8, 5, varint(2n ** 97n))],
  ['an amount beyond 2^96, scaled', one([5], 8, 5, varint(2n * (32n * 9n + 30n) + 1n))],
  ['a number without an end', one([5], 8, 5, Buffer.alloc(40, 0xff))],

  ['account 2^30', one([5], 2 ** 30, 5, 14)],
  ['account 2^30, refund', one([11 + 64], 2 ** 30, 14, destination, head)],
  ['pool 2^29, swap', one([5], 8, 2 ** 30, 14)],
  ['pool 2^29', one([8], 8, 2 ** 29, 14)],
  ['token 2^30', one([1], 3, 4, 2 ** 30, 22)],
  ['a pool fee of 10000', one([6], 8, 1, 9, 10_000, 21, 23)],
  ['a key with y = r', one([9], 1, toBytesLE(R, 32))],
  ['a key with a sign bit on x = 0', one([9], 1, signBit(toBytesLE(1n, 32)))],
];

function needRefused([why, bytes]) {
  try {
    decodeData(bytes);
  } catch {
    return { why, hex: Buffer.from(bytes).toString('hex') };
  }
  throw new Error(`decoded: ${why}`);
}

export function dataVectors() {
  return {
    accepted: ACCEPTED.map(([what, content]) => {
      const bytes = encodeData(content);
      const back = decodeData(bytes);
      const kinds = back.transactions.map((tx) => tx.kind);
      return {
        what,
        chain_id: back.chainId,
        batch_number: back.batchNumber,
        operator: back.operator,
        published: kinds,
        deposit_head: back.depositHead === null ? null : elementToHex(back.depositHead),
        data_hash: elementToHex(dataHash(back.operator, back.transactions)),
        hex: bytes.toString('hex'),
      };
    }),
    refused: REFUSED.map(needRefused),
  };
}

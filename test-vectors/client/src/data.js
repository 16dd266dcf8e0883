// Section 7: the published data of a batch, as elements and as bytes.

import { MAX_AMOUNT, NATIVE } from './account.js';
import { packPoint, unpackPoint } from './keys.js';
import { hash } from './poseidon.js';
import { KINDS, dataElements, signerOf } from './transactions.js';

export const dataHash = (operator, transactions) =>
  transactions.reduce((d, tx) => hash.dataStep(d, ...dataElements(tx)), hash.dataStart(BigInt(operator)));

const VERSION = 0x01;
const FEE = 16;
const FEE_NATIVE = 32;
const NATIVE_TOKEN = 64;

/** The fields that a kind publishes, in order: [name in the batch file, encoding]. */
const PUBLISHED = {
  transfer: [['from', 'index'], ['to', 'index'], ['token', 'token'], ['amount', 'amount']],
  transfer_new: [['from', 'index'], ['to_key', 'key'], ['token', 'token'], ['amount', 'amount']],
  deposit: [['account', 'index'], ['token', 'token'], ['amount', 'amount']],
  deposit_new: [['key', 'key'], ['token', 'token'], ['amount', 'amount']],
  swap: [['account', 'index'], ['pool', 'poolAndDirection'], ['amount_in', 'amount']],
  create_pool: [
    ['account', 'index'],
    ['token0', 'index'],
    ['token1', 'index'],
    ['fee_bp', 'index'],
    ['amount0', 'amount'],
    ['amount1', 'amount'],
  ],
  add_liquidity: [['account', 'index'], ['pool', 'index'], ['max0', 'amount'], ['max1', 'amount']],
  remove_liquidity: [['account', 'index'], ['pool', 'index'], ['shares', 'amount']],
  change_key: [['account', 'index'], ['key', 'key']],
  withdraw: [['account', 'index'], ['token', 'token'], ['amount', 'amount'], ['destination', 'bytes32']],
};

/** Unsigned LEB128 in its shortest form. */
export function varint(n) {
  n = BigInt(n);
  const bytes = [];
  do {
    const low = Number(n & 0x7fn);
    n >>= 7n;
    bytes.push(n > 0n ? low | 0x80 : low);
  } while (n > 0n);
  return Buffer.from(bytes);
}

/** An amount: `2a`, or `a = m * 10^z` as `2 (32 m + z) + 1` where that is smaller. */
export function amountBytes(a) {
  let m = a;
  let z = 0n;
  while (m > 0n && m % 10n === 0n) {
    m /= 10n;
    z++;
  }
  const plain = 2n * a;
  const scaled = 2n * (32n * m + z) + 1n;
  return varint(scaled < plain ? scaled : plain);
}

function transactionBytes(tx) {
  const hasFee = (tx.fee ?? 0n) > 0n;
  const feeNative = hasFee && tx.fee_token === NATIVE;
  const fields = PUBLISHED[tx.kind];
  const native = fields.some(([, encoding]) => encoding === 'token') && tx.token === NATIVE;

  const parts = [
    Buffer.from([
      KINDS[tx.kind].code + (hasFee ? FEE : 0) + (feeNative ? FEE_NATIVE : 0) + (native ? NATIVE_TOKEN : 0),
    ]),
  ];
  for (const [name, encoding] of fields) {
    const value = tx[name];
    if (encoding === 'amount') parts.push(amountBytes(value));
    else if (encoding === 'key') parts.push(packPoint(value));
    else if (encoding === 'bytes32') parts.push(value);
    else if (encoding === 'poolAndDirection') parts.push(varint(2 * value + tx.direction));
    else if (encoding === 'index' || !native) parts.push(varint(value));
  }
  if (hasFee) {
    if (!feeNative) parts.push(varint(tx.fee_token));
    parts.push(amountBytes(tx.fee));
  }
  return Buffer.concat(parts);
}

export function encodeData({ chainId, batchNumber, operator, transactions }) {
  return Buffer.concat([
    Buffer.from([VERSION]),
    varint(chainId),
    varint(batchNumber),
    varint(operator),
    varint(transactions.length),
    ...transactions.map(transactionBytes),
  ]);
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.position = 0;
  }

  take(length) {
    if (this.position + length > this.bytes.length) throw new Error('the data ends too early');
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  varint() {
    let n = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 126n) throw new Error('a number is too long');
      const byte = BigInt(this.take(1)[0]);
      n += (byte & 0x7fn) << shift;
      if (byte < 0x80n) return n;
    }
  }

  index() {
    const n = this.varint();
    if (n >= 1n << 48n) throw new Error('a number is too large');
    return Number(n);
  }

  amount() {
    const v = this.varint();
    const w = v >> 1n;
    const a = v & 1n ? (w >> 5n) * 10n ** (w & 31n) : w;
    if (a > MAX_AMOUNT) throw new Error('an amount is not below 2^96');
    return a;
  }
}

function readTransaction(reader) {
  const head = reader.take(1)[0];
  const kind = Object.keys(KINDS).find((name) => KINDS[name].code === (head & 15));
  if (!kind || head & 128) throw new Error(`no transaction begins with ${head}`);
  const tx = { kind };
  for (const [name, encoding] of PUBLISHED[kind]) {
    if (encoding === 'amount') tx[name] = reader.amount();
    else if (encoding === 'key') tx[name] = unpackPoint(reader.take(32));
    else if (encoding === 'bytes32') tx[name] = Buffer.from(reader.take(32));
    else if (encoding === 'poolAndDirection') {
      const n = reader.index();
      tx.pool = Math.floor(n / 2);
      tx.direction = n % 2;
    } else if (encoding === 'index') tx[name] = reader.index();
    else tx[name] = head & NATIVE_TOKEN ? NATIVE : reader.index();
  }
  if (signerOf(tx) !== undefined) {
    tx.fee_token = head & FEE ? (head & FEE_NATIVE ? NATIVE : reader.index()) : 0;
    tx.fee = head & FEE ? reader.amount() : 0n;
  }
  return tx;
}

/** The inverse of encodeData. Whatever encodeData would not write is refused: the result must encode to the same bytes. */
export function decodeData(bytes) {
  const reader = new Reader(Buffer.from(bytes));
  if (reader.take(1)[0] !== VERSION) throw new Error('unknown version of the data');
  const batch = { chainId: reader.index(), batchNumber: reader.index(), operator: reader.index(), transactions: [] };
  for (let n = reader.index(); n > 0; n--) batch.transactions.push(readTransaction(reader));
  if (!encodeData(batch).equals(Buffer.from(bytes))) throw new Error('the data is not in its one form');
  return batch;
}

// Section 7: reading the bytes of the published data.

import { MAX_AMOUNT, NATIVE } from './account.js';
import { FEE, FEE_NATIVE, NATIVE_TOKEN, PUBLISHED, VERSION, encodeData, hasDeposit } from './data.js';
import { fromBytesBE, isElement } from './field.js';
import { unpackPoint } from './keys.js';
import { PUBLISHED_KINDS, isSigned } from './transactions.js';

/** The ranges of section 1, as far as they do not depend on a shape: there an index has 30 bits (section 5.2). */
const BELOW = {
  chainId: 2 ** 32,
  batchNumber: 2 ** 48,
  account: 2 ** 30,
  pool: 2 ** 29,
  token: 2 ** 30,
  tokenId: 2 ** 30,
  basisPoints: 10_000,
  count: 2 ** 20 + 1,
};

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

  number(range) {
    const n = this.varint();
    if (n >= BigInt(BELOW[range])) throw new Error(`out of range: ${range}`);
    return Number(n);
  }

  amount() {
    const v = this.varint();
    const w = v >> 1n;
    const a = v & 1n ? (w >> 5n) * 10n ** (w & 31n) : w;
    if (a > MAX_AMOUNT) throw new Error('an amount is not below 2^96');
    return a;
  }

  element() {
    const n = fromBytesBE(this.take(32));
    if (!isElement(n)) throw new Error('an element is not below r');
    return n;
  }

  /** The fields of the batch file that a published field stands for. */
  field(name, form, isNative) {
    switch (form) {
      case 'amount':
        return { [name]: this.amount() };
      case 'key':
        return { [name]: unpackPoint(this.take(32)) };
      case 'bytes32':
        return { [name]: Buffer.from(this.take(32)) };
      case 'poolAndDirection': {
        const n = Number(this.varint());
        if (n >= 2 * BELOW.pool) throw new Error('out of range: pool');
        return { pool: Math.floor(n / 2), direction: n % 2 };
      }
      case 'token':
        return { token: isNative ? NATIVE : this.number('token') };
      default:
        return { [name]: this.number(form) };
    }
  }

  transaction() {
    const first = this.take(1)[0];
    const kind = Object.keys(PUBLISHED_KINDS).find((name) => PUBLISHED_KINDS[name].code === (first & 15));
    if (!kind || first & 128) throw new Error(`no transaction begins with ${first}`);
    const tx = { kind };
    for (const [name, form] of PUBLISHED[kind]) Object.assign(tx, this.field(name, form, first & NATIVE_TOKEN));
    if (!isSigned(tx)) return tx;
    if (!(first & FEE)) return { ...tx, fee_token: 0, fee: 0n };
    return { ...tx, fee_token: first & FEE_NATIVE ? NATIVE : this.number('token'), fee: this.amount() };
  }
}

/** The inverse of encodeData. Whatever encodeData would not write is refused: the result must encode to the same bytes. */
export function decodeData(bytes) {
  const reader = new Reader(Buffer.from(bytes));
  if (reader.take(1)[0] !== VERSION) throw new Error('unknown version of the data');
  const batch = {
    chainId: reader.number('chainId'),
    batchNumber: reader.number('batchNumber'),
    operator: reader.number('account'),
    transactions: [],
    depositHead: null,
  };
  if (batch.batchNumber === 0) throw new Error('out of range: batchNumber');
  for (let n = reader.number('count'); n > 0; n--) batch.transactions.push(reader.transaction());
  if (hasDeposit(batch.transactions)) batch.depositHead = reader.element();
  if (!encodeData(batch).equals(reader.bytes)) throw new Error('the data is not in its one form');
  return batch;
}

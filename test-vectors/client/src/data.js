// Section 7: the published data of a batch, its hash and its bytes. decode.js reads the bytes.

import { NATIVE } from './account.js';
import { toBytesBE } from './field.js';
import { packPoint } from './keys.js';
import { hash } from './poseidon.js';
import { PUBLISHED_KINDS, dataElements } from './transactions.js';

export const dataHash = (operator, transactions) =>
  transactions.reduce((d, tx) => hash.dataStep(d, ...dataElements(tx)), hash.dataStart(BigInt(operator)));

export const VERSION = 0x01;
export const FEE = 16;
export const FEE_NATIVE = 32;
export const NATIVE_TOKEN = 64;

/** The fields that a kind publishes, in order: [name in the batch file, form]. `token` is left out where it is native. */
export const PUBLISHED = {
  transfer: [['from', 'account'], ['to', 'account'], ['token', 'token'], ['amount', 'amount']],
  transfer_new: [['from', 'account'], ['to_key', 'key'], ['token', 'token'], ['amount', 'amount']],
  deposit: [['account', 'account'], ['token', 'token'], ['amount', 'amount']],
  deposit_new: [['key', 'key'], ['token', 'token'], ['amount', 'amount']],
  swap: [['account', 'account'], ['pool', 'poolAndDirection'], ['amount_in', 'amount']],
  create_pool: [
    ['account', 'account'],
    ['token0', 'tokenId'],
    ['token1', 'tokenId'],
    ['fee_bp', 'basisPoints'],
    ['amount0', 'amount'],
    ['amount1', 'amount'],
  ],
  add_liquidity: [['account', 'account'], ['pool', 'pool'], ['max0', 'amount'], ['max1', 'amount']],
  remove_liquidity: [['account', 'account'], ['pool', 'pool'], ['shares', 'amount']],
  change_key: [['account', 'account'], ['key', 'key']],
  withdraw: [['account', 'account'], ['token', 'token'], ['amount', 'amount'], ['destination', 'bytes32']],
  refund: [['account', 'account'], ['token', 'token'], ['amount', 'amount'], ['destination', 'bytes32']],
};

/** The kinds that move the deposit queue on. */
const FROM_QUEUE = ['deposit', 'deposit_new', 'refund'];
export const hasDeposit = (transactions) => transactions.some((tx) => FROM_QUEUE.includes(tx.kind));

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

function fieldBytes(tx, name, form) {
  switch (form) {
    case 'amount':
      return amountBytes(tx[name]);
    case 'key':
      return packPoint(tx[name]);
    case 'bytes32':
      return tx[name];
    case 'poolAndDirection':
      return varint(2 * tx.pool + tx.direction);
    case 'token':
      return tx.token === NATIVE ? Buffer.alloc(0) : varint(tx.token);
    default:
      return varint(tx[name]);
  }
}

export function transactionBytes(tx) {
  const fields = PUBLISHED[tx.kind];
  const native = tx.token === NATIVE && fields.some(([, form]) => form === 'token');
  const hasFee = (tx.fee ?? 0n) > 0n;
  const feeNative = hasFee && tx.fee_token === NATIVE;
  const { code } = PUBLISHED_KINDS[tx.kind];
  const first = code + (hasFee ? FEE : 0) + (feeNative ? FEE_NATIVE : 0) + (native ? NATIVE_TOKEN : 0);

  const parts = [Buffer.from([first]), ...fields.map(([name, form]) => fieldBytes(tx, name, form))];
  if (hasFee && !feeNative) parts.push(varint(tx.fee_token));
  if (hasFee) parts.push(amountBytes(tx.fee));
  return Buffer.concat(parts);
}

/** `depositHead` is the queue's head after the batch; it is written only if the batch has moved it. */
export function encodeData({ chainId, batchNumber, operator, transactions, depositHead }) {
  return Buffer.concat([
    Buffer.from([VERSION]),
    varint(chainId),
    varint(batchNumber),
    varint(operator),
    varint(transactions.length),
    ...transactions.map(transactionBytes),
    ...(hasDeposit(transactions) ? [toBytesBE(depositHead, 32)] : []),
  ]);
}

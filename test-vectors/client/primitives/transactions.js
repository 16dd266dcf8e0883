// Single transactions: their lines, elements, and data.

import { writeBatchFile, readBatchFile } from '../src/batchfile.js';
import { messageOf } from '../src/bundle.js';
import { transactionBytes } from '../src/data.js';
import { elementToHex } from '../src/field.js';
import { B8, multiplyPoint } from '../src/keys.js';
import { dataElements, depositStep, isSigned, refundOf } from '../src/transactions.js';
import { seeded } from './seeded.js';

const CHAIN = 3;
const MAX = 2n ** 96n - 1n;
const key = multiplyPoint(B8, 5n);
const signed = { fee_token: 1, fee: 150n, nonce: 2n ** 40n + 7n, expiry: 123456 };
const noFee = { fee_token: 0, fee: 0n, nonce: 0n, expiry: 0 };
const outpoint = { txid: seeded('txid', 0), vout: 4294967295 };
const refund = seeded('refund', 0);
const destination = seeded('destination', 0);

const LIST = [
  { kind: 'transfer', from: 3, to: 2 ** 30 - 1, to_key: key, token: 2 ** 29 + 4, amount: MAX, ...signed },
  { kind: 'transfer', from: 300, to: 0, to_key: key, token: 1, amount: 5n, ...noFee },
  { kind: 'transfer_new', from: 3, to_key: key, token: 5, amount: 1000n, ...signed, fee_token: 5 },
  { kind: 'deposit', outpoint, account: 77, token: 1, amount: 2n ** 90n, refund },
  { kind: 'deposit_new', outpoint, key, token: 9, amount: 1n, refund },
  { kind: 'swap', account: 8, pool: 100, direction: 1, amount_in: 10n ** 20n, min_out: 12345n, ...signed },
  {
    kind: 'create_pool', account: 8, token0: 1, token1: 2 ** 29 - 1, fee_bp: 9999,
    amount0: 2n ** 95n, amount1: 2n ** 94n + 1n, ...signed,
  },
  { kind: 'add_liquidity', account: 8, pool: 1, max0: 5n, max1: 2n ** 80n, min_shares: 3n, ...noFee },
  { kind: 'remove_liquidity', account: 8, pool: 1, shares: 6n, min0: 4n, min1: 2n ** 70n, ...signed },
  { kind: 'change_key', account: 1, key, ...signed, fee_token: 2 ** 29 },
  { kind: 'withdraw', account: 1, token: 1, amount: 700_000n, destination, ...signed },
  { kind: 'remove_liquidity', account: 2 ** 30 - 1, pool: 2 ** 27 - 1, shares: MAX, min0: MAX, min1: MAX, ...noFee },
  { kind: 'change_key', account: 2 ** 30 - 1, key: B8, ...noFee },
  { kind: 'withdraw', account: 2 ** 30 - 1, token: 2 ** 29 - 1, amount: MAX, destination, ...noFee },
];

/** As a reader of its line sees it. */
function throughFile(tx) {
  const text = writeBatchFile({ chainId: CHAIN, batch: 1, preStateRoot: 0n, operator: 0 }, [tx]);
  return { line: text.split('\n')[1], read: readBatchFile(text).transactions[0] };
}

const queueHead = (tx) => ({ queue_head_after_0_at_index_5: elementToHex(depositStep(0n, 5, tx)) });

const published = (tx) => ({
  elements: dataElements(tx).map(elementToHex),
  data_hex: transactionBytes(tx).toString('hex'),
});

/** Transactions of every kind: line (with a signature of zeros), elements, digest step or queue step, data. */
export function transactionVectors() {
  return LIST.map((tx) => {
    if (isSigned(tx)) tx.signature = { R8: { x: 0n, y: 1n }, S: 0n };
    const { line, read } = throughFile(tx);
    const { elements, data_hex } = published(read);
    const hashed = isSigned(tx) ? { message: elementToHex(messageOf([read], CHAIN)) } : queueHead(read);
    return { chain_id: CHAIN, line, elements, ...hashed, data_hex };
  });
}

/** Deposits as lines, and what they publish where they are refunded. */
export function refundVectors() {
  const deposits = [
    { kind: 'deposit', outpoint, account: 69, token: 1, amount: 70_000n, refund },
    { kind: 'deposit', outpoint, account: 2 ** 30 - 1, token: 2 ** 29 - 1, amount: MAX, refund: seeded('refund', 1) },
    { kind: 'deposit', outpoint, account: 0, token: 2, amount: 1n, refund: Buffer.alloc(32, 0xff) },
    { kind: 'deposit_new', outpoint, key: { x: 0n, y: 1n }, token: 1, amount: 546n, refund },
    { kind: 'deposit_new', outpoint, key, token: 9, amount: 2n ** 80n, refund: Buffer.alloc(32) },
  ];
  return deposits.map((deposit) => {
    const { line, read } = throughFile(deposit);
    const { elements, data_hex } = published(refundOf(read));
    return { line, elements, ...queueHead(read), data_hex };
  });
}

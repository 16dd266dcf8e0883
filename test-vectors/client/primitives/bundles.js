// Bundles: the running digest after every member, the message, the signatures.

import { readBatchFile, writeBatchFile } from '../src/batchfile.js';
import { elementToHex } from '../src/field.js';
import { verify } from '../src/keys.js';
import { secretOf } from '../src/scenario.js';
import { digestStep } from '../src/transactions.js';
import { seeded } from './seeded.js';
import { keyOf, signedBundle } from './signing.js';

const pay = (from, to, name, token, amount) => ({ kind: 'transfer', from, to, to_key: keyOf(name), token, amount });
const out = (account, token, amount, i) => {
  const destination = seeded('destination', i);
  return { kind: 'withdraw', account, token, amount, destination };
};
const swap = { kind: 'swap', account: 2, pool: 1, direction: 0, amount_in: 10n ** 9n, min_out: 2n ** 95n };
const fee = (fee_token, amount) => ({ fee_token, fee: amount });

const CASES = [
  ['one transaction alone', 3, [['alice', { ...pay(1, 2, 'bob', 1, 5n), ...fee(1, 150n) }]]],
  [
    'an exchange of two transfers',
    3,
    [
      ['alice', { ...pay(1, 2, 'bob', 1, 100_000n), ...fee(1, 200n), nonce: 7n, expiry: 12 }],
      ['bob', { ...pay(2, 1, 'alice', 2, 25_000_000n), nonce: 2n ** 63n }],
    ],
  ],
  [
    'transfer, swap, withdrawal',
    4_294_967_295,
    [
      ['alice', { ...pay(1, 2, 'bob', 2 ** 29 + 1, 10n ** 20n), ...fee(2 ** 29 + 1, 10n ** 12n) }],
      ['bob', { ...swap, ...fee(1, 1_500n), expiry: 2 ** 48 - 1 }],
      ['carol', { ...out(3, 9, 2n ** 96n - 1n, 0), nonce: 41n }],
    ],
  ],
  [
    'one signer twice',
    0,
    [
      ['bob', { ...out(2, 1, 1n, 1), nonce: 8n }],
      ['bob', { ...swap, min_out: 0n, nonce: 9n }],
    ],
  ],
  [
    'the second member signs with the key that the first one sets',
    1026,
    [
      ['alice', { kind: 'change_key', account: 1, key: keyOf('alice, second key'), ...fee(2, 3n) }],
      ['alice, second key', { ...pay(1, 2, 'bob', 1, 6n), nonce: 1n }],
    ],
  ],
  [
    'every signed kind',
    3,
    [
      ['alice', pay(1, 2, 'bob', 1, 5n)],
      ['alice', { kind: 'transfer_new', from: 1, to_key: keyOf('dave'), token: 2, amount: 5n, nonce: 1n }],
      ['bob', swap],
      ['bob', { kind: 'create_pool', account: 2, token0: 1, token1: 2, fee_bp: 30, amount0: 5n, amount1: 6n, nonce: 1n }],
      ['bob', { kind: 'add_liquidity', account: 2, pool: 3, max0: 70n, max1: 80n, min_shares: 9n, nonce: 2n }],
      ['bob', { kind: 'remove_liquidity', account: 2, pool: 3, shares: 70n, min0: 80n, min1: 90n, nonce: 3n }],
      ['carol', { kind: 'change_key', account: 3, key: keyOf('carol, second key') }],
      ['alice', { ...out(1, 1, 70n, 2), nonce: 2n }],
    ],
  ],
];

export function bundleVectors() {
  return CASES.map(([what, chainId, members]) => {
    const bundle = signedBundle(members, chainId);
    const text = writeBatchFile({ chainId, batch: 1, preStateRoot: 0n, operator: 0 }, bundle);
    const { transactions, bundles } = readBatchFile(text);
    if (bundles.length !== 1) throw new Error(`not one bundle: ${what}`);
    let run = 0n;
    const digests = transactions.map((tx) => (run = digestStep(run, tx, chainId)));
    return {
      what,
      chain_id: chainId,
      message: elementToHex(run),
      members: transactions.map((tx, i) => {
        const [name] = members[i];
        if (!verify(tx.signature, run, keyOf(name))) throw new Error('a signature does not verify');
        return { secret: secretOf(name).toString('hex'), digest: elementToHex(digests[i]), line: text.split('\n')[i + 1] };
      }),
    };
  });
}

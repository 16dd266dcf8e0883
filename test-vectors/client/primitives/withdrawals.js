// Chains of withdrawals: the start, every step, the root.

import { withdrawalSteps } from '../src/expected.js';
import { elementToHex } from '../src/field.js';
import { withdrawalsRoot, withdrawalsStart } from '../src/withdrawals.js';
import { seeded } from './seeded.js';

const withdrawal = (account, token, amount, destination, refund = false) =>
  ({ account, token, amount, destination, refund });
const one = withdrawal(3, 1, 700_000n, seeded('destination', 0));

const CASES = [
  ['none', 3, 1, []],
  ['none, of another batch', 3, 2, []],
  ['none, the greatest chain id and batch number', 2 ** 32 - 1, 2 ** 48 - 1, []],
  ['one', 3, 1, [one]],
  ['the same one twice, and as a refund', 3, 1, [one, one, { ...one, refund: true }]],
  [
    'extremes',
    2 ** 32 - 1,
    2 ** 48 - 1,
    [
      withdrawal(0, 1, 1n, Buffer.alloc(32)),
      withdrawal(2 ** 30 - 1, 2 ** 29 - 1, 2n ** 96n - 1n, Buffer.alloc(32, 0xff), true),
      withdrawal(0, 9, 2n ** 95n, seeded('destination', 1), true),
    ],
  ],
];

export function withdrawalVectors() {
  return CASES.map(([what, chainId, batchNumber, list]) => ({
    what,
    chain_id: chainId,
    batch_number: batchNumber,
    start: elementToHex(withdrawalsStart(chainId, batchNumber)),
    withdrawals: withdrawalSteps(chainId, batchNumber, list),
    withdrawals_root: elementToHex(withdrawalsRoot(chainId, batchNumber, list)),
  }));
}

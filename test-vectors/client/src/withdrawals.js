// Section 6: the chain of the withdrawals of a batch.
//
// A withdrawal is { account, token, amount, destination, refund }; its position is its index in the list.

import { limbs, pack } from './field.js';
import { hash } from './poseidon.js';

export const withdrawalsStart = (chainId, batchNumber) =>
  hash.withdrawalsStart(pack([chainId, 0, 32], [batchNumber, 32, 48]));

export function withdrawalStep(w, position, { account, token, amount, destination, refund }) {
  const p = pack(
    [9, 0, 8],
    [account, 8, 30],
    [token, 38, 30],
    [amount, 68, 96],
    [refund ? 1 : 0, 164, 1],
    [position, 165, 32],
  );
  const { hi, lo } = limbs(destination);
  return hash.withdrawalStep(p, w, hi, lo);
}

/** The last W of a batch. */
export const withdrawalsRoot = (chainId, batchNumber, withdrawals) =>
  withdrawals.reduce((w, withdrawal, i) => withdrawalStep(w, i, withdrawal), withdrawalsStart(chainId, batchNumber));

// Section 7: the data of a batch is enough to rebuild the state without signatures.

import { decodeData } from './decode.js';
import { Batch } from './ledger.js';
import { need } from './refused.js';

/** Limits that a signer set are not published. */
const UNPUBLISHED = { min_out: 0n, min_shares: 0n, min0: 0n, min1: 0n };

/** Executes what was published. What only the signer's signature shows, a batch that was proved has kept. */
class ReplayedBatch extends Batch {
  execute(tx) {
    const filled = { ...UNPUBLISHED, ...tx };
    if (tx.kind === 'transfer') filled.to_key = this.account(tx.to);
    super.execute(filled);
  }

  authorize() {}

  settle(tx) {
    if (tx.kind === 'refund') {
      need(!this.isWrong(tx), 'a deposit that can be credited is not refunded');
      return this.emitRefund(tx);
    }
    need(this.isCredited(tx), 'a deposit that cannot be credited is refunded');
    return tx;
  }

  /** Account 0 may stand for a key that is not published: whether that refund has a reason cannot be told. */
  isWrong(refund) {
    const probe = new Batch(this.state, this.operator);
    return refund.account !== 0 && probe.isCredited({ ...refund, kind: 'deposit' });
  }

  countDeposit() {
    this.state.depositCount++;
  }
}

/**
 * Rebuilds a batch from the state before it and its published bytes. The result is a finished Batch: its `state` is the
 * one after the batch and its `statement()` the one that was proved.
 */
export function replay(preState, bytes) {
  const { chainId, batchNumber, operator, transactions, depositHead } = decodeData(bytes);
  need(chainId === preState.chainId && batchNumber === preState.batchNumber + 1, 'the data belongs to another batch');
  const batch = new ReplayedBatch(preState, operator);
  for (const tx of transactions) batch.attempt([tx]);
  batch.finish();
  if (depositHead !== null) batch.state.depositHead = depositHead;
  return batch;
}

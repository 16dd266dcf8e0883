// Section 7: the data of a batch is enough to rebuild the state without signatures.

import { Batch } from './ledger.js';
import { decodeData } from './data.js';
import { isSigned, signerOf } from './transactions.js';

class ReplayedBatch extends Batch {
  message() {
    return null; // what had to be signed cannot be told from the data, nor need it be
  }

  authorize() {}

  queueDeposit() {
    this.state.depositCount++;
  }

  execute(tx) {
    const { accounts } = this.state;
    const known = isSigned(tx) ? { nonce: accounts.get(signerOf(tx))?.nonce } : { refund: Buffer.alloc(32) };
    if (tx.kind === 'transfer') known.to_key = accounts.get(tx.to);
    // Limits that the signer set are not published; a batch that was proved has kept them.
    super.execute({ min_out: 0n, min_shares: 0n, min0: 0n, min1: 0n, ...tx, ...known }, null);
  }
}

/** The state after a batch, from the state before it, the published data, and the deposit head of the statement. */
export function replay(preState, bytes, depositHead) {
  const { chainId, batchNumber, operator, transactions } = decodeData(bytes);
  if (chainId !== preState.chainId || batchNumber !== preState.batchNumber + 1) {
    throw new Error('the data belongs to another batch');
  }
  const batch = new ReplayedBatch(preState, operator);
  for (const tx of transactions) batch.attempt([tx]);
  const state = batch.finish();
  state.depositHead = depositHead;
  return state;
}

// What a batch file leads to, for the files beside it.

import { readBatchFile } from './batchfile.js';
import { elementToHex } from './field.js';
import { replay } from './replay.js';
import { executeFile } from './sequencer.js';
import { shapeOf } from './shapes.js';
import { State } from './state.js';
import { anchorCommitment, anchorHeader, batchesRoot, publicInput } from './statement.js';
import { withdrawalStep, withdrawalsStart } from './withdrawals.js';

/** Every batch is also rebuilt from its bytes alone, and must come out as the same statement. */
function needRebuilt(genesis, batches) {
  let state = genesis;
  for (const { data, publicInput: expected } of batches) {
    const rebuilt = replay(state, data);
    if (publicInput(rebuilt.statement()) !== expected) throw new Error('the published data does not rebuild the batch');
    state = rebuilt.state;
  }
}

/** The withdrawals of a batch, each with the W after it. */
export function withdrawalSteps(chainId, batchNumber, withdrawals) {
  let w = withdrawalsStart(chainId, batchNumber);
  return withdrawals.map((withdrawal, position) => {
    w = withdrawalStep(w, position, withdrawal);
    const { account, token, amount, destination, refund } = withdrawal;
    return {
      position,
      account,
      token,
      amount: amount.toString(),
      destination: destination.toString('hex'),
      refund,
      w: elementToHex(w),
    };
  });
}

function expectedBatch(batch, indexOf, vk) {
  const { statement, state } = batch;
  return {
    batch_number: statement.batchNumber,
    transactions: batch.transactions.length,
    slots: batch.slots.map((tx) => (tx === null ? null : indexOf(tx))),
    published: batch.transactions.map((tx) => tx.kind),
    pre_state_root: elementToHex(statement.preStateRoot),
    post_state_root: elementToHex(statement.postStateRoot),
    account_root: elementToHex(state.accountRoot()),
    pool_root: elementToHex(state.poolRoot()),
    next_account: state.nextAccount,
    next_pool: state.nextPool,
    deposit_count: state.depositCount,
    data_hex: batch.data.toString('hex'),
    data_hash: elementToHex(statement.dataHash),
    deposit_head: elementToHex(statement.depositHead),
    withdrawals: withdrawalSteps(statement.chainId, statement.batchNumber, batch.withdrawals),
    withdrawals_root: elementToHex(statement.withdrawalsRoot),
    public_input: elementToHex(batch.publicInput),
    commitment: batch.commitment(vk).toString('hex'),
  };
}

/** What a batch file that starts at genesis must lead to, computed from its text alone. */
export function expectedOf(shapeName, text, vk, madeBy) {
  const shape = shapeOf(shapeName);
  const file = readBatchFile(text);
  const chainId = file.header.chain_id;
  const genesis = State.genesis(shape, chainId);
  const batches = executeFile(shape, genesis, file);
  needRebuilt(genesis, batches);

  const root = batchesRoot(batches.map((b) => b.commitment(vk)));
  const header = anchorHeader({
    chainId,
    sequence: 0,
    firstBatch: file.header.batch,
    numberOfBatches: batches.length,
    preStateRoot: batches[0].statement.preStateRoot,
    postStateRoot: batches.at(-1).statement.postStateRoot,
    batchesRoot: root,
  });
  return {
    shape: shapeName,
    chain_id: chainId,
    made_by: madeBy,
    vk_id: vk.toString('hex'),
    batches: batches.map((b) => expectedBatch(b, (tx) => file.transactions.indexOf(tx), vk)),
    anchor: {
      sequence: 0,
      header_hex: header.toString('hex'),
      commitment: anchorCommitment(header).toString('hex'),
      batches_root: root.toString('hex'),
    },
  };
}

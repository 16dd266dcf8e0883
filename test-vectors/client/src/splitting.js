// Section 11: cutting a sequence of transactions into batches of a shape.

import { dataHash, encodeData } from './data.js';
import { Batch } from './ledger.js';
import { batchCommitment, publicInput } from './statement.js';
import { feeTokenOf, poolTouched, slotOfKind } from './transactions.js';

/** What a batch has used of its shape so far. */
const emptyUse = () => ({ cursor: 0, pools: new Set(), feeTokens: new Set() });

/** The use after a bundle and the slots it takes, or null if the bundle does not fit. */
function fit(shape, use, bundle, nextPool) {
  const after = { cursor: use.cursor, pools: new Set(use.pools), feeTokens: new Set(use.feeTokens) };
  const taken = [];
  for (const tx of bundle) {
    const slot = shape.slots.indexOf(slotOfKind(tx), after.cursor);
    if (slot < 0) return null;
    taken.push(slot);
    after.cursor = slot + 1;

    const pool = poolTouched(tx, nextPool);
    if (pool !== null) after.pools.add(pool);
    if (tx.kind === 'create_pool') nextPool++;

    const feeToken = feeTokenOf(tx);
    if (feeToken !== null) after.feeTokens.add(feeToken);
  }
  if (after.pools.size > shape.pools || after.feeTokens.size > shape.fee_tokens) return null;
  return { use: after, taken };
}

/** Takes bundles one after another, executes them, and closes batches as they fill. */
export class Sequencer {
  constructor(shape, state, operator) {
    this.shape = shape;
    this.state = state; // after the last closed batch
    this.operator = operator;
    this.closed = [];
    this.open = null;
    this.count = 0;
  }

  /** The state as of the last bundle taken. */
  get current() {
    return this.open?.batch.state ?? this.state;
  }

  start() {
    this.open = {
      batch: new Batch(this.state, this.operator),
      use: emptyUse(),
      slots: Array(this.shape.slots.length).fill(null),
    };
  }

  /** The number of the batch that a bundle would come to stand in. */
  batchNumberOf(bundle) {
    if (!this.open) return this.state.batchNumber + 1;
    const { batch, use } = this.open;
    return batch.number + (fit(this.shape, use, bundle, this.current.nextPool) ? 0 : 1);
  }

  push(bundle) {
    if (this.open && !fit(this.shape, this.open.use, bundle, this.current.nextPool)) this.close();
    if (!this.open) this.start();
    const place = fit(this.shape, this.open.use, bundle, this.current.nextPool);
    if (!place) throw new Error('the bundle does not fit an empty batch');
    this.open.batch.attempt(bundle);
    this.open.use = place.use;
    for (const slot of place.taken) this.open.slots[slot] = this.count++;
  }

  close() {
    if (!this.open) return;
    const { batch, slots } = this.open;
    if (batch.transactions.length > 0) {
      this.state = batch.finish();
      this.closed.push(new ClosedBatch(batch, slots));
    }
    this.open = null;
  }
}

/** A complete batch: what is published, stated, and committed to. */
export class ClosedBatch {
  constructor(batch, slots) {
    const { preState, state, operator, transactions, number } = batch;
    this.slots = slots; // for each slot of the shape the index of its transaction in the file, or null
    this.state = state;
    this.transactions = transactions;
    this.withdrawals = batch.withdrawals;
    this.data = encodeData({ chainId: state.chainId, batchNumber: number, operator, transactions });
    this.statement = {
      chainId: state.chainId,
      batchNumber: number,
      preStateRoot: preState.root(),
      postStateRoot: state.root(),
      dataHash: dataHash(operator, transactions),
      depositHead: state.depositHead,
      withdrawalsRoot: batch.withdrawalsRoot(),
    };
    this.publicInput = publicInput(this.statement);
  }

  commitment(vk) {
    return batchCommitment(this.statement, vk);
  }
}

/** Executes a whole batch file (see batchfile.js) from the state before it. */
export function executeFile(shape, state, { header, bundles }) {
  if (header.chain_id !== state.chainId) throw new Error('the file is for another chain');
  if (header.batch !== state.batchNumber + 1) throw new Error('the file does not follow this state');
  if (header.pre_state_root !== state.root()) throw new Error('the file starts from another state root');
  const sequencer = new Sequencer(shape, state, header.operator);
  for (const bundle of bundles) sequencer.push(bundle);
  sequencer.close();
  return sequencer.closed;
}

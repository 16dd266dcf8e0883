// Sections 6 and 11 together: executing a sequence of bundles batch by batch.

import { OperatorBatch } from './ledger.js';
import { Room } from './splitting.js';
import { batchCommitment, publicInput } from './statement.js';

/** Takes bundles one after another, executes them, and closes batches as they fill. */
export class Sequencer {
  constructor(shape, state, operator) {
    this.shape = shape;
    this.state = state; // after the last closed batch
    this.operator = operator;
    this.closed = [];
    this.open = null;
  }

  /** The state as of the last bundle taken. */
  get current() {
    return this.open?.batch.state ?? this.state;
  }

  /** The number of the batch that a bundle would come to stand in. */
  batchNumberOf(bundle) {
    if (!this.open) return this.state.batchNumber + 1;
    const { batch, room } = this.open;
    return batch.number + (room.after(bundle, this.current.nextPool) ? 0 : 1);
  }

  push(bundle) {
    let room = this.open?.room.after(bundle, this.current.nextPool);
    if (!room) {
      room = Room.startingWith(bundle, this.shape, this.current.nextPool);
      this.close();
    }
    const batch = this.open?.batch ?? new OperatorBatch(this.state, this.operator);
    batch.attempt(bundle);
    this.open = { batch, room };
  }

  close() {
    if (!this.open) return;
    const { batch, room } = this.open;
    this.state = batch.finish();
    this.closed.push(new ClosedBatch(batch, room.slots));
    this.open = null;
  }
}

/** A complete batch: what is published, stated, and committed to. */
export class ClosedBatch {
  constructor(batch, slots) {
    this.slots = slots; // of each slot of the shape its transaction as it stood in the file, or null
    this.state = batch.state;
    this.transactions = batch.transactions; // as published
    this.withdrawals = batch.withdrawals;
    this.data = batch.data();
    this.statement = batch.statement();
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

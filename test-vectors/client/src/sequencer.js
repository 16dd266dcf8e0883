// Sections 6 and 11 together: executing a sequence of bundles batch by batch.

import { OperatorBatch } from './ledger.js';
import { OperatorFull } from './refused.js';
import { Room } from './splitting.js';
import { batchCommitment, publicInput } from './statement.js';
import { isSigned } from './transactions.js';

/** Why a batch ends before a deposit after which its operator could not take the fees. */
export const OPERATOR = 'operator';
const JOINED = Symbol('joined');

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

  /** The number of the batch that a bundle would come to stand in, as far as the cut says. */
  batchNumberOf(bundle) {
    if (!this.open) return this.state.batchNumber + 1;
    const { batch, room } = this.open;
    return batch.number + (room.with(bundle).room ? 0 : 1);
  }

  push(bundle) {
    const end = this.join(bundle);
    if (end === JOINED) return;
    const { nextAccount, nextPool } = this.current;
    const room = Room.startingWith(bundle, this.shape, { operator: this.operator, nextAccount, nextPool });
    this.close(end);
    const batch = new OperatorBatch(this.state, this.operator);
    batch.attempt(bundle);
    this.open = { batch, room };
  }

  /** Takes a bundle into the open batch, or says why that batch ends before it: null if there is none. */
  join(bundle) {
    if (!this.open) return null;
    const { batch, room: before } = this.open;
    const { room, lack } = before.with(bundle);
    if (lack) return lack;
    try {
      batch.attempt(bundle);
    } catch (error) {
      if (error instanceof OperatorFull && !isSigned(bundle[0])) return OPERATOR;
      throw error;
    }
    this.open = { batch, room };
    return JOINED;
  }

  /** `end`: what the next bundle finds too little of, if that is the reason. */
  close(end = null) {
    if (!this.open) return;
    const { batch, room } = this.open;
    this.state = batch.finish();
    this.closed.push(new ClosedBatch(batch, room, end));
    this.open = null;
  }
}

/** A complete batch: what is published, stated, and committed to. */
export class ClosedBatch {
  constructor(batch, room, end) {
    this.slots = room.slots; // of each slot of the shape its transaction as it stood in the file, or null
    this.touched = room.touched;
    this.end = end; // what there was too little of for the next bundle, null for the last batch
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

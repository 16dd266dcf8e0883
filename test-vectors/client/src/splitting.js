// Section 11: cutting a sequence of transactions into batches of a shape.

import { need } from './refused.js';
import { feeTokenOf, poolTouched, slotOfKind } from './transactions.js';

/** What a batch has used of its shape so far. */
export class Room {
  constructor(shape) {
    this.shape = shape;
    this.cursor = 0;
    this.pools = new Set();
    this.feeTokens = new Set();
    this.slots = Array(shape.slots.length).fill(null); // of each slot its transaction
  }

  copy() {
    const { pools, feeTokens, slots } = this;
    const sets = { pools: new Set(pools), feeTokens: new Set(feeTokens), slots: [...slots] };
    return Object.assign(new Room(this.shape), this, sets);
  }

  /** The room after a bundle, or null if the bundle does not fit. `nextPool` is the pool counter before it. */
  after(bundle, nextPool) {
    const room = this.copy();
    for (const tx of bundle) {
      const slot = this.shape.slots.indexOf(slotOfKind(tx), room.cursor);
      if (slot < 0) return null;
      room.slots[slot] = tx;
      room.cursor = slot + 1;

      const pool = poolTouched(tx, nextPool);
      if (pool !== null) room.pools.add(pool);
      if (tx.kind === 'create_pool') nextPool++;

      const feeToken = feeTokenOf(tx);
      if (feeToken !== null) room.feeTokens.add(feeToken);
    }
    return room.pools.size > this.shape.pools || room.feeTokens.size > this.shape.fee_tokens ? null : room;
  }

  /** The room of a batch that starts with this bundle. */
  static startingWith(bundle, shape, nextPool) {
    const room = new Room(shape).after(bundle, nextPool);
    need(room, 'the bundle does not fit any batch');
    return room;
  }
}

/** The slots of the batches into which bundles are cut, without executing them. */
export function split(shape, nextPool, bundles) {
  const rooms = [];
  for (const bundle of bundles) {
    const room = rooms.at(-1)?.after(bundle, nextPool);
    if (room) rooms[rooms.length - 1] = room;
    else rooms.push(Room.startingWith(bundle, shape, nextPool));
    nextPool += bundle.filter((tx) => tx.kind === 'create_pool').length;
  }
  return rooms.map((room) => room.slots);
}

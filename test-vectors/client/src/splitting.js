// Section 11: cutting a sequence of transactions into batches of a shape.

import { need } from './refused.js';
import { countersOf, touchedBy, touchedByOperator } from './touching.js';
import { slotOfKind } from './transactions.js';

/** What there is room for, by the names that the shape has for it. */
const ROOM = ['accounts', 'pools', 'nodes', 'fee_tokens'];

/** What a batch has used of its shape so far. Never changed, only replaced. */
export class Room {
  /** An empty batch: `start` has the operator, and the counters before the batch. */
  static empty(shape, { operator, ...state }) {
    const used = touchedByOperator(operator, shape);
    const touched = Object.fromEntries(ROOM.map((what) => [what, new Set(used[what])]));
    const slots = Array(shape.slots.length).fill(null);
    return Object.assign(new Room(), { shape, cursor: 0, slots, touched, counters: countersOf(state) });
  }

  /** `{ room }` after a bundle, or the `lack` of something if the bundle does not fit. */
  with(bundle) {
    let room = this;
    for (const tx of bundle) {
      const after = room.withOne(tx);
      if (after.lack) return after;
      room = after.room;
    }
    return { room };
  }

  withOne(tx) {
    const { shape } = this;
    const slot = shape.slots.indexOf(slotOfKind(tx), this.cursor);
    if (slot < 0) return { lack: 'slots' };

    const { touched: more, counters } = touchedBy(tx, shape, this.counters);
    const touched = Object.fromEntries(ROOM.map((what) => [what, new Set([...this.touched[what], ...more[what]])]));
    const lack = ROOM.find((what) => touched[what].size > shape[what]);
    if (lack) return { lack };

    const slots = this.slots.with(slot, tx);
    return { room: Object.assign(new Room(), { shape, cursor: slot + 1, slots, touched, counters }) };
  }

  /** The room of a batch that starts with this bundle. */
  static startingWith(bundle, shape, start) {
    const { room, lack } = Room.empty(shape, start).with(bundle);
    need(room, `the bundle does not fit any batch: too few ${lack}`);
    return room;
  }
}

/** The slots of the batches into which bundles are cut, without executing them. `start`: as in `Room.empty`. */
export function split(shape, start, bundles) {
  const rooms = [];
  for (const bundle of bundles) {
    const last = rooms.at(-1);
    const room = last?.with(bundle).room;
    if (room) rooms[rooms.length - 1] = room;
    else rooms.push(Room.startingWith(bundle, shape, { ...start, ...last?.counters }));
  }
  return rooms.map((room) => room.slots);
}

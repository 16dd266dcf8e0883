// Points of the curve that a bridge may queue and that are no valid keys.

import { R } from '../src/field.js';
import { addPoints, unpackPoint } from '../src/keys.js';

export const IDENTITY = { x: 0n, y: 1n };
export const ORDER_2 = { x: 0n, y: R - 1n };
export const ORDER_4 = unpackPoint(Buffer.alloc(32)); // y = 0

/** Outside the prime-order subgroup, with the key of a wallet beside it. */
export const besides = (key) => addPoints(key, ORDER_4);

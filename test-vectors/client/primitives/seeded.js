// Bytes and elements that are the same on every machine.

import { R, fromBytesBE, toBytesBE } from '../src/field.js';
import { sha256 } from '../src/statement.js';

export const seeded = (label, i) => sha256(Buffer.from(`tapstone test vector ${label}`), toBytesBE(i, 8));
export const seededElement = (label, i) => fromBytesBE(seeded(label, i)) % R;

/** Where two libraries differ nothing is written. */
export function same(a, b, what) {
  if (String(a) !== String(b)) throw new Error(`two libraries differ: ${what}`);
  return a;
}

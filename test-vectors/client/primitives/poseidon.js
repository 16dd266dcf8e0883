// Poseidon from two implementations of circomlibjs.

import { buildPoseidon, buildPoseidonReference } from 'circomlibjs';
import { R, elementToHex } from '../src/field.js';
import { same, seededElement } from './seeded.js';

export async function poseidonVectors() {
  const fast = await buildPoseidon();
  const reference = await buildPoseidonReference();
  const vectors = [];
  for (let arity = 1; arity <= 16; arity++) {
    const fill = (f) => Array.from({ length: arity }, (_, i) => f(i));
    const inputs = [
      fill(() => 0n),
      fill((i) => BigInt(i + 1)),
      fill(() => R - 1n),
      fill((i) => seededElement(`poseidon ${arity}`, i)),
      fill((i) => seededElement(`poseidon ${arity}`, 100 + i)),
    ];
    for (const input of inputs) {
      const output = same(
        fast.F.toObject(fast(input)),
        reference.F.toObject(reference(input.map((n) => reference.F.e(n)))),
        `Poseidon of ${arity} inputs`,
      );
      vectors.push({ arity, inputs: input.map(elementToHex), output: elementToHex(output) });
    }
  }
  return vectors;
}

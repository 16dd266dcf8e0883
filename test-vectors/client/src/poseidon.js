// Section 2: Poseidon and the role of each hash.

import { buildPoseidon } from 'circomlibjs';
import { isElement } from './field.js';

const circom = await buildPoseidon();

/** P_n(x_1, ..., x_n) with n the number of arguments, 1 to 16. */
export function poseidon(...inputs) {
  if (inputs.length < 1 || inputs.length > 16) throw new RangeError('1 to 16 inputs');
  for (const x of inputs) if (!isElement(x)) throw new RangeError(`not an element: ${x}`);
  return circom.F.toObject(circom(inputs));
}

const role = (arity, tag) => (...inputs) => {
  const all = tag === null ? inputs : [tag, ...inputs];
  if (all.length !== arity) throw new RangeError(`this hash takes ${arity} elements`);
  return poseidon(...all);
};

export const hash = {
  challenge: role(5, null),
  statement: role(7, null),
  node: role(8, null),
  accountLeaf: role(8, null), // told apart by its third element
  poolLeaf: role(4, 2n),
  stateRoot: role(6, 3n),
  pairDigest: role(6, 4n),
  singleDigest: role(9, 5n),
  dataStep: role(6, 6n),
  dataStart: role(2, 7n),
  depositStep: role(9, 8n),
  withdrawalStep: role(4, null), // told apart by the lowest byte of its first element
  withdrawalsStart: role(2, 10n),
  segmentsData: role(3, 14n),
  segmentsWithdrawals: role(3, 15n),
};

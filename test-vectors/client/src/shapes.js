// Section 11: shapes.

import { readFileSync } from 'node:fs';

const { shapes } = JSON.parse(readFileSync(new URL('../../shapes.json', import.meta.url), 'utf8'));

export function shapeOf(name) {
  const shape = shapes.find((s) => s.name === name);
  if (!shape) throw new Error(`no shape is called ${name}`);
  return shape;
}

/** Throws for a shape that cannot be: an empty batch has room for any transaction of which the shape has a slot. */
export function needShape({ name, account_depth, pool_depth, slots, accounts, pools, nodes, fee_tokens }) {
  const leastAccounts = slots.includes('P') ? 3 : 2;
  const leastNodes = 1 + leastAccounts * (account_depth - 1) + (pools > 0 ? pool_depth : 0);
  const ranges = {
    account_depth: [account_depth, 1, 10],
    pool_depth: [pool_depth, 1, 9],
    slots: [slots.length, 1, 2 ** 20],
    accounts: [accounts, leastAccounts, 8 ** account_depth],
    pools: [pools, 0, 8 ** pool_depth],
    nodes: [nodes, leastNodes, 2 ** 20],
    fee_tokens: [fee_tokens, 0, 8],
  };
  for (const [what, [had, least, most]] of Object.entries(ranges)) {
    if (!(had >= least && had <= most)) throw new Error(`shape ${name}: ${what} is ${had}, needed ${least} to ${most}`);
  }
  if (!/^[PS]*$/.test(slots)) throw new Error(`shape ${name}: slots are P and S`);
}

shapes.forEach(needShape);

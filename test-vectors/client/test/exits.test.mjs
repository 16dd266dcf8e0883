// Section 13: exit proofs.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { BadExit, verifyAccountExit, verifyPoolExit, verifyWithdrawalExit } from '../src/exits.js';
import { elementFromHex } from '../src/field.js';

const folder = new URL('../../exits/', import.meta.url);
const hex = (text) => Buffer.from(text, 'hex');

for (const name of readdirSync(folder)) {
  const file = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
  const root = elementFromHex(file.state_root);
  const known = {
    chainId: file.chain_id,
    batchNumber: file.withdrawals_batch,
    withdrawalsRoot: elementFromHex(file.withdrawals_root),
  };
  const kinds = {
    accounts: (bytes, other) => verifyAccountExit(bytes, root + (other ? 1n : 0n)),
    pools: (bytes, other) => verifyPoolExit(bytes, root + (other ? 1n : 0n)),
    withdrawals: (bytes, other) =>
      verifyWithdrawalExit(bytes, other ? { ...known, withdrawalsRoot: known.withdrawalsRoot + 1n } : known),
  };
  for (const [kind, verify] of Object.entries(kinds)) {
    test(`${name}: ${kind}`, () => {
      for (const { bytes, verdict } of file[kind]) {
        assert.deepEqual(verify(hex(bytes)), verdict);
        const code = kind === 'withdrawals' ? 957 : 953;
        assert.throws(() => verify(hex(bytes), true), (e) => e instanceof BadExit && e.code === code);
      }
      for (const { name: what, code, bytes } of file[`${kind}_refused`]) {
        assert.throws(() => verify(hex(bytes)), (e) => e instanceof BadExit && e.code === code, `${what}: ${code}`);
      }
    });
  }
}

// What README.md says of the batch files: where each chain is cut, and what it shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STORIES } from '../stories/index.js';

/** Why the batches of a chain end: [number of batches, why some end, why some end before a bundle of two or more]. */
const CHAINS = {
  tiny: [1, [], []],
  'tiny-chain': [8, ['fee_tokens', 'slots'], []],
  'tiny-kinds': [23, ['fee_tokens', 'slots'], ['fee_tokens', 'slots']],
  'tiny-full': [21, ['nodes', 'slots'], ['nodes']],
  small: [1, [], []],
  'small-chain': [4, ['pools'], []],
  'small-kinds': [10, ['fee_tokens', 'pools', 'slots'], ['fee_tokens', 'pools', 'slots']],
};

const first = (batch) => batch.slots.find((tx) => tx !== null);
const sorted = (list) => [...new Set(list)].sort();

for (const [name, [, tell]] of Object.entries(STORIES)) {
  test(`${name}: the cuts`, () => {
    const s = tell();
    s.sequencer.close();
    const { closed } = s.sequencer;
    const cuts = closed.slice(1).map((batch, i) => ({ end: closed[i].end, bundle: first(batch).message !== undefined }));
    const [count, ends, moves] = CHAINS[name];
    assert.equal(closed.length, count);
    assert.deepEqual(sorted(cuts.map(({ end }) => end)), ends);
    assert.deepEqual(sorted(cuts.filter(({ bundle }) => bundle).map(({ end }) => end)), moves);
  });
}

test('tiny and small fill every slot', () => {
  for (const name of ['tiny', 'small']) {
    const s = STORIES[name][1]();
    s.sequencer.close();
    assert.ok(s.sequencer.closed[0].slots.every((tx) => tx !== null), name);
  }
});

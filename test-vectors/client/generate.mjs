// Writes test-vectors/batches: deterministic batch files, and beside each what it must lead to.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expectedOf } from './src/expected.js';
import { jsonText } from './src/json.js';
import { sha256 } from './src/statement.js';
import { STORIES } from './stories/index.js';

const VK_ID = sha256(Buffer.from('tapstone test vector vk'));
const MADE_BY = 'test-vectors/client/generate.mjs';

/** All files as a Map from the path below test-vectors to the text. */
export function batchFiles() {
  const files = new Map();
  for (const [name, [shape, tell]] of Object.entries(STORIES)) {
    const text = tell().file();
    files.set(`batches/${name}.jsonl`, text);
    files.set(`batches/${name}.expected.json`, jsonText(expectedOf(shape, text, VK_ID, MADE_BY)));
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = new URL('../', import.meta.url);
  mkdirSync(new URL('batches/', root), { recursive: true });
  for (const [path, text] of batchFiles()) {
    writeFileSync(new URL(path, root), text);
    console.log(`wrote test-vectors/${path}`);
  }
}

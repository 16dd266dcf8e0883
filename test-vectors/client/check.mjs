// Computes every generated file again and compares it with the one on disk, byte for byte.

import { readFileSync } from 'node:fs';
import { exitFiles } from './exits.mjs';
import { batchFiles } from './generate.mjs';
import { primitiveFiles } from './vectors.mjs';

const root = new URL('../', import.meta.url);
const files = new Map([...(await primitiveFiles()), ...batchFiles(), ...exitFiles()]);

function read(path) {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch {
    return null;
  }
}

const short = (line) => (line === undefined ? '(no such line)' : line.length > 200 ? `${line.slice(0, 200)}...` : line);

let faults = 0;
for (const [path, expected] of files) {
  const found = read(path);
  if (found === expected) {
    console.log(`same     ${path}`);
    continue;
  }
  faults++;
  if (found === null) {
    console.log(`missing  ${path}`);
    continue;
  }
  console.log(`differs  ${path}`);
  const [a, b] = [found.split('\n'), expected.split('\n')];
  const lines = [...Array(Math.max(a.length, b.length)).keys()].filter((i) => a[i] !== b[i]);
  for (const i of lines.slice(0, 5)) {
    let at = 0;
    while (a[i]?.[at] !== undefined && a[i][at] === b[i]?.[at]) at++;
    console.log(`  line ${i + 1}, from column ${at + 1}`);
    console.log(`  - on disk:  ${short(a[i]?.slice(at))}`);
    console.log(`  + computed: ${short(b[i]?.slice(at))}`);
  }
  if (lines.length > 5) console.log(`  and ${lines.length - 5} more lines`);
}

console.log(faults === 0 ? `${files.size} files are as computed` : `${faults} of ${files.size} files are not as computed`);
process.exit(faults === 0 ? 0 : 1);

// Section 11: the registered shapes.

import { readFileSync } from 'node:fs';

const { shapes } = JSON.parse(readFileSync(new URL('../../shapes.json', import.meta.url), 'utf8'));

export function shapeOf(name) {
  const shape = shapes.find((s) => s.name === name);
  if (!shape) throw new Error(`no shape is called ${name}`);
  return shape;
}

// Section 4, trees of arity 8. Only leaves that are not empty are held.

import { hash } from './poseidon.js';

/** Roots of empty trees, by empty leaf: roots[D] is that of depth D. */
const emptyRoots = new Map();

function emptyRoot(emptyLeaf, depth) {
  if (!emptyRoots.has(emptyLeaf)) emptyRoots.set(emptyLeaf, [emptyLeaf]);
  const roots = emptyRoots.get(emptyLeaf);
  while (roots.length <= depth) roots.push(hash.node(...Array(8).fill(roots.at(-1))));
  return roots[depth];
}

/** Root of the tree with the given leaves (a Map from index to hash) and empty leaves elsewhere. */
export function treeRoot(depth, leaves, emptyLeaf) {
  let level = leaves;
  for (let height = 0; height < depth; height++) {
    const above = new Map();
    for (const index of level.keys()) {
      const parent = Math.floor(index / 8);
      if (above.has(parent)) continue;
      const children = [];
      for (let i = 0; i < 8; i++) children.push(level.get(8 * parent + i) ?? emptyRoot(emptyLeaf, height));
      above.set(parent, hash.node(...children));
    }
    level = above;
  }
  return level.get(0) ?? emptyRoot(emptyLeaf, depth);
}

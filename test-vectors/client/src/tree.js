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

const childrenOf = (level, height, parent, emptyLeaf) =>
  [...Array(8).keys()].map((i) => level.get(8 * parent + i) ?? emptyRoot(emptyLeaf, height));

/** The levels of a tree from the leaves (a Map from index to hash, empty leaves elsewhere) up to the root. */
function levelsOf(depth, leaves, emptyLeaf) {
  const levels = [leaves];
  for (let height = 0; height < depth; height++) {
    const level = levels[height];
    const parents = new Set([...level.keys()].map((index) => Math.floor(index / 8)));
    levels.push(new Map([...parents].map((p) => [p, hash.node(...childrenOf(level, height, p, emptyLeaf))])));
  }
  return levels;
}

/** Root of the tree with the given leaves (a Map from index to hash) and empty leaves elsewhere. */
export const treeRoot = (depth, leaves, emptyLeaf) =>
  levelsOf(depth, leaves, emptyLeaf)[depth].get(0) ?? emptyRoot(emptyLeaf, depth);

/** Section 13: paths of leaves of one tree, as a function of the index. */
export function treePaths(depth, leaves, emptyLeaf) {
  const levels = levelsOf(depth, leaves, emptyLeaf);
  return (index) =>
    [...Array(depth).keys()].map((height) => {
      const parent = Math.floor(index / 8 ** (height + 1));
      const own = Math.floor(index / 8 ** height) % 8;
      return childrenOf(levels[height], height, parent, emptyLeaf).filter((_, i) => i !== own);
    });
}

/** The root that a leaf and its path lead to. */
export const rootAbove = (index, leaf, path) =>
  path.reduce((node, siblings, height) => {
    const own = Math.floor(index / 8 ** height) % 8;
    return hash.node(...siblings.slice(0, own), node, ...siblings.slice(own));
  }, leaf);

// The batch files by name: the shape of each and the function that tells its story.

import { small } from './small.js';
import { smallChain } from './small-chain.js';
import { smallKinds } from './small-kinds.js';
import { tiny } from './tiny.js';
import { tinyChain } from './tiny-chain.js';
import { tinyFull } from './tiny-full.js';
import { tinyKinds } from './tiny-kinds.js';

export const STORIES = {
  tiny: ['tiny', tiny],
  'tiny-chain': ['tiny', tinyChain],
  'tiny-kinds': ['tiny', tinyKinds],
  'tiny-full': ['tiny', tinyFull],
  small: ['small', small],
  'small-chain': ['small', smallChain],
  'small-kinds': ['small', smallKinds],
};

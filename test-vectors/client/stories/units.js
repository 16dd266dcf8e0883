export const M = 1_000_000n;
export const COIN = 100_000_000n; // one bitcoin in its smallest unit
export const E18 = 10n ** 18n;

export const USD = 2;
export const GOLD = 3;

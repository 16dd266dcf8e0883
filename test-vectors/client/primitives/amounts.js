// Amounts as bytes of the published data.

import { amountBytes } from '../src/data.js';

export function amountVectors() {
  const amounts = [0n, 1n, 9n, 10n, 11n, 20n, 63n, 64n, 100n, 127n, 128n, 1000n, 1200n, 8191n, 8192n, 10n ** 6n, 2_500_000n];
  amounts.push(21n * 10n ** 14n, 10n ** 18n, 123n * 10n ** 16n, 10n ** 28n, 7n * 10n ** 28n, 2n ** 64n, 2n ** 90n - 1n);
  amounts.push(2n ** 96n - 1n, (2n ** 96n - 1n) / 10n * 10n, 3n * 10n, 15n * 10n, 170n, 330n);
  return amounts.map((a) => ({ amount: a.toString(), hex: amountBytes(a).toString('hex') }));
}

/** Seeded randomness: the same seed gives the same ids, latencies and faults. */

/** A number in [0, 1). */
export type Random = () => number;

/** mulberry32: small, fast, and good enough for ids in a test double. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An independent stream, so that drawing from one never shifts the values of another. */
export function fork(random: Random): Random {
  return seededRandom(Math.floor(random() * 2 ** 32));
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const HEX = '0123456789abcdef';

function draw(random: Random, alphabet: string, length: number): string {
  let text = '';
  for (let index = 0; index < length; index += 1) text += alphabet[Math.floor(random() * alphabet.length)] ?? '';
  return text;
}

/** Ids of users and groups have 28 characters [A-Za-z0-9], ids of resources 20. */
export const alphanumeric = (random: Random, length: number): string => draw(random, ALPHANUMERIC, length);
/** Request ids have 32 hex digits; API keys are `sk_` and 48. */
export const hex = (random: Random, length: number): string => draw(random, HEX, length);

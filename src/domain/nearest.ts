/** The word of a list that was probably meant; null = none is near enough. */
export function nearest(word: string, words: readonly string[]): string | null {
  if (word.length > 60) return null;
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[\s_-]/g, '');
  let best: { readonly word: string; readonly distance: number } | null = null;
  for (const candidate of words) {
    const distance = editDistance(plain(word), plain(candidate));
    const limit = candidate.length < 5 ? 1 : candidate.length < 10 ? 2 : 3;
    if (distance <= limit && distance < (best?.distance ?? Infinity)) best = { word: candidate, distance };
  }
  return best?.word ?? null;
}

/** Letters to insert, delete, exchange or swap with their neighbour (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const exchange = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      let cost = Math.min(exchange, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      }
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[to.length] ?? 0;
}

/** Takes away what a violation does not need: steps and mishaps, in ever smaller pieces. */
import type { History } from './history.js';
import { runHistory } from './run.js';

/** Answers the smallest history found in at most `budgetMs` in which the same law is broken in the same words. */
export async function shrink(
  history: History,
  law: string,
  text: string,
  elapsedMs: () => number,
  budgetMs: number,
  ignore: readonly string[] = [],
): Promise<History> {
  let best = history;
  const kind = text.replace(/p\d+/g, 'p');
  const fails = async (candidate: History): Promise<boolean> => {
    const { violations } = await runHistory(candidate, 'liveness', ignore);
    return violations.some((one) => one.law === law && one.text.replace(/p\d+/g, 'p') === kind);
  };
  const pass = async <T>(items: readonly T[], make: (kept: readonly T[]) => History): Promise<readonly T[]> => {
    let kept = items;
    for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < kept.length && elapsedMs() < budgetMs;) {
        const candidate = [...kept.slice(0, at), ...kept.slice(at + size)];
        if (await fails(make(candidate))) kept = candidate;
        else at += size;
      }
    }
    return kept;
  };
  for (let round = 0; round < 2; round += 1) {
    const mishaps = await pass(best.mishaps, (kept) => ({ ...best, mishaps: kept }));
    best = { ...best, mishaps };
    const steps = await pass(best.steps, (kept) => ({ ...best, steps: kept }));
    best = { ...best, steps };
  }
  return best;
}

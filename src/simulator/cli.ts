/** `npm run simulate`: histories from seeds, or one from a file, and what they break. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { systemClock } from '../clock.js';
import { expand, type History } from './history.js';
import { runHistory, type Result } from './run.js';
import { shrink } from './shrink.js';

/** Answers the exit code: 0 where no law was broken. */
export async function simulate(args: readonly string[], print: (line: string) => void): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      from: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '120' },
      steps: { type: 'string', default: '30' },
      safety: { type: 'boolean', default: false },
      ignore: { type: 'string', default: '' },
      story: { type: 'string' },
      shrink: { type: 'boolean', default: false },
      save: { type: 'string' },
    },
  });
  const mode = values.safety ? 'safety' : 'liveness';
  const ignore = values.ignore.split(',');
  const length = Number(values.steps);
  const tellOne = async (history: History): Promise<number> => {
    let shown = history;
    const first = (await runHistory(history, mode, ignore)).violations[0];
    if (values.shrink && first !== undefined) {
      const began = systemClock.monotonic();
      shown = await shrink(history, first.law, first.text, () => systemClock.monotonic() - began, 60_000, ignore);
    }
    const result = await runHistory(shown, mode, ignore);
    tellStory(shown, result, print);
    if (values.save !== undefined) writeFileSync(values.save, `${JSON.stringify(shown, null, 2)}\n`);
    return result.violations.length === 0 ? 0 : 1;
  };
  if (values.story !== undefined) return tellOne(JSON.parse(readFileSync(values.story, 'utf8')) as History);
  if (values.seed !== undefined) return tellOne(expand(Number(values.seed), length));

  const keep = async (seed: number, law: string, text: string): Promise<void> => {
    const start = systemClock.monotonic();
    const small = await shrink(expand(seed, length), law, text, () => systemClock.monotonic() - start, 15_000, ignore);
    tellStory(small, await runHistory(small, mode, ignore), print);
    if (values.save !== undefined)
      writeFileSync(`${values.save}/${law.toLowerCase()}-${String(seed)}.json`, `${JSON.stringify(small, null, 2)}\n`);
  };
  const began = systemClock.monotonic();
  const limit = Number(values.seconds) * 1000;
  const total = { histories: 0, broken: 0, days: 0, writes: 0 };
  const seen = new Map<string, { count: number; seeds: number[]; atMs: number }>();
  for (let seed = Number(values.from); systemClock.monotonic() - began < limit; seed += 1) {
    const result = await runHistory(expand(seed, length), mode, ignore);
    total.histories += 1;
    total.days += result.virtualMs / 864e5;
    total.writes += result.writes;
    if (result.violations.length > 0) total.broken += 1;
    for (const { law, text, detail } of result.violations) {
      const key = `${law} ${text.replace(/p\d+/g, 'p').replace(/\d+/g, 'N')}`;
      const one = seen.get(key) ?? { count: 0, seeds: [], atMs: systemClock.monotonic() - began };
      if (one.count === 0 && values.shrink) await keep(seed, law, text);
      if (one.count === 0) print(`seed ${String(seed)}  ${law}  ${text}  (${detail.split('\n')[0] ?? ''})`);
      seen.set(key, { ...one, count: one.count + 1, seeds: [...one.seeds, seed].slice(0, 8) });
    }
  }
  for (const [key, { count, seeds, atMs }] of seen)
    print(`${String(count).padStart(5)} x ${key}; first after ${(atMs / 1000).toFixed(1)} s; seeds ${seeds.join(' ')}`);
  const seconds = (systemClock.monotonic() - began) / 1000;
  print(
    `${String(total.histories)} histories, ${String(total.broken)} break a law; ${total.days.toFixed(0)} virtual days, ${String(total.writes)} upstream writes in ${seconds.toFixed(0)} s`,
  );
  return total.broken === 0 ? 0 : 1;
}

function tellStory(history: History, result: Result, print: (line: string) => void): void {
  const { seed, emailChange, drift, limit, switches } = history;
  print(
    `Seed ${String(seed)}; EMAIL_CHANGE=${emailChange} DRIFT=${drift} DEPROVISION_LIMIT=${String(limit ?? 1000)}; ${JSON.stringify(switches)}`,
  );
  for (const line of result.trace) print(line);
  for (const { law, text, detail } of result.violations) print(`BROKEN ${law}: ${text}\n       ${detail}`);
  if (result.violations.length === 0) print('No law is broken.');
}

/** The simulator itself, and the stories that it has found. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { expand, type History } from '../../src/simulator/history.js';
import { runHistory } from '../../src/simulator/run.js';

const STORIES = path.resolve('test/simulator/stories');
const stories = readdirSync(STORIES).filter((file) => file.endsWith('.json'));

describe('the simulator', () => {
  test('plays the same seed in the same way, call for call', async () => {
    const first = await runHistory(expand(5, 12));
    const second = await runHistory(expand(5, 12));
    expect(first.trace.length).toBeGreaterThan(10);
    expect(second.trace).toEqual(first.trace);
  });
});

describe('stories', () => {
  test.each(stories)('%s', async (file) => {
    const history = JSON.parse(readFileSync(path.join(STORIES, file), 'utf8')) as History;
    const broken = [...new Set((await runHistory(history)).violations.map(({ law }) => law))].sort();
    expect(broken).toEqual([]);
  });
});

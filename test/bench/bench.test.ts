/** The bench is run by hand; here only that all of it still works and still checks its answers. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { ensureBuilt } from '../support/bridge-process.js';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

interface Results {
  readonly floor: { readonly cpu: number };
  readonly requests: readonly { readonly operation: string; readonly size: string; readonly cpu: number }[];
  readonly others: readonly { readonly what: string; readonly size: string; readonly value: number }[];
}

describe('npm run bench', () => {
  it('measures every operation with a few requests each', () => {
    ensureBuilt();
    const folder = mkdtempSync(path.join(tmpdir(), 'bench-test-'));
    try {
      const file = path.join(folder, 'results.json');
      const args = ['bench/run.mjs', '--smoke', '--json', file];
      const ran = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
      expect(ran.status === 0 ? '' : ran.stderr).toBe('');
      const { floor, requests, others } = JSON.parse(readFileSync(file, 'utf8')) as Results;
      expect(floor.cpu).toBeGreaterThan(0);
      // 13 operations on users, 2 on groups of two sizes, 4 of the plain server.
      expect(requests).toHaveLength(22);
      expect(requests.filter(({ cpu }) => !(cpu > 0))).toEqual([]);
      const valueOf = (what: string): number[] => others.filter((row) => row.what === what).map(({ value }) => value);
      expect(valueOf('32 parallel adds, lost')).toEqual([0]);
      expect(valueOf('initial load, users without an invite')).toEqual([0]);
      expect(valueOf('full sync, nothing changed: calls to ElevenLabs')).toEqual([2]);
      expect(valueOf('under 24 hostile connections: answered')).toEqual([100]);
      expect(valueOf('invite calls')).toEqual([40]);
      // One, if the machine is not so slow that some come after the others have gone.
      expect(valueOf('invite calls, verified domain')[0]).toBeLessThanOrEqual(5);
      expect(ran.stdout).toContain('PATCH group, one member');
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 400_000);
});

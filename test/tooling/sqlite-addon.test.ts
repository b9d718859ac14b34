/** The addon must not end the process when a statement is collected: see scripts/sqlite-object-wrap.h. */
import { expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { removesCleanupHooks } from '../../scripts/prepare.mjs';

it('SQLite as it is installed removes no cleanup hooks; an addon that does is found out', () => {
  expect(removesCleanupHooks()).toBe(false);
  const directory = mkdtempSync(path.join(tmpdir(), 'addon-'));
  const other = path.join(directory, 'other.node');
  const symbol = '_ZN4node28RemoveEnvironmentCleanupHookEPN2v87IsolateEPFvPvES3_';
  writeFileSync(other, Buffer.concat([Buffer.from([0, 1, 255]), Buffer.from(symbol), Buffer.from([0])]));
  expect(removesCleanupHooks(other)).toBe(true);
  expect(removesCleanupHooks(path.join(directory, 'none.node'))).toBe(false);
  rmSync(directory, { recursive: true });
});

/** The chain of the audit log holds only if nothing writes to it past the functions that keep it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const src = fileURLToPath(new URL('../../src', import.meta.url));

function filesWith(pattern: RegExp): readonly string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && pattern.test(readFileSync(path.join(src, name), 'utf8')))
    .sort();
}

it('the audit log is written in one place, and by the migration and the restore that carry rows over', () => {
  expect(filesWith(/INTO audit_log/)).toEqual(['store/audit-chain.ts', 'store/audit.ts', 'store/carry-over.ts']);
  expect(filesWith(/UPDATE audit_log/)).toEqual(['store/audit-chain.ts', 'store/audit.ts']);
  expect(filesWith(/DELETE FROM audit_log/)).toEqual(['store/carry-over.ts']);
});

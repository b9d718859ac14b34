/** What a withdrawal came with and was refused is kept with the user or group, until a later write settles it. */
import { sameJson } from '../domain/json.js';
import type { Json } from '../domain/types.js';
import type { RefusedValue } from '../domain/withdrawal.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import type { Subject, WriteContext } from './port.js';

interface Row {
  readonly seq: number;
  readonly version: number;
  readonly refused_values: string | null;
}

export function refusedValuesOf({ refused_values: text }: Pick<Row, 'refused_values'>): readonly RefusedValue[] {
  return text === null ? [] : (JSON.parse(text) as RefusedValue[]);
}

/** Answers whether anything is another than before. */
export function keepRefusedValues(
  core: Core,
  of: { readonly table: 'users' | 'groups'; readonly subject: Subject; readonly row: Row },
  refused: readonly RefusedValue[],
  context: WriteContext,
): boolean {
  const { table, subject, row } = of;
  if (sameJson(refusedValuesOf(row) as unknown as Json, refused as unknown as Json)) return false;
  const text = refused.length === 0 ? null : JSON.stringify(refused);
  core.run(`UPDATE ${table} SET refused_values = ? WHERE seq = ?`, text, row.seq);
  const version = core.value<number>(`SELECT version FROM ${table} WHERE seq = ?`, row.seq) ?? null;
  const action = table === 'users' ? 'user.refusedValues' : 'group.refusedValues';
  // By the bridge: the client did not write this, and an undo has nothing to put back.
  appendAudit(core, { actor: 'bridge', requestId: context.requestId, action, subject, version, after: { refused } });
  return true;
}

/** Runs `work` and takes back what it wrote; what it throws is thrown. */
export function rehearse(core: Core, work: () => void): void {
  try {
    core.db.transaction(() => {
      work();
      throw DONE;
    })();
  } catch (error) {
    if (error !== DONE) throw error;
  }
}

const DONE = new Error('a rehearsal is over');

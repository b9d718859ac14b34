/** Open drift of one subject: new findings are written down, those that are gone are ended. */
import type { DriftItem } from '../domain/drift.js';
import type { Core } from './core.js';
import type { Subject } from './port.js';

interface Row {
  readonly id: number;
  readonly kind: string;
  readonly detail: string;
}

export function recordDrift(core: Core, subject: Subject, items: readonly DriftItem[]): void {
  const open = core.all<Row>(SELECT_OPEN, subject);
  if (open.length === 0 && items.length === 0) return;
  const isSame = (row: Row, item: DriftItem): boolean => row.kind === item.kind && row.detail === item.detail;
  for (const item of items) {
    if (open.some((row) => isSame(row, item))) continue;
    core.run(INSERT, subject, item.kind, item.detail, core.now());
  }
  for (const row of open) {
    if (items.some((item) => isSame(row, item))) continue;
    const wasRepaired = core.value(REPAIRED_SINCE, row.id, subject) === 1;
    core.run(END, core.now(), wasRepaired ? 'repaired' : 'gone', row.id);
  }
}

const SELECT_OPEN = 'SELECT id, kind, detail FROM drift WHERE subject = ? AND ended_at IS NULL';
const INSERT = 'INSERT INTO drift (subject, kind, detail, found_at) VALUES (?, ?, ?, ?)';
const END = 'UPDATE drift SET ended_at = ?, outcome = ? WHERE id = ?';
const REPAIRED_SINCE = `SELECT EXISTS (SELECT 1 FROM ledger AS l JOIN drift AS d ON d.id = ?
  WHERE l.subject = ? AND l.state = 'done' AND l.ended_at >= d.found_at)`;

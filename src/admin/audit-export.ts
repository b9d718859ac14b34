/** The audit log as a file: streamed in steps, so that its length costs no memory. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { AuditQuery, AuditRow, OperationsStore } from '../store/port.js';

export type ExportFormat = 'csv' | 'jsonl';

const STEP = 500;

const TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/jsonl; charset=utf-8',
};

/** Answers with all rows that match, oldest first. A client that goes away ends it. */
export async function sendExport(
  response: Response,
  store: OperationsStore,
  filter: Omit<AuditQuery, 'limit'>,
  format: ExportFormat,
): Promise<void> {
  response.status(200).set({
    'Content-Type': TYPES[format],
    'Content-Disposition': `attachment; filename="audit-log.${format}"`,
  });
  await pipeline(Readable.from(lines(store, filter, format)), response);
}

async function* lines(
  store: OperationsStore,
  filter: Omit<AuditQuery, 'limit'>,
  format: ExportFormat,
): AsyncGenerator<string> {
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`;
  for (let afterId = 0; ;) {
    const rows = await store.auditRows({ ...filter, afterId, limit: STEP });
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(format === 'csv' ? csvLine : jsonLine).join('');
    afterId = last.id;
  }
}

const COLUMNS = ['id', 'at', 'actor', 'action', 'subject', 'requestId', 'version', 'before', 'after'] as const;

function csvLine(row: AuditRow): string {
  const values: Readonly<Record<(typeof COLUMNS)[number], string | number | null>> = {
    ...row,
    at: new Date(row.at).toISOString(),
  };
  return `${COLUMNS.map((name) => csvValue(values[name])).join(',')}\r\n`;
}

/** RFC 4180. What a spreadsheet would take for a formula gets an apostrophe, as OWASP advises. */
function csvValue(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function jsonLine({ before, after, at, ...rest }: AuditRow): string {
  const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
  return `${JSON.stringify({ ...rest, at: new Date(at).toISOString(), before: parsed(before), after: parsed(after) })}\n`;
}

/** The audit log as a file: streamed in steps, so that its length costs no memory. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { AUDIT_COLUMNS, auditCells, fullAuditEvent } from '../domain/audit-event.js';
import { csvLine } from '../domain/csv.js';
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
  await pipeline(Readable.from(auditExport(store, filter, format)), response);
}

/** All rows that match, oldest first, as text: the same on the page and the command line. */
export async function* auditExport(
  store: OperationsStore,
  filter: Omit<AuditQuery, 'limit'>,
  format: ExportFormat,
): AsyncGenerator<string> {
  if (format === 'csv') yield `${csvLine(AUDIT_COLUMNS)}\r\n`;
  for (let afterId = 0; ;) {
    const rows = await store.auditRows({ ...filter, afterId, limit: STEP });
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map((row) => LINE[format](row)).join('');
    afterId = last.id;
  }
}

const LINE: Readonly<Record<ExportFormat, (row: AuditRow) => string>> = {
  csv: (row) => `${csvLine(auditCells(row))}\r\n`,
  jsonl: (row) => `${JSON.stringify(fullAuditEvent(row))}\n`,
};

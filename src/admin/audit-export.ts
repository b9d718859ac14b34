/** The audit log as a file: streamed in steps that give way to others, so that its length costs them nothing. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import type { Response } from 'express';
import { AUDIT_COLUMNS, auditCells, fullAuditEvent } from '../domain/audit-event.js';
import { csvLine } from '../domain/csv.js';
import { unavailable } from '../errors.js';
import type { AuditQuery, AuditRow, OperationsStore } from '../store/port.js';

export type ExportFormat = 'csv' | 'jsonl';

/** Rows that are looked at in one step, whether they match or not. */
const STEP = 500;
const MOST_AT_ONCE = 2;
const RETRY_AFTER_SECONDS = 30;

const TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/jsonl; charset=utf-8',
};

/** Sends exports of one admin surface. */
export type SendExport = (response: Response, filter: Omit<AuditQuery, 'limit'>, format: ExportFormat) => Promise<void>;

/**
 * Answers with all rows that match, oldest first. A client that goes away ends it. Rejects with 503 where
 * as many are sent already as the bridge does at once.
 */
export function createAuditExport(store: OperationsStore): SendExport {
  let underWay = 0;
  return async (response, filter, format) => {
    if (underWay >= MOST_AT_ONCE) {
      throw unavailable(
        `${String(MOST_AT_ONCE)} exports of the audit log are under way. Try again when one has ended.`,
        RETRY_AFTER_SECONDS,
      );
    }
    underWay += 1;
    try {
      response.status(200).set({
        'Content-Type': TYPES[format],
        'Content-Disposition': `attachment; filename="audit-log.${format}"`,
      });
      await pipeline(Readable.from(auditExport(store, filter, format), { highWaterMark: 1 }), response);
    } finally {
      underWay -= 1;
    }
  };
}

/** All rows that match, oldest first, as text: the same on the page and the command line. */
export async function* auditExport(
  store: OperationsStore,
  filter: Omit<AuditQuery, 'limit'>,
  format: ExportFormat,
): AsyncGenerator<string> {
  if (format === 'csv') yield `${csvLine(AUDIT_COLUMNS)}\r\n`;
  const [newest] = await store.auditRows({ limit: 1 });
  const end = newest?.id ?? 0;
  // By ranges of ids: a filter that hardly anything matches would else look through the whole log at once.
  for (let afterId = 0; afterId < end; afterId += STEP) {
    const rows = await store.auditRows({ ...filter, afterId, beforeId: afterId + STEP + 1, limit: STEP });
    if (rows.length > 0) yield rows.map((row) => LINE[format](row)).join('');
    await setImmediate();
  }
}

const LINE: Readonly<Record<ExportFormat, (row: AuditRow) => string>> = {
  csv: (row) => `${csvLine(auditCells(row))}\r\n`,
  jsonl: (row) => `${JSON.stringify(fullAuditEvent(row))}\n`,
};

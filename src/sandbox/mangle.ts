/** Spoils good answers on purpose. */
import type { Violation } from './faults.js';
import type { Reply } from './api.js';

/** A list, or an object of groups, with only its first entries. */
export function truncate(reply: Reply, keep: number): Reply {
  const value = JSON.parse(reply.body) as unknown;
  if (Array.isArray(value)) return withBody(reply, value.slice(0, keep));
  if (typeof value === 'object' && value !== null) {
    return withBody(reply, Object.fromEntries(Object.entries(value).slice(0, keep)));
  }
  return reply;
}

/** Breaks what the SDK or the bridge relies on. */
export function violate(reply: Reply, violation: Violation): Reply {
  switch (violation) {
    case 'missingIsOwner':
      return mapRows(reply, (row) => Object.fromEntries(Object.entries(row).filter(([key]) => key !== 'is_owner')));
    case 'noOwner':
      return mapRows(reply, (row) => ({ ...row, is_owner: false }));
    case 'twoOwners':
      return mapRows(reply, (row, index) => (index < 2 ? { ...row, is_owner: true } : row));
    case 'groupsAsArray':
      return withBody(reply, Object.values(JSON.parse(reply.body) as object));
    case 'brokenJson':
      return { ...reply, body: reply.body.slice(0, Math.max(1, Math.floor(reply.body.length / 2))) };
    case 'emptyBody':
      return { ...reply, body: '' };
    case 'emptyObject':
      return { ...reply, body: '{}' };
  }
}

/** What a proxy in between answers. */
export function htmlPage(status: number): Reply {
  const body = '<!doctype html><html><head><title>Gateway</title></head><body><h1>Please wait</h1></body></html>';
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
}

type Row = Readonly<Record<string, unknown>>;

function mapRows(reply: Reply, change: (row: Row, index: number) => Row): Reply {
  const rows = JSON.parse(reply.body) as unknown;
  return Array.isArray(rows) ? withBody(reply, (rows as readonly Row[]).map(change)) : reply;
}

function withBody(reply: Reply, value: unknown): Reply {
  return { ...reply, body: JSON.stringify(value) };
}

/**
 * Reads the whole audit log and says what was changed by hand: which row was edited, removed or put
 * in, or does not agree with a checkpoint from outside.
 */
import { digestOf, GENESIS, hashOf, keyIdOf, SELECT_CHAINED, signatureOf, type ChainedRow } from './audit-chain.js';
import { PURGES, rangesOf } from './audit.js';
import type { Core } from './core.js';
import type { AuditCheckpoint, AuditFinding, AuditVerdict } from './port.js';

const ROWS_PER_STEP = 1_000;

interface Walk {
  readonly findings: AuditFinding[];
  /** The row of the chain that the next one must follow, and what that one followed itself. */
  last: { readonly id: number; readonly hash: string | null; readonly prev: string | null } | null;
  lastId: number;
  head: AuditCheckpoint | null;
  rows: number;
  adoptedUpTo: number | null;
  signedFrom: number | null;
  signedByOthers: number;
  /** Rows without the content that they once had, and those that a purge names. */
  readonly empty: Set<number>;
  readonly purged: Set<number>;
}

export function verifyAudit(core: Core, checkpoints: readonly AuditCheckpoint[]): AuditVerdict {
  const adoptedUpTo = core.value<number>('SELECT id - 1 FROM audit_log WHERE action = ? ORDER BY id LIMIT 1', GENESIS);
  const walk: Walk = {
    ...{ findings: [], last: null, lastId: 0, head: null, rows: 0, signedFrom: null, signedByOthers: 0 },
    ...{ empty: new Set(), purged: new Set(), adoptedUpTo: adoptedUpTo ?? null },
  };
  let lastId = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const rows = core.all<ChainedRow>(`${SELECT_CHAINED} WHERE id > ? ORDER BY id LIMIT ?`, lastId, ROWS_PER_STEP);
    for (const row of rows) checkRow(walk, row, core.auditKey);
    lastId = rows.at(-1)?.id ?? lastId;
    if (rows.length < ROWS_PER_STEP) break;
  }
  checkEmptied(walk);
  const agreed = checkCheckpoints(core, walk, checkpoints);
  const { findings, rows, signedFrom, signedByOthers } = walk;
  return {
    rows,
    last: walk.head,
    findings: findings.sort((a, b) => a.from - b.from),
    checkpoints: agreed,
    purged: [...walk.empty].filter((id) => walk.purged.has(id)).length,
    adoptedUpTo: walk.adoptedUpTo,
    signedFrom,
    signedByOthers,
  };
}

function checkRow(walk: Walk, row: ChainedRow, key: string | null): void {
  const { id, prev, hash } = row;
  walk.rows++;
  if (hash === null) {
    // It takes no place in the chain: the row after it follows the one before.
    walk.lastId = id;
    add(walk, id, id, 'inserted', `Row ${String(id)} was put in: the bridge writes no row without a hash.`);
    return;
  }
  const isOwn = hashOf(prev, row, row.digest) === hash && hasContent(walk, row);
  if (!isOwn) add(walk, id, id, 'edited', `Row ${String(id)} was edited: it is not what its hash says.`);
  checkPlace(walk, row);
  checkSignature(walk, row, key);
  if (isOwn && isPurge(row.action)) for (const named of emptiedBy(row)) walk.purged.add(named);
  walk.last = { id, hash, prev };
  walk.head = { id, hash };
  walk.lastId = id;
}

/** Whether before and after are what was written, or were taken away. */
function hasContent(walk: Walk, { id, salt, digest, before, after }: ChainedRow): boolean {
  if (before === null && after === null && salt === null) {
    if (digest !== null) walk.empty.add(id);
    return true;
  }
  return salt !== null && digestOf(salt, before, after) === digest;
}

function checkPlace(walk: Walk, { id, prev }: ChainedRow): void {
  const { last, adoptedUpTo } = walk;
  const [from, to] = [walk.lastId + 1, id - 1];
  const isGap = from <= to;
  if (prev === (last?.hash ?? null)) {
    // An older version may have left numbers out; this one never does.
    if (isGap && id > (adoptedUpTo ?? 0))
      add(walk, from, to, 'removed', `${rowsText(from, to)} missing, and what comes after was numbered anew.`);
  } else if (isGap) add(walk, from, to, 'removed', `${rowsText(from, to)} removed.`);
  else if (last !== null && prev === last.prev)
    add(walk, last.id, last.id, 'inserted', `Row ${String(last.id)} was put in: row ${String(id)} followed another.`);
  else {
    const before = last?.id ?? id;
    const text = `Row ${String(before)} was replaced, or rows before row ${String(id)} were removed: row ${String(id)} followed another.`;
    add(walk, before, before, 'edited', text);
  }
}

const rowsText = (from: number, to: number): string =>
  from === to ? `Row ${String(from)} was` : `Rows ${String(from)} to ${String(to)} were`;

function checkSignature(walk: Walk, { id, hash, signature }: ChainedRow, key: string | null): void {
  if (signature === null) {
    if (walk.signedFrom !== null)
      add(walk, id, id, 'unsigned', `Row ${String(id)} is not signed, and rows before it are.`);
    return;
  }
  walk.signedFrom ??= id;
  if (key === null || !signature.startsWith(`${keyIdOf(key)}:`)) walk.signedByOthers++;
  else if (hash === null || signature !== signatureOf(key, id, hash))
    add(walk, id, id, 'forged', `Row ${String(id)} was not written by who has the key: its signature is wrong.`);
}

const isPurge = (action: string): boolean => (PURGES as readonly string[]).includes(action);

function* emptiedBy({ id, after }: ChainedRow): Generator<number> {
  const { emptied } = JSON.parse(after ?? '{}') as { readonly emptied?: string };
  for (const range of (emptied ?? '').split(',').filter(Boolean)) {
    const [from, to] = range.split('-').map(Number);
    // A purge empties only what was there before it.
    for (let row = from ?? 0; row <= Math.min(to ?? from ?? 0, id - 1); row++) yield row;
  }
}

function checkEmptied(walk: Walk): void {
  const unexplained = [...walk.empty].filter((id) => !walk.purged.has(id));
  for (const range of rangesOf(unexplained).split(',').filter(Boolean)) {
    const [from = 0, to = from] = range.split('-').map(Number);
    const text = `${rowsText(from, to)} emptied, and no purge names ${from === to ? 'it' : 'them'}.`;
    add(walk, from, to, 'emptied', text);
  }
}

/** Answers how many agree. */
function checkCheckpoints(core: Core, walk: Walk, checkpoints: readonly AuditCheckpoint[]): number {
  const lastId = walk.last?.id ?? 0;
  let agreed = 0;
  let beyond = 0;
  for (const { id, hash } of checkpoints) {
    if (id > lastId) {
      beyond = Math.max(beyond, id);
      continue;
    }
    const found = core.value<string | null>('SELECT hash FROM audit_log WHERE id = ?', id);
    if (found?.startsWith(hash) === true) agreed++;
    else
      add(walk, id, id, 'rewritten', `Row ${String(id)} is not the one of the checkpoint: the log was written anew.`);
  }
  if (beyond > 0)
    add(
      walk,
      lastId + 1,
      beyond,
      'removed',
      `${rowsText(lastId + 1, beyond)} removed at the end: a checkpoint names row ${String(beyond)}.`,
    );
  return agreed;
}

function add(walk: Walk, from: number, to: number, kind: AuditFinding['kind'], text: string): void {
  walk.findings.push({ from, to, kind, text });
}

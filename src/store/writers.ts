/**
 * Two writers on one user. The last one is kept with the user; when another token writes the same
 * user within 24 hours, the pair is noted once per user and day. Two IdPs, or two apps of one, that
 * provision the same people undo each other's work for ever, and neither of them can see it.
 */
import type { Millis, UserId } from '../domain/types.js';
import type { Core } from './core.js';
import type { WriteContext, WriterConflict } from './port.js';

const DAY_MS = 86_400_000;

/** To be called before a write of a user whose document is going to change. */
export function noteWriter(
  core: Core,
  user: { readonly id: UserId; readonly modified_at: Millis },
  { tokenId }: WriteContext,
): void {
  const last = core.value<string | null>('SELECT last_writer FROM users WHERE id = ?', user.id) ?? null;
  if (tokenId === null || last === null || last === tokenId) return;
  const now = core.now();
  // `Math.abs`: the clock may have been set back since the last write.
  if (Math.abs(now - user.modified_at) >= DAY_MS) return;
  core.run(UPSERT, user.id, Math.floor(now / DAY_MS), last, tokenId, now);
}

/** Newest first. */
export function listWriterConflicts(
  core: Core,
  query: { readonly since: Millis; readonly limit: number },
): readonly WriterConflict[] {
  return core
    .all<ConflictRow>(`${SELECT} WHERE c.at >= ? ORDER BY c.at DESC LIMIT ?`, query.since, query.limit)
    .map(toConflict);
}

/** Those that nobody was told of yet; they count as told from now on. */
export function takeWriterConflicts(core: Core, limit: number): readonly WriterConflict[] {
  const rows = core.all<ConflictRow>(`${SELECT} WHERE c.reported = 0 ORDER BY c.at LIMIT ?`, limit);
  for (const { userId, day } of rows) core.run(MARK, userId, day);
  return rows.map(toConflict);
}

interface ConflictRow {
  readonly userId: UserId;
  readonly userName: string;
  readonly day: number;
  readonly firstWriter: string;
  readonly secondWriter: string;
  readonly at: Millis;
  readonly writes: number;
}

function toConflict(row: ConflictRow): WriterConflict {
  const { userId, userName, at, writes } = row;
  return { userId, userName, at, writes, writers: [row.firstWriter, row.secondWriter] };
}

/** The label of a token or of an OAuth client; its id where it is gone. */
const LABEL = (column: string): string =>
  `COALESCE((SELECT label FROM tokens WHERE id = c.${column} OR group_id = c.${column} ORDER BY created_at DESC LIMIT 1), c.${column})`;
const SELECT = `SELECT c.user_id AS userId, u.user_name AS userName, c.day, ${LABEL('first_writer')} AS firstWriter,
  ${LABEL('second_writer')} AS secondWriter, c.at, c.writes FROM writer_conflicts AS c JOIN users AS u ON u.id = c.user_id`;
const UPSERT = `INSERT INTO writer_conflicts (user_id, day, first_writer, second_writer, at, writes) VALUES (?, ?, ?, ?, ?, 1)
  ON CONFLICT (user_id, day) DO UPDATE SET at = excluded.at, writes = writes + 1`;
const MARK = 'UPDATE writer_conflicts SET reported = 1 WHERE user_id = ? AND day = ?';

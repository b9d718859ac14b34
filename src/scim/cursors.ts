/**
 * Cursors (RFC 9865), as the text that clients send back: where a page ended, of which query, and
 * since when. They are signed, so that a forged one is known, and hold no data of anybody. The key is
 * kept in the store: a restart ends no export.
 *
 * Lists in another order than that of creation are found once, as a whole, and remembered here by
 * their rows: a page of such a list cannot be told from what was written meanwhile.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.js';
import { expiredCursor, invalidCursor } from '../errors.js';
import type { Store } from '../store/port.js';

/** Where to go on. */
export interface Place {
  readonly side: 'after' | 'before';
  /** Which of the lists that the endpoint joins. */
  readonly list: number;
  /** `seq` of a row; in a remembered list, the position in it. */
  readonly at: number;
}

export interface CursorState {
  readonly place: Place;
  readonly count: number;
  /** As counted at the first page. */
  readonly total: number;
  /** What was asked, but for count and cursor. */
  readonly query: string;
  /** A remembered list; null: the rows are in the order of creation. */
  readonly memory: string | null;
}

/** The rows of each joined list, in order. */
export type Remembered = readonly (readonly number[])[];

export interface Cursors {
  seal(state: CursorState): Promise<string>;
  /** Throws ScimError 400 `invalidCursor` or `expiredCursor`. */
  open(text: string): Promise<CursorState>;
  remember(lists: Remembered): string;
  recall(id: string): Remembered;
}

/** Rows of all remembered lists together: some megabytes. The one that was used longest ago goes first. */
const MAX_ROWS = 1_000_000;
const MAX_LISTS = 50;
/** A setting: hexadecimal, made at the first use. */
const KEY = 'cursorKey';
const MAC_BYTES = 12;

export function createCursors({
  store,
  clock,
  timeoutMs,
}: {
  readonly store: Store;
  readonly clock: Clock;
  readonly timeoutMs: number;
}): Cursors {
  let key: Promise<Buffer> | null = null;
  const keyOf = (): Promise<Buffer> =>
    (key ??= readKey(store).catch((error: unknown) => {
      key = null;
      throw error;
    }));
  const lists = new Map<string, { readonly lists: Remembered; readonly size: number; usedAt: number }>();
  const forget = (): void => {
    const oldest = clock.now() - timeoutMs;
    let rows = [...lists.values()].reduce((sum, { size }) => sum + size, 0);
    for (const [id, { size, usedAt }] of lists) {
      if (usedAt >= oldest && rows <= MAX_ROWS && lists.size <= MAX_LISTS) break;
      lists.delete(id);
      rows -= size;
    }
  };
  return {
    async seal({ place: { side, list, at }, count, total, query, memory }) {
      const parts = [side === 'after' ? 'a' : 'b', list, at, count, total, clock.now(), query, memory ?? ''];
      const text = parts.join('~');
      return `${Buffer.from(text).toString('base64url')}.${mac(text, await keyOf())}`;
    },
    async open(text) {
      const [body = '', given = '', ...rest] = text.split('.');
      const plain = Buffer.from(body, 'base64url').toString();
      const expected = Buffer.from(mac(plain, await keyOf()));
      const sent = Buffer.from(given);
      const isOurs = rest.length === 0 && sent.length === expected.length && timingSafeEqual(sent, expected);
      if (!isOurs) throw invalidCursor('The cursor is none that this bridge gave. Begin with an empty cursor.');
      const [side, list, at, count, total, madeAt, query = '', memory = ''] = plain.split('~');
      if (clock.now() - Number(madeAt) > timeoutMs) throw expired(timeoutMs);
      return {
        place: { side: side === 'a' ? 'after' : 'before', list: Number(list), at: Number(at) },
        count: Number(count),
        total: Number(total),
        query,
        memory: memory === '' ? null : memory,
      };
    },
    remember(found) {
      const id = randomBytes(9).toString('base64url');
      lists.set(id, { lists: found, size: found.reduce((sum, { length }) => sum + length, 0), usedAt: clock.now() });
      forget();
      return id;
    },
    recall(id) {
      const known = lists.get(id);
      if (known === undefined) throw expired(timeoutMs);
      // To the end of the order in which they are forgotten.
      lists.delete(id);
      lists.set(id, { ...known, usedAt: clock.now() });
      return known.lists;
    },
  };
}

/** What a query is, whatever its page: equal digests for equal parameters. */
export function digestOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
}

function expired(timeoutMs: number): Error {
  return expiredCursor(
    `The cursor has expired: it is kept for ${String(Math.floor(timeoutMs / 1000))} seconds, and one of a sorted list until the bridge is restarted. Begin again with an empty cursor.`,
  );
}

function mac(text: string, key: Buffer): string {
  return createHmac('sha256', key).update(text).digest().subarray(0, MAC_BYTES).toString('base64url');
}

async function readKey(store: Store): Promise<Buffer> {
  const known = await store.setting(KEY);
  if (known !== null) return Buffer.from(known, 'hex');
  const made = randomBytes(32);
  await store.setSetting(KEY, made.toString('hex'));
  return made;
}

/**
 * Sessions of the admin page. They live in this process alone: a restart logs everybody out, and no
 * file holds anything that opens the page.
 *
 * - The id is 256 random bits; only its digest is kept, so that not even a memory dump logs in.
 * - A session ends after 30 minutes without a request and after 12 hours in any case, by monotonic
 *   time: the wall clock may jump.
 * - It is worth what the token is that opened it: a token that was revoked, also by another process,
 *   or has expired ends its sessions at their next request.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.js';
import { hashToken, type Random } from '../domain/secret-token.js';
import type { TokenRecord, TokenStore } from '../store/port.js';
import { isValid } from '../auth/doors.js';

/** Who works on the page. */
export interface AdminIdentity {
  readonly tokenId: string;
  /** As it was when the token was looked up. */
  readonly lastUsedAt: number | null;
  readonly label: string;
  /** For the audit log: `admin:<label>`. */
  readonly actor: string;
}

export interface Session {
  readonly admin: AdminIdentity;
  /** To be sent back with everything that changes something. */
  readonly csrfToken: string;
}

export interface Sessions {
  /** Opens a session for the holder of an admin token that was found to be valid. */
  open(token: TokenRecord, secret: string): { readonly id: string; readonly session: Session };
  /** The session of an id, if it is still open; the use of it keeps it open. */
  find(id: string): Promise<Session | null>;
  close(id: string): void;
}

export interface SessionOptions {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly idleMs?: number;
  readonly longestMs?: number;
  readonly random?: Random;
}

const IDLE_MS = 30 * 60_000;
const LONGEST_MS = 12 * 3_600_000;
/** Beyond this many the oldest ends: the holder of a token could otherwise fill the memory. */
const MOST_SESSIONS = 1_000;

interface Entry {
  readonly session: Session;
  readonly tokenHash: string;
  readonly openedAt: number;
  usedAt: number;
}

/** Makes the sessions of one bridge. */
export function createSessions(options: SessionOptions): Sessions {
  const { store, clock, idleMs = IDLE_MS, longestMs = LONGEST_MS, random = randomBytes } = options;
  const entries = new Map<string, Entry>();
  return {
    open(token, secret) {
      const tokenHash = hashToken(secret);
      const admin = toAdmin(token);
      const id = random(32).toString('base64url');
      const session = { admin, csrfToken: random(32).toString('base64url') };
      const now = clock.monotonic();
      entries.set(hashToken(id), { session, tokenHash, openedAt: now, usedAt: now });
      for (const key of entries.keys()) {
        if (entries.size <= MOST_SESSIONS) break;
        entries.delete(key);
      }
      return { id, session };
    },
    async find(id) {
      const key = hashToken(id);
      const entry = entries.get(key);
      if (entry === undefined) return null;
      const now = clock.monotonic();
      const isOver = now - entry.usedAt >= idleMs || now - entry.openedAt >= longestMs;
      if (isOver || !(await isStillAdmin(store, entry.tokenHash, clock.now()))) {
        entries.delete(key);
        return null;
      }
      entry.usedAt = now;
      return entry.session;
    },
    close(id) {
      entries.delete(hashToken(id));
    },
  };
}

/** The holder of an admin token. */
export function toAdmin({ id, label, lastUsedAt }: TokenRecord): AdminIdentity {
  return { tokenId: id, label, lastUsedAt, actor: `admin:${label}` };
}

/** Whether a token opens the page. */
export const isForPage = ({ kind, scopes }: TokenRecord): boolean => kind === 'admin' && scopes.length === 0;

async function isStillAdmin(store: TokenStore, tokenHash: string, now: number): Promise<boolean> {
  const token = await store.findToken(tokenHash);
  return token !== null && isForPage(token) && isValid(token, now);
}

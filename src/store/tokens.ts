/** Tokens of SCIM clients and administrators, by hash. The only file that changes the table. */
import { sameDigest } from '../domain/secret-token.js';
import type { Millis } from '../domain/types.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import type { NewTokenRecord, TokenRecord, TokenTrust } from './port.js';

interface TokenRow extends Omit<TokenRecord, 'scopes' | 'trust'> {
  readonly scopes: string;
  readonly trust: string | null;
}

/** Of one client; the oldest go first, so that a client in a loop cannot fill the disk. */
const MOST_ACCESS_TOKENS = 1_000;

const DAY_MS = 86_400_000;
/** For how long an ended access token can still be told from a guess. */
const KEEP_ACCESS_MS = DAY_MS;
/** Longer than a secret is named as expired, on the page and in the log. */
const KEEP_SECRETS_MS = 90 * DAY_MS;

/** The index finds the digest; that it is the one is decided in constant time (domain/secret-token.ts). */
export function findToken(core: Core, hash: string): TokenRecord | null {
  const row = core.get<TokenRow & { readonly hash: string }>(SELECT_BY_HASH, hash);
  if (row === undefined) return null;
  const { hash: stored, ...token } = row;
  return sameDigest(stored, hash) ? toRecord(token) : null;
}

/** All but access tokens: those come and go by the hour. */
export function listTokens(core: Core): readonly TokenRecord[] {
  return core.all<TokenRow>(SELECT_ALL).map(toRecord);
}

/** The secrets of one OAuth client or its trust, oldest first; revoked and expired ones too. */
export function listClientTokens(core: Core, clientId: string): readonly TokenRecord[] {
  return core.all<TokenRow>(SELECT_OF_CLIENT, clientId).map(toRecord);
}

/** An access token leaves no row in the audit log: its parent has one, and each use by a write does. */
export function addToken(core: Core, token: NewTokenRecord, actor: string): TokenRecord {
  const { id, kind, label, scopes, clientId, hash, expiresAt, parentId = null, trust = null } = token;
  const createdAt = core.now();
  const trustText = trust === null ? null : JSON.stringify(trust);
  core.run(INSERT, id, kind, label, hash, JSON.stringify(scopes), clientId, parentId, trustText, createdAt, expiresAt);
  if (kind === 'access') core.run(DELETE_TOO_MANY, clientId, clientId, MOST_ACCESS_TOKENS);
  else {
    appendAudit(core, {
      actor,
      action: 'token.create',
      subject: `token:${id}`,
      requestId: null,
      after: { kind, label, scopes, clientId, expiresAt, ...(trust !== null && { trust }) },
    });
  }
  const unused = { revokedAt: null, lastUsedAt: null, lastAddress: null };
  return { id, kind, label, scopes, clientId, parentId, trust, createdAt, expiresAt, ...unused };
}

/** Ends what was given for it as well: `findToken` asks the parent. */
export function revokeToken(core: Core, id: string, actor: string): boolean {
  if (core.run(REVOKE, core.now(), id).changes === 0) return false;
  appendAudit(core, { actor, action: 'token.revoke', subject: `token:${id}`, requestId: null });
  return true;
}

export function expireToken(core: Core, id: string, at: Millis, actor: string): boolean {
  if (core.run(EXPIRE, at, id).changes === 0) return false;
  appendAudit(core, {
    actor,
    action: 'token.expire',
    subject: `token:${id}`,
    requestId: null,
    after: { expiresAt: at },
  });
  return true;
}

export function touchToken(core: Core, id: string, at: Millis, address: string | null): void {
  core.run(TOUCH, at, address, id, at);
}

/**
 * Removes access tokens and OAuth secrets that ended long ago; answers how many. The rows of tokens
 * that an operator may give again (SCIM_TOKEN) stay: they say that it was revoked.
 */
export function purgeTokens(core: Core): number {
  const now = core.now();
  core.run(FORGET_ASSERTIONS, now);
  return (
    core.run(PURGE, 'access', now - KEEP_ACCESS_MS).changes +
    core.run(PURGE, 'oauthClient', now - KEEP_SECRETS_MS).changes
  );
}

export function useAssertion(core: Core, key: string, expiresAt: Millis): boolean {
  return core.run(USE_ASSERTION, key, expiresAt).changes === 1;
}

function toRecord({ scopes, trust, ...row }: TokenRow): TokenRecord {
  return {
    ...row,
    scopes: JSON.parse(scopes) as string[],
    trust: trust === null ? null : (JSON.parse(trust) as TokenTrust),
  };
}

/** Worth what its parent is: revoked with it, and with a parent that is gone. */
const REVOKED_AT = `CASE WHEN t.parent_id IS NULL THEN t.revoked_at
  WHEN p.id IS NULL THEN t.created_at ELSE COALESCE(t.revoked_at, p.revoked_at) END`;
const COLUMNS = `t.id, t.kind, t.label, t.scopes, t.group_id AS clientId, t.parent_id AS parentId, t.trust,
  t.created_at AS createdAt, t.expires_at AS expiresAt, ${REVOKED_AT} AS revokedAt,
  t.last_used_at AS lastUsedAt, t.last_address AS lastAddress`;
const FROM = 'FROM tokens AS t LEFT JOIN tokens AS p ON p.id = t.parent_id';
const SELECT_ALL = `SELECT ${COLUMNS} ${FROM} WHERE t.kind <> 'access' ORDER BY t.created_at, t.id`;
const SELECT_OF_CLIENT = `SELECT ${COLUMNS} ${FROM} WHERE t.group_id = ? AND t.kind <> 'access' ORDER BY t.created_at, t.id`;
const SELECT_BY_HASH = `SELECT ${COLUMNS}, t.hash ${FROM} WHERE t.hash = ?`;
const INSERT = `INSERT INTO tokens (id, kind, label, hash, scopes, group_id, parent_id, trust, created_at, expires_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const REVOKE = 'UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL';
const EXPIRE = 'UPDATE tokens SET expires_at = ? WHERE id = ? AND revoked_at IS NULL';
const TOUCH = `UPDATE tokens SET last_used_at = ?, last_address = COALESCE(?, last_address)
  WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)`;
const USE_ASSERTION = 'INSERT INTO seen_assertions (key, expires_at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING';
const FORGET_ASSERTIONS = 'DELETE FROM seen_assertions WHERE expires_at < ?';
const PURGE = 'DELETE FROM tokens WHERE kind = ? AND expires_at < ?';
const DELETE_TOO_MANY = `DELETE FROM tokens WHERE kind = 'access' AND group_id = ? AND id IN
  (SELECT id FROM tokens WHERE kind = 'access' AND group_id = ? ORDER BY created_at DESC LIMIT -1 OFFSET ?)`;

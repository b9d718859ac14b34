/** Tokens of SCIM clients and administrators, by hash. */
import { sameDigest } from '../domain/secret-token.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import type { TokenRecord, TokenStore } from './port.js';

type NewToken = Parameters<TokenStore['addToken']>[0];

interface TokenRow extends Omit<TokenRecord, 'scopes'> {
  readonly scopes: string;
}

/** The index finds the digest; that it is the one is decided in constant time (domain/secret-token.ts). */
export function findToken(core: Core, hash: string): TokenRecord | null {
  const row = core.get<TokenRow & { readonly hash: string }>(SELECT_BY_HASH, hash);
  if (row === undefined) return null;
  const { hash: stored, ...token } = row;
  return sameDigest(stored, hash) ? toRecord(token) : null;
}

export function listTokens(core: Core): readonly TokenRecord[] {
  return core.all<TokenRow>(`${SELECT} ORDER BY created_at, id`).map(toRecord);
}

export function addToken(core: Core, token: NewToken, actor: string): TokenRecord {
  const { id, kind, label, scopes, clientId, hash, expiresAt } = token;
  const createdAt = core.now();
  core.run(INSERT, id, kind, label, hash, JSON.stringify(scopes), clientId, createdAt, expiresAt);
  appendAudit(core, {
    actor,
    action: 'token.create',
    subject: `token:${id}`,
    requestId: null,
    after: { kind, label, scopes, clientId, expiresAt },
  });
  return { id, kind, label, scopes, clientId, createdAt, expiresAt, revokedAt: null, lastUsedAt: null };
}

export function revokeToken(core: Core, id: string, actor: string): boolean {
  if (core.run(REVOKE, core.now(), id).changes === 0) return false;
  appendAudit(core, { actor, action: 'token.revoke', subject: `token:${id}`, requestId: null });
  return true;
}

export function expireToken(core: Core, id: string, at: number, actor: string): boolean {
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

export function touchToken(core: Core, id: string, at: number): void {
  core.run(TOUCH, at, id, at);
}

function toRecord(row: TokenRow): TokenRecord {
  return { ...row, scopes: JSON.parse(row.scopes) as string[] };
}

const COLUMNS = `id, kind, label, scopes, group_id AS clientId, created_at AS createdAt,
  expires_at AS expiresAt, revoked_at AS revokedAt, last_used_at AS lastUsedAt`;
const SELECT = `SELECT ${COLUMNS} FROM tokens`;
const SELECT_BY_HASH = `SELECT ${COLUMNS}, hash FROM tokens WHERE hash = ?`;
const INSERT =
  'INSERT INTO tokens (id, kind, label, hash, scopes, group_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
const REVOKE = 'UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL';
const EXPIRE = 'UPDATE tokens SET expires_at = ? WHERE id = ? AND revoked_at IS NULL';
const TOUCH = 'UPDATE tokens SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)';

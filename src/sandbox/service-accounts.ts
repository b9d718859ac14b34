/** Service accounts and their keys. Note the hyphens in the names of the answers. */
import { createHash } from 'node:crypto';
import type { Caller } from './members.js';
import { alphanumeric, hex } from './random.js';
import { guess } from './refusal.js';
import type { ApiKey, ServiceAccount, World } from './state.js';
import { recordAudit } from './state.js';

/** The default; Enterprise may go up to 100. */
const ACCOUNT_LIMIT = 20;

export interface WireKey {
  readonly name: string;
  readonly hint: string;
  readonly key_id: string;
  readonly service_account_user_id: string;
  readonly created_at_unix: number;
  readonly is_disabled: boolean;
  readonly permissions: readonly string[] | null;
  readonly hashed_xi_api_key: string;
}

export interface WireServiceAccount {
  readonly service_account_user_id: string;
  readonly name: string;
  readonly created_at_unix: number;
  readonly 'api-keys': readonly WireKey[];
  readonly default_sharing_groups: readonly never[];
}

export function listServiceAccounts(world: World): { readonly 'service-accounts': readonly WireServiceAccount[] } {
  const accounts = Array.from(world.workspace.serviceAccounts.values(), (account) => ({
    service_account_user_id: account.userId,
    name: account.name,
    created_at_unix: Math.floor(account.createdAt / 1000),
    ...listKeys(world, account.userId),
    default_sharing_groups: [],
  }));
  return { 'service-accounts': accounts };
}

export function createServiceAccount(
  world: World,
  caller: Caller,
  name: string,
): { readonly 'service-account-user-id': string } {
  const { serviceAccounts } = world.workspace;
  if (serviceAccounts.size >= ACCOUNT_LIMIT) {
    throw guess(400, 'service_account_limit_reached', `A workspace has at most ${ACCOUNT_LIMIT} service accounts.`);
  }
  const account: ServiceAccount = { userId: alphanumeric(world.ids, 28), name, createdAt: world.clock.now() };
  serviceAccounts.set(account.userId, account);
  recordAudit(world, caller, { classUid: 3001, activity: 'Create', message: `Service account ${name} created` });
  return { 'service-account-user-id': account.userId };
}

export function listServiceAccountKeys(world: World, accountId: string): { readonly 'api-keys': readonly WireKey[] } {
  requireAccount(world, accountId);
  return listKeys(world, accountId);
}

function listKeys(world: World, accountId: string): { readonly 'api-keys': readonly WireKey[] } {
  const keys: WireKey[] = [];
  for (const key of world.workspace.keys.values()) if (key.ownerId === accountId) keys.push(wireKey(key));
  return { 'api-keys': keys };
}

function wireKey(key: ApiKey): WireKey {
  return {
    name: key.name,
    hint: key.key.slice(-4),
    key_id: key.keyId,
    service_account_user_id: key.ownerId,
    created_at_unix: Math.floor(key.createdAt / 1000),
    is_disabled: key.disabled,
    permissions: key.scopes === 'all' ? null : key.scopes,
    hashed_xi_api_key: createHash('sha256').update(key.key).digest('hex'),
  };
}

export function createServiceAccountKey(
  world: World,
  accountId: string,
  init: { readonly name: string; readonly scopes: 'all' | readonly string[] },
): { readonly 'xi-api-key': string; readonly key_id: string } {
  requireAccount(world, accountId);
  const key = createKey(world, { ...init, ownerId: accountId });
  return { 'xi-api-key': key.key, key_id: key.keyId };
}

export function updateServiceAccountKey(
  world: World,
  accountId: string,
  keyId: string,
  patch: {
    readonly name: string | null;
    readonly scopes: 'all' | readonly string[] | null;
    readonly enabled: boolean | null;
  },
): void {
  const key = requireKey(world, accountId, keyId);
  world.workspace.keys.set(key.key, {
    ...key,
    name: patch.name ?? key.name,
    scopes: patch.scopes ?? key.scopes,
    disabled: patch.enabled === null ? key.disabled : !patch.enabled,
  });
}

export function deleteServiceAccountKey(world: World, accountId: string, keyId: string): void {
  world.workspace.keys.delete(requireKey(world, accountId, keyId).key);
}

function requireAccount(world: World, accountId: string): void {
  if (!world.workspace.serviceAccounts.has(accountId)) {
    throw guess(404, 'service_account_not_found', `The service account ${accountId} was not found.`);
  }
}

function requireKey(world: World, accountId: string, keyId: string): ApiKey {
  requireAccount(world, accountId);
  for (const key of world.workspace.keys.values()) if (key.ownerId === accountId && key.keyId === keyId) return key;
  throw guess(404, 'api_key_not_found', `The API key ${keyId} was not found.`);
}

/** Makes a key for a member or a service account. */
export function createKey(
  world: World,
  init: {
    readonly name: string;
    readonly ownerId: string;
    readonly scopes: 'all' | readonly string[];
    readonly key?: string;
    readonly keyId?: string;
    readonly disabled?: boolean;
  },
): ApiKey {
  const key: ApiKey = {
    keyId: init.keyId ?? alphanumeric(world.ids, 20),
    key: init.key ?? `sk_${hex(world.ids, 48)}`,
    name: init.name,
    ownerId: init.ownerId,
    scopes: init.scopes,
    disabled: init.disabled ?? false,
    createdAt: world.clock.now(),
  };
  world.workspace.keys.set(key.key, key);
  return key;
}

/**
 * OAuth clients: each is the tokens of kind `oauthClient` that share a client id, one per secret. New
 * secrets may be made while old ones are still valid; scopes and label are those of the youngest.
 *
 * An access token is worth what the secret is that it was given for: revoking a secret, or the whole
 * client, ends its access tokens at once. A secret that has merely expired, as the old one does after
 * a rotation, gives no new access tokens; those that it gave live to their own end.
 */
import { randomUUID } from 'node:crypto';
import type { Millis } from '../domain/types.js';
import type { TokenRecord, TokenStore, TokenTrust } from '../store/port.js';
import { isValid } from './doors.js';
import { trustProblem } from './assertions.js';
import { addSecret as addTokenSecret, checkLabel, checkLabelIsFree, TokenProblem } from './tokens.js';

export interface OAuthClient {
  readonly clientId: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly createdAt: Millis;
  /** Oldest first; revoked and expired ones too. */
  readonly secrets: readonly TokenRecord[];
}

export interface NewSecret {
  readonly client: OAuthClient;
  /** Shown once, stored nowhere. */
  readonly secret: string;
}

/** All clients, those without a valid secret too; oldest first. */
export async function listClients(store: TokenStore): Promise<readonly OAuthClient[]> {
  const byId = new Map<string, TokenRecord[]>();
  for (const token of await store.listTokens()) {
    if (token.kind !== 'oauthClient' || token.clientId === null) continue;
    const known = byId.get(token.clientId);
    if (known === undefined) byId.set(token.clientId, [token]);
    else known.push(token);
  }
  return [...byId].flatMap(([clientId, secrets]) => toClient(clientId, secrets) ?? []);
}

export async function findClient(store: TokenStore, clientId: string): Promise<OAuthClient | null> {
  const secrets = await store.clientTokens(clientId);
  return toClient(
    clientId,
    secrets.filter(({ kind }) => kind === 'oauthClient'),
  );
}

function toClient(clientId: string, secrets: readonly TokenRecord[]): OAuthClient | null {
  const [first] = secrets;
  const last = secrets.at(-1);
  if (first === undefined || last === undefined) return null;
  return { clientId, label: last.label, scopes: last.scopes, createdAt: first.createdAt, secrets };
}

/** Makes a client with its first secret. */
export async function createClient(
  store: TokenStore,
  client: { readonly label: string; readonly scopes: readonly string[]; readonly expiresAt: Millis | null },
  actor: string,
): Promise<NewSecret> {
  return addSecret(store, { ...client, clientId: randomUUID() }, actor);
}

/** Trusts the assertions of an issuer about one subject, in place of a secret. */
export async function trustClient(
  store: TokenStore,
  client: { readonly label: string; readonly scopes: readonly string[]; readonly trust: TokenTrust },
  by: { readonly now: Millis; readonly actor: string },
): Promise<TokenRecord> {
  const problem = trustProblem(client.trust);
  if (problem !== null) throw new TokenProblem(problem);
  const label = checkLabel(client.label);
  await checkLabelIsFree(store, label, by.now);
  const { scopes, trust } = client;
  const token = { kind: 'federated', label, scopes, trust, hash: null, expiresAt: null } as const;
  return store.addToken({ id: randomUUID(), clientId: randomUUID(), ...token }, by.actor);
}

/** Makes a further secret; each older one that is valid stays so until `oldUntil` at most. */
export async function rotateClient(
  store: TokenStore,
  client: OAuthClient,
  times: { readonly now: Millis; readonly oldUntil: Millis; readonly expiresAt: Millis | null },
  actor: string,
): Promise<NewSecret> {
  const { clientId, label, scopes } = client;
  const made = await addSecret(store, { clientId, label, scopes, expiresAt: times.expiresAt }, actor);
  for (const secret of client.secrets) {
    if (!isValid(secret, times.now) || (secret.expiresAt !== null && secret.expiresAt <= times.oldUntil)) continue;
    await store.expireToken(secret.id, times.oldUntil, actor);
  }
  return made;
}

/** Ends all secrets of a client, and with them its access tokens. Answers how many there were. */
export async function revokeClient(store: TokenStore, client: OAuthClient, actor: string): Promise<number> {
  let revoked = 0;
  for (const secret of client.secrets) {
    if (secret.revokedAt === null && (await store.revokeToken(secret.id, actor))) revoked += 1;
  }
  return revoked;
}

async function addSecret(
  store: TokenStore,
  client: {
    readonly clientId: string;
    readonly label: string;
    readonly scopes: readonly string[];
    readonly expiresAt: Millis | null;
  },
  actor: string,
): Promise<NewSecret> {
  const { secret } = await addTokenSecret(store, { kind: 'oauthClient', ...client }, actor);
  const found = await findClient(store, client.clientId);
  if (found === null) throw new Error('a secret was stored and is not there');
  return { client: found, secret };
}

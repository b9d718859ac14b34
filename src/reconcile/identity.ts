/**
 * Whose workspace is this? A database belongs to one workspace: with the key of another one, the
 * bridge would lock and invite the wrong people. The pin is the workspace's id; where the key may
 * not read that, a hash of the owner's user id.
 */
import { createHash } from 'node:crypto';
import type { MemberId } from '../domain/types.js';
import { isGatewayError, type GatewayError, type KeyIdentity } from '../elevenlabs/port.js';
import type { Store } from '../store/port.js';
import type { WorkspaceGateway } from '../elevenlabs/port.js';

/** Settings: the workspace this database belongs to, its owner (hashed), and the key's own user. */
export const WORKSPACE_PIN = 'workspace';
export const WORKSPACE_OWNER = 'workspaceOwner';
export const KEY_OWNER = 'keyOwner';
/** Pin of a database that was made with the sandbox workspace. */
export const SANDBOX_PIN = 'sandbox';
const OWNER_PREFIX = 'owner:';

export type IdentityCheck =
  /** The key may be used with this database. `userId` is null where the key may not tell. */
  | { readonly kind: 'ours'; readonly userId: MemberId | null }
  | { readonly kind: 'otherWorkspace'; readonly pinned: string; readonly found: string }
  | { readonly kind: 'keyRejected'; readonly error: GatewayError }
  | { readonly kind: 'failed'; readonly error: GatewayError };

/** Asks who the key belongs to, compares with the pin, and pins a fresh database. */
export async function checkIdentity(
  gateway: WorkspaceGateway,
  store: Store,
  /** Stands for the workspace's id where there is one (the sandbox); null = the id that ElevenLabs tells. */
  workspaceName: string | null,
): Promise<IdentityCheck> {
  try {
    const told = await readIdentity(gateway);
    const identity = told === null || workspaceName === null ? told : { ...told, workspaceId: workspaceName };
    const check = await comparePin(identity, gateway, store);
    if (check.kind === 'ours') await keep(KEY_OWNER, identity?.userId ?? '', store);
    return check;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { kind: error.kind === 'keyRejected' ? 'keyRejected' : 'failed', error };
  }
}

/** Remembers the owner: what the pin falls back to when the key may not read the workspace's id. */
export async function rememberOwner(store: Store): Promise<void> {
  const owner = await store.owner();
  if (owner !== null) await keep(WORKSPACE_OWNER, hashOf(owner.memberId), store);
}

async function readIdentity(gateway: WorkspaceGateway): Promise<KeyIdentity | null> {
  try {
    return (await gateway.identity()).value;
  } catch (error) {
    if (isGatewayError(error) && error.kind === 'scopeMissing') return null;
    throw error;
  }
}

async function comparePin(
  identity: KeyIdentity | null,
  gateway: WorkspaceGateway,
  store: Store,
): Promise<IdentityCheck> {
  const ours: IdentityCheck = { kind: 'ours', userId: identity?.userId ?? null };
  const pinned = await store.setting(WORKSPACE_PIN);
  const found = identity?.workspaceId ?? null;
  if (found !== null && (pinned === null || pinned === found)) {
    await keep(WORKSPACE_PIN, found, store);
    return ours;
  }
  if (found !== null && pinned !== null && !pinned.startsWith(OWNER_PREFIX))
    return { kind: 'otherWorkspace', pinned, found };
  // Either the key may not read the id, or the pin is of a time when it could not.
  const owner = await readOwner(gateway);
  if (owner === null) return ours; // Nothing can be read at all: nothing can be compared.
  const known = pinned?.startsWith(OWNER_PREFIX)
    ? pinned.slice(OWNER_PREFIX.length)
    : await store.setting(WORKSPACE_OWNER);
  if (known !== null && known !== owner)
    return { kind: 'otherWorkspace', pinned: pinned ?? known, found: OWNER_PREFIX + owner };
  if (pinned === null || found !== null) await keep(WORKSPACE_PIN, found ?? OWNER_PREFIX + owner, store);
  return ours;
}

async function readOwner(gateway: WorkspaceGateway): Promise<string | null> {
  try {
    const owners = (await gateway.listMembers()).value.filter((member) => member.isOwner);
    const [owner] = owners;
    return owner === undefined || owners.length > 1 ? null : hashOf(owner.memberId);
  } catch (error) {
    if (isGatewayError(error) && error.kind === 'scopeMissing') return null;
    throw error;
  }
}

const hashOf = (memberId: MemberId): string => createHash('sha256').update(memberId).digest('hex');

async function keep(name: string, value: string, store: Store): Promise<void> {
  if ((await store.setting(name)) !== value) await store.setSetting(name, value);
}

/** Named values that must survive a restart, and the pin of a database to its workspace. */
import type { MemberId, Millis } from '../domain/types.js';
import type { Core } from './core.js';
import type { Doubts, OperationsStore } from './port.js';

/** Names of settings that more than one module uses. */
export const SETTING = {
  /** Upstream user id of the API key's owner, where that is a person. */
  keyOwner: 'keyOwner',
  /** The workspace that this database belongs to. */
  workspace: 'workspace',
  membersReadAt: 'membersReadAt',
  groupsReadAt: 'groupsReadAt',
  /** JSON of Doubts. */
  doubts: 'doubts',
  /** The last row of the audit log that was written to the log. */
  auditLogged: 'auditLogged',
  /** `<a>-<b>`: rows of the audit log after a, up to b, tell of what a restore has undone. */
  carriedAudit: 'carriedAudit',
} as const;

export function readSetting(core: Core, name: string): string | null {
  return core.value<string>(SELECT, name) ?? null;
}

export function writeSetting(core: Core, name: string, value: string): void {
  core.run(UPSERT, name, value);
}

export function membersReadAt(core: Core): Millis | null {
  const value = readSetting(core, SETTING.membersReadAt);
  return value === null ? null : Number(value);
}

export function readDoubts(core: Core): Doubts {
  const value = readSetting(core, SETTING.doubts);
  return value === null ? { members: null, groups: null } : (JSON.parse(value) as Doubts);
}

export function keyOwner(core: Core): MemberId | null {
  return readSetting(core, SETTING.keyOwner) as MemberId | null;
}

export type PinCheck =
  | { readonly kind: 'pinned' | 'same' }
  /** The database belongs to another workspace: exit code 78. */
  | { readonly kind: 'other'; readonly pinned: string };

/**
 * Ties a fresh database to a workspace, or checks that it is the one it was tied to. A lost key
 * must never turn production into a sandbox, nor one company's directory into another's.
 */
export async function pinWorkspace(store: OperationsStore, workspace: string): Promise<PinCheck> {
  const pinned = await store.setting(SETTING.workspace);
  if (pinned === workspace) return { kind: 'same' };
  if (pinned !== null) return { kind: 'other', pinned };
  await store.setSetting(SETTING.workspace, workspace);
  return { kind: 'pinned' };
}

/** The workspace that the database belongs to; null before the first pin. */
export function pinnedWorkspace(store: OperationsStore): Promise<string | null> {
  return store.setting(SETTING.workspace);
}

const SELECT = 'SELECT value FROM settings WHERE name = ?';
const UPSERT =
  'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value';

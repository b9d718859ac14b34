/**
 * What the bridge gave by sharing, and may therefore take away. A share is written down before its
 * call goes out: a lost answer or a death in flight leaves a row with `sent_role`, so that access
 * which may have been given is withdrawn like any other when the rule goes.
 */
import type { GivenShare } from '../domain/person.js';
import { resourceKey } from '../domain/shares.js';
import { principalKey, SHARE_ROLES, type Change, type Principal, type ShareRole } from '../domain/types.js';
import { remind, unsettleSubject } from './agenda.js';
import type { Core } from './core.js';
import type { Subject } from './port.js';

type Share = Extract<Change, { kind: 'share' }>;
type Unshare = Extract<Change, { kind: 'unshare' }>;

export interface GivenRow {
  readonly subject: Subject;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly principal: string;
  readonly role: ShareRole | null;
  readonly sent_role: ShareRole | null;
  readonly role_before: ShareRole | null;
}

export interface HeldRow {
  readonly resource_type: string;
  readonly resource_id: string;
  readonly principal: string;
  /** A preset role, or a custom slot of the workspace. */
  readonly role: string;
}

export const refOf = (row: Pick<HeldRow, 'resource_type' | 'resource_id'>) => ({
  type: row.resource_type,
  id: row.resource_id,
});

export function toGiven(row: GivenRow): GivenShare & { readonly principal: string } {
  const { principal, role, sent_role: sent, role_before: before } = row;
  const known = role ?? sent;
  if (known === null) throw new Error(`a given share of ${principal} without a role`);
  return { resource: refOf(row), principal, role: known, isUnsure: sent !== null, before };
}

/** A role that the bridge can give; null for a custom slot. */
export const presetRole = (role: string): ShareRole | null => SHARE_ROLES.find((known) => known === role) ?? null;

export function givenTo(core: Core, principal: string): readonly GivenRow[] {
  return core.all<GivenRow>(SELECT_GIVEN_TO, principal);
}

export function givenBy(core: Core, subject: Subject): readonly GivenRow[] {
  return core.all<GivenRow>('SELECT * FROM given_shares WHERE subject = ?', subject);
}

/** Preset roles of one principal, by `type:id`. */
export function heldBy(core: Core, principal: string): ReadonlyMap<string, ShareRole> {
  const held = new Map<string, ShareRole>();
  for (const row of core.all<HeldRow>('SELECT * FROM workspace_shares WHERE principal = ?', principal)) {
    const role = presetRole(row.role);
    if (role !== null) held.set(resourceKey(refOf(row)), role);
  }
  return held;
}

/** Before the call. What somebody else had given before is remembered with the first one of ours. */
export function beginShare(core: Core, subject: Subject, { resource, principal, role }: Share): void {
  const key = principalKey(principal);
  const held = core.value<string>(SELECT_HELD, resource.type, resource.id, key);
  const before = held === undefined ? null : presetRole(held);
  core.run(BEGIN, subject, resource.type, resource.id, key, role, before, core.now());
}

/** After the answer. `notGiven`: refused, or it was so before any call of ours. */
export function endShare(core: Core, change: Share, end: 'given' | 'notGiven'): void {
  const { resource, principal } = change;
  const where = [resource.type, resource.id, principalKey(principal)] as const;
  if (end === 'given') {
    core.run(CONFIRM, change.role, core.now(), ...where);
    // Back to what somebody else had given: theirs again.
    core.run(DROP_RETURNED, ...where);
  } else {
    core.run(DROP_UNSENT, ...where);
    core.run(FORGET_SENT, ...where);
  }
}

/** The mirror follows our own calls. */
export function holdShare(core: Core, { resource, principal, role }: Share): void {
  core.run(HOLD, resource.type, resource.id, principalKey(principal), role);
  if (principal.kind === 'group') remindHolders(core, resource);
}

/** What single members were given while the group had no link can go now. */
function remindHolders(core: Core, resource: Share['resource']): void {
  for (const subject of core.values<Subject>(SELECT_MEMBER_SUBJECTS, resource.type, resource.id))
    unsettle(core, subject);
}

function unsettle(core: Core, subject: Subject): void {
  unsettleSubject(core, subject);
  remind(core, subject, 'shared with the group');
}

export function dropShare(core: Core, { resource, principal }: Unshare): void {
  forgetPrincipalOn(core, resource, principal);
}

function forgetPrincipalOn(core: Core, resource: Share['resource'], principal: Principal): void {
  const where = [resource.type, resource.id, principalKey(principal)] as const;
  core.run(`DELETE FROM given_shares ${WHERE}`, ...where);
  core.run(`DELETE FROM workspace_shares ${WHERE}`, ...where);
}

export function refOfKey(key: string): Share['resource'] {
  const at = key.indexOf(':');
  return { type: key.slice(0, at), id: key.slice(at + 1) };
}

/** The account was handed over: what it was given stays with it, and is nobody's to withdraw. */
export function forgetPrincipalGifts(core: Core, principal: string): void {
  core.run('DELETE FROM given_shares WHERE principal = ?', principal);
}

const WHERE = 'WHERE resource_type = ? AND resource_id = ? AND principal = ?';
const SELECT_GIVEN_TO = 'SELECT * FROM given_shares WHERE principal = ?';
const SELECT_HELD = `SELECT role FROM workspace_shares ${WHERE}`;
const BEGIN = `INSERT INTO given_shares (subject, resource_type, resource_id, principal, role, sent_role, role_before, given_at)
  VALUES (?, ?, ?, ?, NULL, ?, ?, ?)
  ON CONFLICT (resource_type, resource_id, principal) DO UPDATE SET subject = excluded.subject, sent_role = excluded.sent_role`;
const CONFIRM = `UPDATE given_shares SET role = ?, sent_role = NULL, given_at = ? ${WHERE}`;
const DROP_RETURNED = `DELETE FROM given_shares ${WHERE} AND role = role_before`;
const DROP_UNSENT = `DELETE FROM given_shares ${WHERE} AND role IS NULL`;
const FORGET_SENT = `UPDATE given_shares SET sent_role = NULL ${WHERE}`;
const HOLD = `INSERT INTO workspace_shares (resource_type, resource_id, principal, role) VALUES (?, ?, ?, ?)
  ON CONFLICT (resource_type, resource_id, principal) DO UPDATE SET role = excluded.role`;
const SELECT_MEMBER_SUBJECTS = `SELECT DISTINCT subject FROM given_shares
  WHERE resource_type = ? AND resource_id = ? AND principal LIKE 'member:%'`;

/**
 * The restore of design section 3: a grant that was answered with an error must not survive in the
 * directory. It gives back exactly the refused attribute, and only if it still holds what the
 * refused write put there; a later write is never undone.
 */
import { followAddress, valueInSlot, type ChosenAddress } from '../domain/address.js';
import { objectAt, sameJson } from '../domain/json.js';
import type { CausingAttribute } from '../domain/plan.js';
import { BRIDGE_USER } from '../domain/schema.js';
import type { Document, Json } from '../domain/types.js';
import { userColumns } from '../domain/user-columns.js';
import { PRIORITY, schedule, unschedule } from './agenda.js';
import { auditOfVersion, appendAudit } from './audit.js';
import type { Core } from './core.js';
import { hasEffects } from './effects.js';
import { endIfSettled } from './handover.js';
import { invitesOf } from './invites.js';
import { forgetRefusals, supersedeAll } from './ledger.js';
import type { LedgerRow, Revert } from './port.js';
import { userSubject } from './subject.js';
import { noteTurn } from './user-links.js';
import { buryUser, deleteUserRow, updateDocument } from './user-rows.js';
import { documentOf, liveUserOfAddress, liveUserOfName, rowOfUser, type UserRow } from './users.js';

const ACTOR = 'bridge';

/** Answers whether the directory could be put back. */
export function revertWrite(core: Core, ledgerRow: LedgerRow, revert: Revert): boolean {
  const row = rowOfUser(core, revert.userId);
  if (row?.deleted_at !== null) return false;
  const written = auditOfVersion(core, userSubject(row.id), revert.version);
  if (written === undefined || written.after === null) return false;
  const after = JSON.parse(written.after) as Document;
  if (written.before === null) return row.version === revert.version && removeCreated(core, row, ledgerRow);
  const before = JSON.parse(written.before) as Document;
  const restored = restoreAttribute(documentOf(row), before, after, {
    attribute: revert.attribute,
    slot: row.address_slot,
  });
  return restored !== null && storeRestored(core, row, restored, ledgerRow);
}

/** The user exists because of the refused POST only: it goes, unless something refers to it by now. */
function removeCreated(core: Core, row: UserRow, ledgerRow: LedgerRow): boolean {
  if (core.value(REFERS_TO, row.seq, row.id) === 1) return false;
  const subject = userSubject(row.id);
  supersedeAll(core, subject);
  forgetRefusals(core, subject);
  unschedule(core, subject);
  // What the bridge did to the account for a predecessor stays done, and stays watched.
  if (hasEffects(core, row.id) || invitesOf(core, row.id).some((invite) => invite.sends > 0)) {
    buryUser(core, row.seq);
    schedule(core, subject, { priority: PRIORITY.withdrawal, id: ledgerRow.cause ?? 'revert', dueAt: core.now() });
  } else {
    deleteUserRow(core, row.seq);
  }
  appendAudit(core, {
    actor: ACTOR,
    action: 'user.revert',
    subject,
    requestId: ledgerRow.cause,
    version: row.version + 1,
    before: documentOf(row),
  });
  return true;
}

/** The document with the attribute as it was before; null where a later write has touched it. */
function restoreAttribute(
  current: Document,
  before: Document,
  after: Document,
  what: { readonly attribute: CausingAttribute; readonly slot: UserRow['address_slot'] },
): Document | null {
  let restored = current;
  for (const path of pathsOf(what.attribute, what.slot)) {
    if (!sameJson(at(current, path), at(after, path))) return null;
    restored = put(restored, path, at(before, path));
  }
  return restored === current || sameJson(restored, current) ? null : restored;
}

type Path = readonly [string] | readonly [string, string];

function pathsOf(attribute: CausingAttribute, slot: UserRow['address_slot']): readonly Path[] {
  switch (attribute) {
    case 'active':
    case 'roles':
    case 'entitlements':
      return [[attribute]];
    case 'emails':
      return slot === 'userName' ? [['userName']] : [['emails']];
    case 'seatType':
      return [[BRIDGE_USER, 'seatType']];
    // A group gave it: writes to groups never fail after the commit.
    case 'groups':
      return [];
  }
}

function at(document: Document, [first, second]: Path): Json | undefined {
  return second === undefined ? document[first] : objectAt(document, first)[second];
}

function put(document: Document, [first, second]: Path, value: Json | undefined): Document {
  if (second === undefined) return withKey(document, first, value);
  const inner = withKey(objectAt(document, first), second, value);
  return withKey(document, first, Object.keys(inner).length === 0 ? undefined : inner);
}

function withKey(object: Document, key: string, value: Json | undefined): Document {
  if (value !== undefined) return { ...object, [key]: value };
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

function storeRestored(core: Core, row: UserRow, document: Document, ledgerRow: LedgerRow): boolean {
  const columns = userColumns(document);
  const address = restoredAddress(row, document);
  const namesake = liveUserOfName(core, columns.userNameKey);
  const holder = liveUserOfAddress(core, address?.address ?? null);
  if ([namesake, holder].some((other) => other !== undefined && other.seq !== row.seq)) return false;
  updateDocument(core, row, { document, columns, address, writer: null });
  endIfSettled(core, row.seq);
  if (!columns.active) noteTurn(core, row, false);
  const subject = userSubject(row.id);
  forgetRefusals(core, subject);
  schedule(core, subject, { priority: PRIORITY.background, id: ledgerRow.cause ?? 'revert', dueAt: core.now() });
  appendAudit(core, {
    actor: ACTOR,
    action: 'user.revert',
    subject,
    requestId: ledgerRow.cause,
    version: row.version + 1,
    before: documentOf(row),
    after: document,
  });
  return true;
}

function restoredAddress(row: UserRow, document: Document): ChosenAddress | null {
  const current =
    row.address === null || row.address_slot === null ? null : { address: row.address, slot: row.address_slot };
  if (current === null || valueInSlot(document, current.slot) === null) return current;
  const choice = followAddress(current, document);
  return choice.kind === 'address' ? choice : current;
}

const REFERS_TO = `SELECT EXISTS (SELECT 1 FROM memberships WHERE user_seq = ?)
  OR EXISTS (SELECT 1 FROM users WHERE manager_id = ? AND deleted_at IS NULL)`;

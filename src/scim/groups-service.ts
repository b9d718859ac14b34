/**
 * Groups. A membership change costs what it changes: nothing here reads the members of a group
 * unless they are to be shown or replaced. Writes wait for their effects but never fail afterwards
 * (design section 3): a group has too many members for one of them to fail it.
 */
import { GROUP } from '../domain/group-schema.js';
import type { JsonObject } from '../domain/types.js';
import type { Tolerance } from '../domain/withdrawal.js';
import { notFound } from '../errors.js';
import type { GroupChange, GroupRecord } from '../store/port.js';
import { checkNoneMatch, conditionalReply } from './conditions.js';
import { creationContext, documentChecks, writeContext, type Caller, type Reply } from './context.js';
import { cursorPage, groupList } from './cursor-page.js';
import type { DocumentChecks } from './document-checks.js';
import { readGroupDocument } from './document.js';
import { grantsGroup } from './grants.js';
import { listResponse, lookUp, toListing } from './listing.js';
import { parseGroupPatch } from './patch.js';
import { project, shows, type Projection } from './project.js';
import type { ReadParameters } from './query.js';
import { checkFilter, checkSearch, readable } from './readable.js';
import { etag, renderGroup, resourceHeaders } from './render.js';
import { shorten } from './shorten.js';
import { withdrawalsGoThrough } from './withdrawals.js';

export async function createGroup(caller: Caller, body: JsonObject, view: Projection): Promise<Reply> {
  const { store } = caller.app;
  const { document, members } = readGroupDocument(body, null, documentChecks(caller));
  await admit(caller, null, { document: () => document, members: [{ kind: 'add', userIds: members ?? [] }] });
  const { record } = await store.createGroup(document, members ?? [], creationContext(caller));
  const shown = await settle(caller, record, shows(view, 'members'));
  const headers = resourceHeaders(GROUP, shown, caller.app.baseUrl());
  return { status: 201, headers, body: show(caller, shown, view) };
}

export async function readGroup(caller: Caller, id: string, view: Projection): Promise<Reply> {
  const record = await find(caller, id, shows(view, 'members'));
  return conditionalReply(caller, GROUP, record, () => show(caller, record, view));
}

/** A page of groups, in the envelope of a ListResponse; members are read only if they are shown. */
export async function listGroups(caller: Caller, parameters: ReadParameters): Promise<object> {
  if (parameters.cursor !== null) return cursorPage(caller, parameters, [groupList(parameters, caller)]);
  const { query, view } = toListing(parameters, GROUP, caller.app.limits);
  checkSearch(caller, GROUP, query);
  const options = { members: shows(view, 'members') };
  const page = await lookUp(caller, query, () => caller.app.store.listGroups(query, options));
  return listResponse(
    page.items.map((record) => show(caller, record, view)),
    page.total,
    query.startIndex,
  );
}

export async function replaceGroup(caller: Caller, id: string, body: JsonObject, view: Projection): Promise<Reply> {
  const parse: Parse = (record, checks) => {
    const { members } = readGroupDocument(body, record.document, checks);
    return {
      document: (current) => readGroupDocument(body, current, checks).document,
      // Who leaves members out says nothing of them (RFC 7644 3.5.1 allows either): an empty list empties a group, a missing one does not.
      members: members === null ? [] : [{ kind: 'replace', userIds: members }],
    };
  };
  const { shown } = await changeGroup(caller, id, parse, shows(view, 'members'));
  return { status: 200, headers: resourceHeaders(GROUP, shown, caller.app.baseUrl()), body: show(caller, shown, view) };
}

/**
 * 204, as Entra prefers: a group of ten thousand is not sent back for each member. A client that
 * names attributes gets them (RFC 7644 3.5.2).
 */
export async function patchGroup(caller: Caller, id: string, body: JsonObject, view: Projection): Promise<Reply> {
  const silent = view.mode === 'default';
  const base = caller.app.baseUrl();
  const parse: Parse = (record, checks) =>
    parseGroupPatch(body, {
      ...{ id, rendered: renderGroup(record, base), base, checks },
      checkMembers: (filter) => checkFilter(caller, GROUP, filter, ['members']),
    });
  const { written, shown, isPartial } = await changeGroup(caller, id, parse, !silent && shows(view, 'members'));
  // Without a body the tag stands for this write alone: that of a later one would let the client overwrite it unseen.
  if (silent && !isPartial) return { status: 204, headers: { ETag: etag(written.version) }, body: null };
  return { status: 200, headers: resourceHeaders(GROUP, shown, caller.app.baseUrl()), body: show(caller, shown, view) };
}

export async function deleteGroup(caller: Caller, id: string): Promise<Reply> {
  const { store, provisioning } = caller.app;
  const record = await find(caller, id, false);
  checkNoneMatch(caller, record.version);
  await provisioning.admitWithdrawal();
  await store.deleteGroup(id, writeContext(caller));
  provisioning.poke();
  if (caller.interactive) await provisioning.settleGroup(caller.requestId);
  return { status: 204, headers: {}, body: null };
}

type Parse = (record: GroupRecord, checks: DocumentChecks) => GroupChange;

interface Changed {
  readonly written: GroupRecord;
  readonly shown: GroupRecord;
  /** Members were removed, and something else was refused: the answer shows it. */
  readonly isPartial: boolean;
}

async function changeGroup(caller: Caller, id: string, parse: Parse, members: boolean): Promise<Changed> {
  const [written, isPartial] = await withdrawalsGoThrough(
    async (tolerance) =>
      [await writeGroup(caller, id, parse, { members, tolerance }), (tolerance?.refused().length ?? 0) > 0] as const,
  );
  return { written, shown: await settle(caller, written, members || isPartial), isPartial };
}

async function writeGroup(
  caller: Caller,
  id: string,
  parse: Parse,
  { members, tolerance }: { readonly members: boolean; readonly tolerance: Tolerance | null },
): Promise<GroupRecord> {
  const current = await find(caller, id, false);
  checkNoneMatch(caller, current.version);
  const change = parse(current, documentChecks(caller, tolerance));
  if (tolerance !== null && change.members.every(({ kind }) => kind === 'add')) throw tolerance.because;
  const replaces = change.members.some((op) => op.kind === 'replace');
  await admit(caller, replaces ? await find(caller, id, true) : current, change);
  const context = { ...writeContext(caller), tolerance };
  return (await caller.app.store.updateGroup(id, change, context, { members })).record;
}

async function admit(caller: Caller, current: GroupRecord | null, change: GroupChange): Promise<void> {
  const { provisioning } = caller.app;
  const next = change.document(current?.document ?? {});
  await (grantsGroup(current, next, change.members) ? provisioning.admitGrant() : provisioning.admitWithdrawal());
}

/** Waits, and reads again what is to be shown; of a group that was deleted meanwhile, what was written. */
async function settle(caller: Caller, record: GroupRecord, members: boolean): Promise<GroupRecord> {
  const { store, provisioning } = caller.app;
  provisioning.poke();
  if (caller.interactive) await provisioning.settleGroup(caller.requestId);
  return (await store.getGroup(record.id, { members })) ?? record;
}

async function find(caller: Caller, id: string, members: boolean): Promise<GroupRecord> {
  const record = await caller.app.store.getGroup(id, { members });
  if (record === null) throw notFound('Group', shorten(id));
  return record;
}

function show(caller: Caller, record: GroupRecord, view: Projection): JsonObject {
  return project(readable(caller, GROUP, renderGroup(record, caller.app.baseUrl())), view);
}

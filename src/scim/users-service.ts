/**
 * Users: from a validated request to the store, and from its effects back to an answer
 * (design section 3). A write waits for its own effects; if they are refused for good, the store
 * has been put back by then and the IdP gets the reason.
 */
import type { Document, JsonObject } from '../domain/types.js';
import { USER } from '../domain/user-schema.js';
import type { Tolerance } from '../domain/withdrawal.js';
import { notFound } from '../errors.js';
import type { UserRecord, Written } from '../store/port.js';
import { checkNoneMatch, conditionalReply } from './conditions.js';
import { creationContext, documentChecks, writeContext, type Caller, type Reply } from './context.js';
import { cursorPage, userList } from './cursor-page.js';
import type { DocumentChecks } from './document-checks.js';
import { readUserDocument } from './document.js';
import { grantsUser } from './grants.js';
import { listResponse, lookUp, toListing } from './listing.js';
import { parseUserPatch } from './patch.js';
import { project, type Projection } from './project.js';
import type { ReadParameters } from './query.js';
import { checkSearch, readable } from './readable.js';
import { renderUser, resourceHeaders } from './render.js';
import { shorten } from './shorten.js';
import { withdrawalsGoThrough } from './withdrawals.js';

export async function createUser(caller: Caller, body: JsonObject, view: Projection): Promise<Reply> {
  const { store } = caller.app;
  const document = readUserDocument(body, null, documentChecks(caller));
  await admit(caller, null, document);
  const record = await settle(caller, await store.createUser(document, creationContext(caller)));
  const headers = resourceHeaders(USER, record, caller.app.baseUrl());
  return { status: 201, headers, body: show(caller, record, view) };
}

export async function readUser(caller: Caller, id: string, view: Projection): Promise<Reply> {
  const record = await find(caller, id);
  return conditionalReply(caller, USER, record, () => show(caller, record, view));
}

/** A page of users, in the envelope of a ListResponse. */
export async function listUsers(caller: Caller, parameters: ReadParameters): Promise<object> {
  if (parameters.cursor !== null) return cursorPage(caller, parameters, [userList(parameters, caller)]);
  const { query, view } = toListing(parameters, USER, caller.app.limits);
  checkSearch(caller, USER, query);
  const page = await lookUp(caller, query, () => caller.app.store.listUsers(query));
  return listResponse(
    page.items.map((record) => show(caller, record, view)),
    page.total,
    query.startIndex,
  );
}

export async function replaceUser(caller: Caller, id: string, body: JsonObject, view: Projection): Promise<Reply> {
  return changeUser(caller, id, (_, checks) => (current) => readUserDocument(body, current, checks), view);
}

export async function patchUser(caller: Caller, id: string, body: JsonObject, view: Projection): Promise<Reply> {
  const base = caller.app.baseUrl();
  const parse: Parse = (record, checks) =>
    parseUserPatch(body, { id, rendered: readable(caller, USER, renderUser(record, base)), base, checks });
  return changeUser(caller, id, parse, view);
}

export async function deleteUser(caller: Caller, id: string): Promise<Reply> {
  const { store, provisioning } = caller.app;
  const record = await find(caller, id);
  checkNoneMatch(caller, record.version);
  await provisioning.admitWithdrawal();
  await store.deleteUser(id, writeContext(caller));
  provisioning.poke();
  if (caller.interactive) await provisioning.settleGroup(caller.requestId);
  return { status: 204, headers: {}, body: null };
}

type Parse = (record: UserRecord, checks: DocumentChecks) => (current: Document) => Document;

async function changeUser(caller: Caller, id: string, parse: Parse, view: Projection): Promise<Reply> {
  const written = await withdrawalsGoThrough((tolerance) => writeUser(caller, id, parse, tolerance));
  const record = await settle(caller, written);
  return {
    status: 200,
    headers: resourceHeaders(USER, record, caller.app.baseUrl()),
    body: show(caller, record, view),
  };
}

async function writeUser(
  caller: Caller,
  id: string,
  parse: Parse,
  tolerance: Tolerance | null,
): Promise<Written<UserRecord>> {
  const current = await find(caller, id);
  checkNoneMatch(caller, current.version);
  const change = parse(current, documentChecks(caller, tolerance));
  // It must say so itself: who is inactive already has lost nothing by the rest of the request.
  if (tolerance !== null && change({ ...current.document, active: true })['active'] !== false) throw tolerance.because;
  await admit(caller, current.document, change(current.document));
  return caller.app.store.updateUser(id, change, { ...writeContext(caller), tolerance });
}

async function admit(caller: Caller, current: Document | null, next: Document): Promise<void> {
  const { provisioning } = caller.app;
  await (grantsUser(current, next) ? provisioning.admitGrant() : provisioning.admitWithdrawal());
}

/** Called in the tick in which the store answered, so that the reconciler cannot be done before it is waited for. */
async function settle(caller: Caller, written: Written<UserRecord>): Promise<UserRecord> {
  const { store, provisioning } = caller.app;
  const { record } = written;
  provisioning.poke();
  if (!caller.interactive) return record;
  const outcome = await provisioning.settle(record.id, record.version);
  if (outcome.kind === 'refused') throw outcome.error;
  if (outcome.kind === 'notAwaited') return record;
  // `status` has moved meanwhile, the version has not, unless somebody else wrote.
  return (await store.getUser(record.id)) ?? record;
}

async function find(caller: Caller, id: string): Promise<UserRecord> {
  const record = await caller.app.store.getUser(id);
  if (record === null) throw notFound('User', shorten(id));
  return record;
}

function show(caller: Caller, record: UserRecord, view: Projection): JsonObject {
  return project(readable(caller, USER, renderUser(record, caller.app.baseUrl())), view);
}

/**
 * SCIM requests without HTTP: what a what-if plays. Reads what somebody wrote down (a request, a list
 * of them, a bulk body, a group of the IdP that is to be assigned) and performs it by the services
 * that every request goes through.
 */
import { isList, isObject } from '../domain/match.js';
import { CORE_GROUP, CORE_USER } from '../domain/schema.js';
import type { Json, JsonObject } from '../domain/types.js';
import { USER } from '../domain/user-schema.js';
import type { PlayedRequest, WrittenRequest } from '../domain/what-if.js';
import { GROUP } from '../domain/group-schema.js';
import { invalidSyntax } from '../errors.js';
import { runBulk } from './bulk.js';
import { BULK_REQUEST_URN } from './bulk-request.js';
import type { Caller, Reply } from './context.js';
import { parseFilter } from './filter-parser.js';
import { createGroup, deleteGroup, patchGroup, replaceGroup } from './groups-service.js';
import { viewOf } from './listing.js';
import { PATCH_OP } from './patch-request.js';
import { NO_PARAMETERS } from './query.js';
import { errorBody, toScimError } from './reply.js';
import { matchRoute, type Route } from './routes.js';
import { createUser, deleteUser, patchUser, replaceUser } from './users-service.js';

/** A group of the IdP that is assigned to the application: its people, and the group itself, are provisioned. */
export interface AssignedGroup {
  readonly displayName: string;
  /** User names, each an e-mail address. */
  readonly userNames: readonly string[];
}

export type Script = { readonly requests: readonly WrittenRequest[] } | { readonly assign: AssignedGroup };

/** The most requests, or people of an assigned group, in one script. */
export const MAX_SCRIPT = 1000;

const FORMS =
  'It must be a request ({"method", "path", "body"}), a list of requests, a BulkRequest, or {"assignGroup": "<name>", "users": ["<userName>", …]}.';

/** Reads a script; ScimError 400 where it is none. */
export function readScript(value: Json): Script {
  const script = isList(value) ? { requests: value.map(readRequest) } : readOne(value);
  const size = 'assign' in script ? script.assign.userNames.length : script.requests.length;
  if (size === 0 || size > MAX_SCRIPT)
    throw invalidSyntax(`A what-if takes 1 to ${String(MAX_SCRIPT)} requests or people; this has ${String(size)}.`);
  return script;
}

function readOne(value: Json): Script {
  if (!isObject(value)) throw invalidSyntax(FORMS);
  if (value['assignGroup'] !== undefined) return { assign: readAssignment(value) };
  const schemas = value['schemas'];
  if (isList(schemas) && schemas.includes(BULK_REQUEST_URN))
    return { requests: [{ method: 'POST', path: '/Bulk', body: value }] };
  return { requests: [readRequest(value)] };
}

function readRequest(value: Json): WrittenRequest {
  if (!isObject(value)) throw invalidSyntax(FORMS);
  const { method, path, body = null } = value as { method?: Json; path?: Json; body?: Json };
  if (typeof method !== 'string' || typeof path !== 'string' || (body !== null && !isObject(body)))
    throw invalidSyntax(FORMS);
  const below = path.replace(/^.*\/scim\/v2(?=\/)/, '');
  return { method: method.toUpperCase(), path: below.startsWith('/') ? below : `/${below}`, body };
}

function readAssignment({ assignGroup, users }: JsonObject): AssignedGroup {
  const names = isList(users) ? users.filter((name) => typeof name === 'string') : [];
  if (typeof assignGroup !== 'string' || assignGroup.trim() === '' || !isList(users) || names.length !== users.length)
    throw invalidSyntax(FORMS);
  const userNames = [...new Set(names.map((name) => name.trim()))].filter((name) => name !== '');
  return { displayName: assignGroup.trim(), userNames };
}

/** Called around each request, so that its effects are there before the next one. */
export type Around = (play: (caller: Caller) => Promise<PlayedRequest>) => Promise<PlayedRequest>;

/** Plays a script from its beginning to its end. */
export async function playScript(script: Script, caller: Caller, around: Around): Promise<readonly PlayedRequest[]> {
  const played: PlayedRequest[] = [];
  const play = async (request: WrittenRequest): Promise<PlayedRequest> => {
    const one = await around((as) => playRequest(request, as));
    played.push(one);
    return one;
  };
  if ('assign' in script) await playAssignment(script.assign, caller, play);
  else for (const request of script.requests) await play(request);
  return played;
}

async function playRequest(request: WrittenRequest, caller: Caller): Promise<PlayedRequest> {
  try {
    const { status, body } = await perform(request, caller);
    return { ...request, status, answer: body };
  } catch (error) {
    const known = toScimError(error);
    if (known.status === 500) throw error;
    return { ...request, status: known.status, answer: errorBody(known, caller.requestId) };
  }
}

async function perform({ method, path, body }: WrittenRequest, caller: Caller): Promise<Reply> {
  const route = matchRoute(method, path);
  if (route === null) throw invalidSyntax(`There is no endpoint ${path}.`);
  if (!route.allowed || !route.access.write) {
    if (route.kind !== 'bulk' || method !== 'POST')
      throw invalidSyntax(`${method} ${path} writes nothing: a what-if takes writes to /Users, /Groups and /Bulk.`);
  }
  const document = body ?? {};
  switch (route.kind) {
    case 'users':
      return createUser(caller, document, viewOf(NO_PARAMETERS, USER));
    case 'user':
      return onUser(method, route, document, caller);
    case 'groups':
      return createGroup(caller, document, viewOf(NO_PARAMETERS, GROUP));
    case 'group':
      return onGroup(method, route, document, caller);
    case 'bulk':
      return { status: 200, headers: {}, body: await runBulk({ ...caller, onRefused: () => undefined }, document) };
    default:
      throw invalidSyntax(`${path} cannot be written to.`);
  }
}

function onUser(method: string, { id }: Route, document: JsonObject, caller: Caller): Promise<Reply> {
  const view = viewOf(NO_PARAMETERS, USER);
  if (method === 'DELETE') return deleteUser(caller, id ?? '');
  return method === 'PUT' ? replaceUser(caller, id ?? '', document, view) : patchUser(caller, id ?? '', document, view);
}

function onGroup(method: string, { id }: Route, document: JsonObject, caller: Caller): Promise<Reply> {
  const view = viewOf(NO_PARAMETERS, GROUP);
  if (method === 'DELETE') return deleteGroup(caller, id ?? '');
  return method === 'PUT'
    ? replaceGroup(caller, id ?? '', document, view)
    : patchGroup(caller, id ?? '', document, view);
}

/** As an IdP does: each person is looked up and created or enabled, then the group, then its members. */
async function playAssignment(
  { displayName, userNames }: AssignedGroup,
  { app }: Caller,
  play: (request: WrittenRequest) => Promise<PlayedRequest>,
): Promise<void> {
  const { store } = app;
  const first = { sortBy: null, sortOrder: 'ascending', startIndex: 1, count: 1 } as const;
  const members: JsonObject[] = [];
  for (const userName of userNames) {
    const filter = parseFilter(`userName eq ${JSON.stringify(userName)}`, USER);
    const [known] = (await store.listUsers({ ...first, filter })).items;
    const isEnabled = known?.managed === true && known.document['active'] !== false;
    if (known !== undefined && isEnabled) members.push({ value: known.id });
    else {
      const one = known?.managed === true ? enable(known.id) : create(userName);
      const { status, answer } = await play(one);
      const id = known?.managed === true ? known.id : (answer as { readonly id?: unknown } | null)?.id;
      if (status < 300 && typeof id === 'string') members.push({ value: id });
    }
  }
  const filter = parseFilter(`displayName eq ${JSON.stringify(displayName)}`, GROUP);
  const [group] = (await store.listGroups({ ...first, filter }, { members: false })).items;
  if (group?.managed === true) {
    const body = { schemas: [PATCH_OP], Operations: [{ op: 'add', path: 'members', value: members }] };
    await play({ method: 'PATCH', path: `/Groups/${group.id}`, body });
  } else await play({ method: 'POST', path: '/Groups', body: { schemas: [CORE_GROUP], displayName, members } });
}

function create(userName: string): WrittenRequest {
  const emails = [{ value: userName, type: 'work', primary: true }];
  return { method: 'POST', path: '/Users', body: { schemas: [CORE_USER], userName, active: true, emails } };
}

function enable(id: string): WrittenRequest {
  const body = { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'active', value: true }] };
  return { method: 'PATCH', path: `/Users/${id}`, body };
}

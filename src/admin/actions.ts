/**
 * What administrators change on the page. Each is a POST with a CSRF token, is audited with who did
 * it, and ends in a redirect, so that a reload repeats nothing.
 */
import type { WorkspaceGroupId } from '../domain/types.js';
import {
  createToken as makeToken,
  rotateToken as makeSuccessor,
  TokenProblem,
  type SecretTokenKind,
} from '../auth/tokens.js';
import { METRICS_SCOPE, TOKEN_SCOPES } from '../auth/token-scopes.js';
import type { HeldFilter, WriteContext } from '../store/port.js';
import type { PageContext, Query } from './context.js';
import { path } from './html.js';
import type { Done } from './notices.js';
import { LIFETIMES, NEW_KINDS, OVERLAPS, type ShownSecret } from './pages/tokens.js';

export interface ActionContext extends PageContext {
  /** Of this request: audit rows and what follows from them carry it. */
  readonly requestId: string;
  readonly form: Query;
}

/** Where the browser goes next; `done` becomes the sentence shown there. */
export interface ActionResult {
  readonly to: string;
}

function goTo(
  parts: readonly string[],
  done: Done,
  count?: number,
  more: Readonly<Record<string, string>> = {},
): ActionResult {
  return { to: path(parts, { ...more, done, n: count ?? null }) };
}

function writerOf({ admin, requestId }: ActionContext): WriteContext {
  return { requestId, actor: admin.actor, tokenId: null, interactive: true, ifMatch: null };
}

async function audit(context: ActionContext, action: string, subject: string | null, after?: unknown): Promise<void> {
  const { store, admin, requestId } = context;
  await store.audit({ actor: admin.actor, action, subject, requestId, ...(after !== undefined && { after }) });
}

export async function syncNow(context: ActionContext): Promise<ActionResult> {
  await audit(context, 'workspace.read', null);
  const { members, groups } = await context.engine.syncNow(context.requestId);
  const isRead = members?.kind === 'applied' && groups?.kind === 'applied';
  return goTo([], isRead ? 'synced' : 'notSynced');
}

export async function acceptSmaller(context: ActionContext): Promise<ActionResult> {
  await audit(context, 'workspace.acceptSmaller', null);
  const { members } = await context.engine.acceptSmallerWorkspace();
  return goTo([], members?.kind === 'applied' ? 'accepted' : 'notSynced');
}

export async function retryUser(context: ActionContext, id: string): Promise<ActionResult> {
  await audit(context, 'change.retry', `user:${id}`);
  const count = await context.engine.retryRefused(`user:${id}`);
  return goTo(['users', id], 'retried', count);
}

export async function releaseUser(context: ActionContext, id: string): Promise<ActionResult> {
  await context.store.releaseUser(id, writerOf(context));
  return goTo(['users', id], 'userReleased');
}

/** One row by `id`, or every row by `all`. Null: the form names none. */
function chosen(form: Query): HeldFilter | null {
  if (form.text('all') === 'true') return {};
  const id = form.number('id', 0);
  return id > 0 ? { ids: [id] } : null;
}

export async function releaseHeld(context: ActionContext): Promise<ActionResult> {
  const filter = chosen(context.form);
  const count = filter === null ? 0 : await context.store.releaseHeld(filter, writerOf(context));
  context.engine.poke();
  return goTo(['changes'], 'released', count, { state: 'held' });
}

export async function dropHeld(context: ActionContext): Promise<ActionResult> {
  const filter = chosen(context.form);
  const count = filter === null ? 0 : await context.store.dropHeld(filter, writerOf(context));
  context.engine.poke();
  return goTo(['changes'], 'dropped', count, { state: 'held' });
}

export async function retryRefused(context: ActionContext): Promise<ActionResult> {
  const { form, store, engine } = context;
  const filter = chosen(form);
  let count = 0;
  if (filter?.ids !== undefined) {
    await audit(context, 'change.retry', null, { ids: filter.ids });
    await store.retryRefused(filter.ids, context.requestId);
    engine.poke();
    count = filter.ids.length;
  } else if (filter !== null) {
    await audit(context, 'change.retry', null, { all: true });
    count = await engine.retryRefused(null);
  }
  return goTo(['changes'], 'retried', count, { state: 'refused' });
}

export async function linkGroup(context: ActionContext, id: string): Promise<ActionResult> {
  const groupId = context.form.text('groupId');
  if (groupId === '') return goTo(['groups'], 'noGroupChosen');
  await context.store.linkGroup(id, groupId as WorkspaceGroupId, writerOf(context));
  context.engine.poke();
  return goTo(['groups'], 'linked');
}

export async function unlinkGroup(context: ActionContext, id: string): Promise<ActionResult> {
  await context.store.linkGroup(id, null, writerOf(context));
  context.engine.poke();
  return goTo(['groups'], 'unlinked');
}

// Tokens --------------------------------------------------------------------------------------------

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The secret exists only in the answer; a form that was sent before makes no second token. */
export type TokenResult = ShownSecret | { readonly problem: string };

export async function createToken(context: ActionContext): Promise<TokenResult> {
  const { form, store, now, admin } = context;
  const asked = form.text('kind');
  if (!Object.hasOwn(NEW_KINDS, asked)) return { problem: 'Choose for whom the token is.' };
  const kind: SecretTokenKind = asked === 'metrics' ? 'admin' : (asked as SecretTokenKind);
  const scopes =
    asked === 'metrics'
      ? [METRICS_SCOPE]
      : kind === 'admin'
        ? []
        : TOKEN_SCOPES.filter((scope) => form.text(`scope-${scope}`) === 'true');
  const wanted = { kind, label: form.text('label'), scopes, expiresAt: expiryOf(form, now) };
  return telling(async () => ({ ...(await makeToken(store, wanted, { now, actor: admin.actor })), oldUntil: null }));
}

function expiryOf(form: Query, now: number): number | null {
  const days = form.text('expires');
  return Object.hasOwn(LIFETIMES, days) && days !== '' ? now + Number(days) * DAY : null;
}

/** A successor with the same rights; the new one lives as long as the old one was meant to. */
export async function rotateToken(context: ActionContext, id: string): Promise<TokenResult | null> {
  const { form, store, now, admin } = context;
  const old = (await store.listTokens()).find((token) => token.id === id);
  if (old === undefined) return null;
  const asked = form.text('overlap');
  const overlapMs = (Object.hasOwn(OVERLAPS, asked) ? Number(asked) : 24) * HOUR;
  return telling(() => makeSuccessor(store, old, { now, overlapMs }, admin.actor));
}

/** What the administrator can put right is said in the form. */
async function telling(work: () => Promise<ShownSecret>): Promise<TokenResult> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TokenProblem) return { problem: error.message };
    throw error;
  }
}

export async function revokeToken(context: ActionContext, id: string): Promise<ActionResult> {
  const isRevoked = await context.store.revokeToken(id, context.admin.actor);
  return goTo(['tokens'], isRevoked ? 'revoked' : 'notThere');
}

/**
 * The control interface over HTTP: `POST /__sandbox/<operation>` with a JSON object, or GET for
 * those that only read. Guarded by its own token; never delayed and never subject to faults.
 */
import { z } from 'zod';
import { SEAT_TYPES, SHARE_ROLES } from '../domain/types.js';
import type { ApiRequest, Reply } from './api.js';
import type { Control } from './control.js';
import { faultRule } from './faults.js';
import { InvalidFields, Refusal } from './refusal.js';
import type { Seed, SeedMember, SeedResource } from './seed.js';
import type { Switches } from './switches.js';
import { problemWithSwitches, SWITCH_TABLE } from './switches.js';
import { parseBody } from './validate.js';

export const CONTROL_PREFIX = '/__sandbox/';

type Operation = (control: Control, body: string) => unknown;

/** An operation that takes a JSON object. */
function taking<T>(schema: z.ZodType<T>, run: (control: Control, input: T) => unknown): Operation {
  return (control, body) => run(control, parseBody(schema, body === '' ? '{}' : body));
}

const text = z.string();
const seat = z.enum(SEAT_TYPES);
const email = z.object({ email: text });
const inGroup = z.object({ groupId: text, email: text });
const scopes = z.union([z.literal('all'), z.array(text)]);
const ref = z.object({ type: text, id: text });
const target = z.object({
  userEmail: text.nullable().default(null),
  groupId: text.nullable().default(null),
  keyId: text.nullable().default(null),
});
const tier = z.enum(['free', 'starter', 'creator', 'pro', 'scale', 'business', 'enterprise']);
const range = z.object({ min: z.number().min(0), max: z.number().min(0) });

function hasMembers(value: unknown): value is Seed {
  return typeof value === 'object' && value !== null && 'members' in value && Array.isArray(value.members);
}

const hasText = (name: string) => (value: unknown) =>
  typeof value === 'object' && value !== null && typeof (value as Readonly<Record<string, unknown>>)[name] === 'string';

const switchChanges = z.record(text, z.unknown()).superRefine((changes, context) => {
  const problem = problemWithSwitches(changes);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});

const OPERATIONS: Readonly<Record<string, Operation>> = {
  reset: taking(z.object({ seed: z.custom<Seed>(hasMembers).optional() }), (control, { seed }) => control.reset(seed)),
  help: () => ({ operations: Object.keys(OPERATIONS) }),
  state: (control) => control.state(),
  mailbox: (control) => control.mailbox(),
  'audit-log': (control) => control.auditLog(),
  member: taking(email, (control, input) => control.member(input.email) ?? null),
  invite: taking(email, (control, input) => control.invite(input.email) ?? null),

  accept: taking(email.extend({ as: text.optional(), firstName: text.nullish() }), (control, { email: who, ...how }) =>
    control.accept(who, how),
  ),
  decline: taking(email, (control, input) => control.decline(input.email)),
  expire: taking(email, (control, input) => control.expire(input.email)),
  'auto-accept': taking(z.object({ afterMs: z.number().min(0).nullable() }), (control, input) =>
    control.autoAccept(input.afterMs),
  ),

  'create-group': taking(z.object({ name: text, id: text.optional() }), (control, input) => ({
    id: control.createGroup(input.name, input.id),
  })),
  'rename-group': taking(z.object({ id: text, name: text }), (control, input) =>
    control.renameGroup(input.id, input.name),
  ),
  'delete-group': taking(z.object({ id: text }), (control, input) => control.deleteGroup(input.id)),
  'mark-group': taking(
    z.object({ id: text, scimSynced: z.boolean().optional(), scimFrozen: z.boolean().optional() }),
    (control, { id, ...marks }) => control.markGroup(id, marks),
  ),
  'put-in-group': taking(inGroup, (control, input) => control.putInGroup(input.groupId, input.email)),
  'take-out-of-group': taking(inGroup, (control, input) => control.takeOutOfGroup(input.groupId, input.email)),

  'add-member': taking(z.custom<SeedMember>(hasText('email')), (control, input) => ({
    userId: control.addMember(input),
  })),
  'remove-member': taking(email, (control, input) => control.removeMember(input.email)),
  'set-locked': taking(email.extend({ locked: z.boolean() }), (control, input) =>
    control.setLocked(input.email, input.locked),
  ),
  'set-seat': taking(email.extend({ seatType: seat.nullable() }), (control, input) =>
    control.setSeat(input.email, input.seatType),
  ),
  'change-email': taking(email.extend({ to: text }), (control, input) => control.changeEmail(input.email, input.to)),
  'transfer-owner': taking(email, (control, input) => control.transferOwner(input.email)),

  'create-resource': taking(z.custom<SeedResource>(hasText('type')), (control, input) => ({
    id: control.createResource(input),
  })),
  share: taking(z.object({ resource: ref, role: z.enum(SHARE_ROLES), target }), (control, input) =>
    control.share(input.resource, input.role, input.target),
  ),
  unshare: taking(z.object({ resource: ref, target }), (control, input) =>
    control.unshare(input.resource, input.target),
  ),

  'set-seat-limits': taking(z.object({ full: z.int(), basic: z.int() }), (control, input) =>
    control.setSeatLimits(input),
  ),
  'set-tier': taking(z.object({ tier }), (control, input) => control.setTier(input.tier)),
  'set-verified-domains': taking(z.object({ domains: z.array(text) }), (control, input) =>
    control.setVerifiedDomains(input.domains),
  ),

  'create-key': taking(z.object({ owner: text, scopes: scopes.optional() }), (control, input) => ({
    key: control.createKey(input),
  })),
  'revoke-key': taking(z.object({ key: text }), (control, input) => control.revokeKey(input.key)),
  'rotate-key': taking(z.object({ key: text }), (control, input) => ({ key: control.rotateKey(input.key) })),
  'set-scopes': taking(z.object({ key: text, scopes }), (control, input) => control.setScopes(input.key, input.scopes)),

  switches: (control) => ({ values: control.switches(), known: SWITCH_TABLE }),
  'set-switches': taking(switchChanges, (control, input) => control.setSwitches(input as Partial<Switches>)),

  'add-fault': taking(faultRule, (control, input) => ({ id: control.addFault(input) })),
  'clear-faults': taking(z.object({ id: text.optional() }), (control, input) => control.clearFaults(input.id)),
  'set-latency': taking(z.object({ range: range.nullable() }), (control, input) => control.setLatency(input.range)),
  'set-rate-limit': taking(
    z.object({ limit: z.object({ perSecond: z.int().min(0), retryAfter: z.number().optional() }).nullable() }),
    (control, input) => control.setRateLimit(input.limit),
  ),
  hanging: (control) => ({ count: control.hanging() }),
  'release-hanging': taking(z.object({ drop: z.boolean().optional() }), (control, input) =>
    control.releaseHanging(input),
  ),

  requests: taking(z.object({ method: text.optional(), path: text.optional() }), (control, input) =>
    control.requests(input),
  ),
  'clear-requests': (control) => control.clearRequests(),
};

/** Those that only read: allowed with GET, and nothing else is. */
const READINGS: ReadonlySet<string> = new Set([
  'help',
  'state',
  'mailbox',
  'audit-log',
  'switches',
  'hanging',
  'requests',
]);

/** Answers one request to the control interface. */
export function answerControl(control: Control, token: string, request: ApiRequest): Reply {
  const name = request.url.slice(CONTROL_PREFIX.length).split('?', 1)[0] ?? '';
  if (request.headers['authorization'] !== `Bearer ${token}`)
    return json(401, { error: 'Wrong or missing control token.' });
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (operation === undefined) return json(404, { error: 'There is no such operation; see help.' });
  if (request.method !== 'POST' && !(request.method === 'GET' && READINGS.has(name))) {
    return json(405, { error: 'Use POST.' });
  }
  try {
    return json(200, operation(control, request.body) ?? {});
  } catch (error) {
    if (error instanceof Refusal) return json(error.status, { error: error.message });
    if (error instanceof InvalidFields) return json(400, { error: error.message });
    // What is left is a seed that contradicts itself.
    return json(400, { error: error instanceof Error ? error.message : String(error) });
  }
}

function json(status: number, value: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

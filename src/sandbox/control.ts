/**
 * What tests and the demo do to the workspace beside the API: the invitee who accepts, the
 * administrator on the dashboard, the weather. Changes "by hand" are not refused for seats or
 * owners, so that any state can be made. Refusals are thrown as `Refusal`.
 */
import type { SeatType, ShareRole } from '../domain/types.js';
import { dashboard } from './dashboard.js';
import { dumpSeed } from './dump-seed.js';
import type { Exchange } from './exchange.js';
import type { FaultRule, Faults, LatencyRange, RateLimit } from './faults.js';
import { acceptInvite, closeInvite } from './invites.js';
import type { WireMember } from './members.js';
import { toWireMember } from './members.js';
import { Refusal } from './refusal.js';
import type { LoggedRequest, RequestFilter, RequestLog } from './request-log.js';
import type { ShareTarget } from './resources.js';
import type { Seed, SeedMember, SeedResource } from './seed.js';
import { loadSeed, minimalSeed } from './seed.js';
import { createKey } from './service-accounts.js';
import type { ApiKey, AuditRecord, Invite, Mail, SeatCount, Tier, World } from './state.js';
import { emailKey, memberByEmail, pendingInvite, reindexAddresses } from './state.js';
import type { Switches } from './switches.js';

/** How an invitee accepts. */
export interface Acceptance {
  /** How the account spells the address, should it differ from the invite. */
  readonly as?: string | undefined;
  readonly firstName?: string | null | undefined;
}

export interface Control {
  /** Starts over with a workspace; without a seed with the one the sandbox began with. Faults and switches stay. */
  readonly reset: (seed?: Seed) => void;
  /** The workspace as data; fit for `reset`. */
  readonly state: () => Seed;
  readonly member: (email: string) => (WireMember & { readonly usageLimit: number | null }) | undefined;
  /** The last invite of an address, whatever became of it. */
  readonly invite: (email: string) => Invite | undefined;
  readonly mailbox: () => readonly Mail[];
  readonly auditLog: () => readonly AuditRecord[];

  readonly accept: (email: string, how?: Acceptance) => WireMember;
  readonly decline: (email: string) => void;
  readonly expire: (email: string) => void;
  /** Every pending invite, and every later one, is accepted after so long; null: never. */
  readonly autoAccept: (afterMs: number | null) => void;

  readonly createGroup: (name: string, id?: string) => string;
  readonly renameGroup: (id: string, name: string) => void;
  readonly deleteGroup: (id: string) => void;
  readonly markGroup: (
    id: string,
    marks: { readonly scimSynced?: boolean | undefined; readonly scimFrozen?: boolean | undefined },
  ) => void;
  readonly putInGroup: (groupId: string, email: string) => void;
  readonly takeOutOfGroup: (groupId: string, email: string) => void;

  readonly addMember: (member: SeedMember) => string;
  readonly removeMember: (email: string) => void;
  readonly setLocked: (email: string, locked: boolean) => void;
  readonly setSeat: (email: string, seatType: SeatType | null) => void;
  /** The person gives the account another address. */
  readonly changeEmail: (email: string, to: string) => void;
  readonly transferOwner: (email: string) => void;

  readonly createResource: (resource: SeedResource) => string;
  readonly share: (
    ref: { readonly type: string; readonly id: string },
    role: ShareRole,
    target: Partial<ShareTarget>,
  ) => void;
  readonly unshare: (ref: { readonly type: string; readonly id: string }, target: Partial<ShareTarget>) => void;

  readonly setSeatLimits: (limits: SeatCount) => void;
  readonly setTier: (tier: Tier) => void;
  readonly setVerifiedDomains: (domains: readonly string[]) => void;

  /** A new key for a member or, by name, a service account. */
  readonly createKey: (init: {
    readonly owner: string;
    readonly scopes?: 'all' | readonly string[] | undefined;
  }) => string;
  readonly revokeKey: (key: string) => void;
  /** Replaces a key by a new one with the same scopes. */
  readonly rotateKey: (key: string) => string;
  readonly setScopes: (key: string, scopes: 'all' | readonly string[]) => void;

  readonly switches: () => Switches;
  readonly setSwitches: (changes: Partial<Switches>) => void;

  /** Returns the id of the rule. */
  readonly addFault: (rule: FaultRule) => string;
  readonly clearFaults: (id?: string) => void;
  readonly setLatency: (range: LatencyRange | null) => void;
  readonly setRateLimit: (limit: RateLimit | null) => void;
  /** Calls that hang and whose client still waits. */
  readonly hanging: () => number;
  /** Calls that hang go on; with `drop` they are cut and nothing is applied. */
  readonly releaseHanging: (how?: { readonly drop?: boolean | undefined }) => void;

  readonly requests: (filter?: RequestFilter) => readonly LoggedRequest[];
  readonly clearRequests: () => void;
}

export function createControl(init: {
  readonly world: World;
  readonly faults: Faults;
  readonly exchange: Exchange;
  readonly log: RequestLog;
  readonly firstSeed: Seed | undefined;
}): Control {
  const { world, faults, exchange, log } = init;
  const { resumeAccepting, ...people } = invitees(world);
  return {
    ...readings(world),
    ...dashboard(world),
    ...people,
    ...keys(world),
    reset(seed) {
      loadSeed(world, seed ?? init.firstSeed ?? minimalSeed());
      resumeAccepting();
    },
    switches: () => world.switches,
    setSwitches(changes) {
      const { emailCaseSensitive } = world.switches;
      world.switches = { ...world.switches, ...changes };
      if (world.switches.emailCaseSensitive !== emailCaseSensitive) reindexAddresses(world);
    },
    addFault: faults.add,
    clearFaults: faults.clear,
    setLatency: faults.setLatency,
    setRateLimit: exchange.setRateLimit,
    hanging: exchange.hanging,
    releaseHanging: (how = {}) => exchange.release(how.drop === true),
    requests: log.list,
    clearRequests: log.clear,
  };
}

function readings(world: World): Pick<Control, 'state' | 'member' | 'invite' | 'mailbox' | 'auditLog'> {
  return {
    state: () => dumpSeed(world),
    member(email) {
      const member = memberByEmail(world, email);
      return member === undefined ? undefined : { ...toWireMember(world, member), usageLimit: member.usageLimit };
    },
    invite: (email) => world.workspace.invites.get(emailKey(world, email)),
    mailbox: () => world.workspace.mailbox,
    auditLog: () => world.workspace.auditLog,
  };
}

function invitees(
  world: World,
): Pick<Control, 'accept' | 'decline' | 'expire' | 'autoAccept'> & { readonly resumeAccepting: () => void } {
  let delay: number | null = null;
  // Tried again and again while the invite is pending: it may wait for a seat.
  const acceptLater = (email: string, after: number): void => {
    const invite = pendingInvite(world, email);
    world.clock.after(after, () => {
      if (delay === null || invite === undefined || pendingInvite(world, email) !== invite) return;
      try {
        acceptInvite(world, email);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        acceptLater(email, after);
      }
    });
  };
  const acceptAllLater = (): void => {
    if (delay === null) return;
    for (const { email, status } of world.workspace.invites.values()) {
      if (status === 'pending') acceptLater(email, delay);
    }
  };
  world.onInvited = (email) => {
    if (delay !== null) acceptLater(email, delay);
  };
  return {
    accept: (email, how = {}) => toWireMember(world, acceptInvite(world, email, how.as, how.firstName)),
    decline: (email) => closeInvite(world, email, 'declined'),
    expire: (email) => closeInvite(world, email, 'expired'),
    autoAccept(afterMs) {
      delay = afterMs;
      acceptAllLater();
    },
    resumeAccepting: acceptAllLater,
  };
}

function keys(world: World): Pick<Control, 'createKey' | 'revokeKey' | 'rotateKey' | 'setScopes'> {
  const require = (key: string): ApiKey => {
    const found = world.workspace.keys.get(key);
    if (found === undefined) throw new Refusal(404, 'not_found', 'There is no such key.');
    return found;
  };
  return {
    createKey({ owner, scopes }) {
      const accounts = [...world.workspace.serviceAccounts.values()];
      const ownerId = memberByEmail(world, owner)?.userId ?? accounts.find((account) => account.name === owner)?.userId;
      if (ownerId === undefined) throw new Refusal(404, 'not_found', `There is nobody called ${owner}.`);
      return createKey(world, { name: 'By hand', ownerId, scopes: scopes ?? 'all' }).key;
    },
    revokeKey: (key) => world.workspace.keys.set(key, { ...require(key), disabled: true }),
    rotateKey(key) {
      const { name, ownerId, scopes } = require(key);
      world.workspace.keys.delete(key);
      return createKey(world, { name, ownerId, scopes }).key;
    },
    setScopes: (key, scopes) => world.workspace.keys.set(key, { ...require(key), scopes }),
  };
}

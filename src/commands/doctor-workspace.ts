/**
 * What `doctor` finds out at ElevenLabs: is the key good, whose is it, and what may it do.
 *
 * Every permission is probed by a call that can change nothing, whether it is allowed or not: an
 * address in `.invalid` (RFC 2606) is nobody's, and an invite to the owner is refused by contract
 * ("if the user is already in the workspace a 400 error will be returned").
 */
import type { Clock } from '../clock.js';
import { REGION_URLS } from '../config-variables.js';
import type { Config } from '../config.js';
import { cleanText } from '../domain/refusal.js';
import type { MemberId, WorkspaceGroup, WorkspaceGroupId, WorkspaceMember } from '../domain/types.js';
import {
  isGatewayError,
  type Answer,
  type GatewayError,
  type KeyIdentity,
  type WorkspaceGateway,
} from '../elevenlabs/port.js';
import { KEY_OWNER, WORKSPACE_PIN } from '../reconcile/identity.js';
import { KEY_MEMBER } from '../reconcile/read-workspace.js';
import type { Store } from '../store/port.js';
import { fail, ok, warn, type Finding } from './finding.js';
import { span } from './output.js';

interface Parts {
  readonly config: Config;
  /** Null: there is no database to compare with. */
  readonly store: Store | null;
  readonly clock: Clock;
}

const NOBODY = 'doctor-probe@elevenlabs-scim.invalid';

type Tried<T> = { readonly value: T } | { readonly error: GatewayError };

export async function* checkWorkspace({ config, store, clock }: Parts): AsyncGenerator<Finding> {
  const { upstream } = config;
  if (upstream.kind === 'sandbox') {
    yield ok('API key', 'the sandbox workspace needs none');
    return;
  }
  yield checkRegion(upstream.baseUrl);
  const { createSdkGateway } = await import('../elevenlabs/sdk-gateway.js');
  const gateway = createSdkGateway({ ...upstream, timeoutMs: config.upstreamTimeoutMs, clock });
  const identity = await attempt(() => gateway.identity());
  const key = checkKey(identity, upstream.baseUrl, await lastKeyOwner(store));
  yield key;
  if (key.level === 'fail') return;
  if ('value' in identity) yield* await checkIdentity(identity.value, store, clock);
  const members = await attempt(() => gateway.listMembers());
  const groups = await attempt(() => gateway.listGroups());
  if ('value' in identity && 'value' in members) yield await checkOwner(identity.value, members.value, store);
  yield judge(PERMISSIONS.user_read, identity);
  yield judge(PERMISSIONS.workspace_members_read, members);
  yield judge(PERMISSIONS.workspace_read, groups);
  yield* probeWrites(gateway, 'value' in members ? members.value : null, 'value' in groups ? groups.value : []);
}

async function attempt<T>(call: () => Promise<Answer<T>>): Promise<Tried<T>> {
  try {
    return { value: (await call()).value };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { error };
  }
}

function checkRegion(baseUrl: string): Finding {
  const region = Object.entries(REGION_URLS).find(([, url]) => url === baseUrl)?.[0];
  if (region !== undefined) return ok('Region', `${region} (${baseUrl})`);
  return warn(
    'Region',
    `${baseUrl} is no region of ElevenLabs`,
    'Meant for a sandbox or a proxy only; else set ELEVENLABS_REGION.',
  );
}

/** Whose key worked last, as far as it was a person's who is still known. */
async function lastKeyOwner(store: Store | null): Promise<WorkspaceMember | null> {
  const id = (await store?.setting(KEY_OWNER)) ?? null;
  return id === null || store === null ? null : store.member(id as MemberId);
}

function checkKey(identity: Tried<KeyIdentity>, baseUrl: string, lastOwner: WorkspaceMember | null): Finding {
  if ('value' in identity) return ok('API key', 'ElevenLabs accepts it');
  const { kind, message } = identity.error;
  const reason = cleanText(message);
  switch (kind) {
    case 'keyRejected':
      return fail(
        'API key',
        `ElevenLabs rejects it: ${reason}`,
        `Put a valid one into ELEVENLABS_API_KEY and restart the bridge. Is it of another region? ${baseUrl} does not know it then: set ELEVENLABS_REGION.${endedWith(lastOwner)}`,
      );
    case 'scopeMissing':
      return ok('API key', 'ElevenLabs accepts it, without telling whose it is');
    case 'transient':
      return fail(
        'API key',
        `ElevenLabs cannot be reached: ${reason}`,
        'Check network, proxy and ELEVENLABS_BASE_URL, and status.elevenlabs.io.',
      );
    case 'refused':
    case 'alreadySo':
      return fail('API key', `ElevenLabs does not answer as it should: ${reason}`, 'Check ELEVENLABS_BASE_URL.');
  }
}

function endedWith(lastOwner: WorkspaceMember | null): string {
  if (lastOwner === null) return '';
  const { email, isLocked } = lastOwner;
  return ` The last one that worked was that of ${email}${isLocked ? ', who is locked' : ''}: a key may end with the access of its owner.`;
}

const SKEW_WARN_MS = 30_000;
const SKEW_FAIL_MS = 300_000;

async function checkIdentity(identity: KeyIdentity, store: Store | null, clock: Clock): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  if (identity.serverTime !== null) {
    const skew = Math.abs(identity.serverTime - clock.now());
    const text = `this clock and that of ElevenLabs differ by ${span(skew)}`;
    const remedy = 'Set the clock (NTP): invites expire, tokens end and audit rows are dated by it.';
    // The header counts whole seconds.
    if (skew < SKEW_WARN_MS) findings.push(ok('Clock', text));
    else findings.push(skew < SKEW_FAIL_MS ? warn('Clock', text, remedy) : fail('Clock', text, remedy));
  }
  const pinned = (await store?.setting(WORKSPACE_PIN)) ?? null;
  const found = identity.workspaceId;
  if (pinned === null || found === null || pinned.startsWith('owner:')) return findings;
  findings.push(
    pinned === found
      ? ok('Workspace', `the key is of the workspace of this database (${found})`)
      : fail(
          'Workspace',
          `the database belongs to ${pinned}, the key to ${found}`,
          'Set the key of the right workspace, or DATABASE_PATH.',
        ),
  );
  return findings;
}

/** The owner of the key must be an unlocked admin: only admins may lock people. */
async function checkOwner(
  identity: KeyIdentity,
  members: readonly WorkspaceMember[],
  store: Store | null,
): Promise<Finding> {
  const owner = members.find(({ memberId }) => memberId === identity.userId);
  if (owner === undefined && (await store?.setting(KEY_MEMBER)) === identity.userId)
    return fail(
      'Key owner',
      `a person who is no member any more (${identity.userId}): lists of members without its owner are not believed`,
      'Use the key of a service account, or of an admin who is there.',
    );
  if (owner === undefined)
    return ok('Key owner', `a service account (${identity.userId}); it does not leave with a person`);
  const seat = owner.seatType ?? identity.seatType ?? 'unknown';
  if (owner.isLocked)
    return fail('Key owner', `${owner.email} is locked`, 'Use the key of a service account, or unlock the person.');
  if (seat !== 'workspace_admin')
    return fail(
      'Key owner',
      `${owner.email} has the seat ${seat}: only admins may lock people`,
      'Use the key of an admin or of a service account.',
    );
  return warn(
    'Key owner',
    `${owner.email}, ${seat}: the key stops working when this person leaves`,
    'Use the key of a service account.',
  );
}

interface Permission {
  readonly name: string;
  readonly may: string;
  /** What is lost without it. */
  readonly cost: string;
  readonly level: 'warn' | 'fail';
}

const PERMISSIONS = {
  user_read: {
    name: 'user_read',
    may: 'read whose key it is',
    cost: 'the workspace is known by its owner only, and the clocks cannot be compared',
    level: 'warn',
  },
  workspace_members_read: {
    name: 'workspace_members_read',
    may: 'list members',
    cost: 'acceptance is noticed only by trying groups and seats that are wanted; members are not adopted, drift is not found, owner and admins are not known',
    level: 'warn',
  },
  workspace_read: {
    name: 'workspace_read',
    may: 'list groups',
    cost: 'groups are searched by name, one by one; renamed and deleted groups are not noticed',
    level: 'warn',
  },
  workspace_members_invite: {
    name: 'workspace_members_invite',
    may: 'invite people',
    cost: 'nobody can be invited',
    level: 'fail',
  },
  workspace_write_invites: {
    name: 'workspace_write',
    may: 'revoke invites',
    cost: 'invites of leavers cannot be withdrawn: they may still join',
    level: 'fail',
  },
  workspace_write_members: {
    name: 'workspace_write, as an admin',
    may: 'lock members and set seats',
    cost: 'leavers cannot be locked: they keep their access',
    level: 'fail',
  },
  group_members_manage: {
    name: 'group_members_manage',
    may: 'change members of groups',
    cost: 'memberships of groups are not applied',
    level: 'warn',
  },
} as const satisfies Record<string, Permission>;

async function* probeWrites(
  gateway: WorkspaceGateway,
  members: readonly WorkspaceMember[] | null,
  groups: readonly WorkspaceGroup[],
): AsyncGenerator<Finding> {
  const owner = members?.find(({ isOwner }) => isOwner);
  if (owner === undefined)
    yield warn(
      NAME_OF(PERMISSIONS.workspace_members_invite),
      'cannot be probed without sending an e-mail: the owner is not known',
      'Allow the key to list members.',
    );
  else {
    const request = { email: owner.email, seatType: owner.seatType ?? 'workspace_admin', usageLimit: null } as const;
    yield judge(PERMISSIONS.workspace_members_invite, await attempt(() => gateway.invite(request)));
  }
  yield judge(PERMISSIONS.workspace_write_invites, await attempt(() => gateway.revokeInvite(NOBODY)));
  yield judge(
    PERMISSIONS.workspace_write_members,
    await attempt(() => gateway.setLocked({ email: NOBODY, locked: false })),
  );
  const groupId = groups.find(({ readOnly }) => !readOnly)?.groupId ?? ('doctor-probe' as WorkspaceGroupId);
  yield judge(PERMISSIONS.group_members_manage, await attempt(() => gateway.removeFromGroup(groupId, NOBODY)));
}

const NAME_OF = ({ name }: Permission): string => `Permission ${name}`;

/** Any answer but "you may not" shows that the permission is there: the call itself asks for the impossible. */
function judge(permission: Permission, tried: Tried<unknown>): Finding {
  const check = NAME_OF(permission);
  if (!('error' in tried)) return ok(check, `may ${permission.may}`);
  const { kind, status, message } = tried.error;
  if (kind === 'scopeMissing')
    return {
      check,
      level: permission.level,
      text: `may not ${permission.may}: ${permission.cost}`,
      remedy: `Give the key the permission ${permission.name}.`,
    };
  // ElevenLabs answers 500 to the revocation of an invite that is not there.
  if (kind === 'refused' || kind === 'alreadySo' || status === 500) return ok(check, `may ${permission.may}`);
  return warn(check, `unclear: ${cleanText(message)}`, 'Run doctor again.');
}

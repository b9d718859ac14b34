/**
 * Every answer of the workspace API that no public source states, as a typed switch. The bridge
 * must be right under each value; the defaults are the best guess. What is documented has none.
 */

interface SwitchRow<T> {
  readonly default: T;
  readonly values: readonly T[];
  readonly doc: string;
}

/** `const` keeps the literal types, so that a value that is not in the row does not compile. */
function row<const T>(initial: T, others: readonly T[], doc: string): SwitchRow<T> {
  return { default: initial, values: [initial, ...others], doc };
}

type Choice<T extends string | number | boolean> = SwitchRow<T>;
const flag = (initial: boolean, doc: string): Choice<boolean> => row(initial, [!initial], doc);
const choice = <const T extends string | number>(initial: T, others: readonly T[], doc: string): Choice<T> =>
  row(initial, others, doc);

/** The switches that choose between a few answers. */
export const SWITCH_TABLE = {
  rejectedKeyAs400: flag(false, 'An unknown API key gets 400 with an authentication_error body, not 401.'),
  missingScopeAs403: flag(false, 'A missing scope gets 403 insufficient_permissions, not 401 missing_permissions.'),
  legacyErrors: flag(false, 'Error bodies hold only detail.status and detail.message.'),
  genericCodes: flag(
    false,
    'Codes that are guesses (seats, invites, groups) are replaced by bad_request, not_found, …',
  ),
  planGate: flag(false, 'The workspace API is refused (403) below the Scale plan.'),
  serviceAccountIsAdmin: flag(true, 'The key of a service account may call administrators-only routes.'),
  lockedKeyOwnerRejected: flag(true, 'The key of a locked or removed member is rejected like an unknown one.'),

  duplicateInvite: choice<'ok' | 400 | 409>(
    'ok',
    [400, 409],
    'Inviting a pending address: sends again, or is refused.',
  ),
  defaultSeatOnInvite: choice('workspace_member', ['workspace_lite_member'], 'The seat of an invite that names none.'),
  invitesReserveSeats: flag(false, 'A pending invite takes a seat already.'),
  inviteWithoutSeat: choice<'refused' | 'accepted'>('refused', ['accepted'], 'An invite while no seat is free.'),
  inviteUnknownGroup: choice<400 | 404>(404, [400], 'group_ids of an invite names a group that is not there.'),
  bulkPartial: flag(false, 'A bulk invite skips addresses that are members, instead of refusing all.'),
  deleteUnknownInvite: choice<500 | 404 | 400 | 200>(500, [404, 400, 200], 'Deleting an invite that is not pending.'),

  unknownMember: choice<404 | 400 | 500>(404, [400, 500], 'members.update of an address that is no member.'),
  unlockWithoutSeat: choice<400 | 402 | 403 | 409 | 422 | 500>(
    400,
    [402, 403, 409, 422, 500],
    'Unlocking, or raising the seat, while no seat is free.',
  ),
  changeOwner: choice<403 | 400>(403, [400], 'Locking the owner or changing the seat of the owner.'),
  lockSelf: choice<400 | 'ok'>(400, ['ok'], 'Locking the member to whom the key belongs.'),
  demoteLastAdmin: choice<400 | 'ok'>(400, ['ok'], 'Taking the admin seat from the last unlocked administrator.'),
  enableMemberDelete: flag(false, 'DELETE /v1/workspace/members exists, as it did until July 2025.'),
  emailCaseSensitive: flag(false, 'E-mail addresses are looked up as they are written.'),

  groupSearch: choice<'exact' | 'exactIgnoreCase' | 'substring'>(
    'exact',
    ['exactIgnoreCase', 'substring'],
    'How groups/search compares names.',
  ),
  groupMapKey: choice<'id' | 'name'>('id', ['name'], 'The keys of the object that groups.list answers.'),
  everyoneGroup: flag(false, 'groups.list holds a group Everyone of all members.'),
  memberIdsAsEmails: flag(false, 'members of a group are e-mail addresses, not user ids.'),
  addNonMember: choice<400 | 404>(400, [404], 'Adding somebody who is no member to a group.'),
  addExisting: choice<'ok' | 400 | 409>('ok', [400, 409], 'Adding a member that is in the group already.'),
  removeNonMember: choice<400 | 'ok' | 404>(400, ['ok', 404], 'Removing somebody who is not in the group.'),
  groupAddWorksForLocked: flag(true, 'A locked member can be added to a group.'),
  lockRemovesFromGroups: flag(false, 'Locking a member takes it out of its groups.'),
  groupManagedByScim: choice<400 | 403 | 409>(400, [403, 409], 'Changing a group that native SCIM manages.'),

  shareBody: choice<'null' | 'object'>('null', ['object'], 'The body of a successful share or unshare.'),
  shareNonMember: choice<400 | 404>(400, [404], 'Sharing with somebody who is no member.'),
  unshareCreator: choice<400 | 403>(400, [403], 'Taking a resource from its creator.'),
  unshareMissing: choice<'ok' | 400 | 404>('ok', [400, 404], 'Unsharing from somebody without a role.'),
  defaultPrincipal: choice<'default' | 'everyoneGroupId'>(
    'default',
    ['everyoneGroupId'],
    'How resources.get names the baseline that was shared with group_id "default".',
  ),
  keyPrincipal: choice<'keyId' | 'serviceAccountId'>(
    'keyId',
    ['serviceAccountId'],
    'How resources.get names a service account that was shared with by key id.',
  ),
} satisfies Record<string, SwitchRow<string | number | boolean>>;

/** members.list and groups.list show a write only after this many milliseconds and this many readings. */
export interface ReadLag {
  readonly ms?: number;
  readonly reads?: number;
}

export type SwitchName = keyof typeof SWITCH_TABLE;

/** All switches at once. */
export type Switches = {
  readonly [K in SwitchName]: (typeof SWITCH_TABLE)[K]['values'][number];
} & {
  /** null: readings are current. */
  readonly readLag: ReadLag | null;
  /** Replaces the scope that a route needs; null: none. Keys are route names. */
  readonly routeScopes: Readonly<Record<string, string | null>>;
};

/** The best guess for every switch, with `overrides` on top. */
export function switchesWith(overrides: Partial<Switches> = {}): Switches {
  const defaults = Object.fromEntries(Object.entries(SWITCH_TABLE).map(([name, { default: value }]) => [name, value]));
  return { ...(defaults as unknown as Switches), readLag: null, routeScopes: {}, ...overrides };
}

/** Names what is wrong with switches that came over HTTP, or null. */
export function problemWithSwitches(candidate: Readonly<Record<string, unknown>>): string | null {
  const table: Readonly<Record<string, SwitchRow<string | number | boolean>>> = SWITCH_TABLE;
  for (const [name, value] of Object.entries(candidate)) {
    if (name === 'readLag' || name === 'routeScopes') {
      if (typeof value !== 'object') return `${name} must be an object.`;
      continue;
    }
    const known = Object.hasOwn(table, name) ? table[name] : undefined;
    if (known === undefined) return `There is no switch ${name}.`;
    if (!known.values.some((allowed) => allowed === value)) {
      return `${name} must be one of ${known.values.map((allowed) => JSON.stringify(allowed)).join(', ')}.`;
    }
  }
  return null;
}

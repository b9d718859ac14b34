/** `users list|show|release|handover`. */
import type { Command } from 'commander';
import type { UserRecord, ListQuery, Page, Store } from '../store/port.js';
import type { CommandContext } from './context.js';
import { act, wholeNumber, withJson, withYes, type Json, type Yes } from './define.js';
import { explainPerson, printExplained } from './explain.js';
import { findLiveUser, findPerson, userNameOf } from './find.js';
import { besideName, count, iso } from './output.js';

interface ListOptions extends Json {
  readonly filter?: string;
  readonly status?: string;
  readonly limit?: number;
}

export function usersCommands(program: Command, context: CommandContext): void {
  const users = program.command('users').description('users of the directory, and what the workspace makes of them');
  withJson(users.command('list'))
    .description('list users')
    .option('--filter <filter>', 'SCIM filter, such as \'userName sw "a"\'')
    .option('--status <status>', 'only those of this status (invited, member, locked, held, failed, …)')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 1_000_000))
    .action(act(context, (options: ListOptions) => listUsers(context, options)));
  withJson(users.command('show'))
    .description('show one user, and explain what it has')
    .argument('<e-mail>', 'e-mail address, user name or id')
    .action(act(context, (text: string, options: Json) => showUser(context, text, options)));
  withYes(users.command('release'))
    .description('end the management of one user: nothing changes at ElevenLabs, now or later')
    .argument('<e-mail>', 'e-mail address, user name or id')
    .action(act(context, (text: string, options: Yes) => releaseUser(context, text, options)));
  withYes(users.command('handover'))
    .description(
      'hand a member over to the address that the IdP says by now: invite it, then copy and lock the old account',
    )
    .argument('<e-mail>', 'e-mail address, user name or id')
    .action(act(context, (text: string, options: Yes) => handOver(context, text, options)));
}

async function listUsers(context: CommandContext, options: ListOptions): Promise<void> {
  const { output } = context;
  await context.withStore(async ({ store }) => {
    const filter = await filterOf(options);
    const records = await collect((query) => store.listUsers(query), filter, options.limit ?? Number.MAX_SAFE_INTEGER);
    const seats = new Map((await store.members()).map((member) => [member.memberId, member.seatType]));
    const seatOf = ({ bridge }: UserRecord) => (bridge.memberId === null ? null : (seats.get(bridge.memberId) ?? null));
    if (options.json === true) {
      output.json(records.map((record) => ({ ...toJson(record), seat: seatOf(record) })));
      return;
    }
    output.table(
      ['User', 'E-mail', 'Status', 'Seat', 'Groups', 'Pending', 'Last error'],
      records.map((record) => [
        userNameOf(record),
        besideName(record.address, userNameOf(record)),
        record.managed ? record.bridge.status : `${record.bridge.status} (unmanaged)`,
        seatOf(record),
        record.groups.map(({ displayName }) => displayName).join(', '),
        record.bridge.pendingChanges,
        record.bridge.lastError,
      ]),
      'There are no such users.',
    );
  });
}

async function filterOf({ filter, status }: ListOptions): Promise<ListQuery['filter']> {
  const { BRIDGE_USER } = await import('../domain/schema.js');
  const parts = [
    ...(filter === undefined ? [] : [`(${filter})`]),
    ...(status === undefined ? [] : [`${BRIDGE_USER}:status eq ${JSON.stringify(status)}`]),
  ];
  if (parts.length === 0) return null;
  const [{ parseFilter }, { USER }] = await Promise.all([
    import('../scim/filter-parser.js'),
    import('../domain/user-schema.js'),
  ]);
  return parseFilter(parts.join(' and '), USER);
}

const PAGE = 500;

/** All pages, up to `limit`. */
export async function collect<T>(
  page: (query: ListQuery) => Promise<Page<T>>,
  filter: ListQuery['filter'],
  limit: number,
): Promise<readonly T[]> {
  const found: T[] = [];
  for (;;) {
    const want = Math.min(PAGE, limit - found.length);
    const { items, total } = await page({
      filter,
      sortBy: null,
      sortOrder: 'ascending',
      startIndex: found.length + 1,
      count: want,
    });
    found.push(...items);
    if (items.length === 0 || found.length >= Math.min(total, limit)) return found;
  }
}

function toJson(record: UserRecord): object {
  const { id, document, managed, address, groups, bridge, version, createdAt, modifiedAt } = record;
  return {
    id,
    userName: document['userName'],
    active: document['active'],
    address,
    managed,
    status: bridge.status,
    memberId: bridge.memberId,
    origin: bridge.origin,
    invitedAt: iso(bridge.invitedAt),
    acceptedAt: iso(bridge.acceptedAt),
    pendingChanges: bridge.pendingChanges,
    lastError: bridge.lastError,
    groups,
    version,
    createdAt: iso(createdAt),
    modifiedAt: iso(modifiedAt),
  };
}

async function showUser(context: CommandContext, text: string, { json }: Json): Promise<void> {
  const { output } = context;
  await context.withStore(async (opened) => {
    const { store } = opened;
    const person = await findPerson(store, text);
    const record = await store.getUser(person.id);
    const explained = await explainPerson(opened, person, context);
    const invites = await store.invites({ open: false, userId: person.id, limit: 50 });
    if (json === true) {
      const { explanation } = explained;
      const user = record === null ? { ...person, deletedAt: iso(person.deletedAt) } : toJson(record);
      output.json({ ...user, document: record?.document ?? null, explanation, invites: invites.map(inviteToJson) });
      return;
    }
    printExplained(explained, output);
    if (person.deletedAt !== null)
      output.line(`Deleted by the IdP ${iso(person.deletedAt)}; kept until its access is gone for certain.`);
    if (record === null) return;
    output.line();
    const facts: readonly (readonly [string, string | number | null])[] = [
      ['Status', record.bridge.status],
      ['Managed', record.managed ? 'yes' : 'no'],
      ['Origin', record.bridge.origin],
      ['Version', `${String(record.version)}, written ${iso(record.modifiedAt)}`],
      ['Groups', record.groups.map(({ displayName }) => displayName).join(', ')],
      ['Invites', invites.map(({ state, sentAt }) => `${state} ${iso(sentAt) ?? ''}`.trim()).join(', ')],
      ['Last error', record.bridge.lastError],
    ];
    output.table(['', ''], facts, '');
  });
}

function inviteToJson(invite: Awaited<ReturnType<Store['invites']>>[number]): object {
  return { ...invite, sentAt: iso(invite.sentAt), endedAt: iso(invite.endedAt) };
}

async function releaseUser(context: CommandContext, text: string, options: Yes): Promise<void> {
  await context.withStore(async ({ store }) => {
    const user = await findLiveUser(store, text);
    const name = userNameOf(user);
    if (!user.managed) {
      context.output.line(`${name} is not managed: there is nothing to release.`);
      return;
    }
    const pending = user.bridge.pendingChanges;
    const dropped =
      pending === 0 ? '' : ` ${count(pending, 'waiting change')} ${pending === 1 ? 'is' : 'are'} dropped.`;
    await context.confirm(
      `Release ${name}? The bridge changes nothing about this person any more, until the IdP writes the user again.${dropped}`,
      options,
    );
    await store.releaseUser(user.id, context.writer());
    context.output.line(`${name} is released. Nothing was changed at ElevenLabs.`);
  });
}

async function handOver(context: CommandContext, text: string, options: Yes): Promise<void> {
  await context.withStore(async ({ store }) => {
    const user = await findLiveUser(store, text);
    const name = userNameOf(user);
    const old = user.bridge.memberId === null ? null : await store.member(user.bridge.memberId);
    if (old !== null && old.address !== user.address)
      await context.confirm(
        `Hand ${name} over from ${old.email} to ${user.address ?? ''}? The new address gets an invite; when it is accepted, ` +
          'seat, groups and shares are copied and the old account is locked.',
        options,
      );
    await store.handoverUser(user.id, context.writer());
    context.output.line(`${name} is handed over to ${user.address ?? ''} as soon as that address accepts the invite.`);
  });
}

/** `invites list|show`: the bridge's own record of invites, for ElevenLabs lists none. */
import type { Command } from 'commander';
import type { InviteRecord } from '../store/port.js';
import type { CommandContext } from './context.js';
import { act, wholeNumber, withJson, type Json } from './define.js';
import { findPerson } from './find.js';
import { besideName, iso, span } from './output.js';

interface ListOptions extends Json {
  readonly all?: boolean;
  readonly limit: number;
}

export function invitesCommands(program: Command, context: CommandContext): void {
  const invites = program.command('invites').description('invites that were sent, as the bridge remembers them');
  withJson(invites.command('list'))
    .description('list invites that wait for acceptance, the youngest first')
    .option('--all', 'also those that were accepted, revoked, refused or replaced')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 1_000_000), 10_000)
    .action(
      act(context, ({ all, limit, json }: ListOptions) =>
        context.withStore(async ({ store }) =>
          print(context, await store.invites({ open: all !== true, limit }), json === true),
        ),
      ),
    );
  withJson(invites.command('show'))
    .description('show every invite of one person')
    .argument('<e-mail>', 'e-mail address, user name or id')
    .action(
      act(context, (text: string, { json }: Json) =>
        context.withStore(async ({ store }) => {
          const person = await findPerson(store, text);
          print(context, await store.invites({ open: false, userId: person.id, limit: 1000 }), json === true);
        }),
      ),
    );
}

function print({ output, shell }: CommandContext, invites: readonly InviteRecord[], asJson: boolean): void {
  if (asJson) {
    output.json(invites.map((invite) => ({ ...invite, sentAt: iso(invite.sentAt), endedAt: iso(invite.endedAt) })));
    return;
  }
  const now = shell.clock.now();
  output.table(
    ['E-mail', 'User', 'State', 'Seat', 'Sent', 'Age', 'Round', 'E-mails', 'Ended'],
    invites.map((invite) => [
      invite.address,
      besideName(invite.userName, invite.address),
      invite.state,
      invite.seatType,
      iso(invite.sentAt),
      invite.sentAt === null ? null : span((invite.endedAt ?? now) - invite.sentAt),
      invite.round,
      invite.sends,
      iso(invite.endedAt),
    ]),
    'There are no such invites.',
  );
}

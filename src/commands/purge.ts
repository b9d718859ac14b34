/** `purge <user>`: removes the personal data of somebody who was deleted and whose access is gone. */
import type { Command } from 'commander';
import { CommandError, type CommandContext } from './context.js';
import { act, withYes, type Yes } from './define.js';
import { findPerson } from './find.js';

export function purgeCommand(program: Command, context: CommandContext): void {
  withYes(program.command('purge'))
    .description('remove the personal data of a user whom the IdP has deleted and whose access is gone')
    .argument('<user>', 'e-mail address, user name or id')
    .action(act(context, (text: string, options: Yes) => purge(context, text, options)));
}

async function purge(context: CommandContext, text: string, options: Yes): Promise<void> {
  const { output } = context;
  await context.withStore(async ({ store }) => {
    const person = await findPerson(store, text);
    await context.confirm(
      `Remove all personal data of ${person.userName}? Its history, invites and audit payloads are gone for good; ` +
        'the audit log keeps that something was done, and when.',
      options,
    );
    const outcome = await store.purgeUser(person.id, context.writer().actor);
    switch (outcome.kind) {
      case 'purged':
        // What was deleted must not live on in the write-ahead log.
        await store.checkpoint();
        output.line(`The personal data of ${person.id} is removed.`);
        if (outcome.inWorkspace)
          output.note(
            'ElevenLabs still lists the locked member: remove it there, or its e-mail comes with every reading.',
          );
        return;
      case 'live':
        throw new CommandError(`${person.userName} has not been deleted by the IdP: delete it there first.`);
      case 'unsettled':
        throw new CommandError(`${person.userName} cannot be purged yet: ${outcome.reason}.`);
      case 'notFound':
        throw new CommandError(`There is no user "${text}".`);
    }
  });
}

/** The policies of the engine, for a command that wants to know what they would say. Nothing is told or sent. */
import type { Guards } from '../reconcile/guards.js';
import type { CommandContext, Opened } from './context.js';

export async function freshGuards({ store, config, rules }: Opened, context: CommandContext): Promise<Guards> {
  const { clock } = context.shell;
  const { log } = context.log(config);
  const [{ Guards }, { createAlerts }] = await Promise.all([import('../reconcile/guards.js'), import('../alerts.js')]);
  const guards = new Guards({
    ...{ store, clock, log },
    alerts: createAlerts({ clock, log, post: null }),
    rules: () => rules,
    deprovisionLimit: config.deprovisionLimit,
    inviteLimit: config.inviteLimit,
    dryRun: config.dryRun,
  });
  await guards.refresh();
  return guards;
}

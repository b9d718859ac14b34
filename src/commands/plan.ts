/** `plan`: every call that the bridge would make now, and what keeps the others back. Sends nothing. */
import type { Command } from 'commander';
import { cleanText, describeChange } from '../domain/refusal.js';
import { isGrant } from '../domain/types.js';
import { EXIT } from '../errors.js';
import type { PlannedCall, WholePlan, WithheldCall } from '../reconcile/whole-plan.js';
import { CommandError, type CommandContext, type Opened } from './context.js';
import { act, withJson, withYes, type Json, type Yes } from './define.js';
import { planWhatIf } from './plan-what-if.js';
import { freshGuards } from './fresh-guards.js';
import { count, iso, type Output, type Progress } from './output.js';
import { DRY_RUN_UNTIL_ACCEPTED, RESTORED_AT } from './restored.js';

interface PlanOptions extends Json, Yes {
  readonly accept?: boolean;
  readonly whatIf?: string;
}

export function planCommand(program: Command, context: CommandContext): void {
  withYes(withJson(program.command('plan')))
    .description('show every call to ElevenLabs that would be made now; exit code 2 when there are any')
    .option('--what-if <file>', 'show what the SCIM requests in this JSON file would do, and change nothing')
    .option('--accept', 'after a restore: show the plan, ask, and let the bridge work again')
    .action(
      act(context, (options: PlanOptions) =>
        options.whatIf !== undefined
          ? planWhatIf(context, options.whatIf, options)
          : options.accept === true
            ? accept(context, options)
            : plan(context, options),
      ),
    );
}

async function plan(context: CommandContext, { json }: Json): Promise<number> {
  return context.withStore(async (opened) => {
    const whole = await planEverything(opened, context);
    if (json === true) context.output.json(toJson(whole));
    else printPlan(whole, context.output);
    return whole.calls.length > 0 ? EXIT.attention : EXIT.ok;
  });
}

/** Plans everybody from the directory and the last reading of the workspace, under every limit. */
async function planEverything(opened: Opened, context: CommandContext): Promise<WholePlan> {
  const { store, rules } = opened;
  const { shell, output } = context;
  const { planEverybody } = await import('../reconcile/whole-plan.js');
  const guards = await freshGuards(opened, context);
  let progress: Progress | null = null;
  const onProgress = (done: number, total: number): void => {
    if (total < MANY || done % STEP !== 0) return;
    progress ??= output.progress('Planning', total);
    progress.at(done);
  };
  const whole = await planEverybody({ store, rules, guards, now: shell.clock.now(), onProgress });
  (progress as Progress | null)?.end();
  return whole;
}

/** Below this many nobody has to wait. */
const MANY = 500;
const STEP = 100;

/** Ends the dry run that a restored database is in. */
export async function accept(context: CommandContext, options: Yes): Promise<void> {
  const { output } = context;
  await context.withStore(async (opened) => {
    const { store, config } = opened;
    if ((await store.setting(DRY_RUN_UNTIL_ACCEPTED)) !== 'true')
      throw new CommandError('No restored database waits for acceptance.');
    const restoredAt = Number((await store.setting(RESTORED_AT)) ?? 0);
    const readAt = await store.membersReadAt();
    if (readAt === null || readAt < restoredAt)
      throw new CommandError(
        'The workspace has not been read since the restore: start the bridge, or run `sync`, and try again.',
      );
    printPlan(await planEverything(opened, context), output);
    await context.confirm('Accept the restored state, and let the bridge make these calls?', options);
    const writer = context.writer();
    await store.setSetting(DRY_RUN_UNTIL_ACCEPTED, 'false');
    await store.scheduleWaiting('dryRun', writer.requestId);
    await store.audit({ actor: 'cli', action: 'restore.accept', subject: null, requestId: writer.requestId });
    output.line(
      config.dryRun ? 'Accepted; DRY_RUN is true, so that nothing is sent yet.' : 'Accepted: the bridge works again.',
    );
  });
}

export function printPlan({ calls, held, waiting, unread, people, readAt }: WholePlan, output: Output): void {
  const { bold, dim, green, red, yellow } = output.colours;
  let subject = '';
  const print = (of: string, mark: string, why: string): void => {
    if (of !== subject) output.line(bold(nameOf(of, people)));
    subject = of;
    output.paragraph(`  ${mark}  ${dim(cleanText(why))}`, 4);
  };
  const textOf = (call: PlannedCall): string => describeChange(call.change, wordsOf(call.subject, people));
  for (const call of calls)
    print(call.subject, isGrant(call.change) ? green(`+ ${textOf(call)}`) : red(`- ${textOf(call)}`), call.why);
  for (const call of held) print(call.subject, yellow(`! ${textOf(call)}, held`), call.reason);
  for (const call of waiting) print(call.subject, yellow(`~ ${textOf(call)}, waits`), call.reason);
  for (const one of unread) print(one, yellow('? the members are read first'), 'the answer to a call was lost');
  if (subject !== '') output.line();
  const grants = calls.filter(({ change }) => isGrant(change)).length;
  const parts = `${count(grants, 'grant')}, ${count(calls.length - grants, 'withdrawal')}`;
  output.line(
    calls.length === 0 ? 'No call would be made now.' : `${count(calls.length, 'call')} would be made now: ${parts}.`,
  );
  if (held.length > 0) output.line(`${count(held.length, 'change')} held: see \`held list\`.`);
  if (waiting.length > 0) output.line(`${count(waiting.length, 'change')} waiting.`);
  output.line(
    dim(
      readAt === null ? 'The workspace has never been read.' : `As of the reading of the workspace at ${iso(readAt)}.`,
    ),
  );
}

const wordsOf = (subject: string, people: WholePlan['people']): { readonly person?: string } => {
  const person = people.get(subject);
  return person === undefined ? {} : { person: person.address ?? person.userName };
};

function nameOf(subject: string, people: WholePlan['people']): string {
  const person = people.get(subject);
  if (person === undefined) return subject === 'mapping' ? 'mapping file' : subject;
  return cleanText(person.address === null ? person.userName : `${person.userName} (${person.address})`);
}

function toJson({ calls, held, waiting, unread, people, readAt }: WholePlan): object {
  const one = ({ subject, change, ...rest }: PlannedCall | WithheldCall): object => ({
    subject,
    userName: people.get(subject)?.userName ?? null,
    address: people.get(subject)?.address ?? null,
    change,
    grant: isGrant(change),
    ...rest,
  });
  return {
    readAt: iso(readAt),
    calls: calls.map(one),
    held: held.map(one),
    waiting: waiting.map(one),
    waitForReading: unread,
  };
}

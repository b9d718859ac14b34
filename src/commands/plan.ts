/** `plan`: every call that the bridge would make now, and what keeps the others back. Sends nothing. */
import type { Command } from 'commander';
import { planPerson, type PlannedChange } from '../domain/plan.js';
import { planShareHolder } from '../domain/plan-shares.js';
import { cleanText, describeChange } from '../domain/refusal.js';
import { changeKey, isGrant, type Change, type UserId } from '../domain/types.js';
import { EXIT } from '../errors.js';
import type { PersonRef } from '../store/port.js';
import type { CommandContext, Opened } from './context.js';
import { act, withJson, type Json } from './define.js';
import { count, iso, type Output } from './output.js';

/** One call, and whom it is for. */
export interface PlannedCall {
  readonly subject: string;
  readonly change: Change;
  readonly why: string;
}

export interface WholePlan {
  /** In the order in which each subject would be worked on. */
  readonly calls: readonly PlannedCall[];
  /** An administrator has to release or drop these. */
  readonly held: readonly PlannedCall[];
  /** Members have to be read before these people can be planned on. */
  readonly unread: readonly string[];
  readonly people: ReadonlyMap<string, PersonRef>;
  /** When the workspace was last read. */
  readonly readAt: number | null;
}

export function planCommand(program: Command, context: CommandContext): void {
  withJson(program.command('plan'))
    .description('show every call to ElevenLabs that would be made now; exit code 2 when there are any')
    .action(
      act(context, ({ json }: Json) =>
        context.withStore(async (opened) => {
          const plan = await planEverything(opened, context);
          if (json === true) context.output.json(toJson(plan));
          else printPlan(plan, context.output);
          return plan.calls.length > 0 ? EXIT.attention : EXIT.ok;
        }),
      ),
    );
}

/** Plans everybody from one directory and the last reading of the workspace. */
export async function planEverything({ store, rules }: Opened, { shell, output }: CommandContext): Promise<WholePlan> {
  const now = shell.clock.now();
  const subjects = await store.planSubjects();
  const calls: PlannedCall[] = [];
  const held: PlannedCall[] = [];
  const unread: string[] = [];
  const progress = subjects.length < MANY ? null : output.progress('Planning', subjects.length);
  for (const [index, subject] of subjects.entries()) {
    if (index % 100 === 0) progress?.at(index);
    const put = ({ change, why }: PlannedChange, isHeld: boolean): void =>
      void (isHeld ? held : calls).push({ subject, change, why });
    if (subject.startsWith('user:')) {
      const person = await store.person(subject.slice('user:'.length) as UserId);
      if (person === null) continue;
      const plan = planPerson(person, rules, now);
      const isHeld = ({ change }: PlannedChange) =>
        person.held.has(changeKey(change)) && !person.released.has(changeKey(change));
      for (const planned of plan.changes) put(planned, isHeld(planned));
      if (plan.needsReading) unread.push(subject);
    } else {
      const holder = await store.shareSubject(subject);
      if (holder !== null) for (const planned of planShareHolder(holder, now)) put(planned, false);
    }
  }
  progress?.end();
  const named = [...calls, ...held].map(({ subject }) => subject);
  return {
    ...{ calls, held, unread },
    people: await store.peopleOf([...new Set([...named, ...unread])]),
    readAt: await store.membersReadAt(),
  };
}

/** Below this many nobody has to wait. */
const MANY = 500;

export function printPlan({ calls, held, unread, people, readAt }: WholePlan, output: Output): void {
  const { bold, dim, green, red, yellow } = output.colours;
  let subject = '';
  const print = (call: PlannedCall, mark: string): void => {
    if (call.subject !== subject) output.line(bold(nameOf(call.subject, people)));
    subject = call.subject;
    output.line(`  ${mark}  ${dim(cleanText(call.why))}`);
  };
  for (const call of calls) {
    const text = describeChange(call.change, wordsOf(call.subject, people));
    print(call, isGrant(call.change) ? green(`+ ${text}`) : red(`- ${text}`));
  }
  for (const call of held) print(call, yellow(`! ${describeChange(call.change, wordsOf(call.subject, people))}, held`));
  for (const one of unread)
    output.line(
      `${bold(nameOf(one, people))}\n  ${yellow('? the answer to a call was lost; the members are read first')}`,
    );
  if (calls.length + held.length + unread.length > 0) output.line();
  const grants = calls.filter(({ change }) => isGrant(change)).length;
  const parts = `${count(grants, 'grant')}, ${count(calls.length - grants, 'withdrawal')}`;
  output.line(
    calls.length === 0 ? 'No call would be made now.' : `${count(calls.length, 'call')} would be made now: ${parts}.`,
  );
  if (held.length > 0) output.line(`${count(held.length, 'change')} held: see \`held list\`.`);
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

function toJson({ calls, held, unread, people, readAt }: WholePlan): object {
  const one = ({ subject, change, why }: PlannedCall): object => ({
    subject,
    userName: people.get(subject)?.userName ?? null,
    address: people.get(subject)?.address ?? null,
    change,
    grant: isGrant(change),
    why,
  });
  return { readAt: iso(readAt), calls: calls.map(one), held: held.map(one), waitForReading: unread };
}

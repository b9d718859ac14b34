/** `plan --what-if FILE`: what SCIM requests would do, by playing them in a transaction that is rolled back. */
import { readFileSync } from 'node:fs';
import { publicUrlFor } from '../config.js';
import { cleanText, describeChange } from '../domain/refusal.js';
import { isGrant, type Json as JsonValue } from '../domain/types.js';
import type { RehearsedChange, WhatIf } from '../domain/what-if.js';
import { EXIT } from '../errors.js';
import { CommandError, type CommandContext } from './context.js';
import type { Json } from './define.js';
import { count, iso, type Output } from './output.js';

/** Exit code 2 where calls would be made or held. */
export async function planWhatIf(context: CommandContext, file: string, { json }: Json): Promise<number> {
  const script = readFile(file);
  return context.withStore(async ({ store, config, rules }) => {
    const [{ whatIf }, { Guards }] = await Promise.all([import('../app/what-if.js'), import('../reconcile/guards.js')]);
    const { clock } = context.shell;
    const { deprovisionLimit, inviteLimit, dryRun } = config;
    const open = (): Promise<void> => Promise.resolve();
    const answer = await whatIf(script, {
      ...{ store, clock, rules: () => rules, databasePath: config.databasePath },
      scimUrl: () => `${publicUrlFor(config, config.port)}/scim/v2`,
      async guards(parts) {
        const guards = new Guards({ ...parts, clock, rules: () => rules, deprovisionLimit, inviteLimit, dryRun });
        await guards.refresh();
        return guards;
      },
      // Whether the server would take requests now is not known to another process.
      admit: { admitGrant: open, admitWithdrawal: open },
      isBlind: () => false,
    });
    if (json === true) context.output.json(toJson(answer));
    else print(answer, context.output);
    return answer.calls.length + answer.held.length > 0 ? EXIT.attention : EXIT.ok;
  });
}

function readFile(file: string): JsonValue {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new CommandError(`${file} is not JSON.`);
  }
}

function print(answer: WhatIf, output: Output): void {
  const { bold, dim, green, red, yellow } = output.colours;
  const { requests, calls, held, waiting, unread, seats, isBraked, readAt } = answer;
  output.line(bold('Answers'));
  for (const { method, path, status, answer: body } of requests) {
    const mark = status < 300 ? green(String(status)) : red(String(status));
    output.paragraph(`  ${mark}  ${method} ${path}  ${dim(detailOf(body))}`, 7);
  }
  output.line();
  output.line(bold('Calls to ElevenLabs'));
  const said = (call: RehearsedChange): string => `${nameOf(call, answer)}: ${whatOf(call, answer)}`;
  for (const call of calls) {
    const text = isGrant(call.change) ? green(`+ ${said(call)}`) : red(`- ${said(call)}`);
    const already = call.isPlannedAlready ? ' (planned already)' : '';
    output.paragraph(`  ${text}${already}  ${dim(cleanText(call.why))}`, 4);
  }
  for (const call of held) output.paragraph(`  ${yellow(`! ${said(call)}, held`)}  ${dim(cleanText(call.reason))}`, 4);
  for (const call of waiting)
    output.paragraph(`  ${yellow(`~ ${said(call)}, waits`)}  ${dim(cleanText(call.reason))}`, 4);
  for (const subject of unread) output.line(`  ${yellow(`? ${subject}: the members are read first`)}`);
  if (calls.length + held.length + waiting.length + unread.length === 0) output.line('  none');
  output.line();
  for (const kind of ['full', 'basic'] as const) {
    const { before, after } = seats;
    const name = kind === 'full' ? 'Full' : 'Basic';
    const of = ({ usage, invited }: typeof before): string =>
      `${String(usage[kind])} used, ${String(invited[kind])} invited`;
    output.line(`${name} seats: ${of(before)}; afterwards ${of(after)}`);
  }
  if (isBraked) output.line(red('The limit on people who lose access (DEPROVISION_LIMIT) would hold some of it.'));
  output.line(
    `${count(calls.length, 'call')} would be made, ${String(held.length)} held, ${String(waiting.length)} waiting. Nothing was changed.`,
  );
  output.line(
    dim(
      readAt === null ? 'The workspace has never been read.' : `As of the reading of the workspace at ${iso(readAt)}.`,
    ),
  );
}

function detailOf(body: object | null): string {
  const { detail, userName, displayName, id } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const text = [detail, userName, displayName, id].find((value) => typeof value === 'string');
  return typeof text === 'string' ? cleanText(text) : '';
}

function nameOf({ subject }: RehearsedChange, { people }: WhatIf): string {
  return cleanText(people.get(subject)?.userName ?? subject);
}

function whatOf({ subject, change }: RehearsedChange, { people }: WhatIf): string {
  const person = people.get(subject);
  return describeChange(change, person === undefined ? {} : { person: person.address ?? person.userName });
}

function toJson(answer: WhatIf): object {
  const { people, readAt, ...rest } = answer;
  return { ...rest, people: Object.fromEntries(people), readAt: iso(readAt) };
}

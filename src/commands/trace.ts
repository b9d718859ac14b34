/** `trace <e-mail | request id>`: IdP request, stored change, each upstream call, outcome. */
import type { Command } from 'commander';
import { diffDocuments, type Difference } from '../domain/document-diff.js';
import { cleanText, describeChange } from '../domain/refusal.js';
import type { Json as JsonValue } from '../domain/types.js';
import type { AuditRow, CallRow, LedgerRow, PersonRef, Store, Trace, TraceCause } from '../store/port.js';
import { CommandError, type CommandContext } from './context.js';
import { act, wholeNumber, withJson, type Json } from './define.js';
import { findPerson } from './find.js';
import { count, iso, type Colours, type Output } from './output.js';
import { refusalText, refusalToJson } from './refusals.js';

interface TraceOptions extends Json {
  readonly limit: number;
}

export function traceCommand(program: Command, context: CommandContext): void {
  withJson(program.command('trace'))
    .description('say exactly what happened: request of the IdP, stored change, each call to ElevenLabs, outcome')
    .argument('<e-mail | request id>', 'a person, or the id of a request (of the IdP, of a sync, or of ElevenLabs)')
    .option('--limit <number>', 'at most so many rows, the youngest', wholeNumber(1, 10_000), 200)
    .action(act(context, (text: string, options: TraceOptions) => trace(context, text, options)));
}

async function trace(context: CommandContext, text: string, { limit, json }: TraceOptions): Promise<void> {
  const { output } = context;
  await context.withStore(async ({ store }) => {
    const found = await store.trace({ requestId: text.trim(), limit });
    const refused = await store.refusedRequests({ requestId: text.trim(), limit });
    const isRequest = found.causes.length > 0 || refused.length > 0;
    const result = isRequest ? found : await traceOfPerson(store, text, limit);
    if (json === true) {
      output.json({ ...toJson(result), refused: refused.map(refusalToJson) });
      return;
    }
    for (const request of refused) {
      output.paragraph(refusalText(request), MARGIN);
      output.line();
    }
    const people = await store.peopleOf([...new Set(subjectsOf(result))]);
    for (const cause of result.causes) printCause(cause, people, output);
    if (result.causes.length === 0 && refused.length === 0) output.note('Nothing is recorded.');
  });
}

async function traceOfPerson(store: Store, text: string, limit: number): Promise<Trace> {
  const isName = (await store.findPeople(text)).length > 0;
  const wasRefused = (await store.refusedRequests({ about: [text], limit: 1 })).length > 0;
  if (!text.includes('@') && !isName && !wasRefused)
    throw new CommandError(
      `Nothing is recorded of a request "${text}", and there is no user of that name. ` +
        'Reads that succeed and requests without a valid token are in the log alone.',
    );
  const person = await findPerson(store, text);
  return store.trace({ userId: person.id, limit });
}

function subjectsOf({ causes }: Trace): readonly string[] {
  return causes.flatMap(({ audit, changes }) => [
    ...audit.flatMap(({ subject }) => subject ?? []),
    ...changes.map(({ row }) => row.subject),
  ]);
}

type People = ReadonlyMap<string, PersonRef>;

function printCause({ cause, at, audit, changes }: TraceCause, people: People, output: Output): void {
  const { bold, dim } = output.colours;
  const from = audit[0]?.actor ?? (cause === null ? 'unknown cause' : 'bridge');
  output.line(`${bold(`${iso(at)}  ${cleanText(from)}`)}${cause === null ? '' : dim(`  request ${cleanText(cause)}`)}`);
  for (const row of audit) printAudit(row, people, output);
  for (const { row, calls } of changes) printChange(row, calls, people, output);
  output.line();
}

const MOST_DIFFERENCES = 20;
/** Below what stands behind the word that a line begins with. */
const MARGIN = 11;

function printAudit(row: AuditRow, people: People, { line, paragraph }: Output): void {
  const version = row.version === null ? '' : `, version ${String(row.version)}`;
  line(`  stored   ${row.action} of ${nameOf(row.subject, people)}${version}`);
  const differences = differencesOf(row);
  for (const { path, before, after } of differences.slice(0, MOST_DIFFERENCES))
    paragraph(`             ${cleanText(path)}: ${valueText(before)} -> ${valueText(after)}`, 15);
  if (differences.length > MOST_DIFFERENCES)
    line(`             and ${String(differences.length - MOST_DIFFERENCES)} more`);
}

function differencesOf({ before, after, action }: AuditRow): readonly Difference[] {
  // What a deleted thing was made of is no change; other rows hold no documents.
  if (action.endsWith('.delete') || !/^(user|group)\./.test(action)) return [];
  const read = (text: string | null) => (text === null ? undefined : (JSON.parse(text) as JsonValue));
  return diffDocuments(read(before), read(after)).filter(({ path }) => path !== 'schemas');
}

function valueText(value: JsonValue | undefined): string {
  return value === undefined ? 'nothing' : cleanText(JSON.stringify(value), 120);
}

function nameOf(subject: string | null, people: People): string {
  if (subject === null) return 'the bridge';
  const person = people.get(subject);
  return person === undefined ? subject : `${cleanText(person.userName)} (${subject})`;
}

function printChange(row: LedgerRow, calls: readonly CallRow[], people: People, output: Output): void {
  const { paragraph, colours } = output;
  const person = people.get(row.subject);
  const what = describeChange(row.change, person === undefined ? {} : { person: person.address ?? person.userName });
  paragraph(
    `  change   ${what}: ${stateText(row, colours)}${row.attempts > 1 ? `, ${count(row.attempts, 'attempt')}` : ''}; ${cleanText(row.why)}`,
    MARGIN,
  );
  for (const [index, call] of calls.entries()) {
    const status = call.status === null ? 'no answer' : `HTTP ${String(call.status)}`;
    const latency = call.latencyMs === null ? '' : `, ${String(Math.round(call.latencyMs))} ms`;
    const id = call.requestId === null ? '' : `, ElevenLabs request ${cleanText(call.requestId)}`;
    const error = call.error === null ? '' : `: ${cleanText(call.error)}`;
    paragraph(
      `    call ${String(index + 1)}   ${iso(call.startedAt)}  ${call.endpoint}  ${call.outcome}, ${status}${latency}${id}${error}`,
      MARGIN,
    );
  }
}

function stateText(row: LedgerRow, { green, red, yellow, dim }: Colours): string {
  const end = row.endedAt === null ? '' : ` ${iso(row.endedAt)}`;
  switch (row.state) {
    case 'done':
      return green(`done${end}`);
    case 'refused':
      return red(
        `refused${end}${row.error === null ? '' : ` (${cleanText(row.error)})`}${row.retryAt === null ? '' : `, tried again after ${iso(row.retryAt)}`}`,
      );
    case 'held':
      return yellow('held until an administrator releases or drops it');
    case 'ambiguous':
      return yellow('sent, but its answer was lost');
    case 'planned':
      return yellow('to be sent');
    case 'sending':
      return yellow('being sent');
    case 'superseded':
      return dim(`not needed any more${end}`);
  }
}

function toJson({ causes }: Trace): object {
  return {
    causes: causes.map(({ cause, at, audit, changes }) => ({
      cause,
      at: iso(at),
      stored: audit.map((row) => ({
        at: iso(row.at),
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        version: row.version,
        differences: differencesOf(row).map(({ path, before, after }) => ({
          path,
          before: before ?? null,
          after: after ?? null,
        })),
      })),
      changes: changes.map(({ row, calls }) => ({
        id: row.id,
        subject: row.subject,
        change: row.change,
        why: row.why,
        state: row.state,
        attempts: row.attempts,
        error: row.error,
        retryAt: iso(row.retryAt),
        createdAt: iso(row.createdAt),
        endedAt: iso(row.endedAt),
        calls: calls.map(({ endpoint, startedAt, latencyMs, outcome, status, requestId, error }, index) => ({
          attempt: index + 1,
          endpoint,
          startedAt: iso(startedAt),
          latencyMs,
          outcome,
          status,
          upstreamRequestId: requestId,
          error,
        })),
      })),
    })),
  };
}

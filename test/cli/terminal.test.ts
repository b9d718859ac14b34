/** What commands show on a terminal of a known width, and what the same ones give to a pipe. */
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { onTerminal, type CliResult } from '../support/cli.js';
import { startUnserved, WRITER, type Unserved } from '../support/unserved.js';

const address = (name: string): string => `${name}@workspace.example`;
const BOLD = '\u001b[1m';

let here: Unserved;

beforeAll(async () => {
  ensureBuilt();
  here = await startUnserved(
    minimalSeed({ members: [{ email: address('owner'), owner: true }, { email: address('cem') }] }),
  );
  const { sandbox, run, createUser, createGroup, inStore } = here;
  sandbox.control.createGroup('Sales');
  sandbox.control.createResource({ type: 'voice', id: 'v1', name: 'Narrator', creator: address('owner') });
  const ann = await createUser('ann', { entitlements: [{ value: 'voice:v1:editor' }] });
  const cem = await createUser('cem');
  await createUser('bob');
  await createGroup('Sales', [ann]);
  await createGroup('Nowhere', [ann]);
  expect((await run('sync')).code).toBe(0);
  sandbox.control.accept(address('ann'));
  await inStore((store) => store.updateUser(cem, (current) => ({ ...current, active: false }), WRITER));
  // The lock, and the reading that shows it.
  for (const round of [1, 2]) expect([round, (await run('sync')).code]).toEqual([round, 0]);
}, 120_000);

afterAll(() => here.close());

/** In a terminal of so many columns. */
const shown = (columns: number, ...args: readonly string[]): Promise<CliResult> =>
  onTerminal({ ...here.place, columns }, 'n', ...args);

const seen = ({ stdout }: CliResult): readonly string[] => stripVTControlCharacters(stdout).trimEnd().split('\n');

const widest = (lines: readonly string[]): number => Math.max(...lines.map((line) => line.length));

describe('explain', () => {
  it('folds each item to the width of the terminal, below its mark', async () => {
    const [screen, piped] = await Promise.all([
      shown(60, 'explain', address('ann')),
      here.run('explain', address('ann')),
    ]);
    const lines = seen(screen);
    expect(widest(lines)).toBeLessThanOrEqual(60);
    expect(lines.length).toBeGreaterThan(8);
    expect(screen.stdout).toContain('\u001b[32mok\u001b[0m   seat: workspace_member');
    for (const line of lines.slice(1)) expect(line).toMatch(/^(ok {3}|open |Refused | {5})\S/);
    // The same text, an item a line.
    const items = piped.stdout.trimEnd().split('\n');
    expect(items).toHaveLength(6);
    expect(
      lines
        .map((line) => line.trim())
        .join(' ')
        .replaceAll(/ +/g, ' '),
    ).toBe(items.join(' ').replaceAll(/ +/g, ' '));
    expect(piped.stdout).toContain(
      'ok   access: member; rule: the IdP wrote the user with active = true; last: invite done',
    );
  });
});

describe('groups', () => {
  it('list shows links and their absence, show says what to do', async () => {
    const listed = await shown(100, 'groups', 'list');
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain(`${BOLD}GROUP `);
    expect(seen(listed).slice(1)).toEqual([
      expect.stringMatching(/^Sales +1 +linked +Sales +\w+ +yes$/),
      expect.stringMatching(/^Nowhere +1 +unlinked +- +- +yes$/),
    ]);
    const one = seen(await shown(60, 'groups', 'show', 'nowhere'));
    expect(widest(one)).toBeLessThanOrEqual(60);
    expect(one.join(' ')).toContain('Not linked: there is no workspace group of this name. Make one at ElevenLabs');
    expect(one.at(-1)).toMatch(new RegExp(`^${address('ann')} +[0-9a-f-]{36}$`));
    expect((await shown(60, 'groups', 'show', 'Nobody')).stdout).toContain('There is no group "Nobody"');
  });

  it('link and unlink ask first', async () => {
    const asked = await shown(100, 'groups', 'link', 'Nowhere', 'Sales');
    expect(asked.code).toBe(1);
    expect(asked.stdout).toContain('Link "Nowhere" to the workspace group "Sales"? [y/N]');
    expect(asked.stdout).toContain('Nothing was done.');
    expect((await shown(100, 'groups', 'unlink', 'Sales')).stdout).toContain('where the bridge had put them. [y/N]');
    const [sales] = (await here.run('groups', 'list', '--json')).json();
    expect(sales).toMatchObject({ displayName: 'Sales', linkStatus: 'linked' });
  });
});

describe('invites', () => {
  it('are listed as far as they wait, with their age; --all has those that ended, too', async () => {
    const waiting = await shown(120, 'invites', 'list');
    expect(waiting.code).toBe(0);
    expect(waiting.stdout).toContain(`${BOLD}E-MAIL `);
    expect(seen(waiting).slice(1)).toEqual([
      expect.stringMatching(/^bob@workspace\.example +same +invited +workspace_member +\d{4}-\S+Z +\d+ s +1 +1 +-$/),
    ]);
    const narrow = seen(await shown(80, 'invites', 'list', '--all'));
    expect(widest(narrow)).toBeLessThanOrEqual(80);
    const ann = narrow.findIndex((line) => line.startsWith(address('ann')));
    expect(narrow[ann]).toMatch(/ accepted /);
    expect(narrow[ann + 1]).toMatch(/^ {2}SENT {2}\S+Z {4}ENDED {2}\S+Z$/);
    expect(seen(await shown(120, 'invites', 'show', address('cem')))).toEqual(['There are no such invites.']);
  });
});

describe('shares', () => {
  it('list shows resources, who should have what and who has it; check the differences alone', async () => {
    const listed = await shown(110, 'shares', 'list');
    expect(listed.code).toBe(0);
    const lines = seen(listed);
    expect(widest(lines)).toBeLessThanOrEqual(110);
    expect(lines[1]).toMatch(/^voice:v1 +Narrator +\d+ +\S+Z/);
    expect(lines.join('\n')).toMatch(/^voice:v1 +ann@workspace\.example +editor +editor +editor +ok /m);
    expect(seen(await shown(110, 'shares', 'check'))).toEqual(['Everybody has what the rules say.']);
    here.sandbox.control.unshare({ type: 'voice', id: 'v1' }, { userEmail: address('ann') });
    // Only told, not repaired.
    const env = { ...here.place.env, DRIFT: 'report' };
    const found = await onTerminal({ ...here.place, env, columns: 110 }, '', 'shares', 'check', '--fresh');
    expect(found.code).toBe(2);
    expect(found.stdout).toContain('1 difference.');
    const piped = await here.run('shares', 'check', '--json');
    expect(piped.json().shares).toEqual([
      expect.objectContaining({ who: address('ann'), wanted: 'editor', verdict: 'missing' }),
    ]);
  });
});

describe('report leavers', () => {
  it('has a row for each, with the times that auditors ask for', async () => {
    const screen = await shown(90, 'report', 'leavers');
    expect(screen.code).toBe(0);
    const lines = seen(screen);
    expect(widest(lines)).toBeLessThanOrEqual(90);
    expect(lines[1]).toMatch(/^cem@workspace\.example +same +.*locked/);
    const text = lines.join(' ');
    for (const title of ['DISABLED', 'BY', 'ACCESS ENDED', 'SEEN LOCKED']) expect(text).toContain(title);
    expect(text).toContain('token:test');
    const csv = (await here.run('report', 'leavers', '--csv')).stdout.trimEnd().split('\n');
    expect(csv).toHaveLength(2);
    expect(csv[1]).toMatch(/^cem@workspace\.example,cem@workspace\.example,/);
    expect(seen(await shown(90, 'report', 'leavers', '--until', '2020-01-01'))).toEqual(['Nobody was disabled.']);
  });
});

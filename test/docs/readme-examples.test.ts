/**
 * README's tour, word for word: its `sh` blocks run in one bash against the built bridge as `npm start`
 * serves it, and what README says is seen is there. Only address and token are put in.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { BRIDGE_URN, GROUP_URN } from '../support/bridge.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
const hasTools = ['bash', 'curl'].every((tool) => spawnSync(tool, ['--version']).status === 0);
const MARK = '-- end of block --';

/** A bash that keeps its variables and functions from one block to the next. */
function openShell(cwd: string) {
  const child: ChildProcess = spawn('bash', ['--noprofile', '--norc'], {
    cwd,
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  let look: () => void = () => undefined;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    look();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return {
    child,
    errors: () => errors,
    /** Runs a block, and answers the lines that it wrote. */
    run: (block: string): Promise<readonly string[]> =>
      new Promise((resolve, reject) => {
        output = '';
        look = () => {
          if (!output.includes(MARK)) return;
          const [text = ''] = output.split(MARK);
          resolve(text.split('\n').filter((line) => line !== ''));
        };
        child.once('close', () => reject(new Error(`bash has ended\n${errors}`)));
        child.stdin?.write(`${block}\nprintf '%s\\n' '${MARK}'\n`);
      }),
  };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of any shape
const answers = (lines: readonly string[]): readonly any[] => lines.map((line) => JSON.parse(line));
const statusIn = (line: string | undefined): unknown => JSON.parse(line ?? '{}')[BRIDGE_URN]?.status;

// Without the two programs nobody can take the tour either.
(hasTools ? describe : describe.skip)("README's tour (needs bash and curl)", () => {
  let directory: string;
  let bridge: BridgeProcess;
  let shell: ReturnType<typeof openShell>;

  beforeAll(async () => {
    ensureBuilt();
    directory = mkdtempSync(path.join(tmpdir(), 'readme-'));
    // Polls more often than by default, so that the test need not wait for half a minute.
    bridge = startProcess(['serve'], { cwd: directory, env: { PORT: '0', PENDING_POLL_SECONDS: '1' } });
    await bridge.says(/Try it/);
    shell = openShell(directory);
  }, 180_000);
  afterAll(async () => {
    shell?.child.kill('SIGKILL');
    bridge?.kill('SIGKILL');
    await bridge?.ended;
    rmSync(directory, { recursive: true, force: true });
  });

  it('shows what README says', async () => {
    expect(blocks).toHaveLength(4);
    const [setUp = '', create = '', disable = '', restore = ''] = blocks;
    const printed = bridge.stdout();
    const [, url = ''] = /SCIM base URL\s+(\S+)/.exec(printed) ?? [];
    const [, token = ''] = /SCIM token\s+(\S+)/.exec(printed) ?? [];
    const own = setUp.replace(/SCIM=\S+ TOKEN=\S+/, `SCIM=${url} TOKEN=${token}`);
    expect(own).not.toBe(setUp);
    expect(await shell.run(own)).toEqual([]);

    const [found, invited, ...more] = answers(await shell.run(create));
    expect(found.totalResults).toBe(0);
    expect(invited.userName).toBe('ada.lovelace@acme.example');
    expect(invited[BRIDGE_URN]).toMatchObject({ status: 'invited', origin: 'idp' });
    expect(more).toEqual([]);

    const again = create.trimEnd().split('\n').at(-1) ?? '';
    const seen: unknown[] = [];
    do {
      await new Promise((resolve) => setTimeout(resolve, 250));
      seen.push(statusIn((await shell.run(again))[0]));
    } while (seen.at(-1) === 'invited');
    expect(seen.at(-1)).toBe('member');

    const [disabled] = answers(await shell.run(disable));
    expect(disabled.active).toBe(false);
    expect(disabled[BRIDGE_URN].status).toBe('locked');

    const [restored, group] = answers(await shell.run(restore));
    expect(restored.active).toBe(true);
    expect(restored[BRIDGE_URN].status).toBe('member');
    expect(group.displayName).toBe('Engineering');
    expect(group[GROUP_URN].linkStatus).toBe('linked');
    const members = group.members.map(({ display }: { display: string }) => display);
    expect(members).toEqual(expect.arrayContaining(['ada.lovelace@acme.example', 'linus@acme.example']));
    expect(shell.errors()).toBe('');

    const workspace = JSON.parse(readFileSync(path.join(directory, 'data', 'sandbox.db.workspace.json'), 'utf8'));
    const ada = workspace.seed.members.find(({ email }: { email: string }) => email === 'ada.lovelace@acme.example');
    expect(ada.locked ?? false).toBe(false);
    const engineering = workspace.seed.groups.find(({ name }: { name: string }) => name === 'Engineering');
    expect(engineering.members).toContain('ada.lovelace@acme.example');
  }, 120_000);

  it('begins with lines of the bridge that work when pasted', async () => {
    const [, lines = ''] = /^ {2}Try it: .*\n\n((?:\S.*\n)+)/m.exec(bridge.stdout()) ?? [];
    const [created, found, disabled, status, ...more] = await shell.run(lines.trimEnd());
    expect(statusIn(created)).toBe('invited');
    expect(JSON.parse(found ?? '{}').totalResults).toBe(1);
    expect(JSON.parse(disabled ?? '{}').active).toBe(false);
    expect([status, more, shell.errors()]).toEqual(['204', [], '']);
  }, 60_000);
});

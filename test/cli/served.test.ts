/** Commands beside a running server: a real process, its sandbox workspace, one database file. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Finding } from '../../src/commands/finding.js';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { cli, onTerminal, type CliResult, type Place } from '../support/cli.js';

const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ESCAPE = '\u001b[';

let folder: string;
let bridge: BridgeProcess;
let url: string;
let token: string;
/** The environment of the server, and its URL. */
let place: Place;

beforeAll(async () => {
  ensureBuilt();
  folder = mkdtempSync(path.join(tmpdir(), 'bridge-cli-'));
  bridge = startProcess(['serve'], { cwd: folder, env: { PORT: '0', LOG_LEVEL: 'error' } });
  [, url = ''] = await bridge.says(/(http:\/\/127\.0\.0\.1:\d+)\/scim\/v2/);
  place = { cwd: folder, env: { PUBLIC_URL: url } };
  const made = await cli(place, 'token', 'create', 'test idp');
  token = made.stdout.trim();
}, 90_000);

afterAll(async () => {
  bridge.kill('SIGTERM');
  await bridge.ended;
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: readonly string[]): Promise<CliResult> => cli(place, ...args);

async function scim(method: string, where: string, body?: object, secret = token): Promise<Response> {
  return fetch(`${url}/scim/v2${where}`, {
    method,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/scim+json', connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function createUser(name: string): Promise<string> {
  const address = `${name}@acme.example`;
  const emails = [{ value: address, type: 'work', primary: true }];
  const answer = await scim('POST', '/Users', { schemas: [USER_URN], userName: address, active: true, emails });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

const setActive = (id: string, value: boolean): Promise<Response> =>
  scim('PATCH', `/Users/${id}`, { schemas: [PATCH_URN], Operations: [{ op: 'replace', path: 'active', value }] });

describe('plan --what-if', () => {
  const write = (script: unknown): string => {
    const file = path.join(folder, 'what-if.json');
    writeFileSync(file, JSON.stringify(script));
    return file;
  };

  it('says what requests would do while the server runs, and changes nothing', async () => {
    const id = await createUser('what-if');
    const script = [
      {
        method: 'PATCH',
        path: `/Users/${id}`,
        body: { schemas: [PATCH_URN], Operations: [{ op: 'replace', path: 'active', value: false }] },
      },
      { method: 'DELETE', path: '/Users/nobody' },
    ];
    const { code, stdout } = await run('plan', '--what-if', write(script));
    expect(code).toBe(2);
    for (const words of [
      '200  PATCH',
      '404  DELETE',
      'what-if@acme.example',
      '1 call would be made',
      'Nothing was changed.',
    ])
      expect(stdout).toContain(words);
    const json = (await run('plan', '--json', '--what-if', write(script))).json();
    expect(json.calls).toEqual([
      expect.objectContaining({ change: { kind: 'revokeInvite', address: 'what-if@acme.example' } }),
    ]);
    expect(json.seats.before.invited.full - json.seats.after.invited.full).toBe(1);
    expect(((await (await scim('GET', `/Users/${id}`)).json()) as { active: boolean }).active).toBe(true);
    await scim('DELETE', `/Users/${id}`);
  });

  it('refuses what is no script', async () => {
    const { code, stderr } = await run('plan', '--what-if', write({ method: 'POST' }));
    expect([code, stderr]).toEqual([1, expect.stringContaining('BulkRequest')]);
    expect((await run('plan', '--what-if', path.join(folder, 'none.json'))).code).toBe(1);
  });
});

describe('doctor of a bridge that is well', () => {
  it('ends with 0', async () => {
    expect((await scim('GET', '/Users?count=1')).status).toBe(200);
    const checked = await cli({ cwd: folder, env: {} }, 'doctor');
    expect(checked.stdout).toMatch(/\n\nAll is well\.\n$/);
    expect(checked.stdout).not.toMatch(/^(warn|fail)/m);
    expect(checked.code).toBe(0);
  });
});

describe('token', () => {
  it('is shown once on stdout, alone, and works at once', async () => {
    expect(token).toMatch(/^esb_\S{40,}$/);
    expect((await scim('GET', '/Users?count=1')).status).toBe(200);
    const listed = (await run('token', 'list', '--json')).json();
    expect(JSON.stringify(listed)).not.toContain(token);
    expect(listed).toContainEqual(expect.objectContaining({ label: 'test idp', kind: 'scim', state: 'valid' }));
  });

  it('rotates with overlap, and a revocation counts at the next request', async () => {
    const old = (await run('token', 'create', 'short', '--scope', 'read')).stdout.trim();
    const rotated = (await run('token', 'rotate', 'short', '--overlap', '2h', '--json')).json();
    expect(rotated).toMatchObject({ label: 'short', scopes: ['read'], expiresAt: null });
    for (const secret of [old, rotated.secret])
      expect((await scim('GET', '/Users', undefined, secret)).status).toBe(200);
    // Scopes go with it.
    expect((await scim('POST', '/Users', {}, rotated.secret)).status).toBe(403);
    const refused = await run('token', 'revoke', 'short');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('say --yes');
    expect((await run('token', 'revoke', rotated.id, '--yes')).code).toBe(0);
    expect((await scim('GET', '/Users', undefined, rotated.secret)).status).toBe(401);
    expect((await scim('GET', '/Users', undefined, old)).status).toBe(200);
  });

  it('for a monitor reads the metrics and nothing else', async () => {
    const made = await run('token', 'create', 'prometheus', '--kind', 'metrics');
    expect(made.stderr).toContain('Token "prometheus" (metrics)');
    const secret = made.stdout.trim();
    const headers = { authorization: `Bearer ${secret}`, 'x-forwarded-for': '203.0.113.9', connection: 'close' };
    const used = async () =>
      /^prometheus +metrics +metrics +valid +\S+ +never +(\S+)/m.exec((await run('token', 'list')).stdout);
    expect((await used())?.[1]).toBe('never');
    expect((await fetch(`${url}/metrics`, { headers })).status).toBe(200);
    expect((await used())?.[1]).toMatch(/^2\d{3}-/);
    expect((await fetch(`${url}/admin/users`, { headers })).status).toBe(401);
    expect((await scim('GET', '/Users', undefined, secret)).status).toBe(401);
    expect((await run('token', 'create', 'x', '--kind', 'metrics', '--scope', 'read')).code).toBe(64);
  });

  it('refuses a second one of the same label, a wrong scope and a wrong span', async () => {
    const twin = await run('token', 'create', 'test idp');
    expect(twin).toMatchObject({ code: 1, stdout: '' });
    expect(twin.stderr).toContain('already');
    expect((await run('token', 'create', 'x', '--scope', 'all')).code).toBe(64);
    expect((await run('token', 'create', 'x', '--expires', 'soon')).code).toBe(64);
  });
});

describe('one person', () => {
  let leaver: string;
  let request: string;

  beforeAll(async () => {
    leaver = await createUser('linus');
    const answer = await setActive(leaver, false);
    request = answer.headers.get('x-request-id') ?? '';
    expect(answer.status).toBe(200);
  });

  it('is explained: which write locked, and that nothing is open', async () => {
    const { code, stdout } = await run('explain', 'LINUS@acme.example');
    expect(code).toBe(0);
    expect(stdout).toContain('access: locked; rule: the IdP wrote active = false');
    expect(stdout).toContain(`last: lock done`);
    const explained = (await run('explain', leaver, '--json')).json();
    expect(explained.aspects[0]).toMatchObject({ wanted: 'none', actual: 'locked', isSettled: true });
  });

  it('is traced from the request of the IdP to the call and its answer, by e-mail and by either request id', async () => {
    const trace = (await run('trace', 'linus@acme.example', '--json')).json();
    const cause = trace.causes.find((one: { cause: string }) => one.cause === request);
    expect(cause.stored).toEqual([
      expect.objectContaining({
        actor: 'token:test idp',
        action: 'user.update',
        differences: [{ path: 'active', before: true, after: false }],
      }),
    ]);
    expect(cause.changes).toHaveLength(1);
    const [{ calls, ...change }] = cause.changes;
    expect(change).toMatchObject({ change: { kind: 'lock' }, state: 'done', attempts: 1 });
    expect(calls).toEqual([
      expect.objectContaining({ attempt: 1, endpoint: 'members.update', outcome: 'done', status: 200 }),
    ]);
    expect(calls[0].latencyMs).toBeGreaterThan(0);

    const byRequest = (await run('trace', request, '--json')).json();
    expect(byRequest).toEqual({ causes: [cause], refused: [] });
    const byUpstream = (await run('trace', calls[0].upstreamRequestId, '--json')).json();
    expect(byUpstream).toEqual({ causes: [cause], refused: [] });
    const text = (await run('trace', request)).stdout;
    expect(text).toContain('active: true -> false');
    expect(text).toContain(`ElevenLabs request ${calls[0].upstreamRequestId}`);
  });

  it('is evidence for auditors, as a table and as CSV', async () => {
    const csv = (await run('report', 'leavers', '--csv')).stdout.trimEnd().split('\n');
    expect(csv[0]).toMatch(/^userName,address,userId,disabledAt,/);
    const row = csv.find((line) => line.startsWith('linus@acme.example')) ?? '';
    expect(row).toContain(`,token:test idp,${request},locked,`);
    const [entry] = (await run('report', 'leavers', '--json')).json();
    expect(Date.parse(entry.accessEndedAt)).toBeGreaterThanOrEqual(Date.parse(entry.disabledAt));
    expect((await run('report', 'leavers', '--since', '2100-01-01')).stderr).toBe('Nobody was disabled.\n');
  });

  it('is listed and shown', async () => {
    const locked = (await run('users', 'list', '--status', 'locked', '--json')).json();
    expect(locked).toContainEqual(
      expect.objectContaining({ userName: 'linus@acme.example', seat: 'workspace_member' }),
    );
    const filtered = (await run('users', 'list', '--filter', 'userName sw "lin"', '--json')).json();
    expect(filtered).toHaveLength(1);
    expect((await run('users', 'list', '--filter', 'nonsense')).stderr).toContain('is not valid');
    const shown = await run('users', 'show', 'linus@acme.example');
    expect(shown.stdout).toMatch(/^Status +locked$/m);
  });

  it('says in one line who is not there', async () => {
    for (const args of [
      ['explain', 'no@body.example'],
      ['users', 'show', 'no@body.example'],
      ['trace', 'no-such-request'],
    ])
      expect(await run(...args)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^[^\n]+\n$/) });
  });
});

describe('a user whom the bridge refused', () => {
  it('is none, and every command that is asked for it says what the IdP was told', async () => {
    const answer = await scim('POST', '/Users', { schemas: [USER_URN], userName: 'no-mailbox', active: true });
    expect(answer.status).toBe(400);
    const id = answer.headers.get('x-request-id') ?? '';
    const told = `was answered 400: An active user needs an e-mail address`;
    // The server writes them down every few seconds.
    let traced: CliResult;
    do traced = await run('trace', id);
    while (traced.code !== 0);
    expect(traced.stdout).toContain(`POST /Users of token:test idp ${told}`);
    expect((await run('trace', id, '--json')).json()).toMatchObject({
      causes: [],
      refused: [{ requestId: id, status: 400, about: ['no-mailbox'] }],
    });
    for (const command of [['explain'], ['trace'], ['users', 'show']]) {
      const { code, stdout, stderr } = await run(...command, 'No-Mailbox');
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('There is no user "No-Mailbox"');
      expect(stderr).toMatch(new RegExp(`${told}: .* \\(request ${id}\\)$`, 'm'));
    }
    const findings = (await run('doctor', '--offline', '--json')).json().findings as readonly Finding[];
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'Requests', level: 'warn', remedy: expect.stringContaining(`trace ${id}`) }),
    );
  }, 30_000);
});

describe('invites and sync', () => {
  it('invites are listed with age; the server reads the workspace when asked to', async () => {
    await createUser('zoe');
    const [listed, shown, synced] = await Promise.all([
      run('invites', 'list', '--json'),
      run('invites', 'show', 'zoe@acme.example'),
      run('sync', '--json'),
    ]);
    expect(listed.json()).toEqual([
      expect.objectContaining({ address: 'zoe@acme.example', state: 'invited', sends: 1, round: 1 }),
    ]);
    expect(shown.stdout).toMatch(/zoe@acme\.example .* invited .* workspace_member/);
    const done = { by: 'server', problem: null, members: 'applied', groups: 'applied', due: 0 };
    expect(synced.json()).toMatchObject(done);
  });
});

describe('release', () => {
  it('asks on a terminal; a no changes nothing, a yes ends the management', async () => {
    await createUser('ada');
    const refused = await onTerminal(place, 'n', 'users', 'release', 'ada@acme.example');
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('Release ada@acme.example?');
    expect(refused.stdout).toContain('Nothing was done.');
    const [before] = (await run('users', 'list', '--filter', 'userName eq "ada@acme.example"', '--json')).json();
    expect(before.managed).toBe(true);
    const released = await onTerminal(place, 'y', 'users', 'release', 'ada@acme.example');
    expect(released.code).toBe(0);
    const [after] = (await run('users', 'list', '--filter', 'userName eq "ada@acme.example"', '--json')).json();
    expect(after).toMatchObject({ managed: false, status: 'member' });
  });
});

describe('output', () => {
  it('has colours on a terminal, none with NO_COLOR and none in a pipe', async () => {
    expect((await onTerminal(place, '', 'users', 'list')).stdout).toContain(ESCAPE);
    const quiet = { ...place, env: { ...place.env, NO_COLOR: '1' } };
    expect((await onTerminal(quiet, '', 'users', 'list')).stdout).not.toContain(ESCAPE);
    expect((await run('users', 'list')).stdout).not.toContain(ESCAPE);
  });

  it('cannot be steered by what an IdP writes', async () => {
    const name = `\u001b]0;owned\u0007\u001b[31mred`;
    const answer = await scim('POST', '/Users', { schemas: [USER_URN], userName: name, active: false });
    expect(answer.status).toBe(201);
    const { id } = (await answer.json()) as { id: string };
    for (const args of [
      ['users', 'list'],
      ['users', 'show', id],
      ['trace', id],
    ]) {
      const { code, stdout } = await run(...args);
      expect(code).toBe(0);
      expect(stdout).toContain('owned');
      // eslint-disable-next-line no-control-regex -- that is the point
      expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
    }
  });
});

describe('groups', () => {
  it('lists links; a group without a workspace group says what to do, and can be linked by hand', async () => {
    const made = await scim('POST', '/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Nowhere',
    });
    expect(made.status).toBe(201);
    const inNowhere = await createUser('nora');
    const { id } = (await made.json()) as { id: string };
    const value = [{ value: inNowhere }];
    await scim('PATCH', `/Groups/${id}`, { schemas: [PATCH_URN], Operations: [{ op: 'add', path: 'members', value }] });
    expect((await run('explain', 'nora@acme.example')).stdout).toMatch(
      /^open group "Nowhere": none, should be member; rule: member of "Nowhere"; the workspace has no group of this name/m,
    );
    const list = (await run('groups', 'list', '--json')).json();
    expect(list).toContainEqual(
      expect.objectContaining({ displayName: 'Nowhere', linkStatus: 'unlinked', groupId: null }),
    );
    expect((await run('groups', 'show', 'nowhere')).stdout).toContain('there is no workspace group of this name');
    expect((await run('groups', 'link', 'Nowhere', 'No such group', '--yes')).code).toBe(1);
    expect((await run('groups', 'link', 'Nowhere', 'marketing', '--yes')).stdout).toContain('is linked to "Marketing"');
    expect((await run('groups', 'show', 'Nowhere', '--json')).json().link).toMatchObject({ linkSource: 'admin' });
    expect((await run('groups', 'unlink', 'Nowhere', '--yes')).code).toBe(0);
  });
});

describe('backup and restore', () => {
  it('copies while the bridge serves, for its owner alone, and overwrites only when told to', async () => {
    const file = path.join(folder, 'copy', 'backup.db');
    const made = await run('backup', file);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('opened and checked') });
    // Where nobody watches there are lines, and no bar.
    expect(made.stderr).toBe('Copying ...\nCopying: done\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}-wal`)).toBe(false);
    expect(readFileSync(file).subarray(0, 15).toString()).toBe('SQLite format 3');
    expect((await run('backup', file)).code).toBe(1);
    const bar = await onTerminal(place, '', 'backup', file, '--force');
    expect(bar).toMatchObject({ code: 0, stdout: expect.stringMatching(/\[#+\] 100 %/) });
  });

  it('is not restored while the bridge serves', async () => {
    const refused = await run('restore', path.join(folder, 'copy', 'backup.db'), '--yes');
    expect(refused).toMatchObject({ code: 75, stdout: '', stderr: expect.stringContaining('stop it first') });
    expect((await scim('GET', '/Users?count=1')).status).toBe(200);
  });
});

describe('conformance --running', () => {
  it('passes, leaves nothing behind, and its token is revoked', async () => {
    const checked = await run('conformance', '--running', '--json');
    const report = checked.json();
    expect(report.results.filter(({ outcome }: { outcome: string }) => outcome === 'fail')).toEqual([]);
    expect(checked.code).toBe(0);
    expect(report.counts.pass).toBeGreaterThan(70);
    const left = (await run('users', 'list', '--filter', 'userName co "conformance.invalid"', '--json')).json();
    expect(left).toEqual([]);
    const tokens = (await run('token', 'list', '--json')).json();
    expect(tokens.some(({ label }: { label: string }) => label.startsWith('conformance'))).toBe(false);
    // Run twice, the same transcripts meet nothing of the first run.
    expect((await run('conformance', '--running', '--json')).json().counts.fail).toBe(0);
  }, 120_000);

  it('says what is wrong, and writes the report', async () => {
    const html = path.join(folder, 'report.html');
    const checked = await run('conformance', '--url', `${url}/scim/v2`, '--token', 'not-a-token', '--html', html);
    expect(checked.code).toBe(1);
    expect(checked.stdout).toMatch(/fail {2}RFC 7644 3.3 .*POST answers 201/);
    const page = readFileSync(html, 'utf8');
    expect(page).toContain('RFC 7644 3.4.1');
    expect(page).not.toContain('not-a-token');
  }, 60_000);
});

describe('doctor', () => {
  it('finds the server well, and warns of what is open', async () => {
    const checked = await run('doctor', '--json');
    const { findings, fails } = checked.json();
    expect({ fails, code: checked.code }).toEqual({ fails: 0, code: 1 });
    const of = (check: string) => findings.filter((finding: { check: string }) => finding.check === check);
    expect(of('Server')).toEqual([expect.objectContaining({ level: 'ok' })]);
    expect(of('Database')[0].text).toContain('is sound');
    expect(of('Public URL')).toContainEqual(
      expect.objectContaining({ level: 'ok', text: 'answers, and it is the bridge' }),
    );
    expect(of('Groups')).toEqual([
      expect.objectContaining({ level: 'warn', text: expect.stringContaining('"Nowhere"') }),
    ]);
    expect(of('Groups')[0].remedy).toContain('groups link');
    expect(of('Protected')[0].text).toContain('grace@acme.example (owner of the workspace)');
  });
});

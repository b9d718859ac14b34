/** Every page, as an administrator without JavaScript reads it, on a whole bridge. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startAdmin, type AdminBrowser } from './support.js';
import { ADMIN_PAGES } from '../support/admin-pages.js';

const DAY = 86_400_000;

describe('pages of a bridge at work', () => {
  let admin: AdminBrowser;
  let zoe: string;
  let max: string;
  let held: string;

  beforeAll(async () => {
    admin = await startAdmin({ seed: minimalSeed(), env: { DEPROVISION_LIMIT: '1' } });
    const { bridge } = admin;
    bridge.control.createGroup('Designers');
    bridge.control.createGroup('Artists');
    await bridge.sync();
    zoe = (await bridge.createUser('zoe', { displayName: 'Zoe Hart' })).body.id;
    max = (await bridge.createUser('max', { displayName: 'Max Power' })).body.id;
    held = (await bridge.createUser('una', { displayName: 'Una Held' })).body.id;
    for (const name of ['max', 'una']) bridge.control.accept(`${name}@workspace.example`);
    await bridge.sync();
    await bridge.createGroup('Designers', [max]);
    await bridge.createGroup('Unknown Team', [zoe]);
    const off = { op: 'replace', path: 'active', value: false };
    await bridge.patchUser(max, off);
    await bridge.patchUser(held, off);
    await bridge.idle();
    await admin.signIn();
  });
  afterAll(() => admin.close());

  it('says on the overview what needs attention, the most urgent first, and the counts', async () => {
    const { text, html, status } = await admin.get('');
    expect(status).toBe(200);
    expect(text.indexOf('1 change held')).toBeGreaterThan(0);
    expect(text.indexOf('1 change held')).toBeLessThan(text.indexOf('Group “Unknown Team” is not linked'));
    expect(text).toMatch(/1 Invited/);
    expect(text).toMatch(/1 Held/);
    expect(text).toMatch(/Requests of identity providers 7 requests, none failed/);
    expect(html).toMatch(/<rect class="bar"/);
    expect(html).toContain('aria-label="Calls to ElevenLabs in the last 24 hours: ');
    expect(text).toContain('Connected');
  });

  it('lists users with status, seat and groups, by page', async () => {
    const { text } = await admin.get('/users');
    expect(text).toMatch(/Zoe Hart zoe@workspace.example Invited Full Unknown Team/);
    expect(text).toMatch(/Max Power max@workspace.example Locked Full Designers/);
    expect(text).toMatch(/Una Held una@workspace.example Held/);
  });

  it('finds users by parts of name and address, in any case, and by status', async () => {
    expect((await admin.get('/users?q=POWER')).text).toMatch(/1 hit .*Max Power/);
    expect((await admin.get('/users?q=zoe%40work')).text).toMatch(/1 hit .*Zoe Hart/);
    expect((await admin.get('/users?q=nobody')).text).toContain('Nobody of this name or address.');
    const locked = (await admin.get('/users?status=locked')).text;
    expect(locked).toContain('Max Power');
    expect(locked).not.toContain('Zoe Hart');
    expect((await admin.get('/users?status=constructor')).text).toContain('Zoe Hart');
  });

  it('shows of one user what is, why, and everything that happened', async () => {
    const { text } = await admin.get(`/users/${max}`);
    expect(text).toContain('Locked A member without access; the seat is free.');
    expect(text).toMatch(/Access As wanted locked none the IdP wrote active = false/);
    expect(text).toMatch(/Group Designers As wanted member member member of "Designers"/);
    expect(text).toMatch(/user\.update by token:SCIM_TOKEN .*active true → false/);
    expect(text).toMatch(/Done Lock max@workspace\.example .* ok members\.update .* HTTP 200/);
    expect(text).toMatch(/user\.create by token:SCIM_TOKEN/);
  });

  it('answers 404 for what is not there, whatever it is called', async () => {
    for (const where of ['/users/nobody', '/users/__proto__', '/setup/other', '/nothing', '/users/%E0%A4%A']) {
      const { status } = await admin.get(where);
      expect([where, status]).toEqual([where, where.includes('%E0') ? 400 : 404]);
    }
  });

  it('lists pending invites with their age and what comes next', async () => {
    admin.bridge.clock.jump(2 * DAY);
    try {
      const { text } = await admin.get('/invites');
      expect(text).toMatch(/zoe@workspace\.example Waiting 2 days ago Full 1 of 3 sent again in 5 days/);
      expect(text).not.toContain('max@workspace.example');
    } finally {
      admin.bridge.clock.jump(-2 * DAY);
    }
  });

  it('shows held changes with their reason and what can be done', async () => {
    const { text, html } = await admin.get('/changes');
    expect(text).toMatch(/Lock una@workspace\.example/);
    expect(text).toContain('DEPROVISION_LIMIT');
    expect(html).toMatch(/aria-label="Release: Lock una@workspace\.example"/);
    expect((await admin.get('/changes?state=refused')).text).toContain('Nothing was refused.');
  });

  it('shows groups and their links, and what could be linked', async () => {
    const { text, html } = await admin.get('/groups');
    expect(text).toMatch(/Unknown Team Not linked/);
    expect(text).toMatch(/Designers Linked/);
    expect(html).toMatch(/<option value="[^"]+">\s*Artists/);
  });

  it('traces a request of the IdP to every call that followed, and a call back to its request', async () => {
    const { bridge } = admin;
    const answer = await bridge.createUser('tracy');
    await bridge.idle();
    const id = answer.headers.get('x-request-id') ?? '';
    const { text } = await admin.get(`/trace?id=${id}`);
    expect(text).toMatch(/user\.create by token:SCIM_TOKEN .*Invite tracy@workspace\.example/);
    const upstream = /ElevenLabs request ([0-9a-z]+)/.exec(text)?.[1] ?? '';
    expect((await admin.get(`/trace?id=${upstream}`)).text).toContain(id);
    const people = await admin.get('/trace?id=zoe@workspace.example');
    expect(people.text).toContain('Invited');
    await bridge.clock.advanceAsync(5_000);
    const readings = (await admin.get('/trace')).text;
    expect(readings).toMatch(/ok members\.list .* HTTP 200/);
  });

  it('shows the values to paste for each identity provider', async () => {
    const scim = admin.bridge.scimUrl;
    const entra = await admin.get('/setup/entra');
    expect(entra.text).toContain(`${scim}?aadOptscim062020`);
    expect(entra.text).toContain('The cloud cannot reach this address.');
    expect((await admin.get('/setup/okta')).text).toMatch(`SCIM connector base URL ${scim} `);
    expect(entra.text).toMatch(/Connected\. The last request with a valid token/);
  });

  it('has a language, one heading, landmarks and labels on every page', async () => {
    for (const where of [...ADMIN_PAGES, `/users/${max}`]) {
      const { html, status } = await admin.get(where);
      expect([where, status]).toEqual([where, 200]);
      expect([where, html.match(/<h1[ >]/g)?.length]).toEqual([where, 1]);
      expect(html).toContain('<html lang="en">');
      expect(html).toMatch(/<main id="main"/);
      expect(html).toMatch(/<nav class="side" aria-label="Main">/);
      expect(html).toMatch(/aria-current="page"/);
      const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
      expect([where, ids.filter((id, index) => ids.indexOf(id) !== index)]).toEqual([where, []]);
      expect(html).not.toMatch(/\sstyle=|<style|\son[a-z]+=|javascript:/i);
      expect(html.match(/<script[^>]*>/g)).toEqual(['<script src="/admin/assets/live.js" defer>']);
    }
  });
});

describe('the page of drift', () => {
  it('says who, what and since when, and then what became of it; so do the metrics', async () => {
    const admin = await startAdmin({ seed: minimalSeed() });
    try {
      const { bridge } = admin;
      bridge.control.addMember({ email: 'zoe@workspace.example' });
      await bridge.sync();
      await bridge.createUser('zoe');
      await bridge.idle();
      await admin.signIn();
      expect((await admin.get('/drift')).text).toContain('The workspace is as the directory wants it.');
      bridge.control.setLocked('zoe@workspace.example', true);
      await bridge.sync();
      bridge.clock.jump(7_200_000);
      expect((await admin.get('/drift')).text).toMatch(
        /zoe@workspace\.example Locked by hand zoe@workspace\.example was locked in ElevenLabs, and is left locked 2 hours ago/,
      );
      expect(await (await admin.raw('GET', '/metrics')).text()).toContain('scim_bridge_drift_open 1');
      bridge.control.setLocked('zoe@workspace.example', false);
      await bridge.sync();
      const { text } = await admin.get('/drift');
      expect(text).toContain('The workspace is as the directory wants it.');
      expect(text).toMatch(/Ended .* Locked by hand .* gone just now/);
    } finally {
      await admin.close();
    }
  });
});

describe('the live check of the set-up page', () => {
  it('waits, says when a wrong token came, and then that it is connected', async () => {
    const admin = await startAdmin();
    try {
      await admin.signIn();
      expect((await admin.get('/setup')).text).toContain('Waiting for the first request…');
      expect((await admin.get('')).text).toContain('No identity provider has connected yet');
      await admin.bridge.scim('GET', '/Users', undefined, { authorization: 'Bearer wrong' });
      const refused = (await admin.get('/setup')).text;
      expect(refused).toContain('1 request arrived without a valid token.');
      expect(refused).toMatch(/401 just now/);
      await admin.bridge.scim('GET', '/Users?startIndex=1&count=2', undefined, {
        'user-agent': 'Okta SCIM Client 1.0.0',
      });
      const connected = (await admin.get('/setup/okta')).text;
      expect(connected).toContain('Connected.');
      expect(connected).toMatch(/GET \/Users 200 just now okta SCIM_TOKEN/);
    } finally {
      await admin.close();
    }
  });
});

describe('a bridge that is not well', () => {
  it('says that the key is rejected, and what to do', async () => {
    const admin = await startAdmin();
    try {
      await admin.signIn();
      const { bridge } = admin;
      bridge.control.revokeKey(bridge.sandbox.apiKey());
      await bridge.app.reconciler.syncNow('test');
      await bridge.until(() => bridge.app.reconciler.state.phase === 'keyRejected', 'the key is rejected');
      const { text } = await admin.get('');
      expect(text).toContain('ElevenLabs rejects the API key');
      expect(text).toContain('API key rejected');
      expect(text).toContain('ELEVENLABS_API_KEY');
    } finally {
      await admin.close();
    }
  });

  it('does not believe a workspace that has shrunk, until an administrator says so', async () => {
    const seed = { ...minimalSeed() };
    const admin = await startAdmin({ seed });
    try {
      await admin.signIn();
      const { bridge } = admin;
      for (let n = 0; n < 12; n++) bridge.control.addMember({ email: `m${String(n)}@workspace.example` });
      await bridge.sync();
      for (let n = 0; n < 12; n++) bridge.control.removeMember(`m${String(n)}@workspace.example`);
      await bridge.app.reconciler.syncNow('test');
      expect((await admin.get('')).text).toContain('The last reading of the workspace is not believed');
      const after = await admin.post('/workspace/accept-smaller');
      expect(after.text).toContain('The smaller workspace was taken over.');
      expect(after.text).not.toContain('not believed');
      expect(await bridge.store.members()).toHaveLength(1);
    } finally {
      await admin.close();
    }
  });
});

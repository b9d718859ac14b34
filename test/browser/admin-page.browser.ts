/** The admin page in Chromium: what an administrator does there, and that it is fit for everybody. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { findViolations, startScreen, type Screen } from './support.js';
import { ADMIN_PAGES } from '../support/admin-pages.js';

let screen: Screen;
afterEach(async () => {
  const complaints = [...screen.complaints];
  await screen.close();
  expect(complaints).toEqual([]);
});

const off = { op: 'replace', path: 'active', value: false };

/** Something of everything: a member, a held change, a refusal, a pending invite, groups. */
async function fill(): Promise<{ readonly member: string }> {
  const { bridge } = screen.admin;
  const { control } = bridge;
  control.createGroup('Artists');
  await bridge.sync();
  const ids: string[] = [];
  for (const name of ['ann', 'ben'])
    ids.push((await bridge.createUser(name, { displayName: name.toUpperCase() })).body.id);
  for (const name of ['ann', 'ben']) control.accept(`${name}@workspace.example`);
  await bridge.sync();
  await bridge.createGroup('Design', ids);
  await bridge.createUser('pending');
  for (const id of ids) await bridge.patchUser(id, off);
  await bridge.idle();
  return { member: ids[0] ?? '' };
}

const start = async (): Promise<void> => {
  screen = await startScreen({ seed: minimalSeed(), env: { DEPROVISION_LIMIT: '1' } });
};

describe('an administrator', () => {
  beforeEach(start);

  it('signs in with the keyboard alone, after a wrong token, and out again', async () => {
    const { page } = screen;
    await screen.open('/users');
    expect(page.url()).toContain('/admin/login?next=');
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('This is no valid admin token.').waitFor();
    // The answer 401 is told on the console; nothing else may be.
    expect(screen.complaints.splice(0).every((text) => text.includes('401'))).toBe(true);
    await screen.signIn();
    const [cookie] = await browserContext.cookies();
    expect(cookie).toMatchObject({ name: 'esb_session', httpOnly: true, sameSite: 'Strict' });
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Admin token').waitFor();
    await screen.open('/users');
    expect(page.url()).toContain('/admin/login');
  });

  it('sees a pending invite turn into a member, without touching anything', async () => {
    const { page, admin } = screen;
    const { bridge } = admin;
    await bridge.createUser('zoe', { displayName: 'Zoe Hart' });
    await screen.signIn();
    await screen.open('/users');
    const row = page.getByRole('row', { name: /Zoe Hart/ });
    await row.getByText('Invited').waitFor();
    bridge.control.accept('zoe@workspace.example');
    await bridge.clock.advanceAsync(30_000);
    await row.getByText('Member', { exact: true }).waitFor();
    await row.getByText('Full').waitFor();
    await page.getByRole('link', { name: 'Zoe Hart' }).click();
    await page.getByText('user.accepted').waitFor();
  });

  it('finds a held change from the overview, and releases it', async () => {
    const { page, admin } = screen;
    await fill();
    await screen.signIn();
    await page.getByRole('link', { name: 'Look and decide' }).click();
    const held = page.getByRole('row', { name: /Lock ben@workspace.example/ });
    await held.getByText('DEPROVISION_LIMIT').waitFor();
    await held.getByRole('button', { name: /^Release/ }).click();
    await page.getByText('1 change released').waitFor();
    await admin.bridge.idle();
    await page.getByText('Nothing is held.').waitFor();
    expect(admin.bridge.control.member('ben@workspace.example')?.is_locked).toBe(true);
    await screen.open('/audit?actor=admin');
    await page.getByText('held.release').or(page.getByText('change.release')).first().waitFor();
  });

  it('rotates a token: asked once more, shown once, the old one still good', async () => {
    const { page, admin } = screen;
    await screen.signIn();
    await screen.open('/tokens');
    const row = page.getByRole('row', { name: /^SCIM_TOKEN/ });
    await row.getByText('Rotate…').click();
    await row.getByLabel('The old one stays valid for').selectOption({ label: 'one week' });
    await row.getByRole('button', { name: /^Rotate/ }).click();
    const secret = await page.locator('.secret code').innerText();
    expect(secret).toMatch(/^esb_[A-Za-z0-9_-]{43}$/);
    await page.getByText('The old one stays valid for 7 days').waitFor();
    const status = async (token: string): Promise<number> =>
      (await admin.bridge.scim('GET', '/Users', undefined, { authorization: `Bearer ${token}` })).status;
    expect(await status(secret)).toBe(200);
    expect((await admin.bridge.scim('GET', '/Users')).status).toBe(200);
    await screen.open('/tokens');
    expect(await page.content()).not.toContain(secret);
  });

  it('links a group by hand, and sees its members follow', async () => {
    const { page, admin } = screen;
    const { bridge } = admin;
    bridge.control.createGroup('Artists');
    const { body } = await bridge.createUser('ann');
    bridge.control.accept('ann@workspace.example');
    await bridge.sync();
    await bridge.createGroup('Design', [body.id]);
    await screen.signIn();
    await page.getByRole('link', { name: 'Link', exact: true }).click();
    const row = page.getByRole('row', { name: /^Design/ });
    await row.getByLabel('Workspace group for Design').selectOption({ label: 'Artists' });
    await row.getByRole('button', { name: /^Link/ }).click();
    await page.getByText('The group is linked.').waitFor();
    await bridge.idle();
    expect(bridge.workspace().groups).toMatchObject({ Artists: ['ann@workspace.example'] });
    await page
      .getByRole('row', { name: /^Design Linked/ })
      .getByText('by an administrator')
      .waitFor();
  });

  it('sets up an identity provider while the page waits for its first request', async () => {
    const { page, admin } = screen;
    await screen.signIn();
    await screen.open('/setup/okta');
    await page.getByText('Waiting for the first request…').waitFor();
    await admin.bridge.scim('GET', '/Users?startIndex=1&count=2', undefined, {
      'user-agent': 'Okta SCIM Client 1.0.0',
    });
    await page.getByText('Connected.').waitFor();
    await page.getByRole('button', { name: 'Copy' }).first().waitFor();
  });

  it('is not disturbed while choosing or confirming', async () => {
    const { page, admin } = screen;
    await fill();
    await screen.signIn();
    await screen.open('/groups');
    const choice = page.getByLabel('Workspace group for Design');
    await choice.selectOption({ label: 'Artists' });
    await choice.focus();
    // The script has been through all parts of the page once the last one shows what is new.
    admin.bridge.control.createGroup('Fresh');
    await admin.bridge.createGroup('Another');
    await admin.bridge.sync();
    await page.getByRole('row', { name: /^Fresh .* Free/ }).waitFor();
    expect(await page.getByRole('row', { name: /^Another/ }).count()).toBe(0);
    expect(
      await choice.evaluate(
        (element) => (element as unknown as { selectedOptions: { text: string }[] }).selectedOptions[0]?.text,
      ),
    ).toContain('Artists');
  });
});

describe('without JavaScript', () => {
  beforeEach(start);

  it('everything works: signing in, finding, confirming, releasing', async () => {
    const { admin } = screen;
    await fill();
    const page = await browserContext.newPage();
    // The script is not let through; forms, links and details need none.
    await page.route('**/live.js', (route) => route.abort());
    try {
      await page.goto(`${admin.origin}/admin`);
      await page.getByLabel('Admin token').fill('esb_admin_a-token-for-tests-of-no-further-use');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('link', { name: /^Changes/ }).click();
      await page.getByText('Release all 1…').click();
      await page.getByRole('button', { name: 'Release all 1' }).click();
      await page.getByText('1 change released').waitFor();
      await admin.bridge.idle();
      expect(admin.bridge.control.member('ben@workspace.example')?.is_locked).toBe(true);
    } finally {
      await page.close();
    }
  });
});

describe('every page', () => {
  const WAYS = [
    ['light', { colorScheme: 'light' }, { width: 1280, height: 800 }],
    ['dark', { colorScheme: 'dark' }, { width: 1280, height: 800 }],
    ['phone', { colorScheme: 'light' }, { width: 360, height: 740 }],
  ] as const;
  beforeEach(start);

  it.each(WAYS)('is accessible and fits: %s', async (_name, media, size) => {
    const { page } = screen;
    const { member } = await fill();
    await page.emulateMedia(media);
    await page.setViewportSize(size);
    await screen.open('/login');
    expect(await findViolations(page)).toEqual([]);
    await screen.signIn();
    const pages = [
      ...ADMIN_PAGES,
      ...[`/users/${member}`, '/users?q=nobody', '/changes?state=refused', '/setup/entra', '/setup/okta', '/nothing'],
    ];
    for (const where of pages) {
      await screen.open(where);
      expect([where, await findViolations(page)]).toEqual([where, []]);
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect([where, overflow]).toEqual([where, 0]);
    }
    // The page that is not there is told on the console.
    expect(screen.complaints.splice(0).every((text) => text.includes('404'))).toBe(true);
  });

  it('fits a window of any width, with refusals and long reasons on it', async () => {
    const { page, admin } = screen;
    const { bridge } = admin;
    const { member } = await fill();
    const entitlements = [{ value: 'voice:a-voice-that-nobody-has-made-yet:editor' }];
    const { body } = await bridge.createUser('mae.jemison', { entitlements });
    bridge.control.accept('mae.jemison@workspace.example');
    await bridge.sync();
    await bridge.createUser('nobody', { emails: [] });
    await screen.signIn();
    await screen.open(`/users/${body.id}`);
    await page.getByText('refused: ').first().waitFor();
    const pages = [...ADMIN_PAGES, `/users/${member}`, `/users/${body.id}`, '/changes?state=refused', '/setup/okta'];
    for (const where of pages) {
      await screen.open(where);
      for (const width of [320, 420, 737, 800, 1024, 1025, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        const overflow = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        expect([where, width, overflow]).toEqual([where, width, 0]);
      }
    }
  });

  it('fits a phone, whatever the names are', async () => {
    const { page, admin } = screen;
    const long = 'x'.repeat(180);
    const { body } = await admin.bridge.createUser('long', { displayName: long, userName: long });
    await admin.bridge.createGroup(long, [body.id]);
    await page.setViewportSize({ width: 360, height: 740 });
    await screen.signIn();
    for (const where of ['', '/users', `/users/${body.id}`, '/invites', '/groups', '/audit']) {
      await screen.open(where);
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect([where, overflow]).toEqual([where, 0]);
    }
    await page.getByText('Menu').click();
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('heading', { name: 'Tokens' }).waitFor();
  });
});

/**
 * `npm run screenshots`: pictures of the admin page for the documentation, from the built bridge on a
 * sandbox workspace with a company in it: light, dark and phone.
 *
 *   node scripts/screenshots.mjs [--all] [folder]     --all: every page in every view, to look at
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { chromium } from 'playwright-core';
import { CHROMIUM_FLAGS, findChromium, NO_CHROMIUM } from './chromium.mjs';
import { prepare, root } from './prepare.mjs';

const TOKENS = {
  scim: 'esb_a-token-for-the-pictures-of-no-further-use',
  admin: 'esb_admin_token-for-the-pictures-0001',
};
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const PEOPLE = [
  ['Ada Lovelace', 'ada', 'Engineering'],
  ['Linus Pauling', 'linus', 'Engineering'],
  ['Mae Jemison', 'mae', 'Marketing'],
  ['Zoe Hart', 'zoe', 'Engineering'],
  ['Noor Khan', 'noor', 'Marketing'],
  ['Tomás Ruiz', 'tomas', 'Sales'],
  ['Ines Duarte', 'ines', 'Sales'],
  ['Yuki Tanaka', 'yuki', 'Engineering'],
  ['Femi Okafor', 'femi', 'Sales'],
  ['Lena Berg', 'lena', 'Marketing'],
  ['Omar Haddad', 'omar', 'Engineering'],
  ['Priya Nair', 'priya', 'Engineering'],
];

/** Starts the built bridge and answers its addresses, as it prints them. */
async function startBridge(folder) {
  const env = {
    PATH: process.env.PATH,
    PORT: '0',
    SANDBOX: 'true',
    DATABASE_PATH: path.join(folder, 'sandbox.db'),
    SCIM_TOKEN: TOKENS.scim,
    ADMIN_TOKEN: TOKENS.admin,
    PROVISION_WAIT_MS: '0',
    PENDING_POLL_SECONDS: '2',
    DEPROVISION_LIMIT: '1',
    LOG_LEVEL: 'error',
  };
  const bridge = spawn(process.execPath, [path.join(root, 'dist', 'main.js'), 'serve'], { env });
  bridge.stderr.pipe(process.stderr);
  for await (const line of createInterface({ input: bridge.stdout })) {
    const found = /State\s+(http\S+)\/healthz/.exec(line);
    if (found !== null) return { bridge, url: found[1] };
  }
  throw new Error('the bridge did not start');
}

function scimClient(url) {
  return async (method, where, body) => {
    const response = await fetch(`${url}/scim/v2${where}`, {
      method,
      headers: {
        authorization: `Bearer ${TOKENS.scim}`,
        'content-type': 'application/scim+json',
        'user-agent': 'Okta SCIM Client 1.0.0',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return text === '' ? null : JSON.parse(text);
  };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A company that is half way in, with something of everything. */
async function fill(url) {
  const scim = scimClient(url);
  await fetch(`${url}/scim/v2/Users`, { headers: { authorization: 'Bearer not-the-token' } });
  const ids = new Map();
  const create = async ([displayName, name]) => {
    const address = `${name}@acme.example`;
    const emails = [{ value: address, type: 'work', primary: true }];
    const user = await scim('POST', '/Users', {
      schemas: [USER],
      userName: address,
      displayName,
      emails,
      active: true,
    });
    ids.set(name, user?.id);
  };
  for (const person of PEOPLE.slice(0, 9)) await create(person);
  for (const displayName of ['Engineering', 'Marketing', 'Sales']) {
    const names = PEOPLE.filter(([, , group]) => group === displayName).map(([, name]) => name);
    const members = names.flatMap((name) => (ids.has(name) ? [{ value: ids.get(name) }] : []));
    await scim('POST', '/Groups', { schemas: [GROUP], displayName, members });
  }
  // The sandbox accepts invites by itself after some seconds.
  await pause(14_000);
  const disable = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'active', value: false }] };
  for (const name of ['noor', 'tomas', 'ines']) await scim('PATCH', `/Users/${ids.get(name)}`, disable);
  for (const person of PEOPLE.slice(9)) await create(person);
  // What a wrong mapping in the IdP looks like; the counters are written every five seconds.
  await scim('POST', '/Users', { schemas: [USER], userName: 'no.mailbox', displayName: 'No Mailbox', active: true });
  await pause(6_000);
  return ids;
}

/** A day of an ordinary company, so that the chart has something to show. */
function addHistory(folder) {
  const db = new Database(path.join(folder, 'sandbox.db'));
  const add = db.prepare('INSERT OR IGNORE INTO hourly_counters (hour, name, count) VALUES (?, ?, ?)');
  const now = Math.floor(Date.now() / 3_600_000);
  for (let ago = 1; ago < 24; ago++) {
    const requests = Math.round(40 + 30 * Math.sin(ago / 3.1) + 12 * Math.cos(ago * 2.3));
    add.run(now - ago, 'requests', requests);
    add.run(now - ago, 'calls', 124 + Math.round(requests / 3));
    if (ago === 9) add.run(now - ago, 'requestFailures', 6);
    if (ago === 15) add.run(now - ago, 'callFailures', 31);
  }
  db.close();
}

/** Longer pages are cut: their beginning shows what they are, and pictures in a repository are to be small. */
const VIEWS = [
  ['light', { colorScheme: 'light', viewport: { width: 1120, height: 720 } }, 1_000],
  ['dark', { colorScheme: 'dark', viewport: { width: 1120, height: 720 } }, 1_000],
  ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, 1_200],
];

/** Page, where it is, and the views that the documentation keeps. */
const PAGES = [
  ['overview', () => '', ['light', 'dark', 'phone']],
  ['users', () => '/users', ['light', 'phone']],
  ['user', (ids) => `/users/${ids.get('tomas')}`, ['light']],
  ['invites', () => '/invites', []],
  ['changes', () => '/changes', ['light', 'dark']],
  ['groups', () => '/groups', ['light']],
  ['tokens', () => '/tokens', []],
  ['setup', () => '/setup/entra', ['light']],
  ['trace', () => '/trace', ['light']],
  ['drift', () => '/drift', []],
  ['audit', () => '/audit', []],
];

async function photograph(url, ids, target, profile) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: CHROMIUM_FLAGS,
    headless: true,
  });
  const browser = context.browser();
  try {
    for (const [view, options, most] of VIEWS) {
      const page = await (browser === null ? context.newPage() : browser.newContext(options).then((c) => c.newPage()));
      if (browser === null) {
        await page.setViewportSize(options.viewport);
        await page.emulateMedia({ colorScheme: options.colorScheme });
      }
      await page.goto(`${url}/admin/login`);
      if (page.url().includes('/login')) {
        if (isAll) await page.screenshot({ path: path.join(target, `login-${view}.png`) });
        await page.fill('#token', TOKENS.admin);
        await page.click('button.primary');
      }
      for (const [name, where, kept] of PAGES) {
        if (!isAll && !kept.includes(view)) continue;
        await page.goto(`${url}/admin${where(ids)}`);
        const { width } = options.viewport;
        const height = Math.min(most, await page.evaluate('document.documentElement.scrollHeight'));
        const clip = { x: 0, y: 0, width, height };
        await page.screenshot({ path: path.join(target, `${name}-${view}.png`), fullPage: true, clip });
      }
      await page.close();
    }
  } finally {
    await context.close();
  }
}

const executablePath = findChromium();
if (executablePath === null) {
  process.stderr.write(`${NO_CHROMIUM}\n`);
  process.exit(1);
}
prepare({ build: true });
const isAll = process.argv.includes('--all');
const [folderGiven] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const target = path.resolve(folderGiven ?? path.join(root, 'docs', 'screenshots'));
mkdirSync(target, { recursive: true });
const folder = mkdtempSync(path.join(tmpdir(), 'screenshots-'));
const { bridge, url } = await startBridge(folder);
try {
  const ids = await fill(url);
  addHistory(folder);
  await photograph(url, ids, target, path.join(folder, 'profile'));
} finally {
  bridge.kill();
  rmSync(folder, { recursive: true, force: true });
}

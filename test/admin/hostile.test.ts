/**
 * Text of others on the page: every attribute that an IdP can write, names in the workspace, errors
 * of ElevenLabs, labels, headers and addresses, each with a payload of its own. The page is parsed as
 * a browser would do it, and no payload may have become anything but text.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { escape, html, path } from '../../src/admin/html.js';
import type { Attribute } from '../../src/domain/schema.js';
import { GROUP } from '../../src/domain/group-schema.js';
import { USER } from '../../src/domain/user-schema.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startAdmin, type AdminBrowser } from './support.js';
import { ADMIN_PAGES } from '../support/admin-pages.js';

let made: string[] = [];

/** A new payload: closes what it may stand in, and then does what must never be done. */
function payload(name: string): string {
  const mark = `xss${String(made.length)}`;
  made.push(mark);
  return `${name}'"\`></td></script></textarea></title><script>${mark}</script><img src=x onerror=${mark}> javascript:${mark}`;
}

/** A value for every string attribute that a client may write. */
function fill(attributes: readonly Attribute[]): Record<string, unknown> {
  const filled: Record<string, unknown> = {};
  for (const attribute of attributes) {
    const { name, type, mutability, multiValued, closed, subAttributes } = attribute;
    if (mutability === 'readOnly' || closed || name === 'x509Certificates' || name === 'members') continue;
    let value: unknown;
    if (type === 'complex') value = fill(subAttributes);
    else if (type === 'string') value = payload(name);
    else continue;
    filled[name] = multiValued ? [value] : value;
  }
  return filled;
}

function hostileUser(): Record<string, unknown> {
  const [enterprise] = USER.extensions;
  const core = fill(USER.core.attributes);
  return {
    ...core,
    schemas: [USER.core.id, enterprise!.id],
    active: true,
    entitlements: [{ value: 'convai_agents:a1:viewer', type: payload('type'), display: payload('entitlement') }],
    emails: [{ value: 'victim@workspace.example', type: payload('type'), display: payload('display'), primary: true }],
    [enterprise!.id]: fill(enterprise!.attributes),
  };
}

/** Tags and attributes as the HTML parser of a browser sees them; raw text elements are not on the page. */
function parseTags(
  text: string,
): readonly { readonly name: string; readonly attributes: ReadonlyMap<string, string> }[] {
  const tags = [];
  for (const [, name = '', rest = ''] of text.matchAll(/<([a-zA-Z][^\s/>]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>/g)) {
    const attributes = new Map<string, string>();
    for (const [, key = '', a, b, c] of rest.matchAll(
      /([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g,
    ))
      attributes.set(key.toLowerCase(), a ?? b ?? c ?? '');
    tags.push({ name: name.toLowerCase(), attributes });
  }
  return tags;
}

const HARMLESS = new Set(
  'html head meta title link script body a header div span svg path form input button nav label ul li main h1 h2 h3 p section table caption thead tbody tr th td dl dt dd details summary ol time code pre select option textarea fieldset legend figure figcaption line rect g strong em del ins'.split(
    ' ',
  ),
);
const URL_ATTRIBUTES = ['href', 'action', 'src', 'formaction'];

function expectHarmless(where: string, text: string): void {
  for (const { name, attributes } of parseTags(text)) {
    expect([where, HARMLESS.has(name) ? '' : name]).toEqual([where, '']);
    for (const [key, value] of attributes) {
      expect([where, key]).toEqual([where, expect.not.stringMatching(/^on|^style$|^srcdoc$/)]);
      if (URL_ATTRIBUTES.includes(key))
        expect([where, value]).toEqual([where, expect.stringMatching(/^(\/admin|#main)/)]);
    }
    if (name === 'script') expect(attributes.get('src')).toBe('/admin/assets/live.js');
  }
  // Whatever the parser above may have missed.
  for (const mark of made) {
    expect([where, mark, text.includes(`<script>${mark}`)]).toEqual([where, mark, false]);
    expect([where, mark, text.includes(`onerror=${mark}>`)]).toEqual([where, mark, false]);
  }
}

/** As it is, or inside JSON. */
const shows = (read: string, name: string): boolean =>
  [`'"`, `'\\"`].some((quotes) => read.includes(`${name}${quotes}`));

describe('a directory and a workspace of hostile text', () => {
  let admin: AdminBrowser;
  let userId: string;
  let groupId: string;
  let requestId: string;

  beforeAll(async () => {
    made = [];
    const seed = minimalSeed();
    admin = await startAdmin({
      seed: { ...seed, seatLimits: { full: 50, basic: 50 } },
      env: { DEPROVISION_LIMIT: '1', PROVISION_WAIT_MS: '0', DRIFT: 'report' },
    });
    const { bridge } = admin;
    const { control, store } = bridge;
    control.createGroup(payload('workspaceGroup'));
    control.createGroup('Linkable');
    control.addMember({ email: 'named@workspace.example', firstName: payload('firstName') });
    await bridge.sync();
    const answer = await bridge.scim('POST', '/Users', hostileUser(), {
      'user-agent': 'okta <script>',
      'x-request-id': '<script>',
    });
    expect([answer.status, answer.body.detail]).toEqual([201, undefined]);
    userId = answer.body.id;
    requestId = answer.headers.get('x-request-id') ?? '';
    const group = fill(GROUP.core.attributes);
    groupId = (
      await bridge.scim('POST', '/Groups', { ...group, schemas: [GROUP.core.id], members: [{ value: userId }] })
    ).body.id;
    await bridge.createGroup('Linkable', [userId]);
    // Refused, held, ambiguous, drift: every kind of row with text in it.
    const body = { detail: { status: 'no', message: payload('upstream') } };
    control.addFault({
      method: 'POST',
      path: '/v1/workspace/invites/add',
      times: 1,
      fault: { kind: 'status', status: 400, body },
    });
    await bridge.createUser('refused', { displayName: payload('refused') });
    await bridge.idle();
    for (const name of ['one', 'two']) {
      const { body } = await bridge.createUser(name, { displayName: payload(name) });
      await bridge.idle();
      control.accept(`${name}@workspace.example`);
      await bridge.sync();
      await bridge.patchUser(body.id, { op: 'replace', path: 'active', value: false });
    }
    await bridge.idle();
    for (const kind of ['scim', 'admin', 'oauthClient'] as const)
      await store.addToken(
        {
          id: payload('id'),
          kind,
          label: payload('label'),
          scopes: [payload('scope')],
          clientId: payload('client'),
          hash: kind,
          expiresAt: bridge.clock.now() + 1000,
        },
        payload('actor'),
      );
    await store.audit({
      actor: payload('actor'),
      action: payload('action'),
      subject: payload('subject'),
      requestId: payload('request'),
      before: { [payload('key')]: payload('value') },
      after: [payload('item')],
    });
    await admin.signIn();
  });
  afterAll(() => admin.close());

  it('is shown as text on every page', async () => {
    const pages = [...ADMIN_PAGES, `/users/${userId}`, `/trace?id=${requestId}`, '/setup/okta'];
    for (const state of ['held', 'refused', 'ambiguous', 'planned']) pages.push(`/changes?state=${state}`);
    for (const where of pages) {
      const { html: text, status } = await admin.get(where);
      expect([where, status]).toEqual([where, 200]);
      expectHarmless(where, text);
    }
  });

  it('really was on those pages: each payload can be read somewhere', async () => {
    const pages = [
      '/users',
      `/users/${userId}`,
      '/groups',
      '/tokens',
      '/audit',
      '/changes?state=refused',
      '/changes?state=held',
    ];
    const read = (await Promise.all(pages.map((where) => admin.get(where)))).map(({ text }) => text).join(' ');
    for (const name of [
      'userName',
      'displayName',
      'givenName',
      'department',
      'workspaceGroup',
      'label',
      'client',
      'action',
      'key',
      'value',
      'refused',
    ])
      expect([name, shows(read, name)]).toEqual([name, true]);
    expect(shows((await admin.get(`/users/${userId}`)).text, 'costCenter')).toBe(true);
  });

  it('cannot come in by the address of a page either', async () => {
    const text = payload('query');
    const value = encodeURIComponent(text);
    const names = [
      'q',
      'status',
      'page',
      'state',
      'id',
      'actor',
      'action',
      'subject',
      'request',
      'since',
      'until',
      'before',
      'done',
      'n',
      'next',
    ];
    const query = names.map((name) => `${name}=${value}`).join('&');
    for (const where of ['', '/users', '/changes', '/trace', '/audit', '/login', '/tokens', '/setup']) {
      const { html: page, status } = await admin.get(`${where}?${query}`);
      expect([where, status]).toEqual([where, 200]);
      expectHarmless(where, page);
    }
    for (const where of [`/users/${value}`, `/setup/${value}`, `/${value}`])
      expectHarmless(where, (await admin.get(where)).html);
  });

  it('cannot come in by a form', async () => {
    const text = payload('form');
    for (const [where, fields] of [
      ['/tokens', { label: text, kind: text, expires: text }],
      [`/groups/${groupId}/link`, { groupId: text }],
      ['/changes/release', { id: text, all: text }],
      [`/users/${encodeURIComponent(text)}/release`, {}],
    ] as const)
      expectHarmless(where, (await admin.post(where, fields)).html);
    const { html: login } = await admin.signIn(text);
    expectHarmless('/login', login);
  });

  it('is no formula in a spreadsheet, and no more lines than rows', async () => {
    await admin.signIn();
    const { store } = admin.bridge;
    for (const action of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', 'a,"b"\r\nc'])
      await store.audit({ actor: 'csv', action, subject: null, requestId: null });
    const lines = await (await admin.raw('GET', '/admin/audit/export.csv?actor=csv')).text();
    expect(lines).toContain(`,"'=1+1"`);
    expect(lines).toContain(`,"'+1"`);
    // A number is no formula.
    expect(lines).toContain(`,-1,`);
    expect(lines).toContain(`,"'@SUM(A1)"`);
    expect(lines).toContain(`,"'\t=1"`);
    expect(lines).toContain(`,"a,""b""\r\nc"`);
  });

  it('leaves the page with headers under which no inline code would run', async () => {
    for (const where of [
      '/admin',
      '/admin/login',
      '/admin/nothing',
      '/admin/assets/live.js',
      '/admin/audit/export.csv',
    ]) {
      const { headers } = await admin.raw('GET', where);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("script-src 'self'");
      expect(policy).not.toMatch(/unsafe|nonce|\*/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
    }
  });
});

describe('the template tag', () => {
  it('escapes every value, in text and in attributes', () => {
    const nasty = `<b a="1" b='2'>&\`\u0000`;
    const page = html`<p title="${nasty}">${nasty}${[nasty, html`<i>${nasty}</i>`]}${null}${false}${0}</p>`.toString();
    const safe = escape(nasty);
    expect(page).toBe(`<p title="${safe}">${safe}${safe}<i>${safe}</i>0</p>`);
    for (const character of '<>"\'`\u0000') expect(safe).not.toContain(character);
  });

  it('takes nothing for markup that it has not made itself', () => {
    const forged = { toString: () => '<script>' } as never;
    expect(() => html`${forged}`.toString()).toThrow();
    expect(html`${'<script>'}`.toString()).toBe('&lt;script&gt;');
  });

  it('encodes each part of an address', () => {
    expect(path(['users', '../..//evil"?#'], { q: '&x=<', none: '', zero: 0 })).toBe(
      '/admin/users/..%2F..%2F%2Fevil%22%3F%23?q=%26x%3D%3C&zero=0',
    );
    expect(path(['\ud800'])).toBe('/admin/%EF%BF%BD');
  });
});

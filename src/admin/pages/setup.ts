/** The set-up pages: exactly what to paste where, and whether the identity provider has come through. */
import { strangersSince } from '../attention.js';
import type { PageContext, SeenRequest } from '../context.js';
import { html, path, type Html } from '../html.js';
import type { Page } from '../layout.js';
import { card, copyable, facts, live, notice, pill, table, tabs } from '../parts.js';
import { requestLink } from '../timeline.js';
import { ago, plural, type Tone } from '../words.js';

export type Provider = 'entra' | 'okta';

const NAMES: Readonly<Record<Provider, string>> = { entra: 'Microsoft Entra ID', okta: 'Okta' };

export async function setupPage(context: PageContext, provider: Provider): Promise<Page> {
  return {
    title: 'Set up',
    section: 'setup',
    lead: `Connect ${NAMES[provider]} with these values.`,
    main: [
      tabs(
        'Identity provider',
        (['entra', 'okta'] as const).map((one) => ({
          text: NAMES[one],
          href: path(['setup', one]),
          isCurrent: one === provider,
        })),
      ),
      reachability(context.publicUrl()),
      live('waiting', await waiting(context), true),
      provider === 'entra' ? entra(context) : okta(context),
      card('Last requests', live('seen', seenTable(context))),
    ],
  };
}

/** An IdP in the cloud cannot reach this machine under a name that only this machine knows. */
function reachability(url: string): Html | null {
  const { protocol, hostname } = new URL(url);
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  if (!isLocal && protocol === 'https:') return null;
  return notice(
    'warn',
    html`<p>
      <strong>${isLocal ? 'The cloud cannot reach this address.' : 'The address is not HTTPS.'}</strong> Identity
      providers want a public <code>https://</code> address with a certificate of a public authority. Set
      <code>PUBLIC_URL</code> to it, and restart the bridge. Until then the values below are good for tests on this
      machine.
    </p>`,
  );
}

async function waiting({ store, now, recentRequests }: PageContext): Promise<Html> {
  const used = (await store.listTokens()).filter(({ kind, lastUsedAt }) => kind !== 'admin' && lastUsedAt !== null);
  const last = used.reduce<(typeof used)[number] | null>(
    (best, token) => ((best?.lastUsedAt ?? 0) >= (token.lastUsedAt ?? 0) ? best : token),
    null,
  );
  const strangers = strangersSince(recentRequests());
  if (strangers > 0)
    return notice(
      'bad',
      html`<p>
        <strong>${plural(strangers, 'request')} arrived without a valid token.</strong> The address is right. Paste the
        token once more, whole and without quotes.
        ${last !== null && html`A valid one came last ${ago(last.lastUsedAt, now)}, with “${last.label}”.`}
      </p>`,
    );
  if (last !== null)
    return notice(
      'good',
      html`<p>
        <strong>Connected.</strong> The last request with a valid token came ${ago(last.lastUsedAt, now)}, with
        “${last.label}”.
      </p>`,
    );
  return notice(
    'calm',
    html`<p class="pulse">
      <strong>Waiting for the first request…</strong> This page notices it by itself. Press “Test connection” at the
      identity provider.
    </p>`,
  );
}

const tokenHint = html`the token of the bridge. <a href="${path(['tokens'])}">Create one</a>: it is shown once, and only
  its hash is kept`;

function entra({ publicUrl, scimPath }: PageContext): readonly Html[] {
  const scimUrl = publicUrl() + scimPath;
  return [
    card(
      '1. Create the application',
      html`<ol class="steps">
        <li>
          In the <strong>Microsoft Entra admin center</strong>: Entra ID → Enterprise apps → New application → Create
          your own application.
        </li>
        <li>Name it, choose <em>Integrate any other application you don’t find in the gallery</em>, and create it.</li>
        <li>Open Provisioning → New configuration (or: Provisioning mode <em>Automatic</em>).</li>
      </ol>`,
    ),
    card(
      '2. Admin credentials',
      html` ${facts([
          ['Authentication method', 'Bearer token'],
          ['Tenant URL', copyable(`${scimUrl}?aadOptscim062020`)],
          ['Secret token', tokenHint],
        ])}
        <p class="dim">
          The flag <code>aadOptscim062020</code> makes Entra send PATCH as the standard says. The bridge also
          understands it without.
        </p>
        <p>Press <strong>Test connection</strong>, then save.</p>
        <details id="oauth">
          <summary>With OAuth client credentials instead</summary>
          ${facts([
            ['Token endpoint', copyable(`${publicUrl()}/oauth/token`)],
            [
              'Client id and secret',
              html`<a href="${path(['tokens'])}">create an OAuth client</a>; both are shown once`,
            ],
            ['Tenant URL', copyable(`${scimUrl}?aadOptscim062020`)],
          ])}
        </details>`,
    ),
    card(
      '3. Mapping and scope',
      html`<ol class="steps">
        <li>
          Mappings → users: match by <code>userName</code>. Map <code>emails[type eq "work"].value</code> to
          <code>mail</code>, or to <code>userPrincipalName</code> where people receive mail there: the invite goes to
          this address.
        </li>
        <li>
          Map <code>active</code> to <code>Switch([IsSoftDeleted], , "False", "True", "True", "False")</code>, as Entra
          proposes.
        </li>
        <li>
          Groups: match by <code>displayName</code>. Create the groups of the same name at ElevenLabs: its API cannot.
        </li>
        <li>
          Assign a few users and groups, then <strong>Provision on demand</strong> one of them, and see it under
          <a href="${path(['users'])}">Users</a>.
        </li>
        <li>Start provisioning. Under Settings set <em>Prevent accidental deletion</em>, too.</li>
      </ol>`,
    ),
  ];
}

function okta({ publicUrl, scimPath }: PageContext): readonly Html[] {
  return [
    card(
      '1. Create the application',
      html`<ol class="steps">
        <li>
          Applications → Create App Integration → <em>SAML 2.0</em> or <em>SWA</em> (Okta offers SCIM for these), and
          finish it.
        </li>
        <li>
          General → App settings → Edit → Provisioning: <strong>SCIM</strong>. Save: the tab
          <em>Provisioning</em> appears.
        </li>
      </ol>`,
    ),
    card(
      '2. SCIM connection',
      html` ${facts([
          ['SCIM connector base URL', copyable(publicUrl() + scimPath)],
          ['Unique identifier field for users', copyable('userName')],
          [
            'Supported provisioning actions',
            'Import New Users and Profile Updates, Push New Users, Push Profile Updates, Push Groups',
          ],
          ['Authentication mode', 'HTTP Header'],
          ['Authorization (Bearer)', tokenHint],
        ])}
        <p>Press <strong>Test Connector Configuration</strong>, then save.</p>`,
    ),
    card(
      '3. To App, and groups',
      html`<ol class="steps">
        <li>
          Provisioning → To App → Edit: tick <strong>Create Users</strong>, <strong>Update User Attributes</strong> and
          <strong>Deactivate Users</strong>.
        </li>
        <li>Assign people by one group, and push others: Okta asks not to use one group for both.</li>
        <li>Push Groups → find groups by name. Create the groups of the same name at ElevenLabs: its API cannot.</li>
        <li>Okta deactivates and never deletes: who leaves is locked at ElevenLabs, and the seat is free.</li>
      </ol>`,
    ),
  ];
}

function seenTable({ recentRequests, now }: PageContext): Html {
  const rows = recentRequests().slice(0, 15);
  return table(
    'The last requests of identity providers',
    [{ name: 'Request' }, { name: 'Answer' }, { name: 'When' }, { name: 'From' }, { name: 'Token' }, { name: 'Trace' }],
    rows.map((request) => [
      html`<code>${request.method} ${request.template ?? 'unknown path'}</code>`,
      pill({ text: String(request.status), tone: toneOf(request) }),
      ago(request.at, now),
      request.idp === 'unknown' ? html`<span class="dim">unknown</span>` : request.idp,
      request.tokenLabel ?? html`<span class="dim">none</span>`,
      isTraced(request) ? requestLink(request.requestId) : html`<span class="dim">–</span>`,
    ]),
    'None since the bridge was started.',
  );
}

/** Reads leave no trace, and neither does who was not let in. */
function isTraced({ method, status, tokenLabel }: SeenRequest): boolean {
  return tokenLabel !== null && (method !== 'GET' || (status >= 400 && status !== 404));
}

function toneOf({ status }: SeenRequest): Tone {
  if (status < 400) return 'good';
  return status >= 500 || status === 401 ? 'bad' : 'warn';
}

export const asProvider = (text: string): Provider | null => (text === 'entra' || text === 'okta' ? text : null);

/** Tokens of identity providers and administrators: made, rotated, revoked. A secret is shown once. */
import { currentTokens } from '../../auth/current-tokens.js';
import { isValid } from '../../auth/doors.js';
import { isForMetrics, TOKEN_SCOPES } from '../../auth/token-scopes.js';
import type { Millis } from '../../domain/types.js';
import type { TokenRecord } from '../../store/port.js';
import type { PageContext } from '../context.js';
import { html, path, type Content, type Html } from '../html.js';
import type { Page } from '../layout.js';
import { actionForm, card, confirmed, copyable, facts, live, notice, pill, table } from '../parts.js';
import { ago, instantText, spanText, type Word } from '../words.js';

const DAY = 86_400_000;
const WARN_DAYS = 30;

export interface ShownSecret {
  readonly record: TokenRecord;
  readonly secret: string;
  /** After a rotation: how long the old one stays valid. */
  readonly oldUntil: Millis | null;
}

export async function tokensPage(
  context: PageContext,
  shown: ShownSecret | null = null,
  problem: string | null = null,
): Promise<Page> {
  const tokens = await context.store.listTokens();
  // Expired without a successor: somebody may wait for a new one, so it stays where it is seen.
  const current = new Set(currentTokens(tokens, context.now));
  const inUse = tokens.filter((token) => current.has(token) || isValid(token, context.now));
  const over = tokens.filter((token) => !inUse.includes(token));
  return {
    title: 'Tokens',
    section: 'tokens',
    lead: 'Only a hash of each is stored. Changes count at once, here and for every other process.',
    main: [
      problem !== null && notice('bad', html`<p>${problem}</p>`),
      shown !== null && shownSecret(shown, context.now),
      card(
        'In use',
        live(
          'tokens',
          table(
            'Tokens in use',
            COLUMNS,
            inUse.map((token) => row(token, context)),
            'No tokens.',
          ),
        ),
      ),
      card('New token', createForm(context)),
      over.length > 0 &&
        html`<details class="card" id="over">
          <summary>${over.length} revoked or replaced</summary>
          ${table(
            'Tokens that have ended',
            [{ name: 'Token' }, { name: 'Ended' }],
            over.map((token) => [
              html`${token.label}
                <span class="sub"
                  >${whose(token)}, ${token.revokedAt === null ? 'replaced by a successor' : 'revoked'}</span
                >`,
              ago(token.revokedAt ?? token.expiresAt, context.now),
            ]),
            '',
          )}
        </details>`,
    ],
  };
}

function shownSecret({ record, secret, oldUntil }: ShownSecret, now: Millis): Html {
  return notice(
    'good',
    html`<h2>Token “${record.label}”</h2>
      <p>
        Copy it now: it is not shown
        again.${oldUntil !== null && ` The old one stays valid ${oldUntil > now ? `for ${spanText(oldUntil - now)}, until ${instantText(oldUntil)}` : 'no longer'}.`}
      </p>
      ${
        record.clientId === null
          ? html`<p class="secret">${copyable(secret)}</p>`
          : facts([
              ['Client id', copyable(record.clientId)],
              ['Client secret', copyable(secret)],
            ])
      }`,
  );
}

const COLUMNS = [
  { name: 'Token' },
  { name: 'State' },
  { name: 'May' },
  { name: 'Last used' },
  { name: 'Expires' },
  { name: 'Actions', isHidden: true },
] as const;

const KINDS: Readonly<Record<TokenRecord['kind'], string>> = {
  scim: 'identity provider',
  admin: 'administrator',
  oauthClient: 'OAuth client secret',
  federated: 'federated client',
  access: 'access token',
};

const whose = (token: TokenRecord): string => (isForMetrics(token) ? 'monitor' : KINDS[token.kind]);

function row(token: TokenRecord, context: PageContext): readonly Content[] {
  const { id, label, clientId, lastUsedAt, expiresAt } = token;
  const { now, admin } = context;
  const isOwn = admin.tokenId === id;
  return [
    html`<span class="name">${label}</span
      ><span class="sub"
        >${whose(token)}${isOwn && ', you are signed in with it'}${clientId !== null && html`, client <span class="id">${clientId}</span>`}</span
      >`,
    pill(stateOf(token, now)),
    mayText(token),
    ago(lastUsedAt, now),
    expiresAt === null ? html`<span class="dim">never</span>` : ago(expiresAt, now),
    html`<div class="row-actions">
      ${token.kind !== 'federated' && confirmed(context, `rotate-${id}`, 'A successor of the same label is made and shown once.', { to: ['tokens', id, 'rotate'], label: 'Rotate', about: label, content: overlapChoice(id) })}
      ${confirmed(context, `revoke-${id}`, html`Whoever uses “${label}” is turned away at once.${isOwn && ' You are signed out.'}`, { to: ['tokens', id, 'revoke'], label: 'Revoke', about: label, kind: 'danger' })}
    </div>`,
  ];
}

function stateOf({ expiresAt }: TokenRecord, now: Millis): Word {
  if (expiresAt === null || expiresAt - now > WARN_DAYS * DAY) return { text: 'Valid', tone: 'good' };
  return expiresAt > now ? { text: 'Ends soon', tone: 'warn' } : { text: 'Expired', tone: 'bad' };
}

function mayText(token: TokenRecord): string {
  const { kind, scopes } = token;
  if (kind === 'admin') return isForMetrics(token) ? 'read metrics' : 'everything on this page';
  const narrowed = scopes.filter((scope) => scope !== 'read');
  return `${scopes.includes('read') ? 'read' : 'read and write'} ${narrowed.length === 0 ? 'users and groups' : narrowed.join(' and ')}`;
}

/** Hours for which the old token stays valid. */
export const OVERLAPS = { '24': 'one day', '168': 'one week', '1': 'one hour', '0': 'not at all' } as const;
/** Days until a token ends; empty = never. */
export const LIFETIMES = { '365': 'one year', '90': '90 days', '730': 'two years', '': 'until it is revoked' } as const;
export const NEW_KINDS = {
  scim: 'Identity provider (bearer token)',
  oauthClient: 'Identity provider (OAuth client)',
  admin: 'Administrator',
  metrics: 'Metrics only',
} as const;

function overlapChoice(id: string): Html {
  return html`<label for="${`overlap-${id}`}">The old one stays valid for</label>
    <select name="overlap" id="${`overlap-${id}`}">
      ${optionsOf(OVERLAPS, ['24', '168', '1', '0'])}
    </select>`;
}

function optionsOf(texts: Readonly<Record<string, string>>, order: readonly string[]): Content {
  return order.map((value) => html`<option value="${value}">${texts[value]}</option>`);
}

function createForm(context: PageContext): Html {
  return html`<div class="form">
      ${actionForm(context, {
        to: ['tokens'],
        label: 'Create token',
        kind: 'primary',
        fields: { nonce: context.uuid() },
        content: html`
          <div class="fields">
            <div>
              <label for="label">Label</label
              ><input
                id="label"
                name="label"
                required
                maxlength="60"
                placeholder="entra-production"
                autocomplete="off"
              />
            </div>
            <div>
              <label for="kind">For</label
              ><select id="kind" name="kind">
                ${optionsOf(NEW_KINDS, Object.keys(NEW_KINDS))}
              </select>
            </div>
            <div>
              <label for="expires">Valid for</label
              ><select id="expires" name="expires">
                ${optionsOf(LIFETIMES, ['365', '90', '730', ''])}
              </select>
            </div>
          </div>
          <fieldset>
            <legend>Limit an identity provider to (none: everything)</legend>
            ${TOKEN_SCOPES.map((scope) => html`<label class="check"><input type="checkbox" name="${`scope-${scope}`}" value="true" /> ${SCOPE_WORDS[scope]}</label>`)}
          </fieldset>
        `,
      })}
    </div>
    <p class="dim">Identity providers are set up on the <a href="${path(['setup'])}">set-up pages</a>.</p>`;
}

const SCOPE_WORDS = { users: 'users', groups: 'groups', read: 'reading' } as const;

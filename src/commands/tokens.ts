/** `token create|list|revoke|rotate`. Secrets are shown once, and only on stdout; the store has hashes. */
import { InvalidArgumentError, type Command } from 'commander';
import { currentTokens } from '../domain/current-tokens.js';
import { newToken } from '../domain/secret-token.js';
import { isForMetrics, METRICS_SCOPE, TOKEN_SCOPES } from '../domain/token-scopes.js';
import { EXIT } from '../errors.js';
import type { Store, TokenRecord } from '../store/port.js';
import { CommandError, type CommandContext } from './context.js';
import { act, spanOption, spanWithDefault, withJson, withYes, type Json, type Yes } from './define.js';
import { iso, span } from './output.js';

type Kind = 'scim' | 'admin' | 'metrics';

interface CreateOptions extends Json {
  readonly kind: Kind;
  readonly scope: readonly string[];
  readonly expires?: number;
}

interface RotateOptions extends Json {
  readonly overlap: number;
  readonly expires?: number;
}

const ACTOR = 'cli';

export function tokenCommands(program: Command, context: CommandContext): void {
  const token = program
    .command('token')
    .description('tokens of identity providers, administrators and monitors; changes count at once');
  withJson(token.command('create'))
    .description('make a token and show it once')
    .argument('<label>', 'a name for it, as the audit log will show it')
    .option(
      '--kind <kind>',
      'scim (for an IdP), admin (for the admin page) or metrics (for a monitor: /metrics alone)',
      kindOption,
      'scim',
    )
    .option('--scope <scope>', `limit it to ${TOKEN_SCOPES.join(', ')}; may be repeated`, scopeOption, [])
    .option('--expires <span>', 'valid for so long, such as 90d; without it, until it is revoked', spanOption)
    .action(act(context, (label: string, options: CreateOptions) => create(context, label, options)));
  withJson(token.command('list'))
    .description('list tokens, without their secrets')
    .option('--all', 'also those that were revoked or have expired')
    .action(act(context, (options: Json & { readonly all?: boolean }) => list(context, options)));
  withYes(token.command('revoke'))
    .description('revoke a token at once')
    .argument('<token>', 'label or id')
    .action(act(context, (text: string, options: Yes) => revoke(context, text, options)));
  withJson(token.command('rotate'))
    .description('make a successor; the old token stays valid for the overlap')
    .argument('<token>', 'label or id')
    .addOption(spanWithDefault('--overlap <span>', 'how long the old one stays valid', '24h'))
    .option(
      '--expires <span>',
      'the new one is valid for so long; without it, as long as the old one was meant to',
      spanOption,
    )
    .action(act(context, (text: string, options: RotateOptions) => rotate(context, text, options)));
}

function kindOption(text: string): Kind {
  if (text === 'scim' || text === 'admin' || text === 'metrics') return text;
  throw new InvalidArgumentError('It must be scim, admin or metrics.');
}

function scopeOption(text: string, before: readonly string[]): readonly string[] {
  if ((TOKEN_SCOPES as readonly string[]).includes(text)) return [...before, text];
  throw new InvalidArgumentError(`It must be one of ${TOKEN_SCOPES.join(', ')}.`);
}

async function create(context: CommandContext, label: string, options: CreateOptions): Promise<void> {
  const name = label.trim();
  if (!/^[\w .@:-]{1,60}$/u.test(name))
    throw new CommandError('A label is 1 to 60 letters, digits, spaces, and . @ : _ -', EXIT.usage);
  if (options.kind !== 'scim' && options.scope.length > 0)
    throw new CommandError('Scopes are for scim tokens.', EXIT.usage);
  const kind = options.kind === 'metrics' ? 'admin' : options.kind;
  const scopes = options.kind === 'metrics' ? [METRICS_SCOPE] : options.scope;
  await context.withStore(async ({ store }) => {
    const now = context.shell.clock.now();
    const twin = (await store.listTokens()).find((token) => token.label === name && isValid(token, now));
    if (twin !== undefined)
      throw new CommandError(`There is a valid token "${name}" already: take another label, or rotate that one.`);
    const { secret, hash } = newToken(kind);
    const record = await store.addToken(
      {
        id: context.shell.uuid(),
        kind,
        label: name,
        scopes,
        clientId: null,
        hash,
        expiresAt: options.expires === undefined ? null : now + options.expires,
      },
      ACTOR,
    );
    show(context, record, secret, options.json === true);
  });
}

function show({ output }: CommandContext, record: TokenRecord, secret: string, asJson: boolean): void {
  if (asJson) {
    output.json({ ...toJson(record), secret });
    return;
  }
  output.note(`Token "${record.label}" (${kindOf(record)}), valid ${until(record)}. It is shown only now:`);
  output.line(secret);
}

/** What it is for, in the words of `--kind`. */
const kindOf = (token: TokenRecord): string => (isForMetrics(token) ? METRICS_SCOPE : token.kind);

const until = ({ expiresAt }: TokenRecord): string =>
  expiresAt === null ? 'until it is revoked' : `until ${iso(expiresAt)}`;

function toJson({ createdAt, expiresAt, revokedAt, lastUsedAt, ...rest }: TokenRecord): object {
  return {
    ...rest,
    createdAt: iso(createdAt),
    expiresAt: iso(expiresAt),
    revokedAt: iso(revokedAt),
    lastUsedAt: iso(lastUsedAt),
  };
}

const isValid = ({ revokedAt, expiresAt }: TokenRecord, now: number): boolean =>
  revokedAt === null && (expiresAt === null || expiresAt > now);

async function list(context: CommandContext, options: Json & { readonly all?: boolean }): Promise<void> {
  await context.withStore(async ({ store }) => {
    const now = context.shell.clock.now();
    const tokens = (await store.listTokens()).filter((token) => options.all === true || isValid(token, now));
    if (options.json === true) {
      context.output.json(tokens.map((token) => ({ ...toJson(token), state: stateOf(token, now) })));
      return;
    }
    context.output.table(
      ['Label', 'Kind', 'Scopes', 'State', 'Created', 'Expires', 'Last used', 'Id'],
      tokens.map((token) => [
        token.label,
        kindOf(token),
        token.scopes.length === 0 ? 'all' : token.scopes.join(', '),
        stateOf(token, now),
        iso(token.createdAt),
        iso(token.expiresAt) ?? 'never',
        iso(token.lastUsedAt) ?? 'never',
        token.id,
      ]),
      'There are no tokens.',
    );
  });
}

function stateOf(token: TokenRecord, now: number): string {
  if (token.revokedAt !== null) return 'revoked';
  return isValid(token, now) ? 'valid' : 'expired';
}

/** The token of this id, else that of this label; after a rotation the successor. Expired ones come last. */
async function find(store: Store, text: string, now: number): Promise<TokenRecord> {
  const tokens = (await store.listTokens()).filter(({ revokedAt }) => revokedAt === null);
  const byId = tokens.find(({ id }) => id === text);
  if (byId !== undefined) return byId;
  const named = tokens.filter(({ label }) => label === text);
  const valid = named.filter((token) => isValid(token, now));
  const candidates = currentTokens(valid.length > 0 ? valid : named, now);
  const [first, second] = candidates;
  if (first === undefined) throw new CommandError(`There is no token "${text}". See \`token list --all\`.`);
  if (second === undefined) return first;
  const ids = candidates.map((token) => `  ${token.id}  (${kindOf(token)})`);
  throw new CommandError([`Several tokens are called "${text}"; say the id:`, ...ids].join('\n'));
}

async function revoke(context: CommandContext, text: string, options: Yes): Promise<void> {
  await context.withStore(async ({ store }) => {
    const now = context.shell.clock.now();
    const token = await find(store, text, now);
    const others = (await store.listTokens()).filter(
      (other) => kindOf(other) === kindOf(token) && other.id !== token.id && isValid(other, now),
    );
    const last = others.length > 0 ? '' : ` It is the last valid ${kindOf(token)} token.`;
    const effect = isValid(token, now)
      ? `Whoever uses it is turned away at once.${last}`
      : 'It has expired already: nothing changes but that it is not named any more.';
    await context.confirm(`Revoke the token "${token.label}" of ${iso(token.createdAt)}? ${effect}`, options);
    await store.revokeToken(token.id, ACTOR);
    context.output.line(`The token "${token.label}" is revoked.`);
  });
}

async function rotate(context: CommandContext, text: string, options: RotateOptions): Promise<void> {
  await context.withStore(async ({ store }) => {
    const now = context.shell.clock.now();
    const old = await find(store, text, now);
    if (old.kind === 'oauthClient')
      throw new CommandError('This is the secret of an OAuth client: use `oauth-client rotate`.');
    const { secret, hash } = newToken(old.kind);
    const { kind, label, scopes, clientId } = old;
    const life = options.expires ?? (old.expiresAt === null ? null : old.expiresAt - old.createdAt);
    const expiresAt = life === null ? null : now + life;
    const record = await store.addToken(
      { id: context.shell.uuid(), kind, label, scopes, clientId, hash, expiresAt },
      ACTOR,
    );
    const end = Math.min(now + options.overlap, old.expiresAt ?? Number.MAX_SAFE_INTEGER);
    if (isValid(old, now)) await store.expireToken(old.id, end, ACTOR);
    context.output.note(
      isValid(old, now)
        ? `The old token stays valid for ${span(end - now)}, until ${iso(end)}: put the new one in its place before.`
        : 'The old token has expired already: put the new one in its place.',
    );
    show(context, record, secret, options.json === true);
  });
}

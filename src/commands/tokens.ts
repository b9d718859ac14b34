/** `token create|list|revoke|rotate`. Secrets are shown once, and only on stdout; the store has hashes. */
import { InvalidArgumentError, type Command } from 'commander';
import { isValid } from '../auth/doors.js';
import { checkLabel, createToken, findTokens, rotateToken } from '../auth/tokens.js';
import { isForMetrics, METRICS_SCOPE, TOKEN_SCOPES } from '../auth/token-scopes.js';
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
  const name = checkLabel(label);
  if (options.kind !== 'scim' && options.scope.length > 0)
    throw new CommandError('Scopes are for scim tokens.', EXIT.usage);
  const kind = options.kind === 'metrics' ? 'admin' : options.kind;
  const scopes = options.kind === 'metrics' ? [METRICS_SCOPE] : options.scope;
  await context.withStore(async ({ store }) => {
    const now = context.shell.clock.now();
    const expiresAt = options.expires === undefined ? null : now + options.expires;
    const made = await createToken(store, { kind, label: name, scopes, expiresAt }, { now, actor: ACTOR });
    show(context, made.record, made.secret, options.json === true);
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

async function find(store: Store, text: string, now: number): Promise<TokenRecord> {
  const candidates = await findTokens(store, text, now);
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
    const { record, secret, oldUntil } = await rotateToken(
      store,
      old,
      {
        now,
        overlapMs: options.overlap,
        ...(options.expires !== undefined && { expiresAt: now + options.expires }),
      },
      ACTOR,
    );
    context.output.note(
      oldUntil === null
        ? 'The old token has expired already: put the new one in its place.'
        : `The old token stays valid for ${span(oldUntil - now)}, until ${iso(oldUntil)}: put the new one in its place before.`,
    );
    show(context, record, secret, options.json === true);
  });
}

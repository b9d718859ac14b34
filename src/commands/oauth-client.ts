/** `oauth-client create|list|rotate|revoke`. Secrets are shown once, and only on stdout; the store has hashes. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { TOKEN_SCOPES } from '../auth/token-scopes.js';
import { EXIT } from '../errors.js';
import {
  createClient,
  listClients,
  revokeClient,
  rotateClient,
  trustClient,
  type NewSecret,
  type OAuthClient,
} from '../auth/clients.js';
import { isValid } from '../auth/doors.js';
import { publicUrlFor } from '../config.js';
import type { Store } from '../store/port.js';
import { CommandError, type CommandContext } from './context.js';
import { act, spanWithDefault, withJson, withYes, type Json, type Yes } from './define.js';
import { count, iso } from './output.js';

const ACTOR = 'cli';

interface CreateOptions extends Json {
  readonly scope: readonly string[];
  readonly expires: number;
}

interface TrustOptions extends Json {
  readonly issuer: string;
  readonly jwks: string;
  readonly subject: string;
  readonly audience: string;
  readonly scope: readonly string[];
}

interface RotateOptions extends Json {
  readonly overlap: number;
  readonly expires: number;
}

export function oauthClientCommands(program: Command, context: CommandContext): void {
  const client = program
    .command('oauth-client')
    .description('OAuth 2.0 clients (client credentials) of identity providers; changes count at once');
  withJson(client.command('create'))
    .description('make a client, and show its id and secret once')
    .argument('<label>', 'a name for it, as the audit log will show it')
    .option('--scope <scope>', `limit it to ${TOKEN_SCOPES.join(', ')}; may be repeated`, scopeOption, [])
    .addOption(spanWithDefault('--expires <span>', 'the secret is valid for so long', '365d'))
    .action(act(context, (label: string, options: CreateOptions) => create(context, label, options)));
  withJson(client.command('trust'))
    .description('trust what an identity provider signs (workload identity federation, private_key_jwt): no secret')
    .argument('<label>', 'a name for it, as the audit log will show it')
    .requiredOption('--issuer <text>', 'iss of its assertions')
    .requiredOption('--jwks <url>', 'where the keys of the issuer are, https://')
    .requiredOption('--subject <text>', 'sub of its assertions')
    .requiredOption('--audience <text>', 'aud of its assertions')
    .option('--scope <scope>', `limit it to ${TOKEN_SCOPES.join(', ')}; may be repeated`, scopeOption, [])
    .action(act(context, (label: string, options: TrustOptions) => trust(context, label, options)));
  withJson(client.command('list'))
    .description('list clients and their secrets, without showing one')
    .action(act(context, (options: Json) => list(context, options)));
  withJson(client.command('rotate'))
    .description('make a further secret; the old ones stay valid for the overlap')
    .argument('<client>', 'label or client id')
    .addOption(spanWithDefault('--overlap <span>', 'how long the old ones stay valid', '7d'))
    .addOption(spanWithDefault('--expires <span>', 'the new one is valid for so long', '365d'))
    .action(act(context, (text: string, options: RotateOptions) => rotate(context, text, options)));
  withYes(client.command('revoke'))
    .description('end a client, its secrets and its access tokens at once')
    .argument('<client>', 'label or client id')
    .action(act(context, (text: string, options: Yes) => revoke(context, text, options)));
}

function scopeOption(text: string, before: readonly string[]): readonly string[] {
  if ((TOKEN_SCOPES as readonly string[]).includes(text)) return [...before, text];
  throw new InvalidArgumentError(`It must be one of ${TOKEN_SCOPES.join(', ')}.`);
}

async function create(context: CommandContext, label: string, options: CreateOptions): Promise<void> {
  const name = label.trim();
  if (!/^[\w .@:-]{1,60}$/u.test(name))
    throw new CommandError('A label is 1 to 60 letters, digits, spaces, and . @ : _ -', EXIT.usage);
  await context.withStore(async ({ store }) => {
    const now = context.shell.clock.now();
    if ((await usableClients(store, now)).some((known) => known.label === name))
      throw new CommandError(`There is a client "${name}" already: take another label, or rotate that one.`);
    show(
      context,
      await createClient(store, { label: name, scopes: options.scope, expiresAt: now + options.expires }, ACTOR),
      options,
    );
  });
}

async function trust(context: CommandContext, label: string, options: TrustOptions): Promise<void> {
  const { issuer, jwks: jwksUri, subject, audience, scope: scopes } = options;
  await context.withStore(async ({ store }) => {
    const by = { now: context.shell.clock.now(), actor: ACTOR };
    const record = await trustClient(store, { label, scopes, trust: { issuer, jwksUri, subject, audience } }, by);
    const config = context.config();
    const tokenUrl = `${publicUrlFor(config, config.port)}/oauth/token`;
    if (options.json === true) {
      context.output.json({ id: record.id, clientId: record.clientId, tokenUrl, scopes, trust: record.trust });
      return;
    }
    context.output.note(`"${record.label}" is trusted. To end that: token revoke ${record.label}`);
    context.output.line(`Token endpoint  ${tokenUrl}`);
    context.output.line(`Client id       ${record.clientId ?? ''}`);
  });
}

function show(context: CommandContext, { client, secret }: NewSecret, { json }: Json): void {
  const { output } = context;
  const config = context.config();
  const tokenUrl = `${publicUrlFor(config, config.port)}/oauth/token`;
  const expiresAt = iso(client.secrets.at(-1)?.expiresAt ?? null);
  if (json === true) {
    output.json({ clientId: client.clientId, clientSecret: secret, tokenUrl, scopes: client.scopes, expiresAt });
    return;
  }
  output.note(
    `OAuth client "${client.label}". The secret is valid until ${expiresAt ?? 'it is revoked'} and shown only now.`,
  );
  output.line(`Token endpoint  ${tokenUrl}`);
  output.line(`Client id       ${client.clientId}`);
  output.line(`Client secret   ${secret}`);
}

async function list(context: CommandContext, { json }: Json): Promise<void> {
  await context.withStore(async ({ store }) => {
    const now = context.shell.clock.now();
    const rows = (await listClients(store)).flatMap((client) =>
      client.secrets.map((secret) => ({
        clientId: client.clientId,
        label: client.label,
        scopes: client.scopes,
        secretId: secret.id,
        state: secret.revokedAt !== null ? 'revoked' : isValid(secret, now) ? 'valid' : 'expired',
        createdAt: iso(secret.createdAt),
        expiresAt: iso(secret.expiresAt),
        lastUsedAt: iso(secret.lastUsedAt),
      })),
    );
    if (json === true) {
      context.output.json(rows);
      return;
    }
    context.output.table(
      ['Label', 'Client id', 'Scopes', 'Secret', 'Created', 'Expires', 'Last used'],
      rows.map((row) => [
        row.label,
        row.clientId,
        row.scopes.length === 0 ? 'all' : row.scopes.join(', '),
        row.state,
        row.createdAt,
        row.expiresAt ?? 'never',
        row.lastUsedAt ?? 'never',
      ]),
      'There are no OAuth clients.',
    );
  });
}

async function rotate(context: CommandContext, text: string, options: RotateOptions): Promise<void> {
  await context.withStore(async ({ store }) => {
    const now = context.shell.clock.now();
    const client = await find(store, text, now);
    const times = { now, oldUntil: now + options.overlap, expiresAt: now + options.expires };
    const made = await rotateClient(store, client, times, ACTOR);
    context.output.note(
      `The old secrets stay valid until ${iso(times.oldUntil)} at most: give the new one to the IdP before.`,
    );
    show(context, made, options);
  });
}

async function revoke(context: CommandContext, text: string, options: Yes): Promise<void> {
  await context.withStore(async ({ store }) => {
    const client = await find(store, text, context.shell.clock.now());
    await context.confirm(`Revoke the client "${client.label}"? Whoever uses it is turned away at once.`, options);
    const revoked = await revokeClient(store, client, ACTOR);
    context.output.line(`The client "${client.label}" is revoked (${count(revoked, 'secret')}).`);
  });
}

async function usableClients(store: Store, now: number): Promise<readonly OAuthClient[]> {
  return (await listClients(store)).filter(({ secrets }) => secrets.some((secret) => isValid(secret, now)));
}

/** By id among all that are not revoked, by label among those that can be used. */
async function find(store: Store, text: string, now: number): Promise<OAuthClient> {
  const all = await listClients(store);
  const byId = all.find(({ clientId }) => clientId === text);
  if (byId !== undefined) return byId;
  const named = (await usableClients(store, now)).filter(({ label }) => label === text);
  const [first, second] = named;
  if (first === undefined) throw new CommandError(`There is no OAuth client "${text}". See \`oauth-client list\`.`);
  if (second === undefined) return first;
  const ids = named.map(({ clientId }) => `  ${clientId}`);
  throw new CommandError([`Several clients are called "${text}"; say the id:`, ...ids].join('\n'));
}

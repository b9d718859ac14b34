/**
 * The configuration: read from the environment once, at start. The only reader of `process.env`.
 *
 * - Everything that is wrong is reported at once, in words that name the variable, its value
 *   (never that of a secret) and what is allowed.
 * - Every variable can also be given as NAME_FILE, the path of a file that holds the value.
 * - An empty value is no value: compose files and CI systems set variables to "".
 */
import { readFileSync } from 'node:fs';
import { describeRisks } from './config-risks.js';
import { describeUnknown } from './config-typos.js';
import { REGION_URLS, VARIABLE_NAMES, VARIABLES } from './config-variables.js';
import type { LogLevel, PeopleLimit, TrustProxy, Values, Variable, VariableName } from './config-variables.js';
import type { SeatLimits } from './domain/rules.js';
import type { SeatType } from './domain/types.js';

/** The configuration as plain data. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Null: derived from the address that the server listens on, see `publicUrlFor`. */
  readonly publicUrl: string | null;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  readonly trustProxy: TrustProxy;
  /** Addresses and networks; null = everybody. */
  readonly allowedIps: readonly string[] | null;
  /** The admin page on a port of its own; null = beside SCIM. */
  readonly adminListener: { readonly host: string; readonly port: number } | null;
  readonly scimToken: string | null;
  readonly adminToken: string | null;
  readonly oauthTokenMinutes: number;
  readonly upstream:
    { readonly kind: 'sandbox' } | { readonly kind: 'elevenlabs'; readonly apiKey: string; readonly baseUrl: string };
  readonly upstreamTimeoutMs: number;
  readonly upstreamConcurrency: number;
  readonly databasePath: string;
  readonly provisionWaitMs: number;
  readonly syncIntervalSeconds: number;
  readonly pendingPollSeconds: number;
  readonly importExisting: boolean;
  readonly requireEmail: boolean;
  readonly defaultSeat: SeatType;
  readonly allowDowngrade: boolean;
  readonly seatLimits: SeatLimits;
  readonly mappingFile: string | null;
  readonly drift: 'enforce' | 'report';
  readonly emailChange: 'keep' | 'handover' | 'reject';
  readonly dryRun: boolean;
  readonly deprovisionLimit: PeopleLimit;
  readonly inviteLimit: PeopleLimit;
  readonly inviteTtlDays: number;
  readonly retentionDays: number;
  /** Signs the audit log; null: its rows are only chained. */
  readonly auditKey: string | null;
  readonly alertWebhook: { readonly url: string; readonly allowPrivate: boolean } | null;
  readonly logLevel: LogLevel;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** `warnings` never stop the start. */
export type LoadedConfig = { readonly warnings: readonly string[] } & (
  { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly problems: readonly string[] }
);

/** Reads and checks the whole configuration. `readFile` rejects unreadable files by throwing. */
export function loadConfig(
  env: Environment = process.env,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): LoadedConfig {
  const problems: string[] = [];
  const values = readValues(env, readFile, problems);
  checkTogether(values, readFile, problems);
  const unknown = describeUnknown(env);
  if (problems.length > 0) return { ok: false, problems, warnings: unknown };
  const config = assemble(values);
  return { ok: true, config, warnings: [...unknown, ...describeRisks(config, values)] };
}

/** A file with a secret, and the variable that names it. */
export interface SecretFile {
  readonly name: string;
  readonly file: string;
}

/** The files with secrets that the environment names. */
export function secretFiles(env: Environment = process.env): readonly SecretFile[] {
  const secrets = VARIABLE_NAMES.filter((name) => VARIABLES[name].secret).map((name) => `${name}_FILE`);
  return [...secrets, 'TLS_KEY_FILE'].flatMap((name) => {
    const file = env[name]?.trim() ?? '';
    return file === '' ? [] : [{ name, file }];
  });
}

/** What a terminal may be shown: no colour with NO_COLOR (no-color.org); stacks of bugs only on request. */
export function terminalWishes(env: Environment = process.env): { readonly colour: boolean; readonly stacks: boolean } {
  const colour = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return { colour, stacks: env['LOG_LEVEL']?.trim().toLowerCase() === 'debug' };
}

/** The base URL of the bridge for a server that listens on `port`. No trailing slash. */
export function publicUrlFor(config: Config, port: number): string {
  if (config.publicUrl !== null) return config.publicUrl;
  const everywhere = config.host === '0.0.0.0' || config.host === '::';
  const host = everywhere ? 'localhost' : config.host.includes(':') ? `[${config.host}]` : config.host;
  return `${config.tls === null ? 'http' : 'https'}://${host}:${port}`;
}

/** Parses every variable; what cannot be parsed is reported and counts as unset. */
function readValues(env: Environment, readFile: (path: string) => string, problems: string[]): Values {
  const parsed = VARIABLE_NAMES.map((name) => {
    const variable: Variable<unknown> = VARIABLES[name];
    const text = readText(name, variable, env, readFile, problems) ?? variable.fallback;
    if (text === null) return [name, null] as const;
    const result = variable.schema.safeParse(text);
    if (result.success) return [name, result.data] as const;
    const what = variable.secret ? `${name} is not usable` : `${name} is ${JSON.stringify(text)}`;
    problems.push(`${what}: it must be ${variable.allowed}.`);
    // The rest is still checked, with the default in its place.
    return [name, variable.fallback === null ? null : variable.schema.parse(variable.fallback)] as const;
  });
  return Object.fromEntries(parsed) as unknown as Values;
}

/** The text given for a variable, directly or by file. */
function readText(
  name: VariableName,
  variable: Variable<unknown>,
  env: Environment,
  readFile: (path: string) => string,
  problems: string[],
): string | null {
  const direct = env[name]?.trim() ?? '';
  const path = variable.path ? '' : (env[`${name}_FILE`]?.trim() ?? '');
  if (path === '') return direct === '' ? null : direct;
  if (direct !== '') {
    problems.push(`${name} and ${name}_FILE are both set: set only one of them.`);
    return direct;
  }
  try {
    const content = readFile(path).trim();
    if (content !== '') return content;
    problems.push(`${name}_FILE is ${JSON.stringify(path)}: that file is empty.`);
  } catch (error) {
    problems.push(`${name}_FILE is ${JSON.stringify(path)}: that file cannot be read (${reason(error)}).`);
  }
  return null;
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  switch (code) {
    case 'ENOENT':
      return 'it does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return code ?? 'unknown reason';
  }
}

/** Rules that concern several variables, or the files that they name. */
function checkTogether(values: Values, readFile: (path: string) => string, problems: string[]): void {
  const rule = (broken: boolean, problem: string): void => {
    if (broken) problems.push(problem);
  };
  const key = values.ELEVENLABS_API_KEY !== null;
  rule(
    values.SANDBOX === true && key,
    'SANDBOX is true and ELEVENLABS_API_KEY is set: unset one of them, the sandbox needs no key.',
  );
  rule(
    values.SANDBOX === false && !key,
    'ELEVENLABS_API_KEY is not set: set it, or set SANDBOX=true to try the bridge without ElevenLabs.',
  );
  rule(
    values.ELEVENLABS_BASE_URL !== null && values.ELEVENLABS_REGION !== null,
    'ELEVENLABS_BASE_URL and ELEVENLABS_REGION are both set: set only one of them.',
  );
  rule(
    (values.TLS_CERT_FILE === null) !== (values.TLS_KEY_FILE === null),
    'TLS_CERT_FILE and TLS_KEY_FILE belong together: set both or none.',
  );
  rule(
    values.SCIM_TOKEN !== null && values.SCIM_TOKEN === values.ADMIN_TOKEN,
    'SCIM_TOKEN and ADMIN_TOKEN are the same: the IdP must not hold the token of the admin page.',
  );
  rule(values.ADMIN_HOST !== null && values.ADMIN_PORT === null, 'ADMIN_HOST is set without ADMIN_PORT.');
  rule(
    values.ADMIN_PORT !== null && values.ADMIN_PORT !== 0 && values.ADMIN_PORT === values.PORT,
    `ADMIN_PORT is ${values.ADMIN_PORT}, the same as PORT: leave it unset to serve both on one port.`,
  );
  rule(
    values.PUBLIC_URL !== null && /\/scim(\/v2)?$/i.test(values.PUBLIC_URL),
    `PUBLIC_URL is ${JSON.stringify(values.PUBLIC_URL)}: leave out /scim/v2, the bridge adds it.`,
  );
  rule(
    values.ALERT_WEBHOOK_URL?.startsWith('http:') === true && !values.ALERT_WEBHOOK_ALLOW_PRIVATE,
    'ALERT_WEBHOOK_URL must start with https://, unless ALERT_WEBHOOK_ALLOW_PRIVATE is true.',
  );
  for (const name of ['MAPPING_FILE', 'TLS_CERT_FILE', 'TLS_KEY_FILE'] as const) {
    const path = values[name];
    if (path !== null) checkReadable(name, path, readFile, problems);
  }
}

function checkReadable(name: string, path: string, readFile: (path: string) => string, problems: string[]): void {
  try {
    readFile(path);
  } catch (error) {
    problems.push(`${name} is ${JSON.stringify(path)}: that file cannot be read (${reason(error)}).`);
  }
}

function assemble(values: Values): Config {
  const apiKey = values.ELEVENLABS_API_KEY;
  const certFile = values.TLS_CERT_FILE;
  const keyFile = values.TLS_KEY_FILE;
  return {
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL,
    tls: certFile === null || keyFile === null ? null : { certFile, keyFile },
    trustProxy: values.TRUST_PROXY,
    allowedIps: values.ALLOWED_IPS,
    adminListener:
      values.ADMIN_PORT === null ? null : { host: values.ADMIN_HOST ?? values.HOST, port: values.ADMIN_PORT },
    scimToken: values.SCIM_TOKEN,
    adminToken: values.ADMIN_TOKEN,
    oauthTokenMinutes: values.OAUTH_TOKEN_MINUTES,
    upstream:
      apiKey === null
        ? { kind: 'sandbox' }
        : {
            kind: 'elevenlabs',
            apiKey,
            baseUrl: values.ELEVENLABS_BASE_URL ?? REGION_URLS[values.ELEVENLABS_REGION ?? 'global'],
          },
    upstreamTimeoutMs: values.ELEVENLABS_TIMEOUT_MS,
    upstreamConcurrency: values.ELEVENLABS_MAX_CONCURRENCY,
    databasePath: values.DATABASE_PATH ?? (apiKey === null ? './data/sandbox.db' : './data/bridge.db'),
    provisionWaitMs: values.PROVISION_WAIT_MS,
    syncIntervalSeconds: values.SYNC_INTERVAL_SECONDS,
    pendingPollSeconds: values.PENDING_POLL_SECONDS,
    importExisting: values.IMPORT_EXISTING,
    requireEmail: values.REQUIRE_EMAIL,
    defaultSeat: values.DEFAULT_SEAT_TYPE,
    allowDowngrade: values.ALLOW_BASIC_DOWNGRADE,
    seatLimits: values.SEAT_LIMITS ?? { full: null, basic: null },
    mappingFile: values.MAPPING_FILE,
    drift: values.DRIFT,
    emailChange: values.EMAIL_CHANGE,
    dryRun: values.DRY_RUN,
    deprovisionLimit: values.DEPROVISION_LIMIT,
    inviteLimit: values.INVITE_LIMIT,
    inviteTtlDays: values.INVITE_TTL_DAYS,
    retentionDays: values.RETENTION_DAYS,
    auditKey: values.AUDIT_KEY,
    alertWebhook:
      values.ALERT_WEBHOOK_URL === null
        ? null
        : { url: values.ALERT_WEBHOOK_URL, allowPrivate: values.ALERT_WEBHOOK_ALLOW_PRIVATE },
    logLevel: values.LOG_LEVEL,
  };
}

/**
 * Every environment variable of the bridge as one table: parser, default, description. The
 * documentation (docs/configuration.md) and the start-up check are made from it.
 *
 * A parser turns the text of a variable into its value; what it does not understand is reported
 * with `allowed`, in plain words.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { isStrongSecret, MAKE_SECRET, STRONG_SECRET } from './auth/secret-strength.js';
import { SEAT_TYPES } from './domain/types.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** ELEVENLABS_REGION -> base URL. Each region is a separate world with its own keys and workspaces. */
export const REGION_URLS = {
  global: 'https://api.elevenlabs.io',
  us: 'https://api.us.elevenlabs.io',
  eu: 'https://api.eu.residency.elevenlabs.io',
  in: 'https://api.in.residency.elevenlabs.io',
  sg: 'https://api.sg.residency.elevenlabs.io',
} as const;
type Region = keyof typeof REGION_URLS;

/** A number of people in 60 minutes: the larger of `count` and `percent` of those managed. */
export interface PeopleLimit {
  readonly count: number | null;
  readonly percent: number | null;
}

/** Who may be believed about the client's address: a number of proxies, or their addresses. */
export type TrustProxy = number | readonly string[];

/** One variable. `T` is the type of its parsed value. */
export interface Variable<T> {
  readonly schema: z.ZodType<T>;
  /** What is allowed, to go after "must be". */
  readonly allowed: string;
  readonly description: string;
  /** Parsed like a value that was set. Null: no value, see `fallbackNote`. */
  readonly fallback: string | null;
  /** What happens where it is unset and has no fixed default. */
  readonly fallbackNote: string | null;
  /** Its value is never shown. */
  readonly secret: boolean;
  /** It names a file itself, so there is no NAME_FILE for it. */
  readonly path: boolean;
}

interface Parser<T> {
  readonly schema: z.ZodType<T>;
  readonly allowed: string;
}

/** A variable with a fixed default. */
function fixed<T>(parser: Parser<T>, fallback: string, description: string) {
  return { ...parser, description, fallback, fallbackNote: null, secret: false, path: false } satisfies Variable<T>;
}

/** A variable that may have no value; `fallbackNote` says what happens then. */
function optional<T>(
  parser: Parser<T>,
  fallbackNote: string,
  description: string,
  traits: { readonly secret?: boolean; readonly path?: boolean } = {},
) {
  const { secret = false, path = false } = traits;
  return { ...parser, description, fallback: null, fallbackNote, secret, path } satisfies Variable<T>;
}

/** A parser from a function that answers undefined for what it does not understand. */
function parser<T>(allowed: string, parse: (text: string) => T | undefined): Parser<T> {
  const schema = z.string().transform((text, context): T => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: allowed });
    return z.NEVER;
  });
  return { schema, allowed };
}

const wholeNumber = (text: string, min: number, max: number): number | undefined => {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
};

const integer = (min: number, max: number) =>
  parser(`a whole number from ${min} to ${max}`, (text) => wholeNumber(text, min, max));

const TRUE = new Set(['true', '1', 'yes', 'on']);
const FALSE = new Set(['false', '0', 'no', 'off']);
const boolean = () =>
  parser('true or false', (text) => {
    const word = text.toLowerCase();
    if (TRUE.has(word)) return true;
    return FALSE.has(word) ? false : undefined;
  });

const oneOf = <const T extends readonly string[]>(values: T) =>
  parser(`one of ${values.join(', ')}`, (text): T[number] | undefined =>
    values.find((value) => value === text.toLowerCase()),
  );

const text = (allowed: string) => parser(allowed, (value) => value);

/** RFC 6750: a bearer token is visible ASCII; anything else cannot arrive as it was written. */
const token = () =>
  parser('printable ASCII without spaces', (value) => (/^[\x21-\x7e]{1,512}$/.test(value) ? value : undefined));

/** One that the bridge accepts as a secret; `syntax`: what can arrive as it was written. */
const strongToken = (syntax: RegExp, allowed: string) =>
  parser(`${allowed}, ${STRONG_SECRET} (make one: ${MAKE_SECRET})`, (value) =>
    syntax.test(value) && isStrongSecret(value) ? value : undefined,
  );

const host = () =>
  parser('an IP address or a host name', (value) =>
    isIP(value) !== 0 || /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value) ? value : undefined,
  );

/** An http(s) URL without query, fragment and credentials, given back without trailing slash. */
const baseUrl = () =>
  parser('a URL such as https://scim.example.com, without query or credentials', (value) => {
    const url = URL.canParse(value) ? new URL(value) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
    if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') return undefined;
    return url.href.replace(/\/+$/, '');
  });

const webUrl = () =>
  parser('a URL that starts with https:// or http://', (value) =>
    URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) ? value : undefined,
  );

function isNetwork(entry: string): boolean {
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || wholeNumber(prefix, 0, family === 4 ? 32 : 128) !== undefined;
}

const list = (value: string): string[] => value.split(/[\s,]+/).filter((entry) => entry !== '');

const networks = () =>
  parser('IP addresses or networks such as 203.0.113.0/24, separated by commas', (value) => {
    const entries = list(value);
    return entries.length > 0 && entries.every(isNetwork) ? entries : undefined;
  });

/** The names that express knows for ranges of private addresses. */
const RANGE_NAMES = ['loopback', 'linklocal', 'uniquelocal'];
const trustProxy = () =>
  parser(
    'false, the number of proxies in front of the bridge (1 to 10), or their addresses (IP addresses, networks, ' +
      'loopback, linklocal, uniquelocal; separated by commas)',
    (value): TrustProxy | undefined => {
      if (FALSE.has(value.toLowerCase())) return 0;
      const proxies = wholeNumber(value, 1, 10);
      if (proxies !== undefined) return proxies;
      const entries = list(value);
      const known = (entry: string) => RANGE_NAMES.includes(entry) || isNetwork(entry);
      return entries.length > 0 && entries.every(known) ? entries : undefined;
    },
  );

const peopleLimit = () =>
  parser("none, a number ('10'), a percentage ('20%') or both, of which the larger counts ('10,20%')", (value) => {
    if (value.toLowerCase() === 'none') return { count: null, percent: null };
    const [, count, , percent] = /^(?:(\d{1,7})(\s*,\s*(?=\d)|$))?(?:(\d{1,3})\s*%)?$/.exec(value) ?? [];
    if (count === undefined && percent === undefined) return undefined;
    if (percent !== undefined && Number(percent) > 100) return undefined;
    const limit: PeopleLimit = {
      count: count === undefined ? null : Number(count),
      percent: percent === undefined ? null : Number(percent),
    };
    return limit;
  });

const seatLimits = () =>
  parser('full=<number>, basic=<number> or both, separated by a comma', (value) => {
    const found = new Map<string, number>();
    for (const entry of list(value)) {
      const [, kind, count] = /^(full|basic)=(\d{1,7})$/i.exec(entry) ?? [];
      if (kind === undefined || found.has(kind.toLowerCase())) return undefined;
      found.set(kind.toLowerCase(), Number(count));
    }
    if (found.size === 0) return undefined;
    return { full: found.get('full') ?? null, basic: found.get('basic') ?? null };
  });

/** In the order of the documentation. */
export const VARIABLES = {
  PORT: fixed(integer(0, 65535), '8080', 'Port of the SCIM server; 0 takes any free one.'),
  HOST: fixed(host(), '127.0.0.1', 'Address to listen on. The container image sets 0.0.0.0.'),
  PUBLIC_URL: optional(
    baseUrl(),
    'from HOST and PORT',
    'URL at which the IdP reaches the bridge, without /scim/v2; part of every location.',
  ),
  SCIM_TOKEN: optional(
    strongToken(/^[A-Za-z0-9\-._~+/]{1,508}=*$/, 'letters, digits and - . _ ~ + / ='),
    'made on first start',
    'Bearer token of the IdP.',
    { secret: true },
  ),
  ADMIN_TOKEN: optional(
    strongToken(/^[\x21-\x7e]{1,512}$/, 'printable ASCII without spaces'),
    'made on first start',
    'Token of the admin page.',
    { secret: true },
  ),
  ADMIN_PORT: optional(integer(0, 65535), 'same as PORT', 'Serves the admin page and metrics on a port of their own.'),
  ADMIN_HOST: optional(host(), 'same as HOST', 'Address of ADMIN_PORT.'),
  ELEVENLABS_API_KEY: optional(
    token(),
    'none: sandbox',
    'API key of the workspace. Without it the bridge serves a sandbox workspace.',
    { secret: true },
  ),
  SANDBOX: optional(
    boolean(),
    'true without an API key',
    'true: sandbox workspace. false: an API key is required. The container image sets false.',
  ),
  ELEVENLABS_REGION: optional(
    oneOf(Object.keys(REGION_URLS) as Region[]),
    'global',
    'Data residency of the workspace. Keys of one region are unknown in another.',
  ),
  ELEVENLABS_BASE_URL: optional(baseUrl(), 'that of the region', 'Base URL of the API, instead of ELEVENLABS_REGION.'),
  ELEVENLABS_TIMEOUT_MS: fixed(integer(100, 120_000), '10000', 'Time limit of one call to ElevenLabs.'),
  ELEVENLABS_MAX_CONCURRENCY: fixed(integer(1, 64), '4', 'Calls to ElevenLabs at the same time.'),
  DATABASE_PATH: optional(
    text('a path'),
    './data/bridge.db, with the sandbox ./data/sandbox.db',
    'Database file; its folder is created.',
  ),
  PROVISION_WAIT_MS: fixed(
    integer(0, 50_000),
    '3000',
    'How long an answer to the IdP waits for its effect at ElevenLabs, so that a refusal reaches the IdP; 0: not at all.',
  ),
  SYNC_INTERVAL_SECONDS: fixed(integer(1, 86_400), '900', 'Time between two full readings of the workspace.'),
  PENDING_POLL_SECONDS: fixed(
    integer(1, 86_400),
    '30',
    'Time between two readings of the members while an invite is under an hour old.',
  ),
  IMPORT_EXISTING: fixed(boolean(), 'true', 'Lists the members and groups that are there already in SCIM.'),
  REQUIRE_EMAIL: fixed(boolean(), 'true', 'Refuses active users without an e-mail address.'),
  DEFAULT_SEAT_TYPE: fixed(oneOf(SEAT_TYPES), 'workspace_member', 'Seat of an invite for which no rule gives one.'),
  ALLOW_BASIC_DOWNGRADE: fixed(
    boolean(),
    'false',
    'Lets ElevenLabs put a returning member on a basic seat where no full seat is free.',
  ),
  SEAT_LIMITS: optional(seatLimits(), 'none: ElevenLabs decides', 'Seats of the subscription, as in full=10,basic=20.'),
  MAPPING_FILE: optional(text('a path'), 'none', 'YAML file that maps roles and groups to seats, groups and shares.', {
    path: true,
  }),
  DRIFT: fixed(oneOf(['enforce', 'report']), 'enforce', 'What happens where the workspace was changed by hand.'),
  EMAIL_CHANGE: fixed(
    oneOf(['keep', 'handover', 'reject']),
    'keep',
    'What happens where the address of a member changes.',
  ),
  DRY_RUN: fixed(boolean(), 'false', 'Serves SCIM and plans, but changes nothing at ElevenLabs.'),
  DEPROVISION_LIMIT: fixed(
    peopleLimit(),
    '10,20%',
    'People who may lose access in 60 minutes before the rest is held.',
  ),
  INVITE_LIMIT: fixed(peopleLimit(), 'none', 'Invites in 60 minutes before the rest is held.'),
  INVITE_TTL_DAYS: fixed(integer(1, 365), '7', 'Days after which an invite that was not accepted is sent again.'),
  RETENTION_DAYS: fixed(integer(1, 3650), '400', 'Days for which finished work and the audit log are kept.'),
  AUDIT_KEY: optional(
    strongToken(/^[\x21-\x7e]{32,512}$/, 'printable ASCII without spaces'),
    'none: not signed',
    'Signs every row of the audit log. Keep it outside of the database; commands need it too.',
    { secret: true },
  ),
  ALERT_WEBHOOK_URL: optional(webUrl(), 'none', 'Receives alerts as JSON.', { secret: true }),
  ALERT_WEBHOOK_ALLOW_PRIVATE: fixed(boolean(), 'false', 'Lets the webhook use http:// and private addresses.'),
  ALLOWED_IPS: optional(networks(), 'all', 'Addresses from which SCIM requests are accepted.'),
  OAUTH_TOKEN_MINUTES: fixed(
    integer(60, 360),
    '60',
    'Life of an access token that an OAuth client gets at /oauth/token.',
  ),
  TRUST_PROXY: fixed(trustProxy(), 'false', 'Proxies that are believed about the address of the client.'),
  TLS_CERT_FILE: optional(text('a path'), 'none', 'PEM certificate chain: serves HTTPS directly.', { path: true }),
  TLS_KEY_FILE: optional(text('a path'), 'none', 'PEM private key for TLS_CERT_FILE.', { path: true }),
  LOG_LEVEL: fixed(oneOf(LOG_LEVELS), 'info', 'Least level that is logged.'),
} as const;

export type VariableName = keyof typeof VARIABLES;
export const VARIABLE_NAMES = Object.keys(VARIABLES) as VariableName[];

type ValueOf<V> = V extends { readonly schema: z.ZodType<infer T>; readonly fallback: infer F }
  ? T | (F extends string ? never : null)
  : never;

/** The parsed value of each variable; null where it is unset and has no default. */
export type Values = { readonly [Name in VariableName]: ValueOf<(typeof VARIABLES)[Name]> };

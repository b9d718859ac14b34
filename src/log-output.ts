/**
 * The real log: one JSON object per line, written at once, so that nothing is lost when the
 * process dies. No secret gets through, whoever logs it:
 * - by name: fields that are called like a secret are redacted, down to the third level
 *   (by a walk of our own: it costs a tenth of pino's `redact` with wildcards);
 * - by value: known secrets are cut out of the finished line, wherever they stand;
 * - of an error only name, message, code, stack and causes are written, never its other fields
 *   (errors of the SDK carry the whole answer).
 *
 * Nor any e-mail address, except at level debug: elsewhere it is replaced by the beginning of its
 * SHA-256, so that lines about one person can still be found together.
 */
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import type { DestinationStream, Logger, LogFn } from 'pino';
import { LOG_LEVELS } from './config-variables.js';
import type { LogLevel } from './config-variables.js';
import { foldAddress } from './domain/fold.js';
import type { Log } from './log.js';

const SECRET_KEYS = new Set([
  'apikey',
  'xi-api-key',
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'token',
  'scimtoken',
  'admintoken',
  'accesstoken',
  'access_token',
  'secret',
  'clientsecret',
  'client_secret',
  'password',
  'assertion',
  'client_assertion',
]);

/** Shorter values would blank out half of every line. */
const LEAST_SECRET = 8;

const CENSORED = '[redacted]';

/** Levels of fields that are looked through. */
const DEEPEST = 3;

type Fields = Record<string, unknown>;

export interface LogOutput {
  readonly log: Log;
  /** The same log without a threshold: the audit log goes out whatever LOG_LEVEL says. */
  readonly auditLog: Log;
  setLevel(level: LogLevel): void;
  /** Cuts `secret` out of every later line. */
  conceal(secret: string): void;
}

/** Makes the log of a process; without `destination` it goes to stdout. */
export function createLog(level: LogLevel, destination?: DestinationStream): LogOutput {
  const concealed = new Set<string>();
  const threshold: Threshold = { rank: LOG_LEVELS.indexOf(level) };
  const options = {
    // The threshold decides: unlike pino's own level it also moves for children that exist already.
    level: 'debug',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Fields) => censor(fields, DEEPEST),
    },
    serializers: { err: describeError, error: describeError },
    hooks: { streamWrite: (line: string) => withoutAddresses(withoutSecrets(line, concealed)) },
  };
  const logger = destination === undefined ? pino(options) : pino(options, destination);
  return {
    log: wrap(logger, threshold),
    auditLog: wrap(logger, { rank: 0 }),
    setLevel(next) {
      threshold.rank = LOG_LEVELS.indexOf(next);
    },
    conceal(secret) {
      // As it stands inside a JSON string.
      if (secret.length >= LEAST_SECRET) concealed.add(JSON.stringify(secret).slice(1, -1));
    },
  };
}

interface Threshold {
  rank: number;
}

/** Puts the shared threshold before a logger; children get clean bindings (pino has no hook for theirs). */
function wrap(logger: Logger, threshold: Threshold): Log {
  const at = (level: 'debug' | 'info' | 'warn' | 'error' | 'fatal'): LogFn => {
    const rank = level === 'fatal' ? LOG_LEVELS.indexOf('error') : LOG_LEVELS.indexOf(level);
    const write: LogFn = (...args: Parameters<LogFn>) => {
      if (rank >= threshold.rank) logger[level](...args);
    };
    return write;
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (bindings) => wrap(logger.child(censor(bindings, DEEPEST)), threshold),
  };
}

/** The same fields, or a copy without the values of those that are called like a secret. */
function censor(fields: Fields, depth: number): Fields {
  let copy: Fields | null = null;
  for (const [key, value] of Object.entries(fields)) {
    const clean = cleanValue(key, value, depth);
    if (clean === value) continue;
    copy ??= { ...fields };
    copy[key] = clean;
  }
  return copy ?? fields;
}

function cleanValue(key: string, value: unknown, depth: number): unknown {
  if (value === null || value === undefined) return value;
  if (SECRET_KEYS.has(key.toLowerCase())) return CENSORED;
  // Errors have a serializer of their own.
  if (depth <= 1 || typeof value !== 'object' || value instanceof Error) return value;
  return Array.isArray(value) ? value : censor(value as Fields, depth - 1);
}

function withoutSecrets(line: string, secrets: ReadonlySet<string>): string {
  let clean = line;
  for (const secret of secrets) {
    if (clean.includes(secret)) clean = clean.replaceAll(secret, CENSORED);
  }
  return clean;
}

/** Characters that end an address in a line of JSON, on either side of the `@`. */
const ENDS_ADDRESS = /[\s"'`<>()[\]{},;:\\|=/@]/;
const LONGEST_LOCAL = 64;
const LONGEST_DOMAIN = 255;

/**
 * The line with every e-mail address hashed, unless its level is debug. By hand from each `@`
 * outwards: linear in the line, whatever it holds.
 */
function withoutAddresses(line: string): string {
  if (!line.includes('@') || line.startsWith('{"level":"debug"')) return line;
  let clean = '';
  let done = 0;
  for (let at = line.indexOf('@'); at >= 0; at = line.indexOf('@', at + 1)) {
    const start = Math.max(edge(line, at, -1, LONGEST_LOCAL), done);
    const end = edge(line, at, 1, LONGEST_DOMAIN);
    const address = line.slice(start, end).replace(/\.+$/, '');
    const isAddress = start < at && /^[^@]+@[^@]+\.[^@]+$/.test(address);
    if (!isAddress) continue;
    clean += `${line.slice(done, start)}${hashAddress(address)}`;
    done = start + address.length;
  }
  return clean + line.slice(done);
}

/** Where the address around `at` begins (step -1) or ends (step 1). */
function edge(line: string, at: number, step: 1 | -1, longest: number): number {
  let index = at + step;
  while (Math.abs(index - at) <= longest && index >= 0 && index < line.length) {
    if (ENDS_ADDRESS.test(line.charAt(index))) break;
    index += step;
  }
  return step === 1 ? index : index + 1;
}

/** How the log names the holder of an address. */
export function hashAddress(address: string): string {
  return `sha256:${createHash('sha256').update(foldAddress(address), 'utf8').digest('hex').slice(0, 12)}`;
}

interface DescribedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: unknown;
}

/** Causes are followed this far: long chains are loops or noise. */
const MOST_CAUSES = 5;

function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? null : error;
  const described: DescribedError = {
    type: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= MOST_CAUSES ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
  return described;
}

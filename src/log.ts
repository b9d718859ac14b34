import type { Logger } from 'pino';

/** The logger every module is given; `createLog` in log-output.ts makes the real one. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  child(bindings: Record<string, unknown>): Log;
};

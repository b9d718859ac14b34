import { describe, expect, it } from '@jest/globals';
import { StartError } from '../../src/errors.js';
import { CLOSE_DEADLINE_MS, serve } from '../../src/serve.js';
import type { Bridge, Shell, StartBridge } from '../../src/serve.js';

/** A process on paper: events are emitted by hand, time moves by hand, exits are noted. */
function paperShell(env: Readonly<Record<string, string>> = {}) {
  const listeners = new Map<string, (error: unknown) => void>();
  const exits: number[] = [];
  const complaints: string[] = [];
  let now = 0;
  let deadlines: { readonly at: number; readonly fn: () => void }[] = [];
  const shell: Shell = {
    env: { LOG_LEVEL: 'silent', ...env },
    isTerminal: false,
    clock: {
      now: () => now,
      monotonic: () => now,
      turn: () => Promise.resolve(),
      after(ms, fn) {
        const deadline = { at: now + ms, fn };
        deadlines.push(deadline);
        return () => {
          deadlines = deadlines.filter((other) => other !== deadline);
        };
      },
    },
    print: () => undefined,
    complain: (line) => complaints.push(line),
    exit: (code) => exits.push(code),
    on: (event: string, listener: (error: unknown) => void) => listeners.set(event, listener),
  };
  return {
    shell,
    exits,
    complaints,
    emit: (event: string, error?: unknown) => listeners.get(event)?.(error),
    pass(ms: number) {
      now += ms;
      for (const { at, fn } of deadlines) if (at <= now) fn();
    },
  };
}

const bridge = (close: () => Promise<void>): Bridge => ({ url: 'http://127.0.0.1:1', close });
const starts =
  (close: () => Promise<void>): StartBridge =>
  () =>
    Promise.resolve(bridge(close));
const forever = () => new Promise<never>(() => undefined);
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('serve', () => {
  it('gives up closing at the deadline, with 0: what was acknowledged is on disk', async () => {
    const { shell, exits, emit, pass } = paperShell();
    await serve(shell, starts(forever));
    emit('SIGTERM');
    pass(CLOSE_DEADLINE_MS - 1);
    expect(exits).toEqual([]);
    pass(1);
    expect(exits).toEqual([0]);
  });

  it('ends at once at a second signal', async () => {
    const { shell, exits, emit, pass } = paperShell();
    await serve(shell, starts(forever));
    emit('SIGINT');
    emit('SIGINT');
    expect(exits).toEqual([]);
    pass(1500);
    emit('SIGTERM');
    expect(exits).toEqual([143]);
  });

  it('closes once, and ends with 0 when that fails', async () => {
    const { shell, exits, emit } = paperShell();
    let closed = 0;
    await serve(
      shell,
      starts(() => {
        closed += 1;
        return Promise.reject(new Error('disk'));
      }),
    );
    emit('SIGTERM');
    emit('SIGINT');
    await settled();
    expect(closed).toBe(1);
    expect(exits).toEqual([0]);
  });

  it('closes what a signal found still starting', async () => {
    const { shell, exits, emit } = paperShell();
    let started: (value: Bridge) => void = () => undefined;
    const serving = serve(shell, () => new Promise<Bridge>((resolve) => (started = resolve)));
    emit('SIGTERM');
    await settled();
    expect(exits).toEqual([]);
    started(bridge(() => Promise.resolve()));
    await serving;
    await settled();
    expect(exits).toEqual([0]);
  });

  it.each(['unhandledRejection', 'uncaughtException'])('ends with 70 at an %s', async (event) => {
    const { shell, exits, emit } = paperShell();
    await serve(shell, starts(forever));
    emit(event, new Error('bug'));
    expect(exits).toEqual([70]);
  });

  it.each([
    [
      'a second process',
      new StartError(75, 'Another process serves this database.'),
      75,
      'Another process serves this database.',
    ],
    [
      'no such address',
      Object.assign(new Error('x'), { syscall: 'listen', code: 'EADDRNOTAVAIL' }),
      78,
      'HOST is 127.0.0.1: this machine has no such address.',
    ],
    [
      'a privileged port',
      Object.assign(new Error('x'), { syscall: 'listen', code: 'EACCES', port: 80 }),
      78,
      'Port 80 needs privileges: set PORT to a number above 1023.',
    ],
  ])('says why it cannot start: %s', async (_case, error, code, message) => {
    const { shell, exits, complaints } = paperShell();
    await serve(shell, () => Promise.reject(error));
    expect(exits).toEqual([code]);
    expect(complaints).toEqual([message]);
  });

  it('ends with 70 when the start fails of a bug', async () => {
    const { shell, exits, complaints } = paperShell();
    await serve(shell, () => Promise.reject(new TypeError('undefined is not a function')));
    expect(exits).toEqual([70]);
    expect(complaints).toEqual([]);
  });

  it('does not start with a broken configuration', async () => {
    const { shell, exits } = paperShell({ PORT: 'x' });
    let started = false;
    await serve(shell, () => {
      started = true;
      return Promise.resolve(bridge(forever));
    });
    expect(exits).toEqual([78]);
    expect(started).toBe(false);
  });
});

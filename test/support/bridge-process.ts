/**
 * The built bridge as a process of its own: for what only a process shows (signals, exit codes,
 * sudden death). Its environment is empty but for what the test gives.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** Builds dist/ if it is not what the sources say; `npm test` has done so already. */
export function ensureBuilt(): void {
  const built = spawnSync(process.execPath, ['scripts/prepare.mjs', 'build'], { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
}

export interface BridgeProcess {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves with the match as soon as stdout has it; rejects if the process ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** Exit code, or the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
}

/** Runs `node dist/main.js <args>` in `cwd`. Kill it in the end. */
export function startProcess(
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>>;
    /** A program in front that becomes the bridge (`prlimit --nofile=64`): its pid is that of the bridge. */
    readonly through?: readonly string[];
  },
): BridgeProcess {
  const [program = '', ...rest] = [
    ...(options.through ?? []),
    process.execPath,
    path.join(root, 'dist', 'main.js'),
    ...args,
  ];
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    notify();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  // 'close' comes after the last output.
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    kill: (signal) => child.kill(signal),
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(stdout);
          if (match === null) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        void ended.then((code) =>
          reject(new Error(`ended with ${code} before ${String(pattern)}\n${stdout}${stderr}`)),
        );
        look();
      }),
  };
}

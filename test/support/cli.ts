/**
 * The built command line, run as a process: piped, or in a pseudo-terminal (util-linux `script`).
 * Its environment is empty but for what the test gives.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const MAIN = path.join(root, 'dist', 'main.js');

export type Env = Readonly<Record<string, string>>;

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON. */
  json(): any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into results of any shape
}

export interface Place {
  readonly cwd: string;
  readonly env: Env;
  /** Of the pseudo-terminal; without it, its width is not known. */
  readonly columns?: number;
}

/** Runs a command piped, and waits for its end. */
export async function cli(place: Place, ...args: readonly string[]): Promise<CliResult> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: place.cwd,
    env: { PATH: process.env['PATH'], ...place.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return collect(child);
}

/**
 * Runs a command in a pseudo-terminal and types `answer` when it asks. Both streams come back as
 * `stdout`, as they would stand on the screen.
 */
export async function onTerminal(place: Place, answer: string, ...args: readonly string[]): Promise<CliResult> {
  const width = place.columns === undefined ? '' : `stty cols ${String(place.columns)} && `;
  const command = width + [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: place.cwd,
    env: { PATH: process.env['PATH'], TERM: 'xterm', ...place.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdout.on('data', (chunk: Buffer) => {
    if (chunk.includes('[y/N]')) child.stdin.write(`${answer}\n`);
  });
  const result = await collect(child);
  return { ...result, stdout: result.stdout.replaceAll('\r\n', '\n') };
}

async function collect(child: ReturnType<typeof spawn>): Promise<CliResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr, json: () => JSON.parse(stdout) as unknown };
}

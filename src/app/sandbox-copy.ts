/** A bridge of its own with a sandbox workspace and an empty database, for as long as some work takes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBridge } from '../app.js';
import type { Clock } from '../clock.js';
import { loadConfig } from '../config.js';
import { newToken } from '../domain/secret-token.js';
import { createLog } from '../log-output.js';

export interface SandboxCopy {
  readonly scimUrl: string;
  readonly token: string;
}

/** Starts one on a free port of this machine, and takes everything of it away afterwards. */
export async function withSandboxCopy<T>(
  parts: { readonly clock: Clock; readonly writeError: (line: string) => void },
  work: (copy: SandboxCopy) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'scim-sandbox-'));
  const token = newToken('scim').secret;
  try {
    const loaded = loadConfig({
      PORT: '0',
      SANDBOX: 'true',
      DATABASE_PATH: path.join(folder, 'bridge.db'),
      SCIM_TOKEN: token,
      ADMIN_TOKEN: newToken('admin').secret,
      // The members of the sandbox would be users that nobody has created.
      IMPORT_EXISTING: 'false',
      LOG_LEVEL: 'error',
    });
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
    const { log } = createLog('error', { write: parts.writeError });
    const quiet = { print: () => undefined, isTerminal: false, setLogLevel: () => undefined };
    const bridge = await startBridge({ config: loaded.config, log, auditLog: log, clock: parts.clock, ...quiet });
    try {
      return await work({ scimUrl: `${bridge.url}/scim/v2`, token });
    } finally {
      await bridge.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

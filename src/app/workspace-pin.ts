/**
 * A lost key must never turn production into a sandbox, nor the other way round: checked before
 * anything is served. That the key belongs to the very workspace of the database is seen later, by
 * the first call (reconcile/identity.ts).
 */
import path from 'node:path';
import type { Config } from '../config.js';
import { EXIT, StartError } from '../errors.js';
import { SANDBOX_PIN, WORKSPACE_PIN } from '../reconcile/identity.js';
import { peekSettings } from '../store/peek-settings.js';
import type { OperationsStore } from '../store/port.js';

/** Set at the first start with a key, so that also a key that never worked leaves its mark. */
const KEY_USED = 'keyUsed';
const PRODUCTION_FILE = 'bridge.db';

export async function checkPin(config: Config, store: OperationsStore): Promise<void> {
  const pin = await store.setting(WORKSPACE_PIN);
  if (config.upstream.kind === 'sandbox') {
    const isReal = (pin !== null && pin !== SANDBOX_PIN) || (await store.setting(KEY_USED)) !== null;
    if (isReal) throw lostKey(config.databasePath);
    await store.setSetting(WORKSPACE_PIN, SANDBOX_PIN);
    return;
  }
  if (pin === SANDBOX_PIN)
    throw new StartError(
      EXIT.config,
      `${config.databasePath} belongs to the sandbox workspace, and ELEVENLABS_API_KEY is set: set DATABASE_PATH to another file for the real workspace.`,
    );
  if ((await store.setting(KEY_USED)) === null) await store.setSetting(KEY_USED, 'true');
}

/** The sandbox has a database of its own; where the usual one has seen a real workspace, the key was lost. */
export function checkNeighbour(config: Config): void {
  if (config.upstream.kind !== 'sandbox') return;
  const neighbour = path.join(path.dirname(config.databasePath), PRODUCTION_FILE);
  if (path.resolve(neighbour) === path.resolve(config.databasePath)) return;
  const settings = peekSettings(neighbour, [WORKSPACE_PIN, KEY_USED]);
  const pin = settings.get(WORKSPACE_PIN) ?? SANDBOX_PIN;
  if (pin !== SANDBOX_PIN || settings.has(KEY_USED)) throw lostKey(neighbour);
}

function lostKey(file: string): StartError {
  return new StartError(
    EXIT.config,
    `ELEVENLABS_API_KEY is not set, but ${file} belongs to a real workspace: set the key. ` +
      'To try the sandbox all the same, move that file away first.',
  );
}

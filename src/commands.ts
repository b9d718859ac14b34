/** What the commands besides `serve` do. */
import { EXIT } from './errors.js';
import { configure, stopOnSignal } from './serve.js';
import type { Shell } from './serve.js';

/** `migrate`: brings the database up to date without serving. */
export async function migrateDatabase(shell: Shell): Promise<void> {
  const configured = configure(shell);
  if (configured === null) return;
  const { databasePath } = configured.config;
  const [{ openConnection }, { migrate, MigrationError }] = await Promise.all([
    import('./store/connection.js'),
    import('./store/migrate.js'),
  ]);
  const db = openConnection(databasePath);
  try {
    const done = migrate(db);
    shell.print(done.length === 0 ? `${databasePath} is up to date.` : `${databasePath}: ${done.join(', ')} done.`);
    shell.exit(EXIT.ok);
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    shell.complain(error.message);
    shell.exit(EXIT.config);
  } finally {
    db.close();
  }
}

export interface SandboxRequest {
  readonly host: string;
  readonly port: number;
  /** Invites are accepted by themselves after so many seconds; null: never. */
  readonly acceptAfterSeconds: number | null;
}

/** `sandbox`: the sandbox workspace alone, as a server that speaks the workspace API. */
export async function serveSandbox(request: SandboxRequest, shell: Shell): Promise<void> {
  const [{ createSandbox }, { demoSeed }] = await Promise.all([
    import('./sandbox/sandbox.js'),
    import('./sandbox/demo-seed.js'),
  ]);
  const sandbox = createSandbox({ clock: shell.clock, seed: demoSeed() });
  sandbox.control.autoAccept(request.acceptAfterSeconds === null ? null : request.acceptAfterSeconds * 1000);
  const stop = stopOnSignal(shell, (message) => shell.complain(message));
  try {
    const listening = await sandbox.listen({ host: request.host, port: request.port });
    shell.print('The sandbox workspace serves the workspace API of ElevenLabs. Point a bridge at it with');
    shell.print(`  ELEVENLABS_BASE_URL=${listening.url} ELEVENLABS_API_KEY=${sandbox.apiKey()}`);
    shell.print(`Control token: ${sandbox.controlToken}`);
    stop.closes(listening);
  } catch (error) {
    shell.complain(`The sandbox cannot listen on ${request.host}:${request.port}: ${String(error)}`);
    shell.exit(EXIT.config);
  }
}

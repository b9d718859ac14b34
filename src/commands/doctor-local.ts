/** What `doctor` finds out on this machine: configuration, mapping file, database file, disk, URL. */
import { existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { publicUrlFor, type Config, type LoadedConfig, type SecretFile } from '../config.js';
import { StartError } from '../errors.js';
import { loadMapping } from '../mapping-loader.js';
import { SANDBOX_PIN } from '../reconcile/identity.js';
import { fail, ok, warn, type Finding } from './finding.js';

export function checkConfiguration(loaded: LoadedConfig): readonly Finding[] {
  const warnings = loaded.warnings.map((text) => warn('Configuration', text, 'Correct the variable, or remove it.'));
  if (!loaded.ok) {
    const problems = loaded.problems.map((text) =>
      fail('Configuration', text, 'The bridge does not start before that is corrected.'),
    );
    return [...problems, ...warnings];
  }
  const { config } = loaded;
  const mode = config.dryRun
    ? warn(
        'Configuration',
        'DRY_RUN is true: nothing is changed at ElevenLabs.',
        'Look at `plan`, then set DRY_RUN=false.',
      )
    : null;
  const kind = config.upstream.kind === 'sandbox' ? 'sandbox workspace' : `workspace at ${config.upstream.baseUrl}`;
  return [ok('Configuration', `complete; ${kind}`), ...warnings, ...(mode === null ? [] : [mode])];
}

export function checkMapping({ mappingFile }: Config): readonly Finding[] {
  if (mappingFile === null) return [ok('Mapping file', 'none (MAPPING_FILE is not set)')];
  const loaded = loadMapping(mappingFile);
  if (loaded.ok) return [ok('Mapping file', `${mappingFile} is valid`)];
  return loaded.problems.map((problem) =>
    fail('Mapping file', problem, 'Correct the line; a running bridge keeps the last valid file.'),
  );
}

export async function checkDatabase(
  config: Config,
): Promise<{ readonly findings: readonly Finding[]; readonly isUsable: boolean }> {
  const { databasePath: file } = config;
  if (!existsSync(file))
    return {
      findings: [warn('Database', `there is none at ${file} yet`, 'It is made when the bridge starts.')],
      isUsable: false,
    };
  const { inspectDatabase } = await import('../store/database-file.js');
  try {
    const { damage, pending, workspace, users, groups } = inspectDatabase(file, 'quick');
    const findings: Finding[] = [
      damage.length === 0
        ? ok('Database', `${file} is sound; ${String(users)} users, ${String(groups)} groups`)
        : fail(
            'Database',
            `${file} is damaged: ${damage.slice(0, 3).join('; ')}`,
            'Stop the bridge and restore a backup (`restore`).',
          ),
      pending.length === 0
        ? ok('Migrations', 'all done')
        : fail(
            'Migrations',
            `missing: ${pending.join(', ')}`,
            'Restart the bridge in this version, or stop it and run `migrate`.',
          ),
      checkPin(workspace, config),
      checkMode(file),
    ];
    return { findings, isUsable: damage.length === 0 && pending.length === 0 };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return {
      findings: [fail('Database', error.message, 'Check DATABASE_PATH, or restore a backup (`restore`).')],
      isUsable: false,
    };
  }
}

function checkPin(workspace: string | null, { upstream, databasePath }: Config): Finding {
  if (workspace === null) return ok('Pin', 'the database belongs to no workspace yet');
  const isSandbox = workspace === SANDBOX_PIN;
  if (isSandbox === (upstream.kind === 'sandbox'))
    return ok('Pin', `the database belongs to ${isSandbox ? 'the sandbox' : `the workspace ${workspace}`}`);
  return isSandbox
    ? fail(
        'Pin',
        `${databasePath} belongs to the sandbox, and ELEVENLABS_API_KEY is set`,
        'Set DATABASE_PATH to a file of its own.',
      )
    : fail('Pin', `${databasePath} belongs to a real workspace, and ELEVENLABS_API_KEY is not set`, 'Set the API key.');
}

function checkMode(file: string): Finding {
  const others = statSync(file).mode & 0o077;
  if (others === 0) return ok('File mode', 'only the account of the bridge can read the database');
  return warn(
    'File mode',
    `others can read ${file}: it holds names, addresses and hashes of tokens`,
    `chmod 600 ${file}`,
  );
}

/** Files with secrets that the configuration names. None of them: nothing to say. */
export function checkSecretFiles(files: readonly SecretFile[]): readonly Finding[] {
  const open = files.filter(({ file }) => existsSync(file) && (statSync(file).mode & 0o007) !== 0);
  if (open.length === 0) return files.length === 0 ? [] : [ok('Secret files', 'closed to other accounts')];
  return open.map(({ name, file }) =>
    warn(
      'Secret files',
      `every account of this machine can read ${file} (${name})`,
      `chmod o= ${file}; in a container that nobody else is in, it does not matter.`,
    ),
  );
}

const MIB = 1024 * 1024;
const LEAST_FREE = 100 * MIB;
const COMFORTABLE = 1024 * MIB;

export async function checkDisk({ databasePath }: Config): Promise<readonly Finding[]> {
  let folder = path.dirname(path.resolve(databasePath));
  while (!existsSync(folder)) folder = path.dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const size = existsSync(databasePath) ? statSync(databasePath).size : 0;
  const text = `${String(Math.floor(free / MIB))} MiB free in ${folder}`;
  const remedy = 'Make room: without it the bridge answers 503 and changes nothing.';
  if (free < LEAST_FREE) return [fail('Disk', text, remedy)];
  return [free < Math.max(COMFORTABLE, 2 * size) ? warn('Disk', text, remedy) : ok('Disk', text)];
}

export async function checkServing({ databasePath }: Config): Promise<readonly Finding[]> {
  const { isServed } = await import('../store/serving-lock.js');
  if (existsSync(databasePath) && isServed(databasePath)) return [ok('Server', 'a bridge serves this database')];
  return [warn('Server', 'no bridge serves this database', 'Start it: `elevenlabs-scim serve`.')];
}

const URL_TIMEOUT_MS = 5_000;

/** What IdPs ask of a URL: https with a public certificate (Entra), no underscore in the path (Okta). */
export async function checkPublicUrl(config: Config, get: typeof fetch | null): Promise<readonly Finding[]> {
  const url = publicUrlFor(config, config.port);
  const isSandbox = config.upstream.kind === 'sandbox';
  const findings: Finding[] = [];
  if (config.publicUrl === null) {
    const text = `PUBLIC_URL is not set: the bridge calls itself ${url}`;
    findings.push(
      isSandbox
        ? ok('Public URL', text)
        : warn('Public URL', text, 'Set it to the URL at which the IdP reaches the bridge.'),
    );
  } else if (!url.startsWith('https:')) {
    findings.push(
      warn(
        'Public URL',
        `${url} is not https: Entra ID refuses it, and tokens cross the network in clear text`,
        'Serve it over https.',
      ),
    );
  } else findings.push(ok('Public URL', url));
  if (new URL(url).pathname.includes('_'))
    findings.push(warn('Public URL', `${url} has an underscore: Okta refuses such base URLs`, 'Take another path.'));
  if (get !== null && config.publicUrl !== null) findings.push(await checkReachable(url, get));
  return findings;
}

async function checkReachable(url: string, get: typeof fetch): Promise<Finding> {
  const remedy =
    'Check DNS, proxy and certificate. From inside the network it may be unreachable although IdPs reach it.';
  try {
    const answer = await get(`${url}/healthz`, { signal: AbortSignal.timeout(URL_TIMEOUT_MS), redirect: 'manual' });
    const body = await answer.text();
    if (answer.status === 200 && body.includes('"status":"ok"'))
      return ok('Public URL', 'answers, and it is the bridge');
    return warn('Public URL', `${url}/healthz answers ${String(answer.status)}, not as the bridge does`, remedy);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return warn('Public URL', `${url}/healthz cannot be reached (${cause})`, remedy);
  }
}

/** What is shipped is known: reasons, install scripts, bill of materials, known vulnerabilities. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}
const product = JSON.parse(read('package.json')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
};
const locked = Object.entries(
  (JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }).packages,
).flatMap(([location, entry]) =>
  location === '' ? [] : [{ name: location.replace(/.*node_modules\//, ''), ...entry }],
);
const page = read('docs/dependencies.md');

/** Runs a script as npm does, with another registry. */
async function run(script: string, args: readonly string[] = [], registry = 'http://127.0.0.1:9') {
  const child = spawn(process.execPath, [path.join('scripts', script), ...args], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', npm_config_registry: registry, npm_config_fetch_retries: '0' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

describe('runtime dependencies', () => {
  it.each(Object.entries(product.dependencies))('%s is pinned and has a reason', (name, version) => {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    const row = page.split('\n').find((line) => line.startsWith('| `') && line.split('|')[1]?.includes(`\`${name}\``));
    expect(row?.split('|')[2]?.trim().length).toBeGreaterThan(8);
  });

  it('come from no registry that the lock file would name', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"');
  });
});

describe('install scripts', () => {
  const scripted = locked.filter(({ hasInstallScript }) => hasInstallScript === true).map(({ name }) => name);

  it('are decided on for every package that has one, and explained', () => {
    expect(Object.keys(product.allowScripts).sort()).toEqual([...scripted].sort());
    for (const [name, allowed] of Object.entries(product.allowScripts)) {
      const rows = page.split('\n').filter((line) => line.includes(`\`${name}\``));
      expect([name, rows.at(-1)?.split('|')[3]?.trim().slice(0, 2)]).toEqual([name, allowed ? 'ye' : 'no']);
    }
  });

  it('run in no installation but for those that are allowed', () => {
    const installs = ['scripts/prepare.mjs', 'docker/Dockerfile'].map((file) => [
      file,
      ...(read(file).match(/npm ci[^&\n]*|\['ci'[^\]]*\]/g) ?? []),
    ]);
    expect(installs).toEqual([
      ['scripts/prepare.mjs', "['ci', '--ignore-scripts']"],
      ['docker/Dockerfile', expect.stringMatching(/^npm ci --ignore-scripts /)],
    ]);
    const allowed = Object.keys(product.allowScripts).filter((name) => product.allowScripts[name]);
    expect(/npm rebuild --ignore-scripts=false (.+)/.exec(read('docker/Dockerfile'))?.[1]?.split(' ')).toEqual(allowed);
  });
});

describe('the bill of materials', () => {
  it('is CycloneDX with every package of the product, and no other', async () => {
    const { code, output } = await run('sbom.mjs');
    expect(code).toBe(0);
    const bill = JSON.parse(output);
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 });
    expect(bill.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(new Date(bill.metadata.timestamp).toISOString()).toBe(bill.metadata.timestamp);
    expect(bill.metadata.component).toMatchObject({ type: 'application', name: 'elevenlabs-scim-bridge' });
    const shipped = locked.filter(({ dev }) => dev !== true).map(({ name, version }) => `${name}@${version}`);
    const listed = bill.components.map(({ name, version }: Locked & { name: string }) => `${name}@${version}`);
    expect(listed.sort()).toEqual(shipped.sort());
    for (const component of bill.components) {
      expect(component.type).toBe('library');
      expect(component.purl).toMatch(/^pkg:npm\/(%40[\w.-]+\/)?[\w.-]+@[\w.+-]+$/);
      expect(component.hashes).toEqual([{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }]);
      expect(component.licenses).toHaveLength(1);
    }
  });

  it('says what needs what, without a gap', async () => {
    const bill = JSON.parse((await run('sbom.mjs')).output);
    const refs: string[] = [bill.metadata.component, ...bill.components].map((each) => each['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    const edges: { ref: string; dependsOn: string[] }[] = bill.dependencies;
    expect(edges.map(({ ref }) => ref)).toEqual(refs);
    const reached = new Set<string>([refs[0]!]);
    for (const ref of reached) for (const next of edges.find((edge) => edge.ref === ref)!.dependsOn) reached.add(next);
    expect([...reached].sort()).toEqual([...refs].sort());
  });
});

describe('npm run audit', () => {
  const ADVISORY = 'GHSA-aaaa-bbbb-cccc';
  let registry: Server;
  let url: string;
  let asked: string[];
  let vulnerable: readonly string[];

  beforeAll(async () => {
    registry = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.setHeader('content-type', 'application/json');
        if (!request.url?.endsWith('/advisories/bulk')) {
          // The versions of a vulnerable package.
          const name = decodeURIComponent(request.url?.slice(1) ?? '');
          const version = product.dependencies[name] ?? '0.0.1';
          response.end(
            JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: { name, version } } }),
          );
          return;
        }
        const body = Buffer.concat(chunks);
        const isPacked = request.headers['content-encoding'] === 'gzip';
        asked = Object.keys(JSON.parse((isPacked ? gunzipSync(body) : body).toString()) as object);
        const advisory = {
          ...{ id: 1, url: `https://github.com/advisories/${ADVISORY}`, title: 'Made up for a test' },
          ...{ severity: 'high', vulnerable_versions: '*', cwe: [], cvss: { score: 0, vectorString: null } },
        };
        response.end(JSON.stringify(Object.fromEntries(vulnerable.map((name) => [name, [advisory]]))));
      });
    }).listen(0, '127.0.0.1');
    await once(registry, 'listening');
    url = `http://127.0.0.1:${String((registry.address() as AddressInfo).port)}`;
  });
  afterAll(async () => {
    registry.closeAllConnections();
    registry.close();
    await once(registry, 'close');
  });

  it('passes where the registry knows of nothing', async () => {
    vulnerable = [];
    expect(await run('audit.mjs', [], url)).toEqual({ code: 0, output: 'No open finding, 0 accepted.\n' });
    expect(asked).toEqual(expect.arrayContaining(Object.keys(product.dependencies)));
    expect(asked).not.toContain('jest');
  });

  it('fails with a finding, until the page argues it', async () => {
    vulnerable = ['yaml'];
    const open = await run('audit.mjs', [], url);
    expect([open.code, open.output]).toEqual([1, expect.stringContaining(`OPEN  ${ADVISORY}  yaml  high`)]);
    const folder = mkdtempSync(path.join(tmpdir(), 'audit-'));
    try {
      const own = path.join(folder, 'page.md');
      writeFileSync(own, `| ${ADVISORY} | \`yaml\` |   |\n`);
      expect((await run('audit.mjs', [own], url)).code).toBe(1);
      writeFileSync(own, `| ${ADVISORY} | \`yaml\` | Only the operator writes the file. |\n`);
      const argued = await run('audit.mjs', [own], url);
      expect([argued.code, argued.output]).toEqual([0, expect.stringContaining(`accepted  ${ADVISORY}`)]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('fails where the registry does not answer: nothing is known then', async () => {
    const { code, output } = await run('audit.mjs');
    expect([code, output]).toEqual([2, expect.stringContaining('The registry did not answer')]);
  });
});

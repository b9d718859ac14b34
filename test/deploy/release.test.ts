/** The release script, in a clone of its own: what it writes, builds and would send, and what it refuses. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nextVersion, releaseChangelog } from '../../scripts/release/versions.mjs';
import { ensureBuilt } from '../support/bridge-process.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const DIGEST = `sha256:${'ab'.repeat(32)}`;

describe('versions', () => {
  it.each([
    ['0.1.0', 'patch', '0.1.1'],
    ['0.1.9', 'minor', '0.2.0'],
    ['1.2.3', 'major', '2.0.0'],
    ['0.1.0', '0.3.0', '0.3.0'],
  ])('after %s, %s is %s', (present, wanted, next) => expect(nextVersion(present, wanted)).toBe(next));

  it.each(['0.0.9', '0.1.0', 'latest', undefined])('none that is not later: %s', (wanted) =>
    expect(() => nextVersion('0.1.0', wanted)).toThrow(/is not later|is no version/),
  );

  it('have a section in the changelog, which must say something', () => {
    const text = '# Changelog\n\n## Unreleased\n\n- New.\n\n## 0.1.0 - 2026-01-01\n\n- Old.\n';
    const released = releaseChangelog(text, '0.2.0', '2026-02-02');
    expect(released).toContain('## Unreleased\n\n## 0.2.0 - 2026-02-02\n\n- New.\n\n## 0.1.0');
    expect(() => releaseChangelog(released, '0.3.0', '2026-03-03')).toThrow('nothing to release');
  });
});

describe('a release', () => {
  let folder: string;
  let clone: string;
  let settings: string;

  const run = (program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync(program, args, { cwd: clone, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', ...env } });
  const release = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const { status, stdout, stderr } = run('node', ['scripts/release.mjs', ...args], {
      RELEASE_SETTINGS: settings,
      ...env,
    });
    return { status, stdout, stderr };
  };
  const git = (...args: string[]): string => {
    const { status, stdout, stderr } = run('git', args);
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const version = (): unknown =>
    (JSON.parse(readFileSync(path.join(clone, 'package.json'), 'utf8')) as { version: unknown }).version;

  beforeAll(() => {
    ensureBuilt();
    folder = mkdtempSync(path.join(tmpdir(), 'release-'));
    clone = path.join(folder, 'clone');
    mkdirSync(clone);
    // The work tree as it is: what git knows, or would add.
    const copy = 'git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1"';
    spawnSync('bash', ['-euc', `${copy}; cp -al node_modules dist "$1"`, 'copy', clone], { cwd: root });
    for (const args of [
      ['init', '--quiet', '--initial-branch=main'],
      ['config', 'user.email', 'release@acme.example'],
      ['config', 'user.name', 'Release'],
      ['add', '--all'],
      ['commit', '--quiet', '--message', 'All'],
    ]) {
      git(...args);
    }
    settings = path.join(folder, 'settings.json');
    const places = {
      npm: { registry: 'https://npm.acme.example', access: 'restricted' },
      image: { repository: 'images.acme.example/bridge', platforms: ['linux/amd64', 'linux/arm64'] },
      chart: { repository: null },
      git: { remote: 'origin' },
      builder: 'https://ci.acme.example/1',
    };
    writeFileSync(settings, JSON.stringify(places));
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is tried without changing anything', () => {
    const before = git('rev-parse', 'HEAD');
    const tried = release(['version', 'minor', '--dry-run']);
    expect(tried).toMatchObject({ status: 0, stdout: expect.stringContaining('would run: git tag --annotate v0.2.0') });
    expect([git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag'), version()]).toEqual([
      before,
      '',
      '',
      '0.1.0',
    ]);
  });

  it('is not built before its commit has a tag, nor from changes that are not committed', () => {
    expect(release(['build'])).toMatchObject({ status: 1, stderr: expect.stringContaining('has no tag v0.1.0') });
    writeFileSync(path.join(clone, 'README.md'), 'changed');
    expect(release(['version', 'minor'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not committed'),
    });
    git('checkout', '--', 'README.md');
  });

  it('has its version in every file that names it, one commit and one tag', () => {
    expect(release(['version', 'minor'])).toMatchObject({ status: 0, stderr: '' });
    expect([version(), git('log', '-1', '--format=%s'), git('tag'), git('status', '--porcelain')]).toEqual([
      ...['0.2.0', 'Release 0.2.0', 'v0.2.0', ''],
    ]);
    const changed = git('show', '--name-only', '--format=', 'HEAD').split('\n');
    expect(changed).toEqual([
      ...[
        'CHANGELOG.md',
        'deploy/helm/Chart.yaml',
        'deploy/kubernetes/bridge.yaml',
        'package-lock.json',
        'package.json',
      ],
    ]);
    expect(readFileSync(path.join(clone, 'deploy/kubernetes/bridge.yaml'), 'utf8')).toContain(
      'elevenlabs-scim-bridge:0.2.0',
    );
  });

  it('is built with notes, bill of materials, a statement of what it was made of, and checksums', () => {
    expect(release(['build'])).toMatchObject({ status: 0 });
    const out = path.join(clone, 'release/0.2.0');
    expect(readdirSync(out).sort()).toEqual([
      ...['NOTES.md', 'SHA256SUMS', 'chart-elevenlabs-scim-bridge-0.2.0.tgz', 'elevenlabs-scim-bridge-0.2.0.tgz'],
      ...['kubernetes.yaml', 'provenance.intoto.json', 'sbom.cdx.json'],
    ]);
    expect(spawnSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: out }).status).toBe(0);
    const statement = JSON.parse(readFileSync(path.join(out, 'provenance.intoto.json'), 'utf8'));
    expect(statement.subject.map(({ name }: { name: string }) => name)).toContain('elevenlabs-scim-bridge-0.2.0.tgz');
    for (const { name, digest } of statement.subject as { name: string; digest: { sha256: string } }[]) {
      expect([
        name,
        createHash('sha256')
          .update(readFileSync(path.join(out, name)))
          .digest('hex'),
      ]).toEqual([name, digest.sha256]);
    }
    expect(statement.predicate.buildDefinition.resolvedDependencies[0].digest.gitCommit).toBe(git('rev-parse', 'HEAD'));
    expect(statement.predicate.runDetails.builder.id).toBe('https://ci.acme.example/1');
  }, 240_000);

  it('would be sent to the places that have a name, and to no other', () => {
    const { status, stdout } = release(['publish', '--dry-run']);
    expect(status).toBe(0);
    expect(stdout.trim().split('\n')).toEqual([
      'would run: npm publish ./release/0.2.0/elevenlabs-scim-bridge-0.2.0.tgz --registry https://npm.acme.example --access restricted',
      'skipped: chart.repository is not set in the settings',
      'would run: git push --follow-tags origin HEAD',
      'The image is pushed by `release image --push`.',
    ]);
  });

  it('has no image from base images whose digests are not known', () => {
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    const docker = path.join(bin, 'docker');
    const PATH = `${bin}${path.delimiter}${process.env['PATH']}`;
    // A Docker that does not reach its registry.
    writeFileSync(docker, '#!/bin/sh\nexit 1\n');
    chmodSync(docker, 0o755);
    const refused = release(['image', '--dry-run'], { PATH });
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('digest of node:22-bookworm is not known'),
    });
    // One that knows them, and notes what it is told.
    writeFileSync(docker, `#!/bin/sh\n[ "$2" = imagetools ] && echo ${DIGEST} && exit\necho "$@" > ${folder}/told\n`);
    expect(release(['image', '--push'], { PATH })).toMatchObject({ status: 0, stderr: '' });
    const told = readFileSync(path.join(folder, 'told'), 'utf8');
    expect(told).toContain(`--platform linux/amd64,linux/arm64 --build-arg BUILD_IMAGE=node:22-bookworm@${DIGEST}`);
    expect(told).toContain(`--build-arg RUN_IMAGE=node:22-bookworm-slim@${DIGEST}`);
    expect(told).toMatch(/--tag images\.acme\.example\/bridge:0\.2\.0 .*--push \./);
    expect(told).toContain(`org.opencontainers.image.revision=${git('rev-parse', 'HEAD')}`);
  });

  it('is no `npm pack` of the clone', () => {
    const packed = run('npm', ['pack', '--silent']);
    expect(packed.status).not.toBe(0);
    expect(packed.stderr + packed.stdout).toContain('npm run release -- pack');
    expect(existsSync(path.join(clone, 'elevenlabs-scim-bridge-0.2.0.tgz'))).toBe(false);
  });
});

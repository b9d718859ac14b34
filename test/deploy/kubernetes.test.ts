/** The chart, rendered by helm, and the plain manifests: valid for Kubernetes, and a configuration that starts. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { generate, renderChart } from '../../scripts/generate-manifests.mjs';
import { manifestProblems } from '../../scripts/kubernetes/check.mjs';
import { fetchPrograms } from '../../scripts/kubernetes/programs.mjs';
import { loadConfig } from '../../src/config.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Container {
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly { readonly mountPath: string }[];
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly replicas?: number;
    readonly selector?: Readonly<Record<string, unknown>>;
    readonly groups?: unknown;
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly Container[] };
    };
    readonly volumeClaimTemplates: readonly { readonly spec: { readonly accessModes: readonly string[] } }[];
  };
}

const read = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml).flatMap((document) => (document.toJSON() === null ? [] : [document.toJSON() as Manifest]));

const NEEDED = ['--set', 'publicUrl=https://scim.acme.example,ingress.host=scim.acme.example'];
const VARIANTS: readonly (readonly [string, readonly string[]])[] = [
  ['as it comes', []],
  [
    'with everything',
    [
      ...['--set', 'serviceMonitor.enabled=true,prometheusRule.enabled=true,ingress.admin=true,ingress.className=x'],
      ...['--set', 'storage.className=fast,image.digest=sha256:0,env.DRIFT=report,imagePullSecrets[0].name=pull'],
      ...['--set', 'nodeSelector.disk=ssd,tolerations[0].operator=Exists,podAnnotations.a=b,ingress.annotations.c=d'],
      ...['--set-string', 'mapping=neverTouch: []'],
      ...['--set-json', 'networkPolicy.extraEgress=[{"to":[{"ipBlock":{"cidr":"10.1.2.3/32"}}]}]'],
    ],
  ],
  [
    'with little: a sandbox, no front, nothing around it',
    [
      ...['--set', 'sandbox=true,front.enabled=false,networkPolicy.enabled=false,podDisruptionBudget.enabled=false'],
      ...['--set', 'ingress.enabled=false'],
    ],
  ],
  ['without the front', ['--set', 'front.enabled=false']],
];

describe.each(VARIANTS)('the chart %s', (_, args) => {
  let objects: Manifest[];

  beforeAll(() => {
    objects = read(renderChart([...NEEDED, ...args]));
  });

  it('is valid for Kubernetes: values and names of fields', async () => {
    expect(await manifestProblems(objects)).toEqual([]);
  });

  it('selects what it makes, and makes no secret', () => {
    const labels = objects.flatMap(({ kind, spec }) =>
      kind === 'StatefulSet' || kind === 'Deployment' ? [spec.template.metadata.labels] : [],
    );
    const selectors = objects.flatMap(({ kind, spec }) => (kind === 'Service' ? [spec.selector] : []));
    for (const selector of selectors) {
      expect(
        labels.filter((each) => Object.entries(selector!).every(([key, value]) => each[key] === value)),
      ).toHaveLength(1);
    }
    expect(objects.map(({ kind }) => kind)).not.toContain('Secret');
  });

  it('has one bridge, with a volume of its own, whose configuration starts', () => {
    const found = objects.filter(({ kind }) => kind === 'StatefulSet');
    expect(found).toHaveLength(1);
    const { spec } = found[0]!;
    expect(spec.replicas).toBe(1);
    expect(spec.volumeClaimTemplates[0]!.spec.accessModes).toEqual(['ReadWriteOncePod']);
    const { env = [], volumeMounts } = spec.template.spec.containers[0]!;
    const folder = mkdtempSync(path.join(tmpdir(), 'chart-'));
    try {
      // A file of a volume: a secret, or the mapping file.
      const local = (value: string): string => {
        if (!volumeMounts.some(({ mountPath }) => value.startsWith(`${mountPath}/`))) return value;
        const file = path.join(folder, path.basename(value));
        if (!value.endsWith('.db'))
          writeFileSync(
            file,
            value.endsWith('.yaml') ? 'neverTouch: []\n' : `${path.basename(file)}-0123456789-abcdefghijklmnop\n`,
          );
        return file;
      };
      // What the image sets.
      const image = { HOST: '0.0.0.0', PORT: '8080', SANDBOX: 'false' };
      const given = Object.fromEntries(env.map(({ name, value }) => [name, local(value)]));
      const loaded = loadConfig({ ...image, ...given });
      if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
      expect(loaded.config.publicUrl).toBe('https://scim.acme.example');
      expect(Object.keys(given)).toContain('TRUST_PROXY');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('helm', () => {
  it('finds nothing to complain about in the chart', () => {
    const { helm } = fetchPrograms();
    const { status, stdout } = spawnSync(helm, ['lint', '--strict', 'deploy/helm', ...NEEDED], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining('0 chart(s) failed')]);
  });

  it.each([
    ['publicUrl', 'ingress.host=a.example'],
    ['ingress.host', 'publicUrl=https://a.example'],
  ])('says that %s must be set', (missing, given) => {
    expect(() => renderChart(['--set', given])).toThrow(`${missing} must be set`);
  });
});

describe('what the check of manifests finds', () => {
  it('a field that does not exist, a value of another type, a kind that does not exist', async () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } };
    const port = { port: 1 };
    expect(await manifestProblems([{ ...service, spec: { ports: [port] } }])).toEqual([]);
    const problems = await manifestProblems([
      { ...service, spec: { ports: [{ ...port, prot: 'TCP' }] } },
      { ...service, spec: { ports: [{ port: 'one' }] } },
    ]);
    expect(problems.join('\n')).toMatch(/Service a: .*port[^]*'"?prot"?' does not exist/);
    expect(await manifestProblems([{ ...service, apiVersion: 'apps/v1' }])).toEqual([
      'Service a: there is no apps/v1 Service',
    ]);
  });
});

describe('files that are made from others', () => {
  it('are what they are made of', () => {
    expect(generate({ check: true })).toEqual([]);
  });

  it('are the alert rules that Prometheus checks and the docs describe', () => {
    const objects = read(renderChart([...NEEDED, '--set', 'prometheusRule.enabled=true']));
    const rule = objects.find(({ kind }) => kind === 'PrometheusRule')!;
    const own: unknown = parse(readFileSync(path.join(root, 'docs/operations/alerts.yaml'), 'utf8'));
    expect(rule.spec).toEqual(own);
    const folder = mkdtempSync(path.join(tmpdir(), 'rules-'));
    const file = path.join(folder, 'rules.json');
    writeFileSync(file, JSON.stringify(rule.spec));
    const checked = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect([checked.status, checked.stderr]).toEqual([0, '']);
  });
});

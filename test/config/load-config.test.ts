import { describe, expect, it } from '@jest/globals';
import { loadConfig, publicUrlFor } from '../../src/config.js';
import type { Config, Environment } from '../../src/config.js';
import { VARIABLE_NAMES, VARIABLES } from '../../src/config-variables.js';

/** Files of the fake file system; a missing one throws as fs does. */
const files = (content: Readonly<Record<string, string>>) => (path: string) => {
  const text = content[path];
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  return text;
};

function load(env: Environment, content: Readonly<Record<string, string>> = {}): Config {
  const loaded = loadConfig(env, files(content));
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.config;
}

function problems(env: Environment, content: Readonly<Record<string, string>> = {}): readonly string[] {
  const loaded = loadConfig(env, files(content));
  return loaded.ok ? [] : loaded.problems;
}

const key = { ELEVENLABS_API_KEY: 'sk_0123456789abcdef' };

/** 32 characters, 12 of them different: just enough. */
const STRONG = 'abcdefghijkl'.repeat(3).slice(0, 32);

describe('configuration', () => {
  it('needs nothing: the sandbox workspace on a database of its own', () => {
    expect(load({})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      publicUrl: null,
      tls: null,
      trustProxy: 0,
      allowedIps: null,
      adminListener: null,
      scimToken: null,
      oauthTokenMinutes: 60,
      adminToken: null,
      upstream: { kind: 'sandbox' },
      upstreamTimeoutMs: 10_000,
      upstreamConcurrency: 4,
      databasePath: './data/sandbox.db',
      auditKey: null,
      provisionWaitMs: 3000,
      syncIntervalSeconds: 900,
      pendingPollSeconds: 30,
      importExisting: true,
      requireEmail: true,
      defaultSeat: 'workspace_member',
      allowDowngrade: false,
      seatLimits: { full: null, basic: null },
      mappingFile: null,
      drift: 'enforce',
      emailChange: 'keep',
      dryRun: false,
      deprovisionLimit: { count: 10, percent: 20 },
      inviteLimit: { count: null, percent: null },
      inviteTtlDays: 7,
      retentionDays: 400,
      alertWebhook: null,
      logLevel: 'info',
    });
  });

  it('serves the real workspace with an API key', () => {
    const config = load(key);
    expect(config.upstream).toEqual({
      kind: 'elevenlabs',
      apiKey: key.ELEVENLABS_API_KEY,
      baseUrl: 'https://api.elevenlabs.io',
    });
    expect(config.databasePath).toBe('./data/bridge.db');
  });

  it.each([
    [{ ELEVENLABS_REGION: 'eu' }, 'https://api.eu.residency.elevenlabs.io'],
    [{ ELEVENLABS_REGION: 'US' }, 'https://api.us.elevenlabs.io'],
    [{ ELEVENLABS_BASE_URL: 'http://127.0.0.1:9/' }, 'http://127.0.0.1:9'],
  ])('takes the upstream from %j', (env, baseUrl) => {
    expect(load({ ...key, ...env }).upstream).toMatchObject({ baseUrl });
  });

  it.each([
    ['DEPROVISION_LIMIT', 'deprovisionLimit', '5', { count: 5, percent: null }],
    ['DEPROVISION_LIMIT', 'deprovisionLimit', '50%', { count: null, percent: 50 }],
    ['DEPROVISION_LIMIT', 'deprovisionLimit', ' 3 , 10 % ', { count: 3, percent: 10 }],
    ['DEPROVISION_LIMIT', 'deprovisionLimit', 'none', { count: null, percent: null }],
    ['INVITE_LIMIT', 'inviteLimit', '0', { count: 0, percent: null }],
    ['SEAT_LIMITS', 'seatLimits', 'full=10,basic=20', { full: 10, basic: 20 }],
    ['SEAT_LIMITS', 'seatLimits', 'Basic=3', { full: null, basic: 3 }],
    ['TRUST_PROXY', 'trustProxy', '2', 2],
    ['TRUST_PROXY', 'trustProxy', 'false', 0],
    ['TRUST_PROXY', 'trustProxy', 'loopback, 10.0.0.0/8', ['loopback', '10.0.0.0/8']],
    ['ALLOWED_IPS', 'allowedIps', '203.0.113.7, 2001:db8::/32', ['203.0.113.7', '2001:db8::/32']],
    ['DRY_RUN', 'dryRun', 'YES', true],
    ['PROVISION_WAIT_MS', 'provisionWaitMs', '0', 0],
    ['PUBLIC_URL', 'publicUrl', 'https://scim.example.com/', 'https://scim.example.com'],
    ['DEFAULT_SEAT_TYPE', 'defaultSeat', 'workspace_lite_member', 'workspace_lite_member'],
    ['DATABASE_PATH', 'databasePath', '/data/x.db', '/data/x.db'],
  ] as const)('reads %s into %s', (name, field, text, value) => {
    expect(load({ [name]: text })[field]).toEqual(value);
  });

  it.each([
    ['PORT', '80a'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['HOST', 'http://x'],
    ['PROVISION_WAIT_MS', '50001'],
    ['PROVISION_WAIT_MS', '1e3'],
    ['DRIFT', 'repair'],
    ['DRY_RUN', 'maybe'],
    ['DEPROVISION_LIMIT', '101%'],
    ['DEPROVISION_LIMIT', '%'],
    ['DEPROVISION_LIMIT', '10 20'],
    ['DEPROVISION_LIMIT', ','],
    ['DEPROVISION_LIMIT', ',20%'],
    ['SEAT_LIMITS', 'full=1,full=2'],
    ['SEAT_LIMITS', 'lite=1'],
    ['ALLOWED_IPS', '10.0.0.0/33'],
    ['ALLOWED_IPS', 'example.com'],
    ['TRUST_PROXY', 'true'],
    ['PUBLIC_URL', 'scim.example.com'],
    ['PUBLIC_URL', 'https://a:b@scim.example.com'],
    ['PUBLIC_URL', 'https://scim.example.com/scim/v2'],
    ['PUBLIC_URL', 'https://scim.example.com?x=1'],
    ['ELEVENLABS_REGION', 'mars'],
    ['LOG_LEVEL', 'loud'],
  ])('refuses %s=%s and names both', (name, text) => {
    const found = problems({ [name]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${name} is ${JSON.stringify(text)}: `);
  });

  it('reports every problem at once', () => {
    const found = problems({ PORT: 'x', DRIFT: 'y', SCIM_TOKEN: 'a b', TLS_KEY_FILE: '/none', INVITE_TTL_DAYS: '0' });
    expect(found).toEqual([
      'PORT is "x": it must be a whole number from 0 to 65535.',
      expect.stringMatching(
        /^SCIM_TOKEN is not usable: it must be letters.* at least 32 characters .*openssl rand -base64 32/,
      ),
      'DRIFT is "y": it must be one of enforce, report.',
      'INVITE_TTL_DAYS is "0": it must be a whole number from 1 to 365.',
      'TLS_CERT_FILE and TLS_KEY_FILE belong together: set both or none.',
      'TLS_KEY_FILE is "/none": that file cannot be read (it does not exist).',
    ]);
  });

  it.each([
    [{ ...key, SANDBOX: 'true' }, 'SANDBOX is true and ELEVENLABS_API_KEY is set'],
    [{ SANDBOX: 'false' }, 'ELEVENLABS_API_KEY is not set'],
    [{ ...key, ELEVENLABS_REGION: 'eu', ELEVENLABS_BASE_URL: 'https://x.example' }, 'are both set'],
    [{ SCIM_TOKEN: STRONG, ADMIN_TOKEN: STRONG }, 'are the same'],
    [{ ADMIN_HOST: '127.0.0.1' }, 'ADMIN_HOST is set without ADMIN_PORT'],
    [{ ADMIN_PORT: '8080' }, 'the same as PORT'],
    [{ ALERT_WEBHOOK_URL: 'http://10.0.0.1/hook' }, 'must start with https://'],
    [{ MAPPING_FILE: '/none.yaml' }, 'MAPPING_FILE is "/none.yaml": that file cannot be read (it does not exist).'],
  ])('refuses %j', (env, words) => {
    expect(problems(env)).toEqual([expect.stringContaining(words)]);
  });

  it.each([
    ['too short', '7351'],
    ['one character short', STRONG.slice(0, 31)],
    ['long, and nearly all the same', 'ab'.repeat(40)],
    ['eleven different characters', 'abcdefghijk'.repeat(4)],
  ])('takes no token that can be guessed: %s', (_what, token) => {
    for (const name of ['SCIM_TOKEN', 'ADMIN_TOKEN']) {
      const [problem, ...rest] = problems({ [name]: token });
      expect(rest).toEqual([]);
      expect(problem).toContain(`${name} is not usable`);
      expect(problem).toContain('openssl rand -base64 32');
      expect(problem).not.toContain(token);
    }
    expect(problems({ SCIM_TOKEN: STRONG })).toEqual([]);
  });

  it('never shows a secret', () => {
    const secret = 'geheim mit leerzeichen';
    const names = VARIABLE_NAMES.filter((name) => VARIABLES[name].secret);
    expect(names).toEqual(['SCIM_TOKEN', 'ADMIN_TOKEN', 'ELEVENLABS_API_KEY', 'AUDIT_KEY', 'ALERT_WEBHOOK_URL']);
    for (const name of names) {
      const found = problems({ [name]: secret });
      expect(found).toHaveLength(1);
      expect(found.join()).not.toContain('geheim');
    }
  });

  it('takes an empty value as none', () => {
    expect(load({ PORT: '', SCIM_TOKEN: ' ', MAPPING_FILE: '', DRY_RUN: '' })).toEqual(load({}));
  });

  describe('NAME_FILE', () => {
    it('holds the value, trimmed', () => {
      const config = load(
        { ELEVENLABS_API_KEY_FILE: '/run/key', PORT_FILE: '/run/port' },
        { '/run/key': 'sk_abcdefghij\n', '/run/port': ' 9000 ' },
      );
      expect(config.upstream).toMatchObject({ apiKey: 'sk_abcdefghij' });
      expect(config.port).toBe(9000);
    });

    it.each(VARIABLE_NAMES.filter((name) => VARIABLES[name].secret))('can hold %s, as every secret', (name) => {
      const secret =
        name === 'ALERT_WEBHOOK_URL' ? 'https://hooks.example/a-secret-path' : 'a-secret-0123456789abcdefghijklmn';
      const fromFile = load({ [`${name}_FILE`]: '/run/secret' }, { '/run/secret': `${secret}\n` });
      expect(fromFile).toEqual(load({ [name]: secret }));
      expect(JSON.stringify(fromFile)).toContain(secret);
    });

    it.each([
      [
        { SCIM_TOKEN: STRONG, SCIM_TOKEN_FILE: '/t' },
        'SCIM_TOKEN and SCIM_TOKEN_FILE are both set: set only one of them.',
      ],
      [{ SCIM_TOKEN_FILE: '/gone' }, 'SCIM_TOKEN_FILE is "/gone": that file cannot be read (it does not exist).'],
      [{ SCIM_TOKEN_FILE: '/empty' }, 'SCIM_TOKEN_FILE is "/empty": that file is empty.'],
    ])('%j is a problem', (env, problem) => {
      expect(problems(env, { '/t': 'x', '/empty': '\n' })).toEqual([problem]);
    });

    it('is unknown for variables that are paths themselves', () => {
      const content = { '/m.yaml': 'roles: {}', '/c': 'cert', '/k': 'key' };
      const config = load({ MAPPING_FILE: '/m.yaml', TLS_CERT_FILE: '/c', TLS_KEY_FILE: '/k' }, content);
      expect(config.mappingFile).toBe('/m.yaml');
      expect(config.tls).toEqual({ certFile: '/c', keyFile: '/k' });
    });
  });

  describe('warnings', () => {
    const warnings = (env: Environment) => loadConfig(env, files({})).warnings;

    it.each([
      ['ELEVENLABS_APIKEY', 'ELEVENLABS_API_KEY'],
      ['SCIM_TOKN', 'SCIM_TOKEN'],
      ['PROVISIONING_WAIT_MS', null],
      ['DATABASE_PAHT', 'DATABASE_PATH'],
      ['DEPROVISION_LIMITS', 'DEPROVISION_LIMIT'],
      ['SCIM_TOKEN_FILES', 'SCIM_TOKEN_FILE'],
    ])('%s looks like a misspelt variable', (name, meant) => {
      const [warning, ...rest] = warnings({ [name]: 'x' });
      expect(rest).toEqual([]);
      expect(warning).toContain(`${name} is not a variable of the bridge`);
      if (meant !== null) expect(warning).toContain(`Did you mean ${meant}?`);
    });

    it('leaves foreign variables alone', () => {
      const foreign = ['PATH', 'HOSTNAME', 'PORTS', 'DATABASE_URL', 'NODE_ENV', 'npm_config_loglevel', 'LOGNAME'];
      expect(warnings(Object.fromEntries(foreign.map((name) => [name, 'x'])))).toEqual([]);
    });

    it.each([
      [{ HOST: '0.0.0.0' }, 'clear text'],
      [{ ...key, ELEVENLABS_BASE_URL: 'http://emulator:9' }, 'The API key crosses'.slice(4)],
      [{ ELEVENLABS_REGION: 'eu' }, 'have no effect'],
    ])('%j is a risk', (env, words) => {
      expect(warnings(env)).toEqual([expect.stringContaining(words)]);
    });

    it.each([
      { HOST: '0.0.0.0', TRUST_PROXY: '1' },
      { HOST: '0.0.0.0', PUBLIC_URL: 'https://scim.example.com' },
      { HOST: '127.0.0.1' },
    ])('%j is none', (env) => {
      expect(warnings(env)).toEqual([]);
    });
  });

  it('derives the public URL from the address', () => {
    expect(publicUrlFor(load({}), 1234)).toBe('http://127.0.0.1:1234');
    expect(publicUrlFor(load({ HOST: '0.0.0.0' }), 80)).toBe('http://localhost:80');
    expect(publicUrlFor(load({ HOST: '::1' }), 80)).toBe('http://[::1]:80');
    expect(publicUrlFor(load({ PUBLIC_URL: 'https://x.example/' }), 80)).toBe('https://x.example');
  });

  it('describes every variable, with a default that is valid', () => {
    for (const name of VARIABLE_NAMES) {
      const variable = VARIABLES[name];
      expect(variable.description).toMatch(/\.$/);
      expect((variable.fallback === null) === (variable.fallbackNote !== null)).toBe(true);
      if (variable.fallback !== null) expect(variable.schema.safeParse(variable.fallback).success).toBe(true);
    }
  });
});

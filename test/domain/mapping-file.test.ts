import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildRules, parseMapping, type Mapping, type MappingProblem } from '../../src/domain/mapping-file.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { loadMapping } from '../../src/mapping-loader.js';

function problemsOf(text: string): readonly MappingProblem[] {
  const parsed = parseMapping(text);
  if (parsed.ok) throw new Error('was accepted');
  return parsed.problems;
}

function mappingOf(text: string): Mapping {
  const parsed = parseMapping(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.mapping;
}

describe('the example file', () => {
  const mapping = mappingOf(readFileSync(new URL('../../docs/mapping.example.yaml', import.meta.url), 'utf8'));

  it('gives what its comments say', () => {
    expect(mapping.roleSeats.get('voice director')).toBe('workspace_member');
    expect(mapping.roleSeats.get('admin')).toBe('workspace_admin');
    expect([...mapping.groupSeats]).toEqual([
      ['support', 'workspace_member'],
      ['contractors, emea', 'workspace_lite_member'],
    ]);
    expect([...mapping.groupAliases]).toEqual([['support', 'customer support']]);
    expect(mapping.groupShares.get('support')).toEqual([
      { resource: { type: 'convai_agents', id: 'J3Pbu5gP6NNKBscdCdwB' }, role: 'editor' },
      { resource: { type: 'pronunciation_dictionary', id: '5xM3yVvZQKV0EfqQpLrJ' }, role: 'viewer' },
    ]);
    expect(mapping.fixedShares.map(({ principal }) => principal)).toEqual([
      { kind: 'default' },
      { kind: 'key', keyId: '3f2a9c1d7e5b4a60' },
    ]);
    expect(mapping.workspaceGroupShares.get('studio')).toEqual([
      { resource: { type: 'project', id: 'aQ5xM3yVvZQKV0EfqQpL' }, role: 'editor' },
    ]);
    expect([...mapping.neverTouch]).toEqual(['break-glass@example.com']);
    expect(mapping.inviteOnly).toEqual(['*@example.com', '*@*.example.com', 'partner-*@example.net']);
    expect([...mapping.verifiedDomains]).toEqual(['example.com']);
    expect(mapping.namedEntitlements[0]?.display).toBe('Support agent (use)');
    expect([mapping.dangerousSharesByScim, mapping.allowedDangerousShares.size]).toEqual([false, 0]);
  });
});

describe('buildRules', () => {
  it('without a file is the configuration over the defaults', () => {
    expect(buildRules({ ...DEFAULT_RULES, drift: 'report', inviteTtlDays: 3 }, null)).toEqual({
      ...DEFAULT_RULES,
      drift: 'report',
      inviteTtlDays: 3,
    });
  });

  it('with an empty file is the same', () => {
    for (const text of ['', '# nothing\n', '{}', 'roles:\ngroups:\n', '---\n']) {
      expect(buildRules(DEFAULT_RULES, mappingOf(text))).toEqual(DEFAULT_RULES);
    }
  });

  it('takes nothing but its own keys from the configuration', () => {
    const config = { ...DEFAULT_RULES, apiKey: 'secret' };
    expect(buildRules(config, null)).not.toHaveProperty('apiKey');
  });

  it('builtin: false switches the built-in role names off', () => {
    const { roleSeats } = buildRules(DEFAULT_RULES, mappingOf('roles:\n  builtin: false\n  Boss: admin\n'));
    expect([...roleSeats]).toEqual([['boss', 'workspace_admin']]);
  });

  it('a role of the file overrides the built-in one of its name', () => {
    const { roleSeats } = buildRules(DEFAULT_RULES, mappingOf('roles:\n  Admin: lite\n'));
    expect(roleSeats.get('admin')).toBe('workspace_lite_member');
  });

  it('inviteOnly: [] lets nobody in; absent lets everybody in', () => {
    expect(mappingOf('inviteOnly: []').inviteOnly).toEqual([]);
    expect(mappingOf('roles: {}').inviteOnly).toBeNull();
  });

  it.each([
    ['true', true, 4],
    ['false', false, 0],
    ['[]', false, 0],
    ['[convai_secrets]', false, 1],
    ['[convai_secrets, workspace_auth_connections, convai_settings, admin]', true, 4],
  ])('allowDangerousShares: %s', (text, all, count) => {
    const mapping = mappingOf(`allowDangerousShares: ${text}`);
    expect([mapping.dangerousSharesByScim, mapping.allowedDangerousShares.size]).toEqual([all, count]);
  });

  it('the file itself may share what is dangerous', () => {
    expect(mappingOf('groups:\n  Ops:\n    shares: [convai_secrets:s1:admin]').groupShares.get('ops')).toHaveLength(1);
  });
});

describe('problems', () => {
  it('come all at once, in the order of the file, each with line, key and what is allowed', () => {
    const problems = problemsOf(
      [
        'rolls: {}', // 1
        'roles:', // 2
        '  builtin: maybe', // 3
        '  Boss: owner', // 4
        '  Chief: workspace_memebr', // 5
        'groups:', // 6
        '  Sales, EMEA:', // 7
        '    seats: member', // 8
        '    shares:', // 9
        '      - convai_agent:a1:viewer', // 10
        '      - voice:v1', // 11
        '      - resourceType: voice', // 12
        '        resourceId: ../x', // 13
        '        role: viewer', // 14
        '      - resourceType: voice', // 15
        '        id: v1', // 16
        'neverTouch: ann@example.com', // 17
        'inviteOnly:', // 18
        '  - example.com', // 19
        'verifiedDomains:', // 20
        '  - "@example.com"', // 21
        'allowDangerousShares: [convai_secret]', // 22
      ].join('\n'),
    );
    const lines = problems.map(({ line, key, message }) => `${String(line)} ${key}: ${message}`);
    expect(lines).toEqual([
      expect.stringMatching(/^1 rolls: unknown key "rolls"; allowed are roles, groups, .*Did you mean "roles"\?$/),
      expect.stringMatching(/^3 roles\.builtin: must be true or false$/),
      expect.stringMatching(/^4 roles\.Boss: unknown seat "owner"; allowed are workspace_admin, .*lite\.$/),
      expect.stringMatching(/^5 roles\.Chief: .*Did you mean "workspace_member"\?$/),
      expect.stringMatching(/^8 groups\["Sales, EMEA"\]\.seats: unknown key "seats"; .*Did you mean "seat"\?$/),
      expect.stringMatching(
        /^10 groups\["Sales, EMEA"\]\.shares\[0\]: unknown resource type.*Did you mean "convai_agents"\?$/,
      ),
      expect.stringMatching(
        /^11 groups\["Sales, EMEA"\]\.shares\[1\]: .*does not have the form resourceType:resourceId:role/,
      ),
      expect.stringMatching(/^12 groups\["Sales, EMEA"\]\.shares\[2\]: "\.\.\/x" is not a resource id/),
      expect.stringMatching(/^15 groups\["Sales, EMEA"\]\.shares\[3\]\.resourceId: is missing$/),
      expect.stringMatching(/^15 groups\["Sales, EMEA"\]\.shares\[3\]\.role: is missing$/),
      expect.stringMatching(/^16 groups\["Sales, EMEA"\]\.shares\[3\]\.id: unknown key "id"/),
      expect.stringMatching(/^17 neverTouch: must be a list/),
      expect.stringMatching(
        /^19 inviteOnly\[0\]: "example\.com" has no "@"; for a whole domain write "\*@example\.com"$/,
      ),
      expect.stringMatching(/^21 verifiedDomains\[0\]: "@example\.com" has a character that no domain can have$/),
      expect.stringMatching(/^22 allowDangerousShares\[0\]: unknown kind .*Did you mean "convai_secrets"\?$/),
    ]);
  });

  it.each([
    ['- a list', 1, '', 'must be a map'],
    ['just a text', 1, '', 'must be a map'],
    ['roles: {}\nroles: {}', 2, '', 'the key "roles" occurs twice'],
    ['groups:\n  Sales: {}\n  "SALES ": {}', 3, 'groups["SALES "]', 'is the same as "Sales" above'],
    ['roles:\n  Boss: admin\n  BOSS: lite', 3, 'roles.BOSS', 'is the same as "Boss"'],
    ['neverTouch:\n  - a@b.test\n  - A@b.test', 3, 'neverTouch[1]', 'is the same as "a@b.test"'],
    ['groups:\n  "": {seat: member}', 2, 'groups[""]', 'is empty'],
    ['groups:\n  Sales: workspace_member', 2, 'groups.Sales', 'must be a map'],
    ['groups:\n  Sales:', 2, 'groups.Sales', 'must be a map'],
    ['roles:\n  Boss: 1', 2, 'roles.Boss', 'must be a text'],
    ['shares:\n  - shares: []', 2, 'shares[0]', 'exactly one of groupId'],
    ['shares:\n  - groupId: default\n    group: X\n    shares: []', 2, 'shares[0]', 'exactly one of groupId'],
    ['shares:\n  - groupId: a/b\n    shares: []', 2, 'shares[0].groupId', 'not an id'],
    ['shares:\n  - groupId: default', 2, 'shares[0].shares', 'is missing'],
    [
      'shares:\n  - group: X\n    shares: [voice:a:viewer]\n  - group: x\n    shares:\n      - voice:a:editor',
      6,
      'shares[1].shares[0]',
      'voice:a is listed twice',
    ],
    [
      'groups:\n  S:\n    shares:\n      - voice:a:viewer\n      - voice:a:editor',
      5,
      'groups.S.shares[1]',
      'listed twice',
    ],
    ['entitlements:\n  - value: voice:a:viewer', 2, 'entitlements[0].display', 'is missing'],
    [
      'entitlements:\n  - {value: voice:a:admin, display: X}',
      2,
      'entitlements[0].value',
      'list admin under allowDangerousShares',
    ],
    ['allowDangerousShares: 1', 1, 'allowDangerousShares', 'must be true, false or a list'],
    ['inviteOnly: *@example.com', 1, '', 'must be in quotes'],
    ['roles: {}\n---\nroles: {}', 2, '', 'more than one document'],
    ['roles: !!js/function x', 1, '', 'tag'],
    ['roles:\n\tBoss: admin', 2, '', 'Tabs'],
    ['roles: "never ends\n', 2, '', 'quote'],
    ['__proto__: {roles: {}}', 1, '__proto__', 'cannot be used'],
    ['groups:\n  __proto__: {seat: admin}', 2, '__proto__', 'cannot be used'],
    ['1: x', 1, '["1"]', 'unknown key'],
    ['? [a]\n: b', 1, '', 'complex key'],
  ])('%j', (text, line, key, words) => {
    const [first] = problemsOf(text);
    expect(first).toMatchObject({ line, key });
    expect(first?.message).toContain(words);
  });

  it('name the line behind an alias', () => {
    const text = 'groups:\n  A: &a\n    seat: nothing\n  B: *a\n';
    expect(problemsOf(text).map(({ line, key }) => [line, key])).toEqual([
      [3, 'groups.A.seat'],
      [3, 'groups.B.seat'],
    ]);
  });

  it('are at most a hundred', () => {
    const roles = Array.from({ length: 500 }, (_, index) => `  r${String(index)}: nothing`).join('\n');
    expect(problemsOf(`roles:\n${roles}`)).toHaveLength(100);
  });
});

describe('hostile files', () => {
  const bomb = [
    'a: &a [x, x]',
    ...'bcdefghi'.split('').map((name, i) => `${name}: &${name} [*${'abcdefghi'[i]!}, *${'abcdefghi'[i]!}]`),
  ];

  it.each([
    ['an alias bomb', bomb.join('\n'), 'contains an alias'],
    ['an endless alias', 'roles: &a\n  x: *a', 'contains an alias'],
    ['too many aliases', `a: &a x\nb: [${'*a, '.repeat(200)}]`, 'more than 100 aliases'],
    ['deep brackets', '['.repeat(100_000), 'nested'],
    ['deep braces', '{a: '.repeat(50_000), 'nested'],
    ['deep lists on a line', '- '.repeat(50_000), 'nested'],
    ['deep complex keys', '? '.repeat(50_000), 'complex key'],
    ['deep indentation', Array.from({ length: 500 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'), 'nested'],
    ['a huge file', `# ${'x'.repeat(300_000)}`, 'larger than 256 KiB'],
  ])('%s is refused', (_, text, words) => {
    expect(problemsOf(text)[0]?.message).toContain(words);
  });

  it('nothing makes it throw, and nothing is accepted that is not understood', () => {
    const piece = fc.constantFrom(
      'roles',
      'groups',
      'shares',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '*a',
      '&a',
      '|',
      '>',
      '#',
      '!',
      '~',
      'null',
      'x',
      '? ',
      ',',
      '\t',
      '%',
      '@',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          const parsed = parseMapping(text);
          if (!parsed.ok) expect(parsed.problems.length).toBeGreaterThan(0);
          else expect(parsed.mapping.roleSeats.size).toBeGreaterThanOrEqual(6);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('loadMapping', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mapping-'));
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  it('reads a file', () => {
    const loaded = loadMapping(file('good.yaml', '\ufeffneverTouch: [Ann@Example.com]\n'));
    expect(loaded.ok && [...loaded.mapping.neverTouch]).toEqual(['ann@example.com']);
  });

  it('names file, line and key of every problem', () => {
    const path = file('bad.yaml', 'roles:\n  Boss: owner\nrols: 1\n');
    expect(loadMapping(path)).toEqual({
      ok: false,
      problems: [
        expect.stringContaining(`${path}:2: roles.Boss: unknown seat`),
        expect.stringContaining(`${path}:3: rols: unknown key`),
      ],
    });
  });

  it('says why a file cannot be read', () => {
    mkdirSync(join(folder, 'directory'));
    const problem = (path: string) => {
      const loaded = loadMapping(path);
      return loaded.ok ? 'ok' : loaded.problems.join();
    };
    expect(problem(join(folder, 'none.yaml'))).toContain('does not exist');
    expect(problem(join(folder, 'directory'))).toContain('not a regular file');
    expect(problem(file('latin1.yaml', Buffer.from('neverTouch: [j\xf6rg@b.test]', 'latin1')))).toContain('not UTF-8');
    expect(problem(file('big.yaml', '#'.repeat(300_000)))).toContain('larger than 256 KiB');
  });
});

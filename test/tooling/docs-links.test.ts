import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { brokenLinks } from '../../scripts/docs/links.mjs';

describe('links of the documentation', () => {
  let root: string;

  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), 'docs-'));
    mkdirSync(path.join(root, 'docs'));
    writeFileSync(path.join(root, 'docs', 'there.md'), '# A `Title`, twice\n\n## A title, twice\n\n### token create\n');
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const check = (text: string): readonly string[] => {
    writeFileSync(path.join(root, 'README.md'), text);
    return brokenLinks(root, ['README.md']);
  };

  it.each([
    'https://elsewhere.example/#x',
    'mailto:someone@example.com',
    'docs/there.md',
    './docs/',
    'docs/there.md#a-title-twice',
    'docs/there.md#a-title-twice-1',
    'docs/there.md#token-create',
  ])('follows %s', (target) => {
    expect(check(`See [this](${target}).`)).toEqual([]);
  });

  it.each([
    ['docs/gone.md', 'there is no such file'],
    ['docs/there.md#gone', 'there is no such heading'],
    ['#gone', 'there is no such heading'],
    ['../outside.md', 'leads out of the repository'],
  ])('reports %s', (target, why) => {
    expect(check(`# Here\n\n![a [nested] text](${target})`)).toEqual([`README.md: ${target}: ${why}`]);
    expect(check(`[name]: ${target}`)).toEqual([`README.md: ${target}: ${why}`]);
  });

  it('does not read code', () => {
    expect(check('`[x](gone.md)`\n\n```\n[x](gone.md)\n```\n')).toEqual([]);
  });
});

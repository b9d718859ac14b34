import { describe, expect, it } from '@jest/globals';
import { createLog } from '../../src/log-output.js';
import type { LogOutput } from '../../src/log-output.js';

function capture(
  level: 'debug' | 'info' | 'error' = 'info',
): LogOutput & { lines(): Record<string, unknown>[]; text(): string } {
  const written: string[] = [];
  const output = createLog(level, { write: (line) => written.push(line) });
  return {
    ...output,
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    text: () => written.join(''),
  };
}

describe('log', () => {
  it('writes one JSON object per line, with time and level', () => {
    const { log, lines, text } = capture();
    log.info({ requestId: 'r1' }, 'hello');
    expect(lines()).toEqual([
      { level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), requestId: 'r1', msg: 'hello' },
    ]);
    expect(text().endsWith('\n')).toBe(true);
  });

  it('redacts fields by name, down to the third level, in any case and in children', () => {
    const { log, text, lines } = capture();
    const fields = { Authorization: 'S1', a: { token: 'S2', b: { password: 'S3', fine: 'kept' } }, 'xi-api-key': 'S4' };
    log.info(fields, 'x');
    log.child({ apiKey: 'S5', tokenId: 'kept too' }).warn('y');
    expect(text()).not.toMatch(/S\d/);
    expect(lines()[0]).toMatchObject({ Authorization: '[redacted]', a: { b: { fine: 'kept' } } });
    expect(lines()[1]).toMatchObject({ apiKey: '[redacted]', tokenId: 'kept too' });
    expect(fields.a.token).toBe('S2');
  });

  it('hashes e-mail addresses, wherever they stand, except at debug', () => {
    const { log, text, lines } = capture('debug');
    const error = new Error('Zoe.Q+1@acme.example is no member (see a@b.example, c@d.example.)');
    log.info({ person: 'zoe.q+1@acme.example', err: error, list: ['<müller@straße.example>'] }, 'x');
    expect(text()).not.toMatch(/acme|b\.example|d\.example|müller|straße/);
    const hash = lines()[0]?.['person'];
    expect(hash).toMatch(/^sha256:[0-9a-f]{12}$/);
    // The same person under another spelling has the same hash: lines about one person belong together.
    expect((lines()[0] as { err: { message: string } }).err.message).toContain(
      `${String(hash)} is no member (see sha256:`,
    );
    expect((lines()[0] as { list: string[] }).list[0]).toMatch(/^<sha256:[0-9a-f]{12}>$/);
    log.debug({ person: 'zoe@acme.example' }, 'y');
    expect(lines()[1]).toMatchObject({ person: 'zoe@acme.example' });
  });

  it('leaves what only looks like an address, and long lines cost no more than their length', () => {
    const { log, lines } = capture();
    const path = '/app/node_modules/@elevenlabs/elevenlabs-js/index.js';
    log.info({ path, at: '@', odd: 'a@b', mention: '@zoe', end: 'zoe@' }, 'x');
    expect(lines()[0]).toMatchObject({ path, at: '@', odd: 'a@b', mention: '@zoe', end: 'zoe@' });
    const begun = performance.now();
    log.info({ text: '@'.repeat(200_000) + 'a@'.repeat(100_000) + 'a'.repeat(200_000) }, 'x');
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it('cuts known secrets out wherever they stand', () => {
    const { log, conceal, text } = capture();
    conceal('sk_123"456\\789');
    conceal('short');
    log.error(
      { err: new Error('bad key sk_123"456\\789'), url: 'https://x/?k=sk_123"456\\789' },
      'sk_123"456\\789 short',
    );
    expect(text()).not.toContain('456');
    expect(text()).toContain('[redacted] short');
  });

  it('writes of an error its name, message, code, stack and causes, nothing else', () => {
    const { log, lines, text } = capture();
    const cause = Object.assign(new TypeError('inner'), { code: 'ECONNRESET' });
    const error = Object.assign(new Error('outer', { cause }), {
      rawResponse: { headers: { x: 'LEAK' } },
      body: 'LEAK',
    });
    log.error({ err: error }, 'failed');
    expect(text()).not.toContain('LEAK');
    expect(lines()[0]?.err).toMatchObject({
      type: 'Error',
      message: 'outer',
      stack: expect.stringContaining('log-output.test'),
      cause: { type: 'TypeError', message: 'inner', code: 'ECONNRESET' },
    });
  });

  it('changes its level while running', () => {
    const { log, setLevel, lines } = capture('error');
    log.info('unseen');
    const child = log.child({ part: 'x' });
    setLevel('debug');
    child.debug('seen');
    expect(lines().map((line) => line.msg)).toEqual(['seen']);
  });
});

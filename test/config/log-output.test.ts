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

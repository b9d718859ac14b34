/** Text and tables in the width of a terminal. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { layOut } from '../../src/commands/table.js';
import { widthOf, wrap } from '../../src/commands/wrap.js';
import { runs } from '../support/property.js';

const RED = '\u001b[31m';
const PLAIN = '\u001b[0m';

describe('a long line', () => {
  it('is broken at spaces, and what follows is indented', () => {
    expect(wrap('ok   seat: member; rule: none at all', 20, 5)).toEqual([
      'ok   seat: member;',
      '     rule: none at',
      '     all',
    ]);
  });

  it('keeps words whole, and the spaces that it begins with', () => {
    expect(wrap('      -> a-word-that-is-longer-than-that x', 12, 9)).toEqual([
      '      ->',
      '         a-word-that-is-longer-than-that',
      '         x',
    ]);
    expect(wrap('', 10)).toEqual(['']);
  });

  it('is measured as it is seen: colours and accents take no room, wide characters two cells', () => {
    expect(widthOf(`${RED}Zoë${PLAIN} cafe\u0301`)).toBe(8);
    expect(widthOf('田中 🙂')).toBe(7);
    expect(wrap(`${RED}abc${PLAIN} def`, 7)).toEqual([`${RED}abc${PLAIN} def`]);
  });

  it('loses no word, whatever the width', () => {
    const text = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 10 }), (line, width, indent) => {
        const lines = wrap(line, width, indent);
        expect(lines.map((one) => one.trimStart()).join(' ')).toBe(line);
        for (const one of lines) if (one.trim().includes(' ')) expect(widthOf(one)).toBeLessThanOrEqual(width);
      }),
      runs(200),
    );
  });
});

describe('a table', () => {
  const HEAD = ['USER', 'SEAT', 'GROUPS', 'LAST ERROR'];
  const ROWS = [
    ['ada@acme.example', 'member', '-', '-'],
    ['linus@acme.example', 'admin', '-', 'the resource was not found there'],
  ];

  it('is as wide as it comes in a pipe, a line for each row', () => {
    expect(layOut(HEAD, ROWS, null)).toEqual({
      titles: 'USER                SEAT    GROUPS  LAST ERROR',
      lines: [
        'ada@acme.example    member  -       -',
        'linus@acme.example  admin   -       the resource was not found there',
      ],
    });
    expect(layOut(HEAD, ROWS, 100)).toEqual(layOut(HEAD, ROWS, null));
  });

  it('is folded where the terminal is too narrow, the widest column first', () => {
    expect(layOut(HEAD, ROWS, 56)).toEqual({
      titles: 'USER                SEAT    GROUPS  LAST ERROR',
      lines: [
        'ada@acme.example    member  -       -',
        'linus@acme.example  admin   -       the resource was not\n                                    found there',
      ],
    });
  });

  it('loses columns without any value before another has to go', () => {
    expect(layOut(HEAD, ROWS, 38).titles).toBe('USER                SEAT    LAST ERROR');
  });

  it('has below its row what has no room beside it', () => {
    const head = ['USER', 'SENT', 'ENDED', 'WHY'];
    const rows = [
      ['ada@acme.example', '2026-11-24T13:46:08Z', '-', 'nobody knows'],
      ['bob@acme.example', '2026-11-24T13:46:08Z', '2026-11-24T13:47:08Z', 'a reason that is rather long for it'],
    ];
    expect(layOut(head, rows, 40)).toEqual({
      titles: 'USER              WHY',
      lines: [
        'ada@acme.example  nobody knows',
        '  SENT  2026-11-24T13:46:08Z',
        'bob@acme.example  a reason that is\n                  rather long for it',
        '  SENT  2026-11-24T13:46:08Z',
        '  ENDED  2026-11-24T13:47:08Z',
      ],
    });
    expect(layOut(head, rows, 30).lines.slice(0, 2)).toEqual([
      'ada@acme.example  nobody knows',
      '  SENT  2026-11-24T13:46:08Z',
    ]);
    expect(layOut(head, rows, 65).titles).toBe('USER              SENT                  WHY');
  });

  it('has no titles where none are given', () => {
    expect(layOut(['', ''], [['Status', 'member']], 20)).toEqual({ titles: null, lines: ['Status  member'] });
  });

  it('fits the terminal as far as words do, and loses none', () => {
    const cell = fc.oneof(
      fc.constant('-'),
      fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1, maxLength: 6 }).map((words) => words.join(' ')),
    );
    const table = fc.array(fc.tuple(cell, cell, cell, cell), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(table, fc.integer({ min: 24, max: 90 }), (rows, width) => {
        const { titles, lines } = layOut(HEAD, rows, width);
        const text = [titles ?? '', ...lines].join('\n');
        for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(width);
        for (const word of rows.flat().flatMap((one) => (one === '-' ? [] : one.split(' '))))
          expect(text).toContain(word);
      }),
      runs(200),
    );
  });
});

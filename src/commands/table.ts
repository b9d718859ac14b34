/**
 * Tables for people: columns side by side without lines, readable and fit for `grep`. On a terminal
 * that is too narrow columns without any value go, wide ones are folded at words, and what still has
 * no room stands below its row.
 */
import Table from 'cli-table3';
import { longestWord, widthOf, wrap } from './wrap.js';

/** What a cell without a value shows. */
export const ABSENT = '-';

const GAP = 2;

const BORDERLESS = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((name) => [name, '']),
);

interface Column {
  readonly title: string;
  readonly cells: readonly string[];
  /** Of the longest word, and of the longest cell. */
  readonly least: number;
  readonly most: number;
}

/** `width`: cells of the terminal; null = as wide as it comes. The titles are null where all are empty. */
export function layOut(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | null,
): { readonly titles: string | null; readonly lines: readonly string[] } {
  const all = head.map((title, index) =>
    toColumn(
      title,
      rows.map((row) => row[index] ?? ''),
    ),
  );
  const { beside, below } = width === null ? { beside: all, below: [] } : arrange(all, width);
  const widths = width === null ? null : share(beside, width);
  const fold = (text: string, index: number): string =>
    widths === null ? text : wrap(text, widths[index] ?? 0).join('\n');
  const table = [
    beside.map(({ title }) => title),
    ...rows.map((_, row) => beside.map(({ cells }) => cells[row] ?? '')),
  ];
  const [titles = '', ...texts] = sideBySide(table.map((row) => row.map(fold)));
  return {
    titles: head.every((title) => title === '') ? null : titles,
    lines: texts.flatMap((text, row) => [text, ...belowRow(below, row, width ?? 0)]),
  };
}

function toColumn(title: string, cells: readonly string[]): Column {
  const texts = [title, ...cells];
  return {
    title,
    cells,
    least: Math.max(...texts.map(longestWord)),
    most: Math.max(...texts.map(widthOf)),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const roomFor = (columns: readonly Column[], width: number): number => width - GAP * (columns.length - 1);
const fits = (columns: readonly Column[], width: number): boolean =>
  sum(columns.map(({ least }) => least)) <= roomFor(columns, width);

/** Which columns stand side by side. The first one, which says what a row is about, always does. */
function arrange(
  all: readonly Column[],
  width: number,
): { readonly beside: readonly Column[]; readonly below: readonly Column[] } {
  if (fits(all, width)) return { beside: all, below: [] };
  let beside = all.filter(({ cells }, index) => index === 0 || cells.some((cell) => cell !== ABSENT));
  const below: Column[] = [];
  while (beside.length > 1 && !fits(beside, width)) {
    const most = Math.max(...beside.slice(1).map(({ least }) => least));
    const widest = beside.findLastIndex(({ least }, index) => index > 0 && least === most);
    below.unshift(...beside.slice(widest, widest + 1));
    beside = beside.filter((_, index) => index !== widest);
  }
  return { beside, below };
}

/** Widths that fit: the widest column gives way to the others, as far as its words stay whole. */
function share(columns: readonly Column[], width: number): readonly number[] {
  const widths = columns.map(({ most }) => most);
  for (let over = sum(widths) - roomFor(columns, width); over > 0; over--) {
    const spare = widths.map((wide, index) => (wide > (columns[index]?.least ?? 0) ? wide : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (spare[widest] === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** One text per row; a row that was folded has several lines. */
function sideBySide(rows: readonly (readonly string[])[]): readonly string[] {
  const table = new Table({
    chars: { ...BORDERLESS, middle: ' '.repeat(GAP) },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => [...row]));
  const lines = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  let at = 0;
  return rows.map((row) => {
    const height = Math.max(1, ...row.map((cell) => cell.split('\n').length));
    at += height;
    return lines.slice(at - height, at).join('\n');
  });
}

/** What is short shares a line; what is long has one or more of its own. */
function belowRow(columns: readonly Column[], row: number, width: number): readonly string[] {
  const lines: string[] = [];
  for (const { title, cells } of columns) {
    const cell = cells[row] ?? ABSENT;
    if (cell === ABSENT) continue;
    const name = `${title}  `;
    const last = lines.at(-1);
    const joined = `${last ?? ''}${BETWEEN}${name}${cell}`;
    if (last !== undefined && widthOf(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(...wrap(`${MARGIN}${name}${cell}`, width, widthOf(MARGIN + name)));
  }
  return lines;
}

const MARGIN = ' '.repeat(GAP);
const BETWEEN = ' '.repeat(2 * GAP);

/**
 * What commands print: tables for people, JSON for scripts, plain words for errors.
 *
 * - Results go to stdout; notes, questions and progress to stderr, so that a pipe gets results only.
 * - Colours only on a terminal, and never with NO_COLOR; a bar only where stderr is a terminal.
 * - What is too wide for a terminal is folded; in a pipe an item stays one line.
 * - Text from outside (names, upstream messages) passes `cleanText`: it must not steer the terminal.
 */
import { csvLine } from '../domain/csv.js';
import { formatSecond } from '../domain/instant.js';
import { cleanText } from '../domain/refusal.js';
import type { Millis } from '../domain/types.js';
import type { CommandShell } from './shell.js';
import { ABSENT, layOut } from './table.js';
import { wrap } from './wrap.js';

type Paint = (text: string) => string;

export interface Colours {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
}

export interface Progress {
  /** So much of the work has been done. */
  at(done: number): void;
  end(): void;
}

export type Cell = string | number | boolean | null;

export interface Output {
  readonly colours: Colours;
  readonly line: (text?: string) => void;
  /**
   * A line that may be long: on a terminal it is broken at words, and what follows is indented by so
   * many spaces. In a pipe it stays one line.
   */
  readonly paragraph: (text: string, indent?: number) => void;
  /** Says something that is no result. */
  readonly note: (text: string) => void;
  /** `empty` is said where there are no rows. */
  readonly table: (head: readonly string[], rows: readonly (readonly Cell[])[], empty: string) => void;
  /** Maps become objects and sets become lists. */
  readonly json: (value: unknown) => void;
  readonly csv: (head: readonly string[], rows: readonly (readonly Cell[])[]) => void;
  readonly progress: (label: string, total: number) => Progress;
}

const paint =
  (code: number): Paint =>
  (text) =>
    `\u001b[${String(code)}m${text}\u001b[0m`;
const plain: Paint = (text) => text;

const COLOURS: Colours = { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), yellow: paint(33) };
const NO_COLOURS: Colours = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };

export function createOutput(shell: CommandShell): Output {
  const colours = shell.isTerminal && shell.wantsColour ? COLOURS : NO_COLOURS;
  const width = (): number | null => (shell.isTerminal ? shell.columns() : null);
  return {
    colours,
    line: (text = '') => shell.print(text),
    paragraph(text, indent = 0) {
      const columns = width();
      for (const line of columns === null ? [text] : wrap(text, columns, indent)) shell.print(line);
    },
    note: (text) => shell.complain(text),
    table(head, rows, empty) {
      if (rows.length === 0) shell.complain(empty);
      else {
        const titles = head.map((title) => title.toUpperCase());
        const table = layOut(
          titles,
          rows.map((row) => row.map(cellText)),
          width(),
        );
        if (table.titles !== null) shell.print(colours.bold(table.titles));
        for (const line of table.lines) shell.print(line);
      }
    },
    json: (value) => shell.print(JSON.stringify(value, toPlain, 2)),
    csv(head, rows) {
      for (const row of [head, ...rows]) shell.print(csvLine(row));
    },
    progress: (label, total) => (shell.errorIsTerminal ? bar(label, total, shell) : plainProgress(label, total, shell)),
  };
}

function cellText(cell: Cell): string {
  if (cell === null || cell === '') return ABSENT;
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return cleanText(String(cell), 500);
}

function toPlain(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>);
  return value instanceof Set ? [...(value as Set<unknown>)] : value;
}

const BAR_WIDTH = 30;

function bar(label: string, total: number, shell: CommandShell): Progress {
  const draw = (done: number): void => {
    const part = total <= 0 ? 1 : Math.min(1, done / total);
    const filled = Math.round(part * BAR_WIDTH);
    const percent = String(Math.floor(part * 100)).padStart(3);
    shell.writeError(`\r${label} [${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${percent} %`);
  };
  draw(0);
  return {
    at: draw,
    end() {
      draw(total);
      shell.writeError('\n');
    },
  };
}

/** Where nobody watches: one line now, and one for each quarter. */
function plainProgress(label: string, total: number, shell: CommandShell): Progress {
  let quarters = 0;
  shell.complain(`${label} ...`);
  return {
    at(done) {
      const reached = total <= 0 ? 0 : Math.floor((Math.min(done, total) / total) * 4);
      if (reached <= quarters || reached >= 4) return;
      quarters = reached;
      shell.complain(`${label}: ${String(reached * 25)} %`);
    },
    end: () => shell.complain(`${label}: done`),
  };
}

/** A time for people and scripts alike: ISO 8601 in UTC, to the second. */
export function iso(at: Millis): string;
export function iso(at: Millis | null): string | null;
export function iso(at: Millis | null): string | null {
  return at === null ? null : formatSecond(at);
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

/** A span for people: `3 d 4 h`, `5 min`, `12 s`. */
export function span(ms: number): string {
  const index = UNITS.findIndex(([, size]) => ms >= size);
  const unit = UNITS[index];
  if (unit === undefined) return `${String(Math.max(0, Math.round(ms / 1000)))} s`;
  const next = UNITS[index + 1];
  const count = Math.floor(ms / unit[1]);
  const rest = next === undefined ? 0 : Math.floor((ms % unit[1]) / next[1]);
  return rest === 0 || next === undefined
    ? `${String(count)} ${unit[0]}`
    : `${String(count)} ${unit[0]} ${String(rest)} ${next[0]}`;
}

/** An address beside a name: most are the same, and said once. */
export const besideName = (address: string | null, name: string | null): string | null =>
  address !== null && address === name ? 'same' : address;

/** `1 call`, `2 calls`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${String(number)} ${number === 1 ? noun : plural}`;
}

/** Shapes that several commands share when they are defined. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { runAction, type CommandContext } from './context.js';

export interface Json {
  readonly json?: boolean;
}

export interface Yes {
  readonly yes?: boolean;
}

export const withJson = (command: Command): Command => command.option('--json', 'as JSON, for scripts');

export const withYes = (command: Command): Command => command.option('-y, --yes', 'do not ask, for scripts');

/** An action with positional arguments and options; what it answers is the exit code (default 0). */
export function act<A extends readonly unknown[]>(
  context: CommandContext,
  work: (...args: A) => Promise<unknown>,
): (...args: A) => Promise<void> {
  return (...args) => runAction(context, () => work(...args));
}

/** A whole number from `min` to `max`. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${String(min)} to ${String(max)}.`);
  };

const SPAN_UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `90d`, `12h`, `30m`, `2w` in milliseconds. */
export function spanOption(text: string): number {
  const [, number, unit = ''] = /^(\d{1,5})([mhdw])$/.exec(text) ?? [];
  const size = SPAN_UNITS[unit];
  if (number !== undefined && size !== undefined) return Number(number) * size;
  throw new InvalidArgumentError('It must be a span such as 30m, 12h, 90d or 2w.');
}

/** An option that is a span and has a default, shown as it is written. */
export const spanWithDefault = (flags: string, description: string, fallback: string): Option =>
  new Option(flags, description).argParser(spanOption).default(spanOption(fallback), fallback);

/** A point in time, ISO 8601, or a span back from now (`90d`). */
export const timeOption =
  (now: () => number) =>
  (text: string): number => {
    if (/^\d{1,5}[mhdw]$/.test(text)) return now() - spanOption(text);
    const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(at)) return at;
    throw new InvalidArgumentError(
      'It must be a time such as 2026-11-24 or 2026-11-24T08:00:00Z, or a span back from now such as 90d.',
    );
  };

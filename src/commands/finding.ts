/** One line of `doctor`: what was found, and what to do about it. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly text: string;
  /** What to do; null where nothing has to be done. */
  readonly remedy: string | null;
}

export const ok = (check: string, text: string): Finding => ({ check, level: 'ok', text, remedy: null });
export const warn = (check: string, text: string, remedy: string): Finding => ({ check, level: 'warn', text, remedy });
export const fail = (check: string, text: string, remedy: string): Finding => ({ check, level: 'fail', text, remedy });

/** The process, as far as commands need it. */
import type { Shell } from '../serve.js';

export interface CommandShell extends Shell {
  /** stdin is a terminal: questions can be asked. */
  readonly inputIsTerminal: boolean;
  readonly errorIsTerminal: boolean;
  /** Width of the terminal in cells; null where it does not say. */
  columns(): number | null;
  /** NO_COLOR is not set, and the terminal knows colours. */
  readonly wantsColour: boolean;
  /** LOG_LEVEL=debug: a bug is shown with its stack. */
  readonly wantsStacks: boolean;
  readonly fetch: typeof fetch;
  /** Random, for ids and names of throw-away objects. */
  uuid(): string;
  /** Waits, and keeps the process alive meanwhile: the timers of a Clock do not. */
  wait(ms: number): Promise<void>;
  /** The process goes on until `exit`, whatever is waited for. */
  stayAlive(): void;
  /** Text without a line end, on stderr. */
  writeError(text: string): void;
  /** Asks on the terminal; the empty string where nobody answers. */
  ask(question: string): Promise<string>;
}

/**
 * The ElevenLabs workspace API on an in-memory workspace: for the front-door tests, for trying the
 * bridge without an account, and for benchmarks. Time and randomness are parameters; nothing is
 * shared between two sandboxes.
 */
import type { Clock } from '../clock.js';
import type { ApiRequest } from './api.js';
import type { Control } from './control.js';
import { createControl } from './control.js';
import { answerControl, CONTROL_PREFIX } from './control-http.js';
import type { Outcome } from './exchange.js';
import { createExchange } from './exchange.js';
import { createFaults } from './faults.js';
import type { Random } from './random.js';
import { fork, hex, seededRandom } from './random.js';
import { createRequestLog } from './request-log.js';
import type { Seed } from './seed.js';
import { createWorld } from './seed.js';
import type { Listening, ListenOptions } from './server.js';
import { listen } from './server.js';
import type { Switches } from './switches.js';
import { switchesWith } from './switches.js';

export interface SandboxOptions {
  readonly clock: Clock;
  /** Default: a workspace of its owner alone. */
  readonly seed?: Seed;
  readonly switches?: Partial<Switches>;
  /** Default: always the same numbers. */
  readonly random?: Random;
  /** Default: made from `random`. */
  readonly controlToken?: string;
}

export interface Sandbox {
  /** The first key of the workspace as it stands. */
  readonly apiKey: () => string;
  /** For the control interface over HTTP. */
  readonly controlToken: string;
  readonly control: Control;
  /** Answers one request, be it of the API or of the control interface. */
  readonly handle: (request: ApiRequest, gone?: AbortSignal) => Promise<Outcome>;
  /** Serves on loopback, by default on a free port. */
  readonly listen: (options?: ListenOptions) => Promise<Listening>;
}

export function createSandbox(options: SandboxOptions): Sandbox {
  const { clock, seed } = options;
  const random = options.random ?? seededRandom(1);
  const world = createWorld({ clock, ids: fork(random), switches: switchesWith(options.switches) }, seed);
  const faults = createFaults(fork(random));
  const log = createRequestLog();
  const exchange = createExchange({ world, clock, faults, log, requestIds: fork(random) });
  const control = createControl({ world, faults, exchange, log, firstSeed: seed });
  const controlToken = options.controlToken ?? hex(fork(random), 32);

  const handle = async (request: ApiRequest, gone?: AbortSignal): Promise<Outcome> =>
    request.url.startsWith(CONTROL_PREFIX)
      ? { kind: 'reply', reply: answerControl(control, controlToken, request), pauseMs: 0 }
      : exchange.handle(request, gone);

  return {
    apiKey() {
      const [first] = world.workspace.keys.values();
      if (first === undefined) throw new Error('The workspace has no API key.');
      return first.key;
    },
    controlToken,
    control,
    handle,
    listen: (listenOptions = {}) => listen({ handle, clock, onClose: () => exchange.release(true), ...listenOptions }),
  };
}

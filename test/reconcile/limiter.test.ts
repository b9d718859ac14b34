import { describe, expect, it } from '@jest/globals';
import { GatewayError } from '../../src/elevenlabs/port.js';
import { backoff } from '../../src/reconcile/backoff.js';
import { createCallQueue } from '../../src/reconcile/call-queue.js';
import { createLimiter, PRIORITY, type Limiter } from '../../src/reconcile/limiter.js';
import { createFakeClock, settle, type FakeClock } from '../support/fake-clock.js';

const HALF = (): number => 0.5;

/** Numbers that look random and are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function setUp(maxConcurrency = 4, random = HALF): { clock: FakeClock; limiter: Limiter } {
  const clock = createFakeClock();
  return { clock, limiter: createLimiter({ clock, maxConcurrency, random }) };
}

/** A call that ends when told to. */
function manual<T = string>(): {
  call: () => Promise<T>;
  started: boolean;
  end: (value: T) => void;
  fail: (e: unknown) => void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  const handle = {
    started: false,
    call: () => {
      handle.started = true;
      return promise;
    },
    end: (value: T) => resolve(value),
    fail: (error: unknown) => reject(error),
  };
  return handle;
}

const transient = (init: Partial<ConstructorParameters<typeof GatewayError>[0]> = {}): GatewayError =>
  new GatewayError({ kind: 'transient', message: 'no answer in time', maybeApplied: true, ...init });
const tooMany = (retryAfterMs: number | null = null): GatewayError =>
  transient({ status: 429, message: 'slow down', maybeApplied: false, retryAfterMs });
const refused = new GatewayError({ kind: 'refused', status: 400, message: 'no' });

const NOW = { priority: PRIORITY.interactive };

/** Runs a call that fails with `error`; the error comes back. */
async function failWith(limiter: Limiter, error: unknown, options = NOW): Promise<unknown> {
  return limiter
    .run(() => Promise.reject(error as Error), options)
    .then(
      () => null,
      (reason: unknown) => reason,
    );
}
const succeed = (limiter: Limiter): Promise<unknown> =>
  limiter.run(async () => 'ok', NOW).catch((error: unknown) => error);

async function open(limiter: Limiter): Promise<void> {
  for (let n = 0; n < 5; n += 1) await failWith(limiter, transient());
}

describe('turns', () => {
  it('runs as many at once as allowed, by priority, then in order of arrival', async () => {
    const { limiter } = setUp(2);
    const order: string[] = [];
    const gates = [manual(), manual()];
    const running = gates.map((gate) => limiter.run(gate.call, NOW));
    const later = (['background', 'reading', 'interactive', 'background', 'interactive'] as const).map((kind, n) =>
      limiter.run(
        async () => {
          order.push(`${kind} ${n}`);
        },
        { priority: PRIORITY[kind] },
      ),
    );
    await settle();
    expect(order).toEqual([]);
    expect(limiter.state()).toMatchObject({ running: 2, queued: 5 });
    gates.forEach((gate) => gate.end('x'));
    await Promise.all([...running, ...later]);
    expect(order).toEqual(['interactive 2', 'interactive 4', 'reading 1', 'background 0', 'background 3']);
    expect(limiter.state()).toMatchObject({ running: 0, queued: 0 });
  });

  it('lets the oldest through now and then, so that nobody waits for ever', () => {
    const queue = createCallQueue<string>();
    queue.push(2, 'old');
    for (let n = 0; n < 20; n += 1) queue.push(0, `urgent ${n}`);
    const taken = Array.from({ length: 8 }, () => queue.shift());
    expect(taken.indexOf('old')).toBe(7);
  });

  it('keeps value and error of the call', async () => {
    const { limiter } = setUp();
    await expect(limiter.run(async () => 42, NOW)).resolves.toBe(42);
    await expect(limiter.run(() => Promise.reject(refused), NOW)).rejects.toBe(refused);
    await expect(
      limiter.run(() => {
        throw new RangeError('bug');
      }, NOW),
    ).rejects.toThrow('bug');
    expect(limiter.state()).toMatchObject({ running: 0, breaker: 'closed', failures: 0 });
  });

  it('takes a cancelled call out of the queue, and leaves one that runs', async () => {
    const { limiter } = setUp(1);
    const gate = manual();
    const inFlight = new AbortController();
    const running = limiter.run(gate.call, { ...NOW, signal: inFlight.signal });
    const waiting = new AbortController();
    const never = manual();
    const queued = limiter.run(never.call, { ...NOW, signal: waiting.signal });
    waiting.abort();
    inFlight.abort();
    await expect(queued).rejects.toMatchObject({ kind: 'transient', code: 'cancelled', maybeApplied: false });
    gate.end('done');
    await expect(running).resolves.toBe('done');
    expect(never.started).toBe(false);
    await expect(limiter.run(never.call, { ...NOW, signal: waiting.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  it('closes: what waits is turned away, what runs is waited for', async () => {
    const { limiter } = setUp(1);
    const gate = manual();
    const running = limiter.run(gate.call, NOW);
    const queued = limiter.run(async () => 'x', NOW);
    let closed = false;
    const closing = limiter.close().then(() => (closed = true));
    await expect(queued).rejects.toMatchObject({ code: 'shutting_down', maybeApplied: false });
    await settle();
    expect(closed).toBe(false);
    gate.end('done');
    await expect(running).resolves.toBe('done');
    await closing;
    await expect(succeed(limiter)).resolves.toMatchObject({ code: 'shutting_down' });
    await limiter.close();
  });
});

describe('too many calls', () => {
  it('obeys Retry-After with all calls', async () => {
    const { clock, limiter } = setUp();
    await failWith(limiter, tooMany(7000));
    const next = manual();
    const done = limiter.run(next.call, NOW);
    await clock.advanceAsync(6999);
    expect(next.started).toBe(false);
    expect(limiter.state().waitMs).toBe(1);
    await clock.advanceAsync(1);
    expect(next.started).toBe(true);
    next.end('x');
    await done;
  });

  it('never shortens a pause', async () => {
    const { clock, limiter } = setUp();
    const [long, short] = [manual(), manual()];
    const ends = [limiter.run(long.call, NOW), limiter.run(short.call, NOW)].map((call) => call.catch(() => null));
    long.fail(tooMany(9000));
    await settle();
    short.fail(tooMany(1000));
    await Promise.all(ends);
    expect(limiter.state().waitMs).toBe(9000);
    await clock.advanceAsync(9000);
    expect(limiter.state().waitMs).toBe(0);
  });

  it('empties the queue where the pause is long', async () => {
    const { clock, limiter } = setUp(1);
    const gate = manual();
    const running = limiter.run(gate.call, NOW).catch(() => null);
    const queued = succeed(limiter);
    gate.fail(tooMany(600_000));
    await running;
    await expect(queued).resolves.toMatchObject({ kind: 'transient', code: 'paused', retryAfterMs: 600_000 });
    await expect(succeed(limiter)).resolves.toMatchObject({ code: 'paused', maybeApplied: false });
    await clock.advanceAsync(570_000);
    const soon = succeed(limiter);
    await clock.advanceAsync(30_000);
    await expect(soon).resolves.toBe('ok');
  });

  it('pauses for a growing while where nothing says how long', async () => {
    const { clock, limiter } = setUp();
    const waits: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      let failed = false;
      void failWith(limiter, tooMany()).then(() => (failed = true));
      await settle();
      while (!failed) await clock.runNext();
      waits.push(limiter.state().waitMs);
      await clock.advanceAsync(limiter.state().waitMs);
    }
    expect(waits).toEqual([750, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000]);
  });

  it('halves the calls at once, once per event, and recovers slowly', async () => {
    const { clock, limiter } = setUp(8);
    const gates = Array.from({ length: 8 }, () => manual());
    const ends = gates.map((gate) => limiter.run(gate.call, NOW).catch(() => null));
    gates.forEach((gate) => gate.fail(tooMany(1000)));
    await Promise.all(ends);
    expect(limiter.state()).toMatchObject({ concurrency: 4, breaker: 'closed', failures: 0 });
    await clock.advanceAsync(1000);
    let calls = 0;
    while (limiter.state().concurrency < 8 && calls < 1000) {
      await succeed(limiter);
      calls += 1;
    }
    expect(calls).toBeGreaterThan(50);
    expect(calls).toBeLessThan(200);
    await succeed(limiter);
    expect(limiter.state().concurrency).toBe(8);
  });

  it('never goes below one call at once', async () => {
    const { clock, limiter } = setUp(2);
    for (let n = 0; n < 6; n += 1) {
      const failing = failWith(limiter, tooMany(100));
      await clock.advanceAsync(10_000);
      await failing;
    }
    expect(limiter.state().concurrency).toBe(1);
  });

  it('knows a limit by its code, whatever the status', async () => {
    const { limiter } = setUp(4);
    await failWith(limiter, transient({ status: 503, code: 'system_busy' }));
    expect(limiter.state()).toMatchObject({ concurrency: 2, failures: 0 });
  });

  it('obeys Retry-After of a maintenance, too', async () => {
    const { limiter } = setUp(4);
    await failWith(limiter, transient({ status: 503, retryAfterMs: 5000 }));
    expect(limiter.state()).toMatchObject({ waitMs: 5000, concurrency: 4, failures: 1 });
  });

  it('finds the rate of a server that allows ten calls a second', async () => {
    const { clock, limiter } = setUp(4, seeded(7));
    const window: number[] = [];
    let good = 0;
    let bad = 0;
    // Ten in any second, a twentieth of a second each; no Retry-After.
    const call = async (): Promise<void> => {
      await new Promise<void>((resolve) => clock.after(50, resolve));
      const now = clock.monotonic();
      while (window.length > 0 && window[0]! <= now - 1000) window.shift();
      if (window.length >= 10) {
        bad += 1;
        throw tooMany();
      }
      window.push(now);
      good += 1;
    };
    let stop = false;
    const worker = async (): Promise<void> => {
      while (!stop) await limiter.run(call, { priority: PRIORITY.background }).catch(() => null);
    };
    const workers = Array.from({ length: 8 }, worker);
    await clock.advanceAsync(300_000);
    const [goodBefore, badBefore] = [good, bad];
    await clock.advanceAsync(300_000);
    const perSecond = (good - goodBefore) / 300;
    // Without pacing, most calls would be answered 429.
    expect(perSecond).toBeGreaterThan(5);
    expect((bad - badBefore) / (good - goodBefore)).toBeLessThan(0.03);
    stop = true;
    await clock.advanceAsync(60_000);
    await Promise.all(workers);
  }, 30_000);

  it('forgets the rate once nothing speaks for it', async () => {
    const { clock, limiter } = setUp(4);
    for (let n = 0; n < 2; n += 1) {
      const failing = failWith(limiter, tooMany(1000));
      await clock.advanceAsync(2000);
      await failing;
    }
    const slow = limiter.state().ratePerSecond;
    expect(slow).toBeGreaterThan(0);
    for (let n = 0; n < 90; n += 1) {
      const call = succeed(limiter);
      await clock.advanceAsync(6000);
      await call;
    }
    expect(limiter.state().ratePerSecond).toBeNull();
  });
});

describe('circuit breaker', () => {
  it('opens after five failures in a row and turns calls away without starting them', async () => {
    const { limiter } = setUp();
    for (let n = 0; n < 4; n += 1) await failWith(limiter, transient());
    expect(limiter.state()).toMatchObject({ breaker: 'closed', failures: 4 });
    await failWith(limiter, transient({ status: 500 }));
    expect(limiter.state()).toMatchObject({ breaker: 'open', blockedMs: 3750 });
    const never = manual();
    await expect(limiter.run(never.call, NOW)).rejects.toMatchObject({
      name: 'GatewayError',
      kind: 'transient',
      code: 'circuit_open',
      maybeApplied: false,
      retryAfterMs: 3750,
    });
    expect(never.started).toBe(false);
  });

  it('empties the queue when it opens', async () => {
    const { limiter } = setUp(1);
    const failing = Array.from({ length: 5 }, () => failWith(limiter, transient()));
    const queued = Array.from({ length: 100 }, () => succeed(limiter));
    await Promise.all(failing);
    const results = await Promise.all(queued);
    expect(results.every((result) => (result as GatewayError).code === 'circuit_open')).toBe(true);
    expect(limiter.state().queued).toBe(0);
  });

  it.each([
    ['a success', null],
    ['a refusal: ElevenLabs is there', refused],
    ['a limit', tooMany(1)],
    ['a rejected key', new GatewayError({ kind: 'keyRejected', status: 401, message: 'x' })],
  ])('counts afresh after %s', async (_name, between) => {
    const { clock, limiter } = setUp();
    for (let n = 0; n < 4; n += 1) await failWith(limiter, transient());
    if (between === null) await succeed(limiter);
    else await failWith(limiter, between);
    await clock.advanceAsync(10);
    for (let n = 0; n < 4; n += 1) await failWith(limiter, transient());
    expect(limiter.state()).toMatchObject({ breaker: 'closed', failures: 4 });
  });

  it.each([
    ['what the SDK refused to send', new GatewayError({ kind: 'refused', message: 'bad type' })],
    ['a bug of ours', new TypeError('x')],
  ])('learns nothing from %s', async (_name, between) => {
    const { limiter } = setUp();
    for (let n = 0; n < 4; n += 1) await failWith(limiter, transient());
    await failWith(limiter, between);
    expect(limiter.state().failures).toBe(4);
  });

  it('lets one call probe; its success closes', async () => {
    const { clock, limiter } = setUp();
    await open(limiter);
    await clock.advanceAsync(3750);
    const probe = manual();
    const probing = limiter.run(probe.call, NOW);
    await settle();
    expect(probe.started).toBe(true);
    expect(limiter.state().breaker).toBe('halfOpen');
    await expect(succeed(limiter)).resolves.toMatchObject({ code: 'circuit_open', retryAfterMs: 1000 });
    probe.end('up');
    await expect(probing).resolves.toBe('up');
    expect(limiter.state()).toMatchObject({ breaker: 'closed', failures: 0 });
    await expect(succeed(limiter)).resolves.toBe('ok');
  });

  it('opens longer after each failed probe, up to a limit, and starts small after a recovery', async () => {
    const { clock, limiter } = setUp();
    await open(limiter);
    const times: number[] = [];
    for (let n = 0; n < 9; n += 1) {
      times.push(limiter.state().blockedMs);
      await clock.advanceAsync(limiter.state().blockedMs);
      await failWith(limiter, transient());
    }
    expect(times).toEqual([3750, 7500, 15_000, 30_000, 45_000, 45_000, 45_000, 45_000, 45_000]);
    await clock.advanceAsync(limiter.state().blockedMs);
    await succeed(limiter);
    await open(limiter);
    expect(limiter.state().blockedMs).toBe(3750);
  });

  it('ignores what calls from before have to say', async () => {
    const { limiter } = setUp(8);
    const late = [manual(), manual()];
    const ends = late.map((gate) => limiter.run(gate.call, NOW).catch(() => null));
    await open(limiter);
    const { blockedMs } = limiter.state();
    late[0]!.end('late');
    late[1]!.fail(transient());
    await Promise.all(ends);
    expect(limiter.state()).toMatchObject({ breaker: 'open', blockedMs });
  });

  it('takes the 500s of revokeInvite for no outage, but a lost connection for one', async () => {
    const { limiter } = setUp();
    const revoke = { ...NOW, countsForBreaker: false };
    for (let n = 0; n < 20; n += 1) await failWith(limiter, transient({ status: 500 }), revoke);
    expect(limiter.state()).toMatchObject({ breaker: 'closed', failures: 0 });
    for (let n = 0; n < 5; n += 1) await failWith(limiter, transient(), revoke);
    expect(limiter.state().breaker).toBe('open');
  });

  it('stays half open after a probe that proves nothing', async () => {
    const { clock, limiter } = setUp();
    await open(limiter);
    await clock.advanceAsync(3750);
    await failWith(limiter, transient({ status: 500 }), { ...NOW, countsForBreaker: false } as typeof NOW);
    expect(limiter.state()).toMatchObject({ breaker: 'open', blockedMs: 0 });
    await expect(succeed(limiter)).resolves.toBe('ok');
    expect(limiter.state().breaker).toBe('closed');
  });
});

describe('backoff', () => {
  it('doubles from one second to fifteen minutes', () => {
    const top = [1, 2, 3, 4, 10, 11, 12, 5000].map((attempts) => backoff(attempts, () => 0.999_999_9));
    expect(top).toEqual([1000, 2000, 4000, 8000, 512_000, 900_000, 900_000, 900_000]);
    expect(backoff(1, () => 0)).toBe(500);
    expect(backoff(0, () => 0)).toBe(500);
  });

  it('spreads calls that failed together', () => {
    const random = seeded(3);
    const waits = new Set(Array.from({ length: 100 }, () => backoff(5, random)));
    expect(waits.size).toBeGreaterThan(90);
    for (const wait of waits) expect(wait >= 8000 && wait < 16_000).toBe(true);
  });
});

/** One holder at a time per key, first come first served. Holders of different keys do not meet. */
export class KeyedLocks {
  readonly #tails = new Map<string, Promise<void>>();

  async hold<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const { promise: released, resolve: release } = deferred();
    const tail = before.then(() => released);
    this.#tails.set(key, tail);
    await before;
    try {
      return await task();
    } finally {
      release();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** Holds all of them, taken in the order given: the same for everybody, or two wait for each other. */
  holdAll<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const [key, ...others] = keys;
    return key === undefined ? task() : this.hold(key, () => this.holdAll(others, task));
  }
}

export interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** `Promise.withResolvers` of Node 22, which Node 20 lacks. */
export function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

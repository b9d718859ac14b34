/** Calls that wait for their turn: by priority, then in order of arrival. */

interface Waiting<T> {
  readonly entry: T;
  readonly order: number;
}

export interface CallQueue<T> {
  push(priority: number, entry: T): void;
  /** Undefined if nothing waits. */
  shift(): T | undefined;
  remove(entry: T): boolean;
  /** Empties the queue. */
  drain(): readonly T[];
  size(): number;
}

/** Every so many turns the one that has waited longest goes first, so that nobody waits for ever. */
const FAIR_TURN = 8;

/** Lower numbers go first. There are few different ones. */
export function createCallQueue<T>(): CallQueue<T> {
  const lanes = new Map<number, Set<Waiting<T>>>();
  const places = new Map<T, { readonly lane: Set<Waiting<T>>; readonly waiting: Waiting<T> }>();
  let order = 0;
  let turns = 0;

  const heads = (): readonly { readonly priority: number; readonly waiting: Waiting<T> }[] =>
    [...lanes].flatMap(([priority, lane]) => {
      // A Set keeps the order of insertion, and removes from the middle at no cost.
      const [waiting] = lane;
      return waiting === undefined ? [] : [{ priority, waiting }];
    });
  const remove = (entry: T): boolean => {
    const place = places.get(entry);
    if (place === undefined) return false;
    place.lane.delete(place.waiting);
    return places.delete(entry);
  };

  return {
    push(priority, entry) {
      const lane = lanes.get(priority) ?? new Set();
      lanes.set(priority, lane);
      const waiting = { entry, order: order++ };
      lane.add(waiting);
      places.set(entry, { lane, waiting });
    },
    shift() {
      turns += 1;
      const byAge = turns % FAIR_TURN === 0;
      const [first] = [...heads()].sort((a, b) =>
        byAge ? a.waiting.order - b.waiting.order : a.priority - b.priority,
      );
      if (first === undefined) return undefined;
      remove(first.waiting.entry);
      return first.waiting.entry;
    },
    remove,
    drain() {
      const all = [...places.keys()];
      lanes.clear();
      places.clear();
      return all;
    },
    size: () => places.size,
  };
}

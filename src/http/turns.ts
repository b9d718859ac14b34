/**
 * Whose turn it is. Holders of a token and strangers alternate; within each, client addresses take
 * turns, and within an address its connections. So whoever sends more waits longer, and nobody
 * waits for more than one turn of each other client.
 */

/** A connection that takes turns. */
export interface Party {
  /** Has shown a valid token. Asked at each turn. */
  readonly isKnown: boolean;
  /** What shares one turn: the network of a client, or one connection of a trusted proxy. */
  readonly client: string;
}

export interface Turns<P extends Party> {
  /** Asks for one turn. Who waits already goes on waiting at the same place. */
  add(party: P): void;
  /** Takes the next; undefined where nobody waits. */
  next(): P | undefined;
  remove(party: P): void;
  readonly isEmpty: boolean;
}

/** Makes an empty round. */
export function createTurns<P extends Party>(): Turns<P> {
  // Maps and sets keep the order of insertion: the first is whose turn it is.
  const rounds = { known: new Map<string, Set<P>>(), strangers: new Map<string, Set<P>>() };
  const placeOf = new Map<P, Map<string, Set<P>>>();
  let first = rounds.known;
  let second = rounds.strangers;

  const drop = (round: Map<string, Set<P>>, party: P): void => {
    placeOf.delete(party);
    const waiting = round.get(party.client);
    waiting?.delete(party);
    if (waiting?.size === 0) round.delete(party.client);
  };

  return {
    add(party) {
      if (placeOf.has(party)) return;
      const round = party.isKnown ? rounds.known : rounds.strangers;
      placeOf.set(party, round);
      const waiting = round.get(party.client);
      if (waiting === undefined) round.set(party.client, new Set([party]));
      else waiting.add(party);
    },
    next() {
      const round = first.size > 0 ? first : second;
      for (const [client, waiting] of round) {
        for (const party of waiting) {
          drop(round, party);
          // To the end of the round, where others of this client still wait.
          if (waiting.size > 0) {
            round.delete(client);
            round.set(client, waiting);
          }
          if (round === first) [first, second] = [second, first];
          return party;
        }
      }
      return undefined;
    },
    remove(party) {
      const round = placeOf.get(party);
      if (round !== undefined) drop(round, party);
    },
    get isEmpty() {
      return placeOf.size === 0;
    },
  };
}

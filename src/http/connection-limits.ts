/**
 * Connections of clients that have not shown a valid token: slow ones, idle ones, floods. They are
 * bounded per address and in all. Beyond that old ones are cut, never the newest turned away: a flood
 * may come from the address of an IdP (a shared proxy, a NAT), and its next connection must get through.
 *
 * A connection first gets time to show its token: an IdP may open many at once. It can be cut when
 * that time is over, or once it was answered without having shown one. A connection that has carried
 * one authenticated request is never cut here, and one of a trusted proxy, which is one address for
 * everybody, is not counted.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { networkOf } from '../domain/client-address.js';
import { createFairInput, type FairInput } from './fair-input.js';

export interface ConnectionLimits {
  readonly perAddress: number;
  readonly inAll: number;
  /** Time in which a connection may show a token, whatever the other limits say. */
  readonly graceMs: number;
  /** So many at most, also while they have that time: systems limit the open files of a process. */
  readonly atMost: number;
}

/** An IdP opens a few connections and keeps them; 4096 open files is what most systems allow a process. */
export const CONNECTION_LIMITS: ConnectionLimits = { perAddress: 64, inAll: 256, graceMs: 5_000, atMost: 1_024 };

type Connected = Pick<Socket, 'remoteAddress' | 'remotePort' | 'destroy' | 'once'>;
type Addressed = Pick<Socket, 'remoteAddress' | 'remotePort'>;

export interface Connections {
  /** A connection was opened. */
  add(socket: Connected): void;
  /** Its client has shown that it may be here. Over TLS this is another object than the one added. */
  trust(socket: Addressed): void;
  /** How many are not trusted. */
  readonly strangers: number;
  /** In which order their requests are read. */
  readonly input: FairInput;
}

export interface ConnectionOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly limits?: ConnectionLimits;
  readonly isTrustedProxy?: (address: string) => boolean;
}

interface Stranger {
  readonly socket: Connected;
  readonly address: string;
  readonly since: number;
}

/** Strangers of an address, or all of them. Sets keep the order of insertion: the first one is the oldest. */
interface Crowd {
  /** May still show a token. */
  readonly fresh: Set<Stranger>;
  /** Were answered without having shown one. */
  readonly spent: Set<Stranger>;
}

/** Keeps count for all servers of a process. */
export function createConnections(options: ConnectionOptions): Connections {
  const { clock, limits = CONNECTION_LIMITS, isTrustedProxy = () => false } = options;
  const strangers = new Map<string, Stranger>();
  const all = newCrowd();
  const byAddress = new Map<string, Crowd>();
  const crowdsOf = ({ address }: Stranger): readonly Crowd[] => [all, byAddress.get(address) ?? newCrowd()];

  const forget = (key: string, stranger: Stranger): void => {
    strangers.delete(key);
    for (const { fresh, spent } of crowdsOf(stranger)) {
      fresh.delete(stranger);
      spent.delete(stranger);
    }
    const known = byAddress.get(stranger.address);
    if (known !== undefined && sizeOf(known) === 0) byAddress.delete(stranger.address);
  };
  const cut = (stranger: Stranger): void => {
    forget(keyOf(stranger.socket), stranger);
    stranger.socket.destroy();
  };
  /** Who has to go first; undefined: everybody still has time. */
  const firstToGo = ({ fresh, spent }: Crowd): Stranger | undefined => {
    const oldest = first(fresh);
    const isOver = oldest !== undefined && clock.monotonic() - oldest.since >= limits.graceMs;
    return first(spent) ?? (isOver ? oldest : undefined);
  };
  const cutDownTo = (limit: number, crowd: Crowd): void => {
    while (sizeOf(crowd) > limit) {
      const next = firstToGo(crowd);
      if (next === undefined) return;
      cut(next);
    }
  };
  const isKnown = (socket: Addressed): boolean => !strangers.has(keyOf(socket));

  return {
    add(socket) {
      const { remoteAddress: address } = socket;
      // Undefined: gone already.
      if (address === undefined || isTrustedProxy(address)) return;
      const key = keyOf(socket);
      const stranger = { socket, address, since: clock.monotonic() };
      const crowd = byAddress.get(address) ?? newCrowd();
      byAddress.set(address, crowd);
      crowd.fresh.add(stranger);
      all.fresh.add(stranger);
      strangers.set(key, stranger);
      socket.once('close', () => {
        // The port may have been used again since.
        if (strangers.get(key) === stranger) forget(key, stranger);
      });
      cutDownTo(limits.perAddress, crowd);
      cutDownTo(limits.inAll, all);
      const oldest = first(all.fresh);
      if (strangers.size > limits.atMost && oldest !== undefined) cut(oldest);
    },
    trust(socket) {
      const key = keyOf(socket);
      const stranger = strangers.get(key);
      if (stranger !== undefined) forget(key, stranger);
    },
    get strangers() {
      return strangers.size;
    },
    input: createFairInput({
      ...{ clock, isKnown },
      // Behind a proxy are many: each of its connections counts as a client.
      clientOf: (socket) =>
        isTrustedProxy(socket.remoteAddress ?? '') ? keyOf(socket) : networkOf(socket.remoteAddress ?? ''),
      onAnswered(socket) {
        const stranger = strangers.get(keyOf(socket));
        if (stranger === undefined) return;
        for (const { fresh, spent } of crowdsOf(stranger)) {
          fresh.delete(stranger);
          spent.add(stranger);
        }
      },
    }),
  };
}

const newCrowd = (): Crowd => ({ fresh: new Set(), spent: new Set() });
const sizeOf = ({ fresh, spent }: Crowd): number => fresh.size + spent.size;

const keyOf = ({ remoteAddress, remotePort }: Addressed): string => `${String(remotePort)} ${remoteAddress ?? ''}`;

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

/**
 * Connections of clients that have not shown a valid token: slow ones, idle ones, floods. They are
 * bounded per address and in all. Beyond that the oldest of them is cut, never the newest turned
 * away: a flood may come from the address of an IdP (a shared proxy, a NAT), and its next connection
 * must get through. A connection that has carried one authenticated request is never cut here.
 */
import type { Socket } from 'node:net';

export interface ConnectionLimits {
  readonly perAddress: number;
  readonly inAll: number;
}

/** An IdP opens a few connections and keeps them; 1024 open files is what many systems allow a process. */
export const CONNECTION_LIMITS: ConnectionLimits = { perAddress: 64, inAll: 256 };

type Connected = Pick<Socket, 'remoteAddress' | 'remotePort' | 'destroy' | 'once'>;

export interface Connections {
  /** A connection was opened. */
  add(socket: Connected): void;
  /** Its client has shown that it may be here. Over TLS this is another object than the one added. */
  trust(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): void;
  /** How many are not trusted. */
  readonly strangers: number;
}

/** Keeps count for one server. */
export function createConnections(limits: ConnectionLimits = CONNECTION_LIMITS): Connections {
  // Maps keep the order of insertion: the first one is the oldest.
  const strangers = new Map<string, Connected>();
  const byAddress = new Map<string, Set<string>>();

  const forget = (key: string, address: string): void => {
    strangers.delete(key);
    const known = byAddress.get(address);
    known?.delete(key);
    if (known?.size === 0) byAddress.delete(address);
  };
  const cut = (key: string | undefined): void => {
    const socket = key === undefined ? undefined : strangers.get(key);
    if (key === undefined || socket === undefined) return;
    forget(key, addressOf(key));
    socket.destroy();
  };

  return {
    add(socket) {
      const { remoteAddress: address } = socket;
      if (address === undefined) return; // gone already
      const key = keyOf(socket);
      const known = byAddress.get(address) ?? new Set();
      byAddress.set(address, known.add(key));
      strangers.set(key, socket);
      socket.once('close', () => {
        // The port may have been used again since.
        if (strangers.get(key) === socket) forget(key, address);
      });
      if (known.size > limits.perAddress) cut(first(known));
      if (strangers.size > limits.inAll) cut(first(strangers.keys()));
    },
    trust(socket) {
      const key = keyOf(socket);
      if (strangers.has(key)) forget(key, addressOf(key));
    },
    get strangers() {
      return strangers.size;
    },
  };
}

const keyOf = ({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string =>
  `${String(remotePort)} ${remoteAddress ?? ''}`;

const addressOf = (key: string): string => key.slice(key.indexOf(' ') + 1);

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

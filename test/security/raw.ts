/** Bytes as an attacker sends them: no client library in between. */
import { connect, type Socket } from 'node:net';

export interface RawConnection {
  readonly socket: Socket;
  /** Everything that came back so far. */
  text(): string;
  isClosed(): boolean;
  send(text: string): void;
  /** Until what came back matches, or the connection ends. */
  until(pattern: RegExp): Promise<string>;
  /** Until the connection ends; answers everything that came back. */
  ended(): Promise<string>;
}

/** Opens a connection. A reset is an end like another. */
export async function openRaw(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  let closed = false;
  const listeners = new Set<() => void>();
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  socket.on('data', (data: Buffer) => {
    text += data.toString('latin1');
    notify();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
    notify();
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve).once('close', () => resolve());
  });
  const wait = (isDone: () => boolean): Promise<string> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isDone() && !closed) return;
        listeners.delete(look);
        resolve(text);
      };
      listeners.add(look);
      look();
    });
  return {
    socket,
    text: () => text,
    isClosed: () => closed,
    send: (more) => void socket.write(more, 'latin1'),
    until: (pattern) => wait(() => pattern.test(text)),
    ended: () => wait(() => false),
  };
}

/** One connection, these bytes, what came back until its end. */
export async function exchange(port: number, text: string): Promise<string> {
  const connection = await openRaw(port);
  connection.send(text);
  const answer = await connection.ended();
  connection.socket.destroy();
  return answer;
}

export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);

/**
 * Hands what clients send to the HTTP parser in turns, one request at a time. Node would parse all
 * requests of a read of 64 KB and start every one of them before anything else runs: sixty
 * connections that write without waiting for answers keep everybody else waiting for seconds
 * (docs/adr/0010-requests-take-turns.md).
 *
 *   socket -> push -> [queue] -> parser -> listener
 *
 * - A connection has one request under way; the next is parsed when the answer to it is out, as
 *   RFC 9112 9.3.2 allows. What was sent ahead waits unparsed, and beyond 32 KB is not even read.
 * - As long as there is time, what comes goes straight through. Once a pass of the event loop has
 *   used its share, or somebody waits, each connection waits for its turn (turns.ts), one in each
 *   pass, so that new connections and answers are seen in between.
 * - What a client has sent and not been answered when it hangs up is dropped.
 *
 * Where requests end is guessed only to cut between them: the parser alone decides what they are.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { createTurns, type Party } from './turns.js';

/** Read ahead of the parser for one connection. So much is read on that the end of a connection is noticed. */
const READ_AHEAD_BYTES = 32 * 1024;
/** Of one connection in one turn. A page of headers fits; large bodies take several turns. */
const TURN_BYTES = 32 * 1024;
/** What one pass of the event loop may take before clients have to wait for their turns. */
const PASS_MS = 5;
/** The system hands over one new connection in a pass: so long a turn waits while they keep coming. */
const ACCEPT_MS = 10;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
/** Requests of one connection that are parsed and not answered; more come together only from broken clients. */
const MOST_UNANSWERED = 8;

export interface FairInputOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Who shares a turn with whom. */
  readonly clientOf: (socket: Socket) => string;
  /** Whether a valid token has come over this connection. */
  readonly isKnown: (socket: Socket) => boolean;
  /** An answer is out. */
  readonly onAnswered: (socket: Socket) => void;
}

export interface FairInput {
  /** Takes a connection over that the HTTP server has just got. */
  add(socket: Socket): void;
  /** Begins a request now, or when all before it on its connection are answered. */
  admit(request: IncomingMessage, response: ServerResponse, begin: () => void): void;
}

interface Connection extends Party {
  readonly socket: Socket;
  /** Sent and not given to the parser. */
  readonly queue: Buffer[];
  queuedBytes: number;
  /** The parser takes nothing at the moment. */
  isBlocked: boolean;
  /** The request that was begun last, while it is not answered. */
  underWay: ServerResponse | null;
  /** The request whose head was parsed last. */
  lastRequest: IncomingMessage | null;
  /** Bytes of its body that have not been given to the parser; null: unknown. */
  bodyLeft: number | null;
  /** Parsed, not begun. */
  readonly waiting: (() => void)[];
}

/** The turns of all connections of one server process. */
export function createFairInput({ clock, clientOf, isKnown, onAnswered }: FairInputOptions): FairInput {
  const turns = createTurns<Connection>();
  const connections = new WeakMap<Socket, Connection>();
  /** When the pass of the event loop began to take input; null: it has not. */
  let passBegan: number | null = null;
  let isScheduled = false;
  let hasNewcomers = false;
  /** Since when turns wait for new connections; null: they do not. */
  let acceptingSince: number | null = null;

  /** Who waits in the queue of the system must not wait for one turn of each who was before. */
  const acceptsOn = (): boolean => {
    const isAccepting = hasNewcomers && clock.monotonic() - (acceptingSince ??= clock.monotonic()) < ACCEPT_MS;
    hasNewcomers = false;
    if (!isAccepting) acceptingSince = null;
    return isAccepting;
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      passBegan = null;
      if (!acceptsOn()) {
        const connection = turns.next();
        if (connection !== undefined) takeTurn(connection);
      }
      if (!turns.isEmpty) schedule();
    });
  };
  const hasTime = (): boolean => {
    if (!turns.isEmpty || hasNewcomers) return false;
    if (passBegan !== null) return clock.monotonic() - passBegan < PASS_MS;
    passBegan = clock.monotonic();
    schedule();
    return true;
  };
  /** Now where there is time, else in turn. */
  const askForTurn = (connection: Connection): void => {
    if (!hasTurn(connection)) return;
    turns.add(connection);
    schedule();
  };
  const takeTurn = (connection: Connection): void => {
    const { socket, waiting } = connection;
    if (socket.destroyed) return;
    if (connection.underWay === null && waiting.length > 0) waiting.shift()?.();
    else feed(connection);
    if (connection.queuedBytes < READ_AHEAD_BYTES && !connection.isBlocked) readOn(socket);
    askForTurn(connection);
  };

  return {
    add(socket) {
      const connection: Connection = {
        ...{ socket, client: clientOf(socket), queue: [], queuedBytes: 0, isBlocked: false },
        ...{ underWay: null, lastRequest: null, bodyLeft: 0, waiting: [] },
        get isKnown() {
          return isKnown(socket);
        },
      };
      connections.set(socket, connection);
      hasNewcomers = true;
      schedule();
      takeInput(connection, {
        onInput: () => {
          if (hasTurn(connection) && hasTime()) feed(connection);
          askForTurn(connection);
        },
        onWanted: () => askForTurn(connection),
      });
      socket.once('close', () => {
        turns.remove(connection);
        dropInput(connection);
      });
    },
    admit(request, response, begin) {
      const connection = connections.get(request.socket);
      if (connection === undefined) {
        begin();
        return;
      }
      // After `Connection: close` nothing counts any more, whatever was sent.
      if (request.socket.writableEnded) return;
      connection.lastRequest = request;
      connection.bodyLeft = declaredLength(request);
      const run = (): void => {
        connection.underWay = response;
        response.once('close', () => {
          connection.underWay = null;
          onAnswered(connection.socket);
          askForTurn(connection);
        });
        begin();
      };
      if (connection.underWay === null && connection.waiting.length === 0) run();
      else connection.waiting.push(run);
    },
  };
}

/** Whether there is anything that the connection may do now. */
function hasTurn({ socket, queue, isBlocked, underWay, lastRequest, waiting }: Connection): boolean {
  if (socket.writableEnded && lastRequest?.complete !== false) return false;
  if (waiting.length > 0 && underWay === null) return true;
  if (queue.length === 0 || isBlocked || waiting.length >= MOST_UNANSWERED) return false;
  // The body of the request under way; what follows it waits for the answer.
  return underWay === null ? waiting.length === 0 : lastRequest?.complete === false;
}

/** Gives the parser at most one head, and what belongs to it. */
function feed(connection: Connection): void {
  let left = TURN_BYTES;
  while (left > 0 && hasTurn(connection) && !(connection.underWay === null && connection.waiting.length > 0)) {
    const slice = cut(connection, left);
    left -= slice.length;
    if (!pushOn(connection.socket, slice)) connection.isBlocked = true;
  }
}

/** Takes the next bytes off the queue: a declared body as it comes, anything else up to the end of a head. */
function cut(connection: Connection, most: number): Buffer {
  const { queue } = connection;
  const [chunk] = queue;
  if (chunk === undefined) throw new Error('there is nothing to cut');
  const inBody = connection.lastRequest?.complete === false ? connection.bodyLeft : null;
  let length = Math.min(most, chunk.length);
  if (inBody !== null && inBody > 0) {
    length = Math.min(length, inBody);
    connection.bodyLeft = inBody - length;
  } else {
    const end = chunk.indexOf(END_OF_HEAD);
    if (end >= 0) length = Math.min(length, end + END_OF_HEAD.length);
  }
  connection.queuedBytes -= length;
  if (length === chunk.length) queue.shift();
  else queue[0] = chunk.subarray(length);
  return chunk.subarray(0, length);
}

/** Null: in chunks, or none that is declared. */
function declaredLength({ headers }: IncomingMessage): number | null {
  const length = headers['content-length'];
  return length === undefined ? null : Number(length);
}

function dropInput(connection: Connection): void {
  connection.queue.length = 0;
  connection.queuedBytes = 0;
  connection.waiting.length = 0;
}

// The methods as they are below those that this file puts over them on single sockets.
const pushOn = (socket: Socket, bytes: Buffer | null): boolean => Socket.prototype.push.call(socket, bytes);
const readOn = (socket: Socket): void => Socket.prototype._read.call(socket, 0);

/**
 * Stands between a socket and its buffer: `push` and `_read` are how a source of a stream is written,
 * and a socket is its own. The HTTP server reads a handle past the stream until somebody listens to
 * 'data'.
 */
function takeInput(
  connection: Connection,
  { onInput, onWanted }: { readonly onInput: () => void; readonly onWanted: () => void },
): void {
  const { socket } = connection;
  const unused = (): void => undefined;
  socket.on('data', unused).off('data', unused);
  socket.push = (chunk: unknown) => {
    if (!Buffer.isBuffer(chunk)) {
      // The client has hung up: nobody is there for the answers.
      dropInput(connection);
      return pushOn(socket, null);
    }
    connection.queue.push(chunk);
    connection.queuedBytes += chunk.length;
    onInput();
    return connection.queuedBytes < READ_AHEAD_BYTES && !connection.isBlocked;
  };
  socket._read = () => {
    connection.isBlocked = false;
    if (connection.queuedBytes < READ_AHEAD_BYTES) readOn(socket);
    onWanted();
  };
}

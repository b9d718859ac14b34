/**
 * Ends a connection whose client is still sending a body that nobody will read. Closing it at once
 * would make the kernel answer the unread bytes with a reset, and the client could lose the answer
 * that says why; reading the body to its end is what the sender of an endless one wants.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.js';

/** Time for the answer to be read. */
const LINGERING_MS = 2_000;

/** To be called before an answer with `Connection: close` is sent. */
export function closeLingering(request: IncomingMessage, clock: Clock): void {
  const { socket } = request;
  // A body that was never looked at is read and dropped by Node, all of it; one of which a read was
  // begun is not, and stops at the buffer limit.
  request.read(0);
  // What Node calls when such an answer has gone out. Half-closed, the client sees answer and end.
  socket.destroySoon = () => {
    socket.end();
    const cancel = clock.after(LINGERING_MS, () => socket.destroy());
    socket.once('close', cancel);
  };
}

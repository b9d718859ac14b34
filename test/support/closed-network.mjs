/** Closes the network for everything in this process, except to the machine itself. */
import { isIP, Socket } from 'node:net';

const CLOSED = Symbol.for('elevenlabs-scim-bridge.closedNetwork');

/** Whether `host` (name or address) is this machine. */
export function isLoopback(host) {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return ['localhost', '::1', '::', '0.0.0.0', ''].includes(bare) || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(bare);
}

/** The options object of the many call forms of `socket.connect()`. */
function connectOptions(args) {
  // net.connect() hands over its already normalised arguments as one array.
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  if (typeof first === 'object' && first !== null) return first;
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { path: first };
  return { port: first, host: typeof second === 'string' ? second : 'localhost' };
}

function refusal(host) {
  return new Error(`Tests may not use the network: connection to ${host} refused. Serve it on 127.0.0.1 instead.`);
}

/** Wraps a caller's own DNS function: a name may stand for this machine, and for nothing else. */
function loopbackLookup(host, lookup) {
  return (name, options, callback) =>
    lookup(name, options, (error, addresses, family) => {
      const found = Array.isArray(addresses) ? addresses.map((entry) => entry.address) : [addresses];
      if (error || found.every((address) => isLoopback(String(address)))) callback(error, addresses, family);
      else callback(refusal(host), addresses, family);
    });
}

/** Once per process; later calls do nothing. */
export function closeNetwork() {
  if (Socket.prototype[CLOSED]) return;
  const connect = Socket.prototype.connect;
  Object.defineProperty(Socket.prototype, CLOSED, { value: true });
  Socket.prototype.connect = function connectLoopbackOnly(...args) {
    const options = connectOptions(args);
    const host = String(options.host ?? 'localhost');
    if (options.path || isLoopback(host)) return connect.apply(this, args);
    if (typeof options.lookup === 'function' && isIP(host) === 0) {
      options.lookup = loopbackLookup(host, options.lookup);
      return connect.apply(this, args);
    }
    process.nextTick(() => this.destroy(refusal(host)));
    return this;
  };
}

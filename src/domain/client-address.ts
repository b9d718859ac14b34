/** Addresses of clients, as sockets and proxies write them. */
import { isIP } from 'node:net';

/**
 * The address alone; null: the text is none. A socket for both families writes IPv4 clients as
 * ::ffff:192.0.2.1, and some proxies (Azure Application Gateway) write the port into X-Forwarded-For.
 */
export function clientAddress(text: string): string | null {
  const [, withPort] = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text) ?? /^([\d.]+):\d{1,5}$/.exec(text) ?? [];
  const address = withPort ?? text;
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  return isIP(plain) === 0 ? null : plain;
}

/** One IPv6 client owns at least a /64: counting single addresses would limit nobody. */
export function networkOf(text: string): string {
  // What a proxy calls an address may be any text, and long: all that is none counts as one.
  const address = clientAddress(text);
  if (address === null) return '';
  if (isIP(address) === 4 || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  if (tail !== undefined) {
    const rest = tail.split(':').filter((group) => group !== '');
    while (groups.length + rest.length < 8) groups.push('0');
    groups.push(...rest);
  }
  return groups.slice(0, 4).join(':');
}

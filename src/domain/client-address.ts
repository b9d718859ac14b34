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

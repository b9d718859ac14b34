import type { Config } from './config.js';
import type { Values } from './config-variables.js';

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || host.startsWith('127.');
}

/** What is allowed but probably not meant: one warning each. */
export function describeRisks(config: Config, values: Values): string[] {
  const risks: string[] = [];
  const behindProxy = config.trustProxy !== 0 || config.publicUrl?.startsWith('https:') === true;
  const listeners = [
    ['HOST', config.host],
    ...(config.adminListener === null ? [] : [['ADMIN_HOST', config.adminListener.host] as const]),
  ] as const;
  for (const [name, host] of listeners) {
    if (isThisMachine(host) || config.tls !== null || behindProxy) continue;
    risks.push(
      `${name} is ${host} and nothing encrypts the connection: tokens cross the network in clear text. ` +
        'Put a TLS proxy in front and set PUBLIC_URL and TRUST_PROXY, or set TLS_CERT_FILE and TLS_KEY_FILE.',
    );
  }
  if (config.allowedIps !== null && typeof config.trustProxy === 'number' && config.trustProxy > 0) {
    if (!isThisMachine(config.host)) {
      risks.push(
        `TRUST_PROXY is ${String(config.trustProxy)}: whoever reaches the port without a proxy can claim any address, ` +
          'and so get past ALLOWED_IPS. Name the addresses of the proxies instead.',
      );
    }
  }
  const { upstream } = config;
  if (upstream.kind === 'elevenlabs' && upstream.baseUrl.startsWith('http:')) {
    if (!isThisMachine(new URL(upstream.baseUrl).hostname)) {
      risks.push('ELEVENLABS_BASE_URL starts with http://: the API key crosses the network in clear text.');
    }
  }
  if (upstream.kind === 'sandbox' && (values.ELEVENLABS_BASE_URL ?? values.ELEVENLABS_REGION) !== null) {
    risks.push('ELEVENLABS_REGION and ELEVENLABS_BASE_URL have no effect without ELEVENLABS_API_KEY.');
  }
  return risks;
}

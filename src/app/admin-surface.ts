/** The admin surface with what this process has to give it. */
import { randomUUID } from 'node:crypto';
import type { Request } from 'express';
import { createAdmin } from '../admin/admin.js';
import type { AdminOptions } from '../admin/context.js';
import type { Doors } from '../auth/doors.js';
import type { Config } from '../config.js';
import { SCIM_PATH } from '../http/applications.js';
import type { Metrics } from '../metrics.js';
import type { Telemetry } from './telemetry.js';
import { VERSION } from './version.js';

export const ADMIN_PATH = '/admin';

type Given = Pick<AdminOptions, 'store' | 'engine' | 'upstream' | 'clock' | 'log' | 'rules' | 'publicUrl' | 'whatIf'>;

/**
 * Whether a browser came over TLS: to the bridge, or to a proxy that says so (X-Forwarded-Proto, believed
 * under TRUST_PROXY). PUBLIC_URL tells it as well where the page is on the port of SCIM; a port of its
 * own may be reached in another way.
 */
const cameOverTls = (request: Request, { adminListener }: Config, publicUrl: string): boolean =>
  request.secure || (adminListener === null && publicUrl.startsWith('https:'));

export function createAdminSurface(
  parts: Given & {
    readonly config: Config;
    readonly telemetry: Telemetry;
    readonly metrics: Metrics;
    readonly doors: Doors;
    readonly onAuthenticated: (request: Request) => void;
  },
) {
  const { config, telemetry, metrics, ...given } = parts;
  return createAdmin({
    ...given,
    scimPath: SCIM_PATH,
    isHttps: (request) => cameOverTls(request, config, given.publicUrl()),
    recentRequests: () => telemetry.recentRequests(),
    flushCounters: () => telemetry.flush(),
    metrics,
    metricsOnLoopback: config.publicUrl === null && config.trustProxy === 0,
    facts: {
      version: VERSION,
      isSandbox: config.upstream.kind === 'sandbox',
      drift: config.drift,
      inviteTtlDays: config.inviteTtlDays,
    },
    uuid: randomUUID,
  });
}

/**
 * Composition root: which parts there are, and in which order they begin and end. Nothing is
 * global, so that several bridges can live in one process.
 */
import { randomUUID } from 'node:crypto';
import type { Express } from 'express';
import { createAlerts, payloadOf, type Alert, type Alerts } from './alerts.js';
import { ADMIN_PATH, createAdminSurface } from './app/admin-surface.js';
import { createAuditStream } from './app/audit-stream.js';
import { watchCommands } from './app/command-watch.js';
import { startDemoWorkspace, type DemoWorkspace } from './app/demo-workspace.js';
import { ensureTokens, tokenFileOf, writeTokenFile, type MadeTokens } from './app/first-tokens.js';
import { greet } from './app/greeting.js';
import { healthOf, type Mode } from './app/health.js';
import { createHousekeeping } from './app/housekeeping.js';
import { openApiDocument } from './app/openapi/document.js';
import { createRulesSource, type RulesSource } from './app/rules-source.js';
import { noticeGoingLive, noticeRules } from './app/since-last-time.js';
import { createTelemetry } from './app/telemetry.js';
import { VERSION } from './app/version.js';
import { whatIf } from './app/what-if.js';
import { checkNeighbour, checkPin } from './app/workspace-pin.js';
import type { Clock } from './clock.js';
import { publicUrlFor, type Config } from './config.js';
import type { Rules } from './domain/rules.js';
import type { Json } from './domain/types.js';
import type { WhatIf } from './domain/what-if.js';
import type { WorkspaceGateway } from './elevenlabs/port.js';
import { createSdkGateway } from './elevenlabs/sdk-gateway.js';
import { EXIT, StartError } from './errors.js';
import { allowedIps } from './http/allowed-ips.js';
import { createAdminHttp, createHttp, SCIM_PATH, TOKEN_PATH, trustedProxies } from './http/applications.js';
import { createConnections, type Connections } from './http/connection-limits.js';
import { messagesOf } from './http/express-messages.js';
import { serveHttp, type HttpServer } from './http/server.js';
import type { Log } from './log.js';
import { createMetrics } from './metrics.js';
import { createAssertions, type FetchKeys } from './auth/assertions.js';
import { createAuthFailures } from './auth/auth-failures.js';
import { createAuthenticator } from './auth/authenticate.js';
import { createDoors } from './auth/doors.js';
import { createTokenEndpoint } from './auth/token-endpoint.js';
import { backoff } from './reconcile/backoff.js';
import { SANDBOX_PIN } from './reconcile/identity.js';
import { createLimiter, type Limiter } from './reconcile/limiter.js';
import { Reconciler } from './reconcile/reconciler.js';
import { freezePrototypes } from './scim/hardening.js';
import { createScimRouter } from './scim/router.js';
import type { Bridge, StartBridge } from './serve.js';
import type { Store } from './store/port.js';
import { openStore } from './store/sqlite-store.js';
import { postWebhook } from './webhook-target.js';

export interface App {
  readonly http: Express;
  /** For ADMIN_PORT; null: the admin surface is part of `http`. */
  readonly adminHttp: Express | null;
  /** Of all servers that listen for this application. */
  readonly connections: Connections;
  readonly reconciler: Reconciler;
  readonly alerts: Alerts;
  readonly limiter: Limiter;
  /** What SCIM requests would do; changes nothing. */
  readonly whatIf: (script: Json) => Promise<WhatIf>;
  /** Begins to work on the workspace. */
  start(): Promise<void>;
  /** The mapping file was read again: whoever it concerns is planned anew, and groups are looked for. */
  rulesChanged(): Promise<void>;
  /** Ends the work: nothing new is sent, what is under way is waited for. */
  close(): Promise<void>;
}

export interface AppOptions {
  readonly config: Config;
  readonly store: Store;
  readonly gateway: WorkspaceGateway;
  readonly clock: Clock;
  readonly log: Log;
  /** For the rows of the audit log, whatever the level of the log; by default `log`. */
  readonly auditLog?: Log;
  readonly rules: () => Rules;
  /** Without a trailing slash; asked after listening. */
  readonly publicUrl: () => string;
  readonly random: () => number;
  readonly onOtherWorkspace: (pinned: string, found: string) => void;
  /** Fetches the keys of identity providers. */
  readonly fetch?: FetchKeys;
  /** Delivers an alert to the webhook. */
  readonly postAlert?: PostAlert | null;
}

type PostAlert = (alert: Alert) => Promise<void>;

/** The bridge without a process around it. */
export function createApp(options: AppOptions): App {
  const { config, store, gateway, clock, log, rules, random } = options;
  const limiter = createLimiter({ clock, random, maxConcurrency: config.upstreamConcurrency });
  const alerts = createAlerts({ clock, log, post: options.postAlert ?? null });
  const metrics = createMetrics({
    ...{ clock, version: VERSION },
    numbers: () => store.numbers(),
    tokens: () => store.listTokens(),
    engine: () => reconciler.state,
    limiter: () => limiter.state(),
    auditHead: () => store.auditHead(),
  });
  const auditStream = createAuditStream({ store, clock, log: options.auditLog ?? log });
  const telemetry = createTelemetry({ store, clock, log, metrics });
  const reconciler: Reconciler = new Reconciler({
    ...{ store, gateway, limiter, clock, log, rules, alerts },
    observe: (call) => telemetry.onCall(call),
    concurrency: config.upstreamConcurrency,
    provisionWaitMs: config.provisionWaitMs,
    syncIntervalMs: config.syncIntervalSeconds * 1000,
    pendingPollMs: config.pendingPollSeconds * 1000,
    dryRun: config.dryRun,
    deprovisionLimit: config.deprovisionLimit,
    inviteLimit: config.inviteLimit,
    workspaceName: config.upstream.kind === 'sandbox' ? SANDBOX_PIN : null,
    retryDelay: (failures) => backoff(failures + 1, random),
    onOtherWorkspace: options.onOtherWorkspace,
  });
  const connections = createConnections({ clock, isTrustedProxy: trustedProxies(config.trustProxy) });
  const housekeeping = createHousekeeping({ store, clock, log, retentionDays: config.retentionDays });
  const scimUrl = (): string => options.publicUrl() + SCIM_PATH;
  const failures = createAuthFailures({ store, clock, log, count: (failure) => metrics.onAuthFailure(failure) });
  const doors = createDoors({ store, clock, log, onFailure: (failure) => failures.report(failure) });
  const assertions = createAssertions({ store, clock, fetch: options.fetch ?? fetch });
  const lifetimeMs = config.oauthTokenMinutes * 60_000;
  const scim = createScimRouter({
    ...{ store, clock, log, rules },
    provisioning: reconciler,
    baseUrl: scimUrl,
    authenticator: createAuthenticator(doors),
    ...(config.adminListener === null && { documentationUri: () => `${options.publicUrl()}${ADMIN_PATH}/setup` }),
    onAuthenticated: (request) => connections.trust(request.socket),
    onRequest: (event, refusals) => telemetry.onRequest(event, refusals),
  });
  const look = (script: Json): Promise<WhatIf> =>
    whatIf(script, {
      ...{ store, clock, rules, scimUrl },
      databasePath: config.databasePath,
      guards: (parts) => Promise.resolve(reconciler.forkGuards(parts)),
      admit: reconciler,
      isBlind: () => reconciler.state.readings.blind,
    });
  const admin = createAdminSurface({
    ...{ store, clock, log, rules, config, telemetry, metrics, doors },
    whatIf: look,
    engine: reconciler,
    upstream: () => limiter.state(),
    publicUrl: options.publicUrl,
    onAuthenticated: (request) => connections.trust(request.socket),
  });
  const monitors = {
    ...{ log, trustProxy: config.trustProxy },
    health: () => healthOf(modeOf(config, reconciler), reconciler.state, limiter.state()),
    unready: () => unreadyReason(store, reconciler),
  };
  const http = createHttp({
    ...monitors,
    scim,
    token: createTokenEndpoint({ store, doors, assertions, clock, log, lifetimeMs }),
    gate: createGate(options),
    openApi: () => openApiDocument(options.publicUrl(), { scim: SCIM_PATH, token: TOKEN_PATH }),
    admin: config.adminListener === null ? admin : null,
  });
  return {
    http,
    adminHttp: config.adminListener === null ? null : createAdminHttp({ ...monitors, admin }),
    connections,
    reconciler,
    alerts,
    limiter,
    whatIf: look,
    async start() {
      metrics.start();
      telemetry.start();
      await doors.start();
      await noticeRules(options);
      await noticeGoingLive({ ...options, alerts });
      await reconciler.start();
      housekeeping.start();
      auditStream.start();
    },
    async rulesChanged() {
      await noticeRules(options);
      await reconciler.rulesChanged();
    },
    async close() {
      housekeeping.stop();
      failures.stop();
      await reconciler.stop();
      await limiter.close();
      await telemetry.stop();
      await auditStream.stop();
      metrics.stop();
    },
  };
}

/** Whether anything real can come of a request: `conformance` plays only where nothing can. */
function modeOf({ upstream, dryRun }: Config, { state }: Reconciler): Mode {
  if (upstream.kind === 'sandbox') return 'sandbox';
  return dryRun || state.dryRun !== null ? 'dryRun' : 'live';
}

function createGate({ config, log }: AppOptions) {
  return allowedIps({
    networks: config.allowedIps,
    behindProxy: config.trustProxy !== 0,
    log,
    newRequestId: randomUUID,
  });
}

async function unreadyReason(store: Store, reconciler: Reconciler): Promise<string | null> {
  const { phase } = reconciler.state;
  if (phase === 'stopping') return 'shutting down';
  if (phase === 'otherWorkspace') return 'the API key belongs to another workspace';
  try {
    await store.counts();
    return null;
  } catch {
    return 'the database cannot be read';
  }
}

/** Requests under way are answered for so long after the signal. */
const GRACE_MS = 3_000;

/** Opens everything and serves. */
export const startBridge: StartBridge = async (options) => {
  const { config, log, clock } = options;
  const rules = createRulesSource(config);
  checkNeighbour(config);
  // Known only after listening, where the port was left to the system.
  const address = { url: '' };
  const scimBase = (): string => address.url + SCIM_PATH;
  const store = openStore({
    path: config.databasePath,
    clock,
    rules: rules.current,
    serve: true,
    scimBase,
    auditKey: config.auditKey,
  });
  const opened: (() => Promise<void> | void)[] = [() => closeStore(store)];
  try {
    await checkPin(config, store);
    const demo = config.upstream.kind === 'sandbox' ? await startDemoWorkspace(config.databasePath, clock, log) : null;
    if (demo !== null) opened.unshift(() => demo.close());
    return await serve({ ...options, rules, store, demo, opened, address });
  } catch (error) {
    for (const close of opened) await close();
    throw error;
  }
};

type Parts = Parameters<StartBridge>[0] & {
  readonly rules: RulesSource;
  readonly store: Store;
  readonly demo: DemoWorkspace | null;
  readonly address: { url: string };
  /** What has to be closed, in this order. */
  readonly opened: readonly (() => Promise<void> | void)[];
};

async function serve(parts: Parts): Promise<Bridge> {
  const { config, log, auditLog, clock, print, isTerminal, rules, store, demo, opened, address } = parts;
  const upstream = config.upstream.kind === 'sandbox' ? demo : config.upstream;
  if (upstream === null) throw new Error('there is no workspace to serve');
  const gateway = createSdkGateway({ ...upstream, timeoutMs: config.upstreamTimeoutMs, clock });
  const tokens = {
    scim: config.scimToken ?? demo?.tokens.scim ?? null,
    admin: config.adminToken ?? demo?.tokens.admin ?? null,
  };
  const isUnread = demo === null && !isTerminal;
  const made = await ensureTokens(store, tokens, log, (secrets) => {
    if (isUnread) writeTokenFile(config.databasePath, secrets);
  });
  demo?.keepTokens({ scim: made.scim ?? tokens.scim, admin: made.admin ?? tokens.admin });
  let fail: (error: StartError) => void = () => undefined;
  const failed = new Promise<StartError>((resolve) => (fail = resolve));
  const app = createApp({
    ...{ config, store, gateway, clock, log, auditLog },
    rules: rules.current,
    postAlert: alertPoster(config, clock),
    publicUrl: () => address.url,
    random: Math.random, // eslint-disable-line no-restricted-properties -- the root of all randomness
    onOtherWorkspace: (pinned, found) => fail(otherWorkspace(config, pinned, found)),
  });
  const servers = await listen(app, config, { clock, log });
  const { main, adminPort } = servers;
  const url = publicUrlFor(config, main.port);
  address.url = url;
  // After listening: the SDK takes seconds to load, and SCIM can be read without it.
  await app.start();
  const watch = watchCommands({
    ...{ store, clock, log },
    reconciler: app.reconciler,
    setLogLevel(level) {
      parts.setLogLevel(level ?? config.logLevel);
      return level ?? config.logLevel;
    },
  });
  // The last of the packages: some define properties on what is frozen then.
  void gateway.load().then(freezePrototypes, freezePrototypes);
  const adminUrl = `${adminUrlFor(config, url, adminPort)}${ADMIN_PATH}`;
  announce({ config, print, isTerminal, url, adminUrl, demo: demo !== null, made, tokens });
  log.info({ url, sandbox: demo !== null }, 'Serving.');
  return {
    url,
    failed,
    async reload() {
      const problems = rules.reload();
      for (const problem of problems)
        log.error({ problem }, 'the mapping file has a problem; the old rules stay in force');
      if (problems.length === 0) await app.rulesChanged();
    },
    async close() {
      watch.stop();
      const work = app.close();
      await servers.close();
      await work;
      for (const close of opened) await close();
    },
  };
}

function alertPoster({ alertWebhook }: Config, clock: Clock): PostAlert | null {
  return alertWebhook === null ? null : (alert) => postWebhook(alertWebhook, payloadOf(alert), { clock });
}

/** Listens on PORT, and on ADMIN_PORT where that is set. */
async function listen(
  app: App,
  { host, port, tls, adminListener }: Config,
  parts: { readonly clock: Clock; readonly log: Log },
): Promise<{ readonly main: HttpServer; readonly adminPort: number | null; close(): Promise<void> }> {
  const shared = { ...parts, tls, connections: app.connections };
  const main = await serveHttp(app.http, { ...shared, host, port, server: messagesOf(app.http) });
  const servers = [main];
  if (adminListener !== null && app.adminHttp !== null) {
    try {
      servers.push(await serveHttp(app.adminHttp, { ...shared, ...adminListener, server: messagesOf(app.adminHttp) }));
    } catch (error) {
      await main.close(0);
      throw error;
    }
  }
  return {
    main,
    adminPort: servers[1]?.port ?? null,
    async close() {
      await Promise.all(servers.map((server) => server.close(GRACE_MS)));
    },
  };
}

async function closeStore(store: Store): Promise<void> {
  await store.checkpoint().catch(() => undefined);
  store.close();
}

function otherWorkspace(config: Config, pinned: string, found: string): StartError {
  return new StartError(
    EXIT.config,
    `${config.databasePath} belongs to the workspace ${pinned}, and ELEVENLABS_API_KEY to ${found}: ` +
      'set the key of the right workspace, or DATABASE_PATH to a database of its own.',
  );
}

interface Announcement {
  readonly config: Config;
  readonly print: (line: string) => void;
  readonly isTerminal: boolean;
  readonly url: string;
  readonly adminUrl: string;
  readonly demo: boolean;
  readonly made: MadeTokens;
  readonly tokens: MadeTokens;
}

/** Under its own port the page has an address of its own; PUBLIC_URL is that of SCIM. */
function adminUrlFor(config: Config, url: string, adminPort: number | null): string {
  const listener = config.adminListener;
  if (listener === null || adminPort === null) return url;
  return publicUrlFor({ ...config, publicUrl: null, host: listener.host }, adminPort);
}

/** New tokens are told once; those of the sandbox at each start. */
function announce({ config, print, isTerminal, url, adminUrl, demo, made, tokens }: Announcement): void {
  const isNew = made.scim !== null || made.admin !== null;
  const tokenFile = isNew && !demo && !isTerminal ? tokenFileOf(config.databasePath) : null;
  const shown = demo ? { scim: made.scim ?? tokens.scim, admin: made.admin ?? tokens.admin } : made;
  const lines = greet({
    url,
    isSandbox: demo,
    scimToken: tokenFile === null ? shown.scim : null,
    adminToken: tokenFile === null ? shown.admin : null,
    tokenFile,
    adminUrl,
  });
  for (const line of lines) print(line);
}

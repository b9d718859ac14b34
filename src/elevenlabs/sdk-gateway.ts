/**
 * The workspace through the official SDK. One method, one HTTP request: no retries, no caches
 * except the last member list (to resolve addresses in groups).
 *
 * - The SDK costs 1.7 s and 105 MB, so it is imported on first use (or by `load`), never before.
 * - The API key is sent to the configured origin and appears nowhere else: whatever leaves this
 *   module as an error is made anew from scrubbed text, without a cause.
 * - Requests that the API could only refuse, or understand as another one, are not sent.
 */
import type * as Sdk from '@elevenlabs/elevenlabs-js';
import type { ElevenLabs, ElevenLabsClient } from '@elevenlabs/elevenlabs-js';
import type { Clock } from '../clock.js';
import { idsByAddress, type IdsByAddress } from '../domain/lookalikes.js';
import { classify, requestIdOf } from './classify.js';
import { isRecord } from './error-body.js';
import { createExchange, type Exchange } from './exchange.js';
import { identityFromRaw, senseless, toFoundGroups, toGroups, toIdentity, toMembers, toResource } from './models.js';
import { GatewayError, type Answer, type GatewayMethod, type ShareTarget, type WorkspaceGateway } from './port.js';
import { requireAddress, requireId, requireUsageLimit } from './request-checks.js';
import { dateOf } from './retry-after.js';
import { createScrubber } from './scrub.js';

export interface SdkGatewayOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  /** For the whole exchange, body included. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly fetch?: typeof fetch;
}

export interface SdkGateway extends WorkspaceGateway {
  /** Imports the SDK now, so that the first call does not have to wait for it. */
  load(): Promise<void>;
}

type SdkModule = typeof Sdk;
type ResourceType = ElevenLabs.WorkspaceResourceType;

/** What every SDK method returns. */
interface Sent<R> {
  withRawResponse(): Promise<{ readonly data: R }>;
}

interface Call<R, T> {
  readonly method: GatewayMethod;
  readonly write: boolean;
  /** Throws a GatewayError where the request is not fit to be sent. */
  readonly check?: () => void;
  readonly send: (client: ElevenLabsClient) => Sent<R>;
  readonly read: (data: R, exchange: Exchange) => T;
  /** Reads an answer that the SDK's schema refuses; null if that is not possible. */
  readonly salvage?: (exchange: Exchange) => T | null;
}

type Caller = <R, T>(call: Call<R, T>) => Promise<Answer<T>>;

/** Makes the gateway; nothing is loaded or sent yet. Throws if `baseUrl` is no URL. */
export function createSdkGateway(options: SdkGatewayOptions): SdkGateway {
  const load = lazySdk();
  const call = createCaller(options, load);
  let known: IdsByAddress = new Map();
  return {
    load: async () => {
      await load();
    },
    ...readMethods(
      call,
      () => known,
      (members) => (known = members),
    ),
    ...memberMethods(call),
    ...groupMethods(call),
    ...shareMethods(call),
  };
}

function readMethods(
  call: Caller,
  known: () => IdsByAddress,
  remember: (members: IdsByAddress) => void,
): Pick<WorkspaceGateway, 'identity' | 'listMembers' | 'listGroups' | 'searchGroups'> {
  return {
    identity: () =>
      call({
        method: 'identity',
        write: false,
        send: (client) => client.user.get(),
        read: (user, exchange) => toIdentity(user, serverTime(exchange)),
        salvage: (exchange) => {
          const body = exchange.answer()?.body ?? null;
          return body === null ? null : identityFromRaw(body, serverTime(exchange));
        },
      }),
    listMembers: async () => {
      const answer = await call({
        method: 'listMembers',
        write: false,
        send: (client) => client.workspace.members.list(),
        read: toMembers,
      });
      remember(idsByAddress(answer.value));
      return answer;
    },
    listGroups: () =>
      call({
        method: 'listGroups',
        write: false,
        send: (client) => client.workspace.groups.list(),
        read: (record) => toGroups(record, known()),
      }),
    searchGroups: (name) =>
      call({
        method: 'searchGroups',
        write: false,
        check: () => requireId('group name', name),
        send: (client) => client.workspace.groups.search({ name }),
        read: toFoundGroups,
      }),
  };
}

function memberMethods(
  call: Caller,
): Pick<WorkspaceGateway, 'invite' | 'inviteMany' | 'revokeInvite' | 'setLocked' | 'setSeat'> {
  return {
    invite: ({ email, seatType, usageLimit }) =>
      call({
        method: 'invite',
        write: true,
        check: () => {
          requireAddress(email);
          requireUsageLimit(usageLimit);
        },
        send: (client) => client.workspace.invites.create({ email, seatType, ...limit(usageLimit) }),
        read: confirmed,
      }),
    inviteMany: ({ emails, seatType, usageLimit }) =>
      call({
        method: 'inviteMany',
        write: true,
        check: () => {
          if (emails.length === 0) requireAddress('');
          emails.forEach(requireAddress);
          requireUsageLimit(usageLimit);
        },
        send: (client) => client.workspace.invites.createBatch({ emails: [...emails], seatType, ...limit(usageLimit) }),
        read: confirmed,
      }),
    revokeInvite: (email) =>
      call({
        method: 'revokeInvite',
        write: true,
        check: () => requireAddress(email),
        send: (client) => client.workspace.invites.delete({ email }),
        read: confirmed,
      }),
    setLocked: ({ email, locked, allowDowngrade }) =>
      call({
        method: 'setLocked',
        write: true,
        check: () => requireAddress(email),
        send: (client) =>
          client.workspace.members.update({
            email,
            isLocked: locked,
            ...(allowDowngrade === true && !locked ? { allowDowngradeToBasicSeat: true } : {}),
          }),
        read: confirmed,
      }),
    setSeat: ({ email, seatType }) =>
      call({
        method: 'setSeat',
        write: true,
        check: () => requireAddress(email),
        send: (client) => client.workspace.members.update({ email, workspaceSeatType: seatType }),
        read: confirmed,
      }),
  };
}

function groupMethods(call: Caller): Pick<WorkspaceGateway, 'addToGroup' | 'removeFromGroup'> {
  const check = (groupId: string, email: string) => (): void => {
    requireId('group id', groupId);
    requireAddress(email);
  };
  return {
    addToGroup: (groupId, email) =>
      call({
        method: 'addToGroup',
        write: true,
        check: check(groupId, email),
        send: (client) => client.workspace.groups.members.add(groupId, { email }),
        read: confirmed,
      }),
    removeFromGroup: (groupId, email) =>
      call({
        method: 'removeFromGroup',
        write: true,
        check: check(groupId, email),
        send: (client) => client.workspace.groups.members.remove(groupId, { email }),
        read: confirmed,
      }),
  };
}

function shareMethods(call: Caller): Pick<WorkspaceGateway, 'getResource' | 'share' | 'unshare'> {
  const check = (id: string, target: ShareTarget) => (): void => {
    requireId('resource id', id);
    if ('userEmail' in target) requireAddress(target.userEmail);
    else requireId('share target', 'groupId' in target ? target.groupId : target.workspaceApiKeyId);
  };
  return {
    getResource: (resource) =>
      call({
        method: 'getResource',
        write: false,
        check: () => requireId('resource id', resource.id),
        send: (client) => client.workspace.resources.get(resource.id, { resourceType: resource.type as ResourceType }),
        read: (model) => toResource(resource, model),
      }),
    share: (resource, role, target) =>
      call({
        method: 'share',
        write: true,
        check: check(resource.id, target),
        send: (client) =>
          client.workspace.resources.share(resource.id, {
            role,
            resourceType: resource.type as ResourceType,
            ...target,
          }),
        read: anything,
      }),
    unshare: (resource, target) =>
      call({
        method: 'unshare',
        write: true,
        check: check(resource.id, target),
        send: (client) =>
          client.workspace.resources.unshare(resource.id, { resourceType: resource.type as ResourceType, ...target }),
        read: anything,
      }),
  };
}

/** A client per call costs microseconds and gives each call its own exchange, without shared state. */
function createCaller(options: SdkGatewayOptions, load: () => Promise<SdkModule>): Caller {
  const baseUrl = new URL(options.baseUrl);
  const scrub = createScrubber(options.apiKey);
  const send = async <R>(exchange: Exchange, request: Call<R, unknown>['send']): Promise<R> => {
    const sdk = await load();
    const client = new sdk.ElevenLabsClient({
      apiKey: options.apiKey,
      baseUrl: options.baseUrl,
      maxRetries: 0,
      fetch: exchange.fetch,
      logging: { silent: true },
    });
    return (await request(client).withRawResponse()).data;
  };

  return async ({ method, write, check, send: request, read, salvage }) => {
    const { clock, timeoutMs } = options;
    const exchange = createExchange({ baseUrl, timeoutMs, clock, fetch: options.fetch ?? fetch });
    try {
      requireUsableKey(options.apiKey);
      check?.();
      const data = await send(exchange, request);
      if (exchange.failure() !== undefined) throw senseless('the exchange failed');
      return answered(read(data, exchange), exchange);
    } catch (error) {
      const salvaged = isUnread(error, exchange) ? (salvage?.(exchange) ?? null) : null;
      if (salvaged !== null) return answered(salvaged, exchange);
      const answer = exchange.answer();
      const context = {
        method,
        write,
        now: clock.now(),
        status: answer?.status ?? null,
        headers: answer?.headers ?? null,
      };
      throw scrub(classify(exchange.failure() ?? error, context));
    }
  };
}

/** A whole 2xx answer came, and the SDK's schema refused it. */
function isUnread(error: unknown, exchange: Exchange): boolean {
  const status = exchange.answer()?.status ?? 0;
  return exchange.failure() === undefined && isRecord(error) && error['name'] === 'ParseError' && status < 300;
}

function answered<T>(value: T, exchange: Exchange): Answer<T> {
  const answer = exchange.answer();
  return { value, status: answer?.status ?? 0, requestId: requestIdOf(answer?.headers ?? null) };
}

/** Imports once; a failed import is tried again by the next call. */
function lazySdk(): () => Promise<SdkModule> {
  let loading: Promise<SdkModule> | null = null;
  return () => {
    loading ??= import('@elevenlabs/elevenlabs-js').catch((error: unknown) => {
      loading = null;
      throw error;
    });
    return loading;
  };
}

/** A key that no header can carry makes fetch fail with the key in its message. */
function requireUsableKey(apiKey: string): void {
  if (/^[\x21-\x7e]+$/.test(apiKey)) return;
  throw new GatewayError({
    kind: 'keyRejected',
    code: 'invalid_api_key',
    message: 'the ElevenLabs API key is empty or contains characters that no key has',
  });
}

/** "If the request was successful, the status will be 'ok'." Anything else is no success to build on. */
function confirmed(data: { readonly status: string }): null {
  if (data.status !== 'ok') throw senseless('the answer does not say "ok"');
  return null;
}

/** share and unshare answer anything, so a page of a proxy would pass; the SDK marks what is no JSON. */
function anything(data: unknown): null {
  const error = isRecord(data) && data['ok'] === false ? data['error'] : undefined;
  if (isRecord(error) && error['reason'] === 'non-json') throw senseless('the answer is not JSON');
  return null;
}

const limit = (usageLimit: number | null): { usageLimit?: number } => (usageLimit === null ? {} : { usageLimit });

function serverTime(exchange: Exchange): number | null {
  return dateOf(exchange.answer()?.headers.get('date') ?? null);
}

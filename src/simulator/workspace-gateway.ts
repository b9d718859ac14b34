/**
 * The workspace as the bridge sees it, without SDK and sockets: the sandbox's own pipeline answers, and
 * what it refuses goes through the real `classify`. Here calls go wrong as the history says.
 */
import type { ElevenLabs } from '@elevenlabs/elevenlabs-js';
import type { Clock } from '../clock.js';
import { foldAddress } from '../domain/fold.js';
import { idsByAddress, type IdsByAddress } from '../domain/lookalikes.js';
import type { MemberId } from '../domain/types.js';
import { classify } from '../elevenlabs/classify.js';
import { toFoundGroups, toGroups, toMembers, toResource } from '../elevenlabs/models.js';
import type { Answer, GatewayMethod, WorkspaceGateway } from '../elevenlabs/port.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { Mishap } from './history.js';
import type { Life } from './virtual-time.js';

export interface GatewayParts {
  readonly sandbox: Sandbox;
  readonly life: Life;
  /** Of this life, and of the workspace, where effects come late. */
  readonly clock: Clock;
  readonly worldClock: Clock;
  readonly random: () => number;
  /** Counts the call, and answers what goes wrong with it. */
  readonly mishap: (call: string) => Mishap | null;
  readonly kill: () => void;
  /** Told before a call is applied. */
  readonly onWrite: (call: WriteCall) => void;
  readonly onAnswer: (call: WriteCall, outcome: string) => void;
}

export interface WriteCall {
  readonly method: GatewayMethod;
  readonly email: string;
  readonly detail: string;
}

const TIMEOUT_MS = 10_000;
const never = (): Promise<never> => new Promise(() => undefined);

interface Request {
  readonly verb: string;
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

export function createGateway(parts: GatewayParts): WorkspaceGateway {
  const { sandbox, clock, worldClock, life } = parts;
  let known: IdsByAddress = new Map();

  const sleep = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
  const apply = async ({ verb, path, body }: Request): Promise<{ status: number; body: unknown }> => {
    const headers = { 'xi-api-key': sandbox.apiKey() };
    const text = body === undefined ? '' : JSON.stringify(body);
    const outcome = await sandbox.handle({ method: verb, url: path, headers, body: text });
    if (outcome.kind === 'reset') throw new Error('the sandbox cut a connection that nobody asked it to cut');
    return { status: outcome.reply.status, body: JSON.parse(outcome.reply.body) as unknown };
  };

  const call = async <T>(
    method: GatewayMethod,
    request: Request,
    read: (body: never) => T,
    write: WriteCall | null,
  ): Promise<Answer<T>> => {
    if (!life.isAlive) return never();
    const mishap = parts.mishap(method);
    if (mishap?.kind === 'kill' && mishap.when === 'before') {
      parts.kill();
      return never();
    }
    if (write !== null) parts.onWrite(write);
    const failed = (error: unknown): never => {
      const failure = classify(error, { method, write: write !== null, now: clock.now() });
      if (write !== null) parts.onAnswer(write, `${failure.kind}${failure.maybeApplied ? ', perhaps applied' : ''}`);
      throw failure;
    };
    await sleep(5 + Math.floor(parts.random() * 150));
    switch (mishap?.kind) {
      case 'status':
        if (mishap.applied) await apply(request);
        return failed({ statusCode: mishap.status, body: { detail: { code: 'fault', message: 'A fault.' } } });
      case 'lost':
        if (mishap.applied) await apply(request);
        return failed(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
      case 'hang': {
        const { effectAfterMs } = mishap;
        if (effectAfterMs !== null) worldClock.after(effectAfterMs, () => void apply(request));
        await sleep(TIMEOUT_MS);
        return failed(Object.assign(new Error('no answer in time'), { name: 'TimeoutError' }));
      }
      default:
    }
    const answer = await apply(request);
    if (mishap?.kind === 'kill') {
      parts.kill();
      return never();
    }
    if (answer.status >= 300) return failed({ statusCode: answer.status, body: answer.body });
    if (mishap?.kind === 'omit' && Array.isArray(answer.body)) {
      const list = answer.body as readonly { readonly is_owner?: boolean }[];
      const gone = new Set(mishap.places.map((place) => list.length - 1 - place));
      answer.body = list.filter((entry, at) => entry.is_owner === true || !gone.has(at));
    }
    if (write !== null) parts.onAnswer(write, 'done');
    return { value: read(answer.body as never), status: answer.status, requestId: null };
  };

  const members = (list: readonly WireMember[]) =>
    toMembers(
      list.map((one) => ({
        ...one,
        userId: one.user_id,
        seatType: one.seat_type,
        isOwner: one.is_owner,
        isLocked: one.is_locked,
        firstName: one.first_name,
      })) as unknown as readonly ElevenLabs.WorkspaceMemberResponseModel[],
    );
  const groups = (record: Readonly<Record<string, WireGroup>>) =>
    toGroups(
      Object.fromEntries(
        Object.entries(record).map(([key, one]) => [
          key,
          { ...one, isScimSynced: one.is_scim_synced, scimFrozen: one.scim_frozen },
        ]),
      ) as unknown as Readonly<Record<string, ElevenLabs.WorkspaceGroupResponseModel>>,
      known,
    );
  const change = (method: GatewayMethod, email: string, detail: string, request: Request): Promise<Answer<null>> =>
    call(method, request, () => null, { method, email: foldAddress(email), detail });

  return {
    identity: () =>
      call(
        'identity',
        { verb: 'GET', path: '/v1/user' },
        (user: { user_id: string; workspace_id: string; seat_type: string }) => ({
          workspaceId: user.workspace_id,
          userId: user.user_id as MemberId,
          seatType: user.seat_type,
          serverTime: null,
        }),
        null,
      ),
    listMembers: async () => {
      const answer = await call('listMembers', { verb: 'GET', path: '/v1/workspace/members' }, members, null);
      known = idsByAddress(answer.value);
      return answer;
    },
    listGroups: () => call('listGroups', { verb: 'GET', path: '/v1/workspace/groups' }, groups, null),
    searchGroups: (name) =>
      call(
        'searchGroups',
        { verb: 'GET', path: `/v1/workspace/groups/search?name=${encodeURIComponent(name)}` },
        (list: readonly { members_emails: readonly string[] }[]) =>
          toFoundGroups(list.map((one) => ({ ...one, membersEmails: one.members_emails })) as never),
        null,
      ),
    invite: ({ email, seatType, usageLimit }) =>
      change('invite', email, seatType, {
        verb: 'POST',
        path: '/v1/workspace/invites/add',
        body: { email, seat_type: seatType, ...(usageLimit === null ? {} : { usage_limit: usageLimit }) },
      }),
    inviteMany: ({ emails, seatType }) =>
      change('inviteMany', emails[0] ?? '', seatType, {
        verb: 'POST',
        path: '/v1/workspace/invites/add-bulk',
        body: { emails, seat_type: seatType },
      }),
    revokeInvite: (email) =>
      change('revokeInvite', email, '', { verb: 'DELETE', path: '/v1/workspace/invites', body: { email } }),
    setLocked: ({ email, locked, allowDowngrade }) =>
      change('setLocked', email, locked ? 'lock' : 'unlock', {
        verb: 'POST',
        path: '/v1/workspace/members',
        body: {
          email,
          is_locked: locked,
          ...(allowDowngrade === true && !locked ? { allow_downgrade_to_basic_seat: true } : {}),
        },
      }),
    setSeat: ({ email, seatType }) =>
      change('setSeat', email, seatType, {
        verb: 'POST',
        path: '/v1/workspace/members',
        body: { email, workspace_seat_type: seatType },
      }),
    addToGroup: (group, email) =>
      change('addToGroup', email, group, {
        verb: 'POST',
        path: `/v1/workspace/groups/${group}/members`,
        body: { email },
      }),
    removeFromGroup: (group, email) =>
      change('removeFromGroup', email, group, {
        verb: 'POST',
        path: `/v1/workspace/groups/${group}/members/remove`,
        body: { email },
      }),
    getResource: (resource) =>
      call(
        'getResource',
        { verb: 'GET', path: `/v1/workspace/resources/${resource.id}?resource_type=${resource.type}` },
        (model) => toResource(resource, model),
        null,
      ),
    share: () => Promise.reject(new Error('the simulator has no shares yet')),
    unshare: () => Promise.reject(new Error('the simulator has no shares yet')),
  };
}

interface WireMember {
  readonly user_id: string;
  readonly seat_type: string;
  readonly is_owner: boolean;
  readonly is_locked: boolean;
  readonly first_name: string | null;
}

interface WireGroup {
  readonly is_scim_synced: boolean;
  readonly scim_frozen: boolean;
}

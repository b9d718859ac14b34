import { describe, expect, it } from '@jest/globals';
import type { WorkspaceGroupId } from '../../src/domain/types.js';
import { UPSTREAM_CALLS } from '../../src/domain/upstream-calls.js';
import { GatewayError, type Answer, type GatewayMethod, type WorkspaceGateway } from '../../src/elevenlabs/port.js';
import { createLimitedGateway, type UpstreamCall } from '../../src/reconcile/limited-gateway.js';
import { createLimiter, type Limiter } from '../../src/reconcile/limiter.js';
import { createFakeClock, type FakeClock } from '../support/fake-clock.js';

type Answering = (method: GatewayMethod, args: readonly unknown[]) => Promise<Answer<unknown>>;

/** A gateway whose every method is answered by one function. */
function gatewayOf(answer: Answering): WorkspaceGateway {
  return new Proxy({} as WorkspaceGateway, {
    get:
      (_target, method: GatewayMethod) =>
      (...args: unknown[]) =>
        answer(method, args),
  });
}

const GROUP = 'g1' as WorkspaceGroupId;
const RESOURCE = { type: 'voice', id: 'v1' };
const ARGUMENTS: { [E in GatewayMethod]: Parameters<WorkspaceGateway[E]> } = {
  identity: [],
  listMembers: [],
  listGroups: [],
  searchGroups: ['Sales'],
  invite: [{ email: 'a@b.example', seatType: 'workspace_member', usageLimit: null }],
  inviteMany: [{ emails: ['a@b.example'], seatType: 'workspace_member', usageLimit: 5 }],
  revokeInvite: ['a@b.example'],
  setLocked: [{ email: 'a@b.example', locked: true }],
  setSeat: [{ email: 'a@b.example', seatType: 'workspace_admin' }],
  addToGroup: [GROUP, 'a@b.example'],
  removeFromGroup: [GROUP, 'a@b.example'],
  getResource: [RESOURCE],
  share: [RESOURCE, 'editor', { groupId: 'g1' }],
  unshare: [RESOURCE, { userEmail: 'a@b.example' }],
};
const METHODS = Object.keys(ARGUMENTS) as GatewayMethod[];

interface World {
  readonly clock: FakeClock;
  readonly limiter: Limiter;
  readonly seen: UpstreamCall[];
  readonly at: (priority: number, tag?: { ledgerId?: number }) => WorkspaceGateway;
}

function setUp(answer: Answering, observe?: (call: UpstreamCall) => void): World {
  const clock = createFakeClock();
  const limiter = createLimiter({ clock, maxConcurrency: 1, random: () => 0.5 });
  const seen: UpstreamCall[] = [];
  const limited = createLimitedGateway({
    gateway: gatewayOf(answer),
    limiter,
    clock,
    observe: observe ?? ((call) => void seen.push(call)),
  });
  return { clock, limiter, seen, at: limited.withPriority };
}

const call = (gateway: WorkspaceGateway, method: GatewayMethod): Promise<unknown> =>
  (gateway[method] as (...args: readonly unknown[]) => Promise<unknown>)(...ARGUMENTS[method]);

describe('the gateway behind the limiter', () => {
  it.each(METHODS)('%s is passed on as it is, and told', async (method) => {
    const asked: unknown[] = [];
    const answer = { value: 'x', status: 200, requestId: 'r1' };
    const { clock, seen, at } = setUp(async (...request) => {
      asked.push(request);
      clock.advance(120);
      return answer;
    });
    const startedAt = clock.now();
    await expect(call(at(2, { ledgerId: 7 }), method)).resolves.toBe(answer);
    expect(asked).toEqual([[method, ARGUMENTS[method]]]);
    expect(seen).toEqual([
      {
        ...{ endpoint: UPSTREAM_CALLS[method], priority: 2, tag: { ledgerId: 7 }, startedAt, latencyMs: 120 },
        ...{ outcome: 'ok', status: 200, requestId: 'r1', error: null },
      },
    ]);
  });

  it('tells failures, and hands them on as they are', async () => {
    const refused = new GatewayError({ kind: 'refused', message: 'no', status: 400, requestId: 'r2' });
    const { seen, at } = setUp(() => Promise.reject(refused));
    await expect(at(0).listMembers()).rejects.toBe(refused);
    expect(seen).toMatchObject([{ outcome: 'refused', status: 400, requestId: 'r2', error: refused, tag: null }]);
    const bug = setUp(() => Promise.reject(new TypeError('x')));
    await expect(bug.at(0).listMembers()).rejects.toThrow('x');
    expect(bug.seen).toMatchObject([{ outcome: 'bug', error: null }]);
  });

  it('is not harmed by an observer that throws', async () => {
    const answer = { value: null, status: 200, requestId: null };
    const { at } = setUp(
      async () => answer,
      () => {
        throw new Error('disk full');
      },
    );
    await expect(at(0).revokeInvite('a@b.example')).resolves.toBe(answer);
  });

  it('does not call what was turned away a call', async () => {
    const down = new GatewayError({ kind: 'transient', message: 'no answer in time', maybeApplied: true });
    const { seen, at } = setUp(() => Promise.reject(down));
    for (let n = 0; n < 8; n += 1)
      await at(0)
        .listMembers()
        .catch(() => null);
    expect(seen).toHaveLength(5);
    await expect(at(0).listMembers()).rejects.toMatchObject({ code: 'circuit_open' });
  });

  it('counts the 500s of every method for the breaker but those of revokeInvite', async () => {
    const failing = new GatewayError({ kind: 'transient', message: 'oops', status: 500, maybeApplied: true });
    for (const method of METHODS) {
      const { limiter, at } = setUp(() => Promise.reject(failing));
      for (let n = 0; n < 8; n += 1) await call(at(0), method).catch(() => null);
      expect([method, limiter.state().breaker]).toEqual([method, method === 'revokeInvite' ? 'closed' : 'open']);
    }
  });

  it('lets the more urgent view go first', async () => {
    const order: string[] = [];
    const { at } = setUp(async (method) => {
      order.push(method);
      return { value: null, status: 200, requestId: null };
    });
    await Promise.all([at(2).listMembers(), at(2).listGroups(), at(0).invite(...ARGUMENTS.invite)]);
    expect(order).toEqual(['listMembers', 'invite', 'listGroups']);
  });
});

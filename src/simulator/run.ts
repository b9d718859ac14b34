/** Runs a history: the production code against the sandbox, and the oracle beside it. */
import type { AnyJson } from '../conformance/check.js';
import { ScimError } from '../errors.js';
import { DEFAULT_RULES } from '../domain/rules.js';
import { USER } from '../domain/user-schema.js';
import { GROUP } from '../domain/group-schema.js';
import type { JsonObject } from '../domain/types.js';
import { fork, seededRandom } from '../sandbox/random.js';
import { Refusal } from '../sandbox/refusal.js';
import { createSandbox } from '../sandbox/sandbox.js';
import { createGroup, listGroups, patchGroup } from '../scim/groups-service.js';
import { parseProjection } from '../scim/project.js';
import { parseQuery } from '../scim/query.js';
import type { Caller, Reply } from '../scim/context.js';
import { createUser, deleteUser, listUsers, patchUser, readUser } from '../scim/users-service.js';
import type { Store } from '../store/port.js';
import { newDatabase, startLife, type Bridge } from './bridge-life.js';
import { GROUPS, MEMBERS_BEFORE, PEOPLE, type History, type Mishap, type Step } from './history.js';
import { createOracle, type ScimUser, type Shown, type Violation } from './oracle.js';
import { createVirtualTime, START, type Life } from './virtual-time.js';
import { createGateway } from './workspace-gateway.js';

export interface Result {
  readonly violations: readonly Violation[];
  /** What happened, line by line; equal for equal histories. */
  readonly trace: readonly string[];
  readonly virtualMs: number;
  readonly writes: number;
}

const EXTENSION = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User';
const USER_VIEW = parseProjection(null, null, USER);
const GROUP_VIEW = parseProjection(null, null, GROUP);
const BYSTANDERS = 6;
const TTL_DAYS = 7;
const CALM_MS = 24 * 36e5;
const SYNC_MS = 3_600_000;

export const addressOf = (who: number, variant = 0): string =>
  `p${String(who)}${variant === 0 ? '' : `-${String(variant)}`}@corp.example`;

/** `died`: the process ended before an answer came. */
type Answer = { readonly status: number; readonly body: AnyJson; readonly detail: string };

/** One stage, on which everybody acts. */
export async function runHistory(
  history: History,
  mode: 'safety' | 'liveness' = 'liveness',
  ignore: readonly string[] = [],
): Promise<Result> {
  const random = seededRandom(history.seed);
  const [idRandom, lifeRandom, gatewayRandom] = [fork(random), fork(random), fork(random)];
  const time = createVirtualTime();
  const eternal: Life = { isAlive: true };
  const worldClock = time.clockOf(eternal);
  const people = Array.from({ length: PEOPLE }, (_, who) => who);
  const groups = Array.from({ length: GROUPS }, (_, group) => `group${String(group)}`);
  const sandbox = createSandbox({
    clock: worldClock,
    random: fork(random),
    switches: history.switches,
    seed: {
      tier: 'business',
      seatLimits: { full: 1000, basic: 1000 },
      members: [
        { email: 'owner@corp.example', owner: true },
        ...Array.from({ length: BYSTANDERS }, (_, at) => ({ email: `bystander${String(at)}@corp.example` })),
        ...people.slice(0, MEMBERS_BEFORE).map((who) => ({ email: addressOf(who) })),
      ],
      groups: groups.map((id) => ({ name: id, id })),
    },
  });
  const control = sandbox.control;
  const trace: string[] = [];
  const stamp = (): string => {
    const s = Math.floor(time.elapsed() / 1000);
    return `${String(Math.floor(s / 86400))}d ${new Date(START + time.elapsed()).toISOString().slice(11, 19)}`;
  };
  const tell = (line: string): void => void trace.push(`${stamp()}  ${line}`);
  const oracle = createOracle({
    now: () => time.elapsed(),
    ttlDays: TTL_DAYS,
    limit: history.limit,
    ignore,
    ownerId: control.state().members.find((member) => member.owner === true)?.userId ?? '',
    personOf: (address) => {
      const found = /^p(\d+)(-\d+)?@/.exec(address);
      return found === null ? null : Number(found[1]);
    },
    world: {
      members: () =>
        control.state().members.map((one) => ({
          userId: one.userId ?? '',
          email: one.email,
          isLocked: one.locked === true,
          seatType: one.seatType ?? null,
        })),
      groupMembers: (group) => {
        const state = control.state();
        const emails = new Set(state.groups?.find((one) => one.id === groups[group])?.members ?? []);
        return new Set(state.members.filter((one) => emails.has(one.email)).map((one) => one.userId ?? ''));
      },
      pendingInvites: () => (control.state().invites ?? []).map((one) => one.email.toLowerCase()),
      mails: () => control.mailbox(),
    },
  });

  // The process ---------------------------------------------------------------------------------

  const counts = new Map<string, number>();
  const mishaps = new Map(history.mishaps.map(({ call, nth, mishap }) => [`${call} ${String(nth)}`, mishap]));
  let isCalm = false;
  let writes = 0;
  const mishap = (call: string): Mishap | null => {
    const nth = (counts.get(call) ?? 0) + 1;
    counts.set(call, nth);
    const found = isCalm ? null : (mishaps.get(`${call} ${String(nth)}`) ?? null);
    if (found !== null) tell(`   ! ${call} ${String(nth)}: ${JSON.stringify(found)}`);
    return found;
  };
  const db = newDatabase();
  const limit = { count: history.limit ?? 1000, percent: null };
  const rules = { ...DEFAULT_RULES, emailChange: history.emailChange, drift: history.drift, inviteTtlDays: TTL_DAYS };
  let ids = 0;
  const newId = (): string => {
    ids += 1;
    const tail = Math.floor(idRandom() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
    return `${tail}-0000-4000-8000-${ids.toString(16).padStart(12, '0')}`;
  };
  let life: Life = { isAlive: true };
  let bridge: Bridge;
  const onDeath: (() => void)[] = [];
  const kill = (): void => {
    tell('   ! the process is killed');
    life.isAlive = false;
    for (const tellIt of onDeath.splice(0)) tellIt();
    begin();
  };
  const begin = (): void => {
    const mine: Life = { isAlive: true };
    life = mine;
    const killMine = (): void => {
      if (mine.isAlive) kill();
    };
    const gateway = createGateway({
      ...{ sandbox, life: mine, clock: time.clockOf(mine), worldClock, random: gatewayRandom, mishap, kill: killMine },
      onWrite: (call) => {
        writes += 1;
        oracle.tie();
        if (call.method === 'invite') oracle.noteInviteAt(call.email);
        tell(`   -> ${call.method} ${call.email} ${call.detail}`);
        oracle.onWrite(call);
      },
      onAnswer: (call, outcome) => {
        tell(`   <- ${call.method} ${call.email} ${call.detail}: ${outcome}`);
        oracle.onAnswer(call, outcome);
      },
    });
    bridge = startLife({
      ...{ db, gateway, rules, limit, syncIntervalMs: SYNC_MS, random: lifeRandom, newId },
      clock: time.clockOf(mine),
      wrap: (store) => mortal(store, mine, mishap, killMine),
      onBug: (text) => oracle.report('BUG', text.split('\n')[0] ?? '', text),
    });
  };
  begin();

  // The IdP -------------------------------------------------------------------------------------

  const SPEAKS = /^(create|activate|deactivate|delete|change|own|role|addTo|removeFrom)/;
  const ask = async (what: string, request: (caller: Caller) => Promise<Reply | object>): Promise<Answer | null> => {
    const person = SPEAKS.test(what) ? /p(\d+)/.exec(what) : null;
    if (person !== null) oracle.speaking.add(Number(person[1]));
    for (let attempt = 1; ; attempt += 1) {
      let answer: Answer | 'died' | undefined;
      const dead = new Promise<'died'>((resolve) => onDeath.push(() => resolve('died')));
      const work = request(bridge.caller()).then(
        (reply) =>
          'status' in reply && 'headers' in reply
            ? { status: reply.status, body: reply.body, detail: '' }
            : { status: 200, body: reply, detail: '' },
        (error: unknown) => {
          if (error instanceof ScimError) return { status: error.status, body: null, detail: error.message };
          oracle.report(
            'L10',
            `an answer of 500: ${what.split(' ')[0] ?? ''}`,
            error instanceof Error ? (error.stack ?? '') : String(error),
          );
          return { status: 500, body: null, detail: String(error) };
        },
      );
      void Promise.race([work, dead]).then((value) => (answer = value));
      await time.until(() => answer !== undefined, 60_000);
      if (answer === 'died') return null;
      if (answer === undefined) {
        oracle.report('L10', 'a request is not answered within a minute', what);
        return null;
      }
      if (answer.status !== 503 || attempt === 20) {
        tell(`${what}: ${String(answer.status)}${answer.detail === '' ? '' : ` ${answer.detail}`}`);
        return answer;
      }
      await time.advance(15_000);
    }
  };
  const find = async (who: number): Promise<AnyJson> => {
    for (let variant = 0; variant < 3; variant += 1) {
      const filter = encodeURIComponent(`userName eq "${addressOf(who, variant)}"`);
      const answer = await ask(`look-up p${String(who)}`, (caller) =>
        listUsers(caller, parseQuery(`/Users?filter=${filter}`)),
      );
      const found = answer?.body?.Resources?.[0];
      if (found !== undefined) return found;
      if (answer === null) return undefined;
      break;
    }
    return undefined;
  };
  const remember = (who: number, document: AnyJson, more: Partial<ScimUser>): ScimUser => {
    const user: ScimUser = {
      ...{ id: document.id as string, who, active: document.active as boolean, isDeleted: false },
      ...{ address: ((document.emails?.[0]?.value as string | undefined) ?? addressOf(who)).toLowerCase(), role: null },
      ...{
        isManaged: false,
        turnedOnAt: -1,
        hasSpoken: false,
        isUncertain: false,
        turns: 0,
        createdAt: time.elapsed(),
      },
      ...{ hadAdminRole: false, hadRole: false, groups: new Map() },
      ...more,
    };
    oracle.users.push(user);
    oracle.tie();
    return user;
  };
  /** The user as the IdP knows it, or as it finds it. */
  const known = async (who: number): Promise<ScimUser | undefined> => {
    const user = oracle.live(who);
    if (user !== undefined) return user;
    const found = await find(who);
    return found === undefined ? undefined : remember(who, found, {});
  };
  /** The process died before the answer: as an IdP does, what holds is read. */
  const resolve = async (user: ScimUser, wanted: Partial<ScimUser>): Promise<void> => {
    user.isManaged = true;
    const answer = await ask(`read p${String(user.who)}`, (caller) => readUser(caller, user.id, USER_VIEW));
    if (answer?.status === 404) user.isDeleted = true;
    else if (answer?.status !== 200) user.isUncertain = true;
    else {
      const before = user.active;
      Object.assign(user, wanted);
      user.active = answer.body.active as boolean;
      user.address = ((answer.body.emails?.[0]?.value as string | undefined) ?? user.address).toLowerCase();
      if (user.active && !before) turnOn(user);
    }
  };
  const turnOn = (user: ScimUser): void => {
    user.turns += 1;
    if (user.hasSpoken) user.turnedOnAt = time.elapsed();
  };
  const patch = async (
    user: ScimUser,
    what: string,
    operations: readonly object[],
    done: () => void,
  ): Promise<Answer | null> => {
    const body = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: operations,
    } as unknown as JsonObject;
    const answer = await ask(`${what} p${String(user.who)}`, (caller) => patchUser(caller, user.id, body, USER_VIEW));
    if (answer === null) {
      user.turns += 1;
      await resolve(user, {});
      user.hasSpoken = true;
      return null;
    }
    if (answer.status === 404 && !user.isDeleted && !oracle.removedPeople.has(user.who))
      oracle.report('L9', `a user is not found under its id any more: p${String(user.who)}`, `${what}, ${user.id}`);
    if (answer.status < 300) {
      user.isManaged = true;
      done();
      user.hasSpoken = true;
    }
    return answer;
  };
  const withdraw = async (user: ScimUser, what: string, operations: readonly object[]): Promise<void> => {
    const answer = await patch(user, what, operations, () => (user.active = false));
    if (answer !== null && [400, 409].includes(answer.status)) {
      // The IdP has said it: the user shall have no access.
      oracle.report('L12', `a withdrawal is refused: p${String(user.who)}`, answer.detail);
    }
  };

  const groupIds: string[] = [];
  const scimGroup = async (group: number): Promise<string | null> => {
    const filter = encodeURIComponent(`displayName eq "${groups[group] ?? ''}"`);
    const known = groupIds[group];
    if (known !== undefined) return known;
    const found = await ask(`look-up ${groups[group] ?? ''}`, (caller) =>
      listGroups(caller, parseQuery(`/Groups?filter=${filter}`)),
    );
    let id = found?.body?.Resources?.[0]?.id as string | undefined;
    if (id === undefined) {
      const made = await ask(`create ${groups[group] ?? ''}`, (caller) =>
        createGroup(
          caller,
          { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: groups[group] ?? '' },
          GROUP_VIEW,
        ),
      );
      id = made?.body?.id as string | undefined;
    }
    if (id === undefined) return null;
    groupIds[group] = id;
    return id;
  };

  // The acts ------------------------------------------------------------------------------------

  const act = async (step: Step): Promise<void> => {
    switch (step.do) {
      case 'wait':
        await time.advance(step.ms);
        return;
      case 'kill':
        kill();
        return;
      case 'setClock':
        tell(`the clock of the machine is set by ${String(step.ms / 36e5)} h`);
        time.jump(step.ms);
        return;
      case 'create': {
        const { who, active, role } = step;
        if (oracle.live(who)?.isManaged === true) return;
        const body = {
          schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
          ...{ userName: addressOf(who), active, emails: [{ value: addressOf(who), primary: true, type: 'work' }] },
          ...(role === null ? {} : { roles: [{ value: role, primary: true }] }),
        } as unknown as JsonObject;
        const answer = await ask(`create p${String(who)} active=${String(active)} role=${String(role)}`, (caller) =>
          createUser(caller, body, USER_VIEW),
        );
        let document = answer?.status === 201 ? answer.body : undefined;
        if (answer === null) document = await find(who);
        if (document === undefined) return;
        const before = oracle.live(who);
        if (before !== undefined && before.id === document.id) {
          Object.assign(before, { active: document.active, isManaged: true, role });
          before.hadAdminRole ||= role === 'admin';
          before.hadRole ||= role !== null;
          before.turns += 2;
          before.hasSpoken = true;
          return;
        }
        remember(who, document, {
          ...{ isManaged: true, hasSpoken: true, role, turns: answer === null ? 2 : 1 },
          ...{ hadAdminRole: role === 'admin', hadRole: role !== null },
        });
        return;
      }
      case 'activate': {
        const user = await known(step.who);
        if (user === undefined) return;
        await patch(user, 'activate', [{ op: 'replace', path: 'active', value: true }], () => {
          if (!user.active) turnOn(user);
          user.active = true;
        });
        return;
      }
      case 'deactivate': {
        const user = await known(step.who);
        if (user !== undefined) await withdraw(user, 'deactivate', [{ op: 'replace', path: 'active', value: false }]);
        return;
      }
      case 'deactivateAndTakeAddress': {
        const user = await known(step.who);
        const taken = addressOf((step.who + 1) % PEOPLE);
        // Of a user whom no IdP has written the address may be taken.
        if (user === undefined || oracle.live((step.who + 1) % PEOPLE)?.isManaged !== true) return;
        await withdraw(user, 'deactivate with the address of somebody else', [
          { op: 'replace', path: 'active', value: false },
          { op: 'replace', path: 'emails[type eq "work"].value', value: taken },
        ]);
        // Where nobody holds it, it is now the user's; what follows would be about two people at once.
        if (oracle.live(step.who) !== undefined) {
          const read = await ask(`read p${String(step.who)}`, (caller) => readUser(caller, user.id, USER_VIEW));
          user.address = ((read?.body?.emails?.[0]?.value as string | undefined) ?? user.address).toLowerCase();
          if (user.address === taken)
            await patch(
              user,
              'own address again',
              [{ op: 'replace', path: 'emails[type eq "work"].value', value: addressOf(step.who) }],
              () => (user.address = addressOf(step.who)),
            );
        }
        return;
      }
      case 'delete': {
        const user = await known(step.who);
        if (user === undefined) return;
        const answer = await ask(`delete p${String(step.who)}`, (caller) => deleteUser(caller, user.id));
        user.isManaged = true;
        if (answer === null) await resolve(user, {});
        else if (answer.status === 204) user.isDeleted = true;
        else if (answer.status === 404) {
          if (!oracle.removedPeople.has(step.who))
            oracle.report(
              'L9',
              `a user is not found under its id any more: p${String(step.who)}`,
              `delete, ${user.id}`,
            );
          user.isDeleted = true;
        } else if (answer.status === 400)
          oracle.report('L12', `a withdrawal is refused: p${String(step.who)}`, answer.detail);
        return;
      }
      case 'changeAddress': {
        const user = await known(step.who);
        if (user === undefined) return;
        const to = addressOf(step.who, step.to);
        await patch(
          user,
          `change address to ${to}`,
          [{ op: 'replace', path: 'emails[type eq "work"].value', value: to }],
          () => {
            if (user.address !== to) user.turns += 1;
            user.address = to;
          },
        );
        return;
      }
      case 'setRole': {
        const user = await known(step.who);
        if (user === undefined) return;
        const operation =
          step.role === null
            ? { op: 'remove', path: 'roles' }
            : { op: 'replace', path: 'roles', value: [{ value: step.role, primary: true }] };
        const answer = await patch(user, `role ${String(step.role)}`, [operation], () => {
          user.role = step.role;
        });
        if (answer === null) user.role = step.role;
        user.hadAdminRole ||= step.role === 'admin';
        user.hadRole ||= step.role !== null;
        return;
      }
      case 'addToGroup':
      case 'removeFromGroup': {
        const user = await known(step.who);
        const group = await scimGroup(step.group);
        if (user === undefined || group === null) return;
        const isAdd = step.do === 'addToGroup';
        const operation = isAdd
          ? { op: 'add', path: 'members', value: [{ value: user.id }] }
          : { op: 'remove', path: `members[value eq "${user.id}"]` };
        const body = {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
          Operations: [operation],
        } as unknown as JsonObject;
        const send = (): Promise<Answer | null> =>
          ask(`${step.do} p${String(step.who)} group ${String(step.group)}`, (caller) =>
            patchGroup(caller, group, body, GROUP_VIEW),
          );
        const before = user.groups.get(step.group);
        if (!isAdd) user.groups.delete(step.group);
        else user.groups.set(step.group, 'in');
        // An IdP without an answer says it again.
        const answer = (await send()) ?? (await send());
        if (answer !== null && answer.status < 300) {
          if (isAdd || before !== undefined) user.groups.set(step.group, isAdd ? 'in' : 'out');
        } else if (answer !== null && before !== undefined) user.groups.set(step.group, before);
        return;
      }
      case 'accept': {
        const invite = (control.state().invites ?? []).find(
          (one) =>
            one.email.toLowerCase().startsWith(`p${String(step.who)}@`) ||
            one.email.toLowerCase().startsWith(`p${String(step.who)}-`),
        );
        if (invite === undefined) return;
        byHand(`p${String(step.who)} accepts the invite to ${invite.email}`, () =>
          control.accept(invite.email, step.otherCase ? { as: invite.email.toUpperCase() } : {}),
        );
        return;
      }
      case 'handLock':
      case 'handUnlock':
      case 'handRemove':
      case 'handSeat': {
        const member = control.state().members.find((one) => one.email.toLowerCase() === addressOf(step.who));
        if (member?.userId === undefined) return;
        const { email, userId } = member;
        if (step.do === 'handSeat')
          byHand(`a hand gives ${email} the seat ${step.seat}`, () => control.setSeat(email, step.seat));
        else if (step.do === 'handRemove') byHand(`a hand removes ${email}`, () => control.removeMember(email));
        else {
          const isLocked = step.do === 'handLock';
          if ((member.locked === true) === isLocked) return;
          byHand(`a hand ${isLocked ? 'locks' : 'unlocks'} ${email}`, () => control.setLocked(email, isLocked));
        }
        const what = { handLock: 'lock', handUnlock: 'unlock', handRemove: 'remove', handSeat: 'seat' } as const;
        oracle.noteHand(userId, step.who, what[step.do]);
        return;
      }
    }
  };
  const byHand = (line: string, work: () => unknown): void => {
    try {
      work();
      tell(line);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  };

  // The play ------------------------------------------------------------------------------------

  await time.advance(30_000);
  for (const step of history.steps) {
    oracle.speaking.clear();
    await act(step);
    oracle.tie();
    if (oracle.violations.length > 0) break;
  }
  if (mode === 'liveness' && oracle.violations.length === 0) {
    oracle.speaking.clear();
    isCalm = true;
    tell('the faults end');
    await time.advance(CALM_MS);
    const shown = new Map<string, Shown>();
    for (const user of oracle.users) {
      if (user.isDeleted) continue;
      const answer = await ask(`read p${String(user.who)}`, (caller) => readUser(caller, user.id, USER_VIEW));
      if (answer?.status !== 200) continue;
      const own = answer.body[EXTENSION] ?? {};
      shown.set(user.id, {
        status: own.status as string,
        active: answer.body.active as boolean,
        lastError: (own.lastError as string | undefined) ?? null,
      });
    }
    oracle.judgeCalm(shown);
    const before = writes;
    if (![...shown.values()].some((one) => one.lastError !== null || one.status === 'held')) {
      await time.advance(2 * SYNC_MS + 60_000);
      if (writes > before) oracle.report('L11', 'what is calm does not stay calm', trace.slice(-4).join('\n'));
    }
  }
  life.isAlive = false;
  db.close();
  return { violations: oracle.violations, trace, virtualMs: time.elapsed(), writes };
}

/** A store whose process can die before or after each of its calls. */
function mortal(store: Store, life: Life, mishap: (call: string) => Mishap | null, kill: () => void): Store {
  const never = new Promise<never>(() => undefined);
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name) as unknown;
      if (typeof method !== 'function' || name === 'dataVersion' || name === 'close') return method;
      return (...args: readonly unknown[]) => {
        if (!life.isAlive) return never;
        const planned = mishap('store');
        if (planned?.kind === 'kill' && planned.when === 'before') {
          kill();
          return never;
        }
        const result = (method as (...given: readonly unknown[]) => Promise<unknown>).apply(target, [...args]);
        if (planned?.kind !== 'kill') return result;
        return result.then(() => {
          kill();
          return never;
        });
      };
    },
  });
}

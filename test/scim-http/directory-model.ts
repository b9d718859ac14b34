/**
 * What the directory of users and groups has to do, written down once more and as plainly as
 * possible: whole states as immutable values, one function from a request to its answer and the
 * state after it. Knows only the attributes that the tests of concurrency use, and shares no code
 * with the bridge.
 */
export interface ModelUser {
  readonly id: string;
  readonly version: number;
  readonly userName: string;
  readonly title: string | null;
  readonly active: boolean;
}

export interface ModelGroup {
  readonly id: string;
  readonly version: number;
  readonly displayName: string;
  readonly externalId: string | null;
  readonly members: ReadonlySet<string>;
  /** Came with a removal of members while another group had it: each later write tries it again. */
  readonly refusedName: string | null;
}

export interface Directory {
  readonly users: ReadonlyMap<string, ModelUser>;
  readonly groups: ReadonlyMap<string, ModelGroup>;
}

export type MemberChange = { readonly op: 'add' | 'remove' | 'replace'; readonly ids: readonly string[] };

interface Conditional {
  readonly id: string;
  /** Version named by If-Match. */
  readonly match: number | null;
}

export type Action =
  | { readonly do: 'readUser' | 'readGroup'; readonly id: string }
  | { readonly do: 'createUser'; readonly userName: string; readonly title: string | null }
  | ({ readonly do: 'putUser'; readonly userName: string; readonly title: string | null } & Conditional)
  | ({ readonly do: 'patchUser'; readonly title?: string; readonly active?: boolean } & Conditional)
  | { readonly do: 'createGroup'; readonly displayName: string; readonly memberIds: readonly string[] }
  | ({ readonly do: 'putGroup'; readonly displayName: string; readonly memberIds: readonly string[] } & Conditional)
  | ({
      readonly do: 'patchGroup';
      readonly displayName?: string;
      readonly externalId?: string;
      readonly members: readonly MemberChange[];
    } & Conditional)
  | ({ readonly do: 'deleteUser' | 'deleteGroup' } & Conditional);

export interface Outcome {
  readonly status: number;
  readonly scimType?: string;
  /** Whose state a body shows; null: the answer has none. */
  readonly shows: string | null;
  /** Version in the ETag of an answer without a body. */
  readonly version: number | null;
  /** The state afterwards; the same object where nothing was changed. */
  readonly next: Directory;
}

/** What a request has to be answered in a state, and what becomes of that. A creation is given its id. */
export function perform(state: Directory, action: Action, newId: string): Outcome {
  const refuse = (status: number, scimType?: string): Outcome => ({
    status,
    ...(scimType === undefined ? {} : { scimType }),
    shows: null,
    version: null,
    next: state,
  });
  const show = (status: number, id: string, next: Directory): Outcome => ({
    status,
    shows: id,
    version: null,
    next,
  });
  switch (action.do) {
    case 'readUser':
      return state.users.has(action.id) ? show(200, action.id, state) : refuse(404);
    case 'readGroup':
      return state.groups.has(action.id) ? show(200, action.id, state) : refuse(404);
    case 'createUser': {
      if (userNamed(state, action.userName) !== undefined) return refuse(409, 'uniqueness');
      const user = { id: newId, version: 1, userName: action.userName, title: action.title, active: true };
      return show(201, newId, withUser(state, user));
    }
    case 'putUser':
    case 'patchUser': {
      const user = state.users.get(action.id);
      if (user === undefined) return refuse(404);
      if (action.match !== null && action.match !== user.version) return refuse(412);
      const wanted: ModelUser =
        action.do === 'putUser'
          ? { ...user, userName: action.userName, title: action.title }
          : { ...user, title: action.title ?? user.title, active: action.active ?? user.active };
      const namesake = userNamed(state, wanted.userName);
      if (namesake !== undefined && namesake.id !== user.id) return refuse(409, 'uniqueness');
      if (sameUser(user, wanted)) return show(200, user.id, state);
      return show(200, user.id, withUser(state, { ...wanted, version: user.version + 1 }));
    }
    case 'createGroup': {
      if (groupNamed(state, action.displayName) !== undefined) return refuse(409, 'uniqueness');
      if (action.memberIds.some((id) => !state.users.has(id))) return refuse(400, 'invalidValue');
      const members = new Set(action.memberIds);
      const group = {
        id: newId,
        version: 1,
        displayName: action.displayName,
        externalId: null,
        members,
        refusedName: null,
      };
      return show(201, newId, withGroup(state, group));
    }
    case 'putGroup':
    case 'patchGroup': {
      const group = state.groups.get(action.id);
      if (group === undefined) return refuse(404);
      if (action.match !== null && action.match !== group.version) return refuse(412);
      const isTaken = (name: string): boolean => (groupNamed(state, name) ?? group).id !== group.id;
      const isPut = action.do === 'putGroup';
      const changes: readonly MemberChange[] = isPut ? [{ op: 'replace', ids: action.memberIds }] : action.members;
      const isUnknown = (change: MemberChange): boolean =>
        change.op !== 'remove' && change.ids.some((id) => !state.users.has(id));
      const asked = action.displayName;
      const refusal =
        asked !== undefined && isTaken(asked)
          ? refuse(409, 'uniqueness')
          : changes.some(isUnknown)
            ? refuse(400, 'invalidValue')
            : null;
      const name = asked ?? group.refusedName ?? group.displayName;
      const known = changes.map(({ op, ids }) => ({ op, ids: ids.filter((id) => state.users.has(id)) }));
      const members = known.reduce(changeMembers, group.members);
      const drops = [...group.members].some((id) => !members.has(id)) || changes.some(({ op }) => op === 'remove');
      if (refusal !== null && !drops) return refusal;
      const wanted: ModelGroup = {
        ...group,
        displayName: isTaken(name) ? group.displayName : name,
        externalId: isPut ? null : (action.externalId ?? group.externalId),
        members,
        refusedName: isTaken(name) ? name : null,
      };
      const isSame = sameGroup(group, wanted);
      const after = isSame ? group : { ...wanted, version: group.version + 1 };
      const next =
        isSame && wanted.refusedName === group.refusedName
          ? state
          : withGroup(state, { ...after, refusedName: wanted.refusedName });
      return isPut || refusal !== null
        ? show(200, group.id, next)
        : { status: 204, shows: null, version: after.version, next };
    }
    case 'deleteUser': {
      const user = state.users.get(action.id);
      if (user === undefined) return refuse(404);
      if (action.match !== null && action.match !== user.version) return refuse(412);
      const users = new Map(state.users);
      users.delete(action.id);
      const groups = new Map(
        [...state.groups].map(([id, group]) => [
          id,
          group.members.has(action.id)
            ? { ...group, version: group.version + 1, members: without(group.members, [action.id]) }
            : group,
        ]),
      );
      return { status: 204, shows: null, version: null, next: { users, groups } };
    }
    case 'deleteGroup': {
      const group = state.groups.get(action.id);
      if (group === undefined) return refuse(404);
      if (action.match !== null && action.match !== group.version) return refuse(412);
      const groups = new Map(state.groups);
      groups.delete(action.id);
      return { status: 204, shows: null, version: null, next: { ...state, groups } };
    }
  }
}

const withUser = (state: Directory, user: ModelUser): Directory => ({
  ...state,
  users: new Map(state.users).set(user.id, user),
});
const withGroup = (state: Directory, group: ModelGroup): Directory => ({
  ...state,
  groups: new Map(state.groups).set(group.id, group),
});
const userNamed = (state: Directory, name: string): ModelUser | undefined =>
  [...state.users.values()].find(({ userName }) => userName.toLowerCase() === name.toLowerCase());
const groupNamed = (state: Directory, name: string): ModelGroup | undefined =>
  [...state.groups.values()].find(({ displayName }) => displayName.toLowerCase() === name.toLowerCase());

const sameUser = (a: ModelUser, b: ModelUser): boolean =>
  a.userName === b.userName && a.title === b.title && a.active === b.active;
const sameGroup = (a: ModelGroup, b: ModelGroup): boolean =>
  a.displayName === b.displayName &&
  a.externalId === b.externalId &&
  a.members.size === b.members.size &&
  [...a.members].every((id) => b.members.has(id));

const without = (members: ReadonlySet<string>, ids: readonly string[]): ReadonlySet<string> =>
  new Set([...members].filter((id) => !ids.includes(id)));

function changeMembers(members: ReadonlySet<string>, { op, ids }: MemberChange): ReadonlySet<string> {
  switch (op) {
    case 'add':
      return new Set([...members, ...ids]);
    case 'remove':
      return without(members, ids);
    case 'replace':
      return new Set(ids);
  }
}

/** How a state shows one resource, by the attributes that the model knows; null: it is not there. */
export function view(state: Directory, id: string): object | null {
  const user = state.users.get(id);
  if (user !== undefined) {
    const groups = [...state.groups.values()].filter(({ members }) => members.has(id));
    return { ...user, groups: groups.map((group) => `${group.id} ${group.displayName}`).sort() };
  }
  const group = state.groups.get(id);
  if (group === undefined) return null;
  const { displayName, externalId, version } = group;
  return { id, version, displayName, externalId, members: [...group.members].sort() };
}

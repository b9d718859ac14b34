/**
 * The requests that are measured one by one. `next(size)` makes a generator of requests for a
 * directory (or group) of that size; what an answer must say is checked on samples. `ratio`: CPU
 * at most so many times that of the floor; `growth`: largest size against smallest.
 */
import { email, externalId, groupId, userDocument, userId, userName } from './directory.mjs';

const random = (below) => Math.floor(Math.random() * below);
const list = (filter) => `/Users?filter=${encodeURIComponent(filter)}`;

const isUser = (n) => (json) => (json.id === userId(n) && json.userName === userName(n) ? null : 'another user');
const found = (n) => (json) =>
  json.totalResults === 1 && json.Resources[0].id === userId(n) ? null : 'not the one user that was asked for';
const nothing = (json) =>
  json.totalResults === 0 && (json.Resources ?? []).length === 0 ? null : 'something was found';
const page = (first, count, total) => (json) => {
  if (json.Resources.length !== count || json.totalResults < total) return 'not the whole page';
  return json.Resources[0].id === userId(first) ? null : 'not the page that was asked for';
};

/** A look-up by a filter that names one user. */
const lookUp = (filterOf) => (size) => () => {
  const n = random(size);
  return { path: list(filterOf(n)), check: found(n) };
};
const miss = (filterOf) => (size) => () => ({ path: list(filterOf(size + random(size))), check: nothing });

const patch = (...operations) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: operations,
});

export const USER_OPERATIONS = [
  {
    name: 'GET user by id',
    ...{ ratio: 2.5, growth: 1.2 },
    next: (size) => () => {
      const n = random(size);
      return { path: `/Users/${userId(n)}`, check: isUser(n) };
    },
  },
  { name: 'userName eq, hit', ratio: 2.5, growth: 1.2, next: lookUp((n) => `userName eq "${userName(n)}"`) },
  { name: 'userName eq, miss', ratio: 2.5, growth: 1.2, next: miss((n) => `userName eq "nobody${userName(n)}"`) },
  { name: 'externalId eq, hit', ratio: 2.5, growth: 1.2, next: lookUp((n) => `externalId eq "${externalId(n)}"`) },
  { name: 'emails.value eq, hit', ratio: 2.5, growth: 1.2, next: lookUp((n) => `emails.value eq "${email(n)}"`) },
  { name: 'emails.value eq, miss', ratio: 2.5, growth: 1.2, next: miss((n) => `emails.value eq "no${email(n)}"`) },
  {
    name: 'userName eq and active eq',
    ...{ ratio: 3, growth: 1.3 },
    next: lookUp((n) => `userName eq "${userName(n)}" and active eq false`),
  },
  {
    name: 'emails[type eq and value eq]',
    ...{ ratio: 3, growth: 1.3 },
    next: lookUp((n) => `emails[type eq "work" and value eq "${email(n)}"]`),
  },
  {
    name: 'page of 100, first',
    ...{ ratio: 15, growth: 1.5 },
    next(size) {
      const count = Math.min(size, 100);
      return () => ({ path: `/Users?startIndex=1&count=${count}`, check: page(0, count, size) });
    },
  },
  {
    name: 'page of 100, last',
    ...{ ratio: 15, growth: 1.5 },
    next(size) {
      const count = Math.min(size, 100);
      return () => ({
        path: `/Users?startIndex=${size - count + 1}&count=${count}`,
        check: page(size - count, count, size),
      });
    },
  },
  {
    name: 'page of 100 by cursor, first',
    ...{ ratio: 15, growth: 1.5 },
    next(size) {
      const count = Math.min(size, 100);
      return () => ({ path: `/Users?cursor&count=${count}`, check: page(0, count, size) });
    },
  },
  {
    name: 'PATCH user',
    ...{ ratio: 5, growth: 1.2 },
    next: (size) => () => {
      const [n, title] = [random(size), `Engineer ${random(1e9)}`];
      return {
        method: 'PATCH',
        path: `/Users/${userId(n)}`,
        body: patch({ op: 'Replace', path: 'title', value: title }),
        check: (json) => (json.title === title ? null : 'the title is another'),
      };
    },
  },
  {
    name: 'PUT user',
    ...{ ratio: 5, growth: 1.2 },
    next: (size) => () => {
      const [n, title] = [random(size), `Engineer ${random(1e9)}`];
      return {
        method: 'PUT',
        path: `/Users/${userId(n)}`,
        body: userDocument(n, { title }),
        check: (json) => (json.title === title ? isUser(n)(json) : 'the title is another'),
      };
    },
  },
  {
    // The last one: the directory grows by it.
    name: 'POST user',
    ...{ ratio: 6, growth: 1.2 },
    next(size) {
      let n = size * 3;
      return () => {
        const document = userDocument(++n);
        return {
          ...{ method: 'POST', path: '/Users', body: document, status: 201 },
          check: (json) => (json.userName === document.userName ? null : 'another user'),
        };
      };
    },
  },
];

/** Further apart than there are connections, so that no removal overtakes the addition it undoes. */
const WINDOW = 16;

/** People from `size` on are in no group. */
const changeOne = (size) => {
  let turn = 0;
  return () => {
    const isAdd = Math.floor(turn / WINDOW) % 2 === 0;
    const value = [{ value: userId(size + (turn++ % WINDOW)) }];
    return {
      method: 'PATCH',
      path: `/Groups/${groupId(size)}`,
      body: patch({ op: isAdd ? 'Add' : 'Remove', path: 'members', value }),
      status: [200, 204],
    };
  };
};

export const GROUP_OPERATIONS = [
  { name: 'PATCH group, one member', ratio: 4, growth: 1.2, next: changeOne },
  {
    name: 'GET group without members',
    ...{ ratio: 2.5, growth: 1.2 },
    next: (size) => () => ({
      path: `/Groups/${groupId(size)}?excludedAttributes=members`,
      check: (json) => (json.id === groupId(size) && json.members === undefined ? null : 'not the group alone'),
    }),
  },
];

export const GROUP_WITH_MEMBERS = {
  name: 'GET group with members',
  next: (size) => () => ({
    path: `/Groups/${groupId(size)}`,
    check: (json) => (json.members?.length >= size ? null : 'members are missing'),
  }),
};

export const SLOW_FILTER = {
  name: 'filter without an index',
  next: () => () => ({ path: list('name.familyName co "nowhere"'), check: nothing }),
};

/** What a plain scimmy server is asked for. Its filters and PATCH are its own. */
export const COMPARED = USER_OPERATIONS.filter(({ name }) =>
  ['GET user by id', 'userName eq, hit', 'page of 100, first'].includes(name),
).map((operation) =>
  // It counts what is on the page.
  operation.name.startsWith('page')
    ? { ...operation, next: () => () => ({ path: '/Users?startIndex=1&count=100' }) }
    : operation,
);

export const changeMembers = (op, ids) => patch({ op, path: 'members', value: ids.map((value) => ({ value })) });

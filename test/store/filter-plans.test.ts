/** Common look-ups start from an index, and sort orders are those of RFC 7644 3.4.2.3. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { GROUP } from '../../src/domain/group-schema.js';
import { USER } from '../../src/domain/user-schema.js';
import { readUserDocument } from '../../src/scim/document.js';
import { parseAttributePath, parseFilter } from '../../src/scim/filter-parser.js';
import { compileFilter } from '../../src/store/filter-sql.js';
import { compileSort } from '../../src/store/sort-sql.js';
import { seed, type SeedUser } from '../support/directory-db.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const BASE = 'https://bridge.test/scim/v2';

const person = (body: object, more: Partial<SeedUser> = {}): SeedUser => ({
  document: readUserDocument(body, null),
  version: 1,
  createdAt: 0,
  modifiedAt: 0,
  status: 'none',
  memberId: null,
  invitedAt: null,
  pendingChanges: 0,
  lastError: null,
  groups: [],
  ...more,
});
const group = (displayName: string) => ({
  document: { displayName },
  version: 1,
  createdAt: 0,
  modifiedAt: 0,
  workspaceGroupId: null,
  linkStatus: 'unlinked' as const,
});

const database = seed(
  [
    person(
      { userName: 'b', title: 'z', emails: [{ value: 'z@x' }, { value: 'a@x', primary: true }] },
      { modifiedAt: 3, groups: [1] },
    ),
    person({ userName: 'A', title: 'Y', emails: [{ value: 'B@x' }, { value: '0@x' }] }, { modifiedAt: 2, groups: [0] }),
    person({ userName: 'c', active: false, [ENTERPRISE]: { manager: 'm' } }, { modifiedAt: 1 }),
  ],
  [group('Beta'), group('alpha')],
);
afterAll(() => database.close());

function plan(type: 'User' | 'Group', text: string, count = false): string {
  const { sql, params } = compileFilter(parseFilter(text, type === 'User' ? USER : GROUP), type, BASE);
  const from =
    type === 'User'
      ? `users AS u WHERE u.deleted_at IS NULL AND ${sql} ORDER BY u.seq`
      : `groups AS g WHERE ${sql} ORDER BY g.seq`;
  const select = count
    ? `SELECT count(*) FROM ${from.split(' ORDER BY ')[0]!}`
    : `SELECT ${type === 'User' ? 'u' : 'g'}.seq FROM ${from}`;
  const rows = database.db.prepare(`EXPLAIN QUERY PLAN ${select}`).all(...params) as { detail: string }[];
  return rows.map(({ detail }) => detail).join('; ');
}

describe('an index is used for', () => {
  it.each<['User' | 'Group', string, RegExp]>([
    ['User', 'userName eq "A"', /SEARCH u USING INDEX users_user_name \(user_name_key=\?\)/],
    ['User', 'userName sw "A"', /SEARCH u USING INDEX users_user_name \(user_name_key>\? AND user_name_key<\?\)/],
    ['User', 'externalId eq "A"', /SEARCH u USING INDEX users_external_id/],
    ['User', 'displayName eq "A"', /SEARCH u USING INDEX users_display_name/],
    ['User', 'id eq "A"', /SEARCH u USING INDEX sqlite_autoindex_users_1 \(id=\?\)/],
    ['User', `meta.location eq "${BASE}/Users/x"`, /SEARCH u USING INDEX sqlite_autoindex_users_1 \(id=\?\)/],
    ['User', 'manager eq "m"', /SEARCH u USING INDEX users_manager/],
    ['User', 'id eq "x" and manager eq "m"', /SEARCH u USING INDEX/],
    [
      'User',
      'emails eq "a@x"',
      /SEARCH u USING INTEGER PRIMARY KEY.*SEARCH e USING COVERING INDEX user_emails_value \(value_key=\?\)/,
    ],
    ['User', 'emails.value eq "a@x"', /SEARCH e USING COVERING INDEX user_emails_value \(value_key=\?\)/],
    ['User', 'emails[type eq "work" and value eq "a@x"]', /user_emails_value \(value_key=\? AND type_key=\?\)/],
    ['User', 'emails[type eq "work"].value eq "a@x"', /user_emails_value \(value_key=\? AND type_key=\?\)/],
    ['User', 'groups eq "g"', /SEARCH u USING INTEGER PRIMARY KEY.*SEARCH mg USING COVERING INDEX/],
    ['User', 'active eq false', /SEARCH u USING INDEX users_active \(active=\?\)/],
    [
      'User',
      'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User:status eq "member"',
      /users_status \(status=\?/,
    ],
    [
      'User',
      'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User:memberId eq "m"',
      /users_(live_)?member \(member_id=\?/,
    ],
    [
      'Group',
      'displayName eq "A"',
      /SEARCH g USING (COVERING )?INDEX sqlite_autoindex_groups_2 \(display_name_key=\?\)/,
    ],
    ['Group', 'externalId eq "A"', /SEARCH g USING (COVERING )?INDEX groups_external_id/],
    [
      'Group',
      'members eq "u"',
      /SEARCH g USING INTEGER PRIMARY KEY.*SEARCH mu USING (COVERING )?INDEX.*SEARCH m USING COVERING INDEX memberships_user/,
    ],
    ['Group', 'members[value eq "u"]', /SEARCH g USING INTEGER PRIMARY KEY/],
    ['Group', 'id eq "g" and members eq "u"', /SEARCH g USING/],
  ])('%s: %s', (type, text, wanted) => expect(plan(type, text)).toMatch(wanted));

  // How many rows lie after an instant is not known beforehand: SQLite may prefer the order of the list to it.
  it.each<['User' | 'Group', string, RegExp]>([
    ['User', 'meta.lastModified gt "2026-01-01"', /users_modified \(modified_at>\?\)/],
    ['Group', 'meta.lastModified ge "2026-01-01"', /groups_modified \(modified_at>\?\)/],
  ])('the number of matches: %s: %s', (type, text, wanted) => expect(plan(type, text, true)).toMatch(wanted));
});

describe('text of a client', () => {
  it('is bound, never part of the SQL', () => {
    const text = `userName eq "'; DROP TABLE users; --" or emails[type eq "'"].value co "%" or title sw "\\"" or meta.location eq "x'"`;
    const { sql, params } = compileFilter(parseFilter(text, USER), 'User', "https://it's");
    expect(sql).not.toMatch(/DROP|%|it's|x'/i);
    expect(params).toContain("'; drop table users; --");
    expect(database.select('User', { sql, params })).toEqual([]);
  });
});

describe('sorted by', () => {
  const names = ['b', 'A', 'c'];
  const sorted = (type: 'User' | 'Group', path: string, order: 'ascending' | 'descending') => {
    const found = database.select(
      type,
      { sql: '1', params: [] },
      compileSort(parseAttributePath(path, type === 'User' ? USER : GROUP), order, type).sql,
    );
    const records =
      type === 'User'
        ? database.users.map(({ id }, at) => [id, names[at]])
        : database.groups.map(({ id, document }) => [id, document['displayName']]);
    return found.map((id) => new Map(records as [string, string][]).get(id)).join(' ');
  };

  it.each<['User' | 'Group', string, string, string]>([
    ['User', 'userName', 'A b c', 'c b A'],
    ['User', 'title', 'A b c', 'c b A'],
    ['User', 'emails', 'b A c', 'c A b'],
    ['User', 'emails.value', 'b A c', 'c A b'],
    ['User', 'meta.lastModified', 'c A b', 'b A c'],
    ['User', 'active', 'c b A', 'b A c'],
    ['User', 'manager', 'c b A', 'b A c'],
    ['User', 'groups.display', 'b A c', 'c A b'],
    ['User', 'meta.resourceType', 'b A c', 'b A c'],
    ['User', 'schemas', 'b A c', 'b A c'],
    ['Group', 'displayName', 'alpha Beta', 'Beta alpha'],
    ['Group', 'members.display', 'Beta alpha', 'alpha Beta'],
  ])('%s %s', (type, path, ascending, descending) => {
    expect([sorted(type, path, 'ascending'), sorted(type, path, 'descending')]).toEqual([ascending, descending]);
  });
});

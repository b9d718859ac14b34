import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GROUP } from '../../src/domain/group-schema.js';
import { matches } from '../../src/domain/match.js';
import { USER } from '../../src/domain/user-schema.js';
import { parseFilter } from '../../src/scim/filter-parser.js';
import { renderGroup, renderUser } from '../../src/scim/render.js';
import { compileFilter } from '../../src/store/filter-sql.js';
import { seed } from '../support/directory-db.js';
import { BASE, filterText, seedGroup, seedUser } from '../support/filter-arbitraries.js';
import { runs } from '../support/property.js';

const uniqueBy = <T>(items: readonly T[], key: (item: T) => string): T[] => [
  ...new Map(items.map((item) => [key(item), item])).values(),
];
const fold = (text: unknown) => String(text).normalize('NFKC').toLowerCase();
const users = fc
  .array(seedUser, { minLength: 1, maxLength: 6 })
  .map((list) => uniqueBy(list, (user) => fold(user.document.userName)));
const groups = fc
  .array(seedGroup, { minLength: 3, maxLength: 8 })
  .map((list) => uniqueBy(list, (group) => fold(group.document.displayName)))
  .filter((list) => list.length >= 3)
  .map((list) => list.slice(0, 3));

describe('a filter as SQL', () => {
  it('selects the users that the interpreter accepts', () => {
    fc.assert(
      fc.property(
        users,
        groups,
        fc.array(filterText(USER), { minLength: 12, maxLength: 12 }),
        (userSeeds, groupSeeds, texts) => {
          const database = seed(userSeeds, groupSeeds);
          try {
            const rendered = database.users.map((record) => renderUser(record, BASE));
            for (const text of texts) {
              const filter = parseFilter(text, USER);
              const wanted = rendered.filter((resource) => matches(filter, resource)).map((resource) => resource.id);
              expect({ text, found: database.select('User', compileFilter(filter, 'User', BASE)) }).toEqual({
                text,
                found: wanted,
              });
            }
          } finally {
            database.close();
          }
        },
      ),
      runs(80),
    );
  });

  it('selects the groups that the interpreter accepts', () => {
    fc.assert(
      fc.property(
        users,
        groups,
        fc.array(filterText(GROUP), { minLength: 12, maxLength: 12 }),
        (userSeeds, groupSeeds, texts) => {
          const database = seed(userSeeds, groupSeeds);
          try {
            const rendered = database.groups.map((record) => renderGroup(record, BASE));
            for (const text of texts) {
              const filter = parseFilter(text, GROUP);
              const wanted = rendered.filter((resource) => matches(filter, resource)).map((resource) => resource.id);
              expect({ text, found: database.select('Group', compileFilter(filter, 'Group', BASE)) }).toEqual({
                text,
                found: wanted,
              });
            }
          } finally {
            database.close();
          }
        },
      ),
      runs(60),
    );
  });
});

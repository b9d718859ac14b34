import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Document } from '../../src/domain/types.js';
import { USER } from '../../src/domain/user-schema.js';
import { ScimError } from '../../src/errors.js';
import { readUserDocument } from '../../src/scim/document.js';
import { parsePatchPath } from '../../src/scim/patch-path.js';
import { parseGroupPatch, parseUserPatch } from '../../src/scim/patch.js';
import { comparablePaths, seedUser, word } from '../support/filter-arbitraries.js';
import { runs } from '../support/property.js';

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const patch = (operations: unknown, from: Document) =>
  parseUserPatch({ schemas: [PATCH_OP], Operations: operations })(from);
const document = seedUser.map((seed) => seed.document);

const path = fc.oneof(
  fc.constantFrom(...comparablePaths(USER).map(({ text }) => text)),
  fc.constantFrom(
    'emails',
    'roles',
    'name',
    'manager',
    'addresses',
    'emails[type eq "work"].value',
    'emails[type eq "home"].primary',
    'emails[primary eq "True"].display',
    'addresses[type eq "work"].country',
    'phoneNumbers[value sw "a"]',
    'roles[primary eq true].value',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  ),
);
const item = fc.record(
  { value: word, type: fc.constantFrom('work', 'home'), primary: fc.boolean() },
  { requiredKeys: ['value'] },
);
const value = fc.oneof(
  word,
  fc.constantFrom(null, '', 'True', true, false, 3, [], [null], {}),
  item,
  fc.array(item, { maxLength: 3 }),
  fc.record({ givenName: word, department: word }, { requiredKeys: [] }),
);
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      { op: fc.constantFrom('add', 'Replace', 'remove'), path, value },
      { requiredKeys: ['op', 'path'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constantFrom('add', 'replace'), value: valueOfSeveral() }),
  },
);

/** A path-less operation is one per key. Those that write the same attribute are a sequence, for which other laws hold. */
function valueOfSeveral() {
  const attributeOf = ([text]: readonly [string, unknown]): string => {
    const parsed = parsePatchPath(text, USER);
    return parsed.kind === 'schema' ? parsed.schema.id : (parsed.keys[0] ?? '');
  };
  return fc
    .uniqueArray(fc.tuple(path, value), { selector: attributeOf, maxLength: 3 })
    .map((entries) => Object.fromEntries(entries) as object);
}

/** Null: refused, by a ScimError and nothing else. */
function attempt(operations: unknown, from: Document): Document | null {
  try {
    return patch(operations, from);
  } catch (error) {
    expect(error).toBeInstanceOf(ScimError);
    return null;
  }
}

function freeze<T>(node: T): T {
  if (typeof node === 'object' && node !== null) Object.values(Object.freeze(node)).forEach(freeze);
  return node;
}

describe('PATCH', () => {
  it('twice is PATCH once, for every single operation', () => {
    let applied = 0;
    fc.assert(
      fc.property(document, operation, (from, op) => {
        const once = attempt([op], from);
        if (once === null) return;
        applied += 1;
        const twice = attempt([op], once);
        // A filter may ask for the very thing that the operation changed: then nothing matches any more.
        if (twice === null) expect(JSON.stringify(op)).toContain('[');
        else expect(JSON.stringify(twice)).toBe(JSON.stringify(once));
      }),
      runs(1500),
    );
    expect(applied).toBeGreaterThan(300);
  });

  it('of several operations is the one after the other, and all or nothing', () => {
    fc.assert(
      fc.property(document, fc.array(operation, { minLength: 2, maxLength: 4 }), (from, operations) => {
        freeze(from);
        const together = attempt(operations, from);
        let apart: Document | null = from;
        for (const op of operations) apart = apart === null ? null : attempt([op], apart);
        // One by one, a state in between may be refused that the whole never shows (a required attribute).
        if (apart !== null) expect(JSON.stringify(together)).toBe(JSON.stringify(apart));
      }),
      runs(600),
    );
  });

  it('leaves a document that a PUT of it would not change', () => {
    fc.assert(
      fc.property(document, fc.array(operation, { minLength: 1, maxLength: 3 }), (from, operations) => {
        const next = attempt(operations, from);
        if (next === null) return;
        const lists = Object.values(next).filter(Array.isArray) as { primary?: boolean }[][];
        for (const list of lists) {
          expect(list.length).toBeGreaterThan(0);
          expect(list.filter(({ primary }) => primary === true).length).toBeLessThan(2);
        }
        expect(next['userName']).toEqual(expect.stringMatching(/./u));
        const isShell = (element: object) => Object.keys(element).every((key) => key === 'type' || key === 'primary');
        if (!lists.flat().some(isShell))
          expect(JSON.stringify(readUserDocument(next, next))).toBe(JSON.stringify(next));
      }),
      runs(600),
    );
  });

  it('removes by value what it added', () => {
    fc.assert(
      fc.property(document, word, (from, text) => {
        const added = [{ value: `new ${text}`, type: 'other' }];
        const there = patch([{ op: 'add', path: 'emails', value: added }], from);
        expect(there['emails']).toContainEqual(added[0]);
        const back = patch([{ op: 'Remove', path: 'emails', value: added }], there);
        expect(JSON.stringify(back)).toBe(JSON.stringify(from));
      }),
      runs(300),
    );
  });

  it('answers anything with a document or a ScimError, and touches no prototype', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    const anything = fc.anything({
      maxDepth: 4,
      key: fc.constantFrom(
        'op',
        'path',
        'value',
        'schemas',
        'Operations',
        'members',
        'emails',
        '__proto__',
        'constructor',
      ),
    });
    fc.assert(
      fc.property(anything, anything, (body, operations) => {
        const from = { userName: 'a', active: true };
        for (const message of [
          body,
          { schemas: [PATCH_OP], Operations: operations },
          { schemas: [PATCH_OP], Operations: [operations] },
        ]) {
          for (const run of [
            () => parseUserPatch(message)(from),
            () => parseGroupPatch(message).document({ displayName: 'g' }),
            () => readUserDocument(message, null),
          ]) {
            try {
              run();
            } catch (error) {
              expect(error).toBeInstanceOf(ScimError);
            }
          }
        }
      }),
      runs(500),
    );
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  });
});

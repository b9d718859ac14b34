import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chooseAddress, followAddress, valueInSlot, type ChosenAddress } from '../../src/domain/address.js';
import { foldAddress } from '../../src/domain/fold.js';
import type { Document, JsonObject } from '../../src/domain/types.js';

const email = (value: string, type?: string, primary?: boolean): JsonObject => ({
  value,
  ...(type === undefined ? {} : { type }),
  ...(primary === undefined ? {} : { primary }),
});

describe('the upstream address', () => {
  it.each<[string, Document, object]>([
    [
      'the primary e-mail',
      { userName: 'u@x.org', emails: [email('w@x.org', 'work'), email('P@x.org', 'home', true)] },
      { address: 'p@x.org', slot: 'primary' },
    ],
    [
      'else the one for work',
      { userName: 'u@x.org', emails: [email('h@x.org', 'home'), email('w@x.org', 'Work')] },
      { address: 'w@x.org', slot: 'work' },
    ],
    [
      'else userName',
      { userName: 'U@x.org', emails: [email('h@x.org', 'home'), email('o@x.org', 'other')] },
      { address: 'u@x.org', slot: 'userName' },
    ],
    [
      'else the only e-mail',
      { userName: 'u', emails: [email(' h@x.org ', 'home')] },
      { address: 'h@x.org', slot: 'only' },
    ],
    [
      'never one of several',
      { userName: 'u', emails: [email('h@x.org', 'home'), email('o@x.org', 'other')] },
      { kind: 'none' },
    ],
    ['never an empty one', { userName: 'u', emails: [email('', 'work', true)] }, { kind: 'none' }],
    [
      'none where the first is nobody’s',
      { userName: 'u@x.org', emails: [email('U@Gone.INVALID', 'work')] },
      { kind: 'nobodys' },
    ],
    [
      'one that only looks like nobody’s',
      { userName: 'u', emails: [email('u@invalid.org', 'work')] },
      { address: 'u@invalid.org', slot: 'work' },
    ],
    [
      'never another one where the first is broken',
      { userName: 'u@x.org', emails: [email('{mail}', 'work')] },
      { kind: 'malformed', slot: 'work', value: '{mail}' },
    ],
  ])('is %s', (_, document, expected) => {
    expect(chooseAddress(document)).toMatchObject(expected);
  });

  it('moves with the value in its slot only', () => {
    const current: ChosenAddress = { address: foldAddress('w@x.org'), slot: 'work' };
    const follow = (document: Document) => followAddress(current, document);
    expect(follow({ userName: 'u@x.org', emails: [email('W2@x.org', 'work')] })).toMatchObject({
      address: 'w2@x.org',
      slot: 'work',
    });
    expect(
      follow({ userName: 'u@x.org', emails: [email('p@x.org', 'home', true), email('W@X.org', 'work')] }),
    ).toMatchObject(current);
    expect(follow({ userName: 'u@x.org' })).toMatchObject(current);
    expect(follow({ userName: 'u@x.org', emails: [email('nonsense', 'work')] })).toMatchObject({ kind: 'malformed' });
  });

  const address = fc.constantFrom('a@x.org', 'B@x.org', 'c@y.org', 'd@y.org');
  const documents = fc.record(
    {
      userName: fc.oneof(address, fc.constantFrom('ann', 'Bob Miller')),
      emails: fc.array(
        fc.record(
          {
            value: fc.oneof(address, fc.constant('')),
            type: fc.constantFrom('work', 'home', 'other'),
            primary: fc.boolean(),
          },
          { requiredKeys: ['value'] },
        ),
        { maxLength: 4 },
      ),
    },
    { requiredKeys: ['userName'] },
  ) as fc.Arbitrary<Document>;

  it('is always one that the document holds, in the slot that is named', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const choice = chooseAddress(document);
        if (choice.kind !== 'address') return;
        expect(foldAddress(valueInSlot(document, choice.slot) ?? '')).toBe(choice.address);
      }),
    );
  });

  it('stays through any history in which the value of its slot stays or is absent', () => {
    fc.assert(
      fc.property(documents, fc.array(documents, { maxLength: 6 }), (first, later) => {
        const chosen = chooseAddress(first);
        if (chosen.kind !== 'address') return;
        let current: ChosenAddress = chosen;
        for (const document of later) {
          const value = valueInSlot(document, current.slot);
          const next = followAddress(current, document);
          if (next.kind !== 'address') throw new Error('all values are addresses');
          expect(next.slot).toBe(current.slot);
          expect(next.address).toBe(value === null ? current.address : foldAddress(value));
          current = next;
        }
      }),
    );
  });

  it('is the same for a document written twice', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const once = chooseAddress(document);
        if (once.kind === 'address')
          expect(followAddress(once, document)).toMatchObject({ address: once.address, slot: once.slot });
        else expect(followAddress(null, document)).toEqual(once);
      }),
    );
  });
});

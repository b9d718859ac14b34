/** What the store keeps beside a user's document, in columns with an index. */
import { fold } from './fold.js';
import { elementsAt, objectAt, textAt } from './json.js';
import { BRIDGE_USER, ENTERPRISE_USER } from './schema.js';
import type { Document } from './types.js';

export interface EmailColumns {
  readonly valueKey: string | null;
  readonly typeKey: string | null;
  readonly isPrimary: boolean;
}

export interface UserColumns {
  readonly userName: string;
  readonly userNameKey: string;
  readonly externalId: string | null;
  readonly displayName: string | null;
  readonly displayNameKey: string | null;
  readonly active: boolean;
  readonly managerId: string | null;
  readonly emails: readonly EmailColumns[];
}

export function userColumns(document: Document): UserColumns {
  const userName = textAt(document, 'userName') ?? '';
  const displayName = textAt(document, 'displayName');
  return {
    userName,
    userNameKey: fold(userName),
    externalId: textAt(document, 'externalId'),
    displayName,
    displayNameKey: displayName === null ? null : fold(displayName),
    active: document['active'] !== false,
    managerId: textAt(objectAt(objectAt(document, ENTERPRISE_USER), 'manager'), 'value'),
    emails: elementsAt(document, 'emails').map((email) => ({
      valueKey: foldedAt(email, 'value'),
      typeKey: foldedAt(email, 'type'),
      isPrimary: email['primary'] === true,
    })),
  };
}

function foldedAt(element: Document, key: string): string | null {
  const text = element[key];
  return typeof text === 'string' ? fold(text) : null;
}

/** Credits per month that the invite carries; null = none. */
export function usageLimitOf(document: Document): number | null {
  const limit = objectAt(document, BRIDGE_USER)['usageLimit'];
  return typeof limit === 'number' ? limit : null;
}

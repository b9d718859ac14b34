/**
 * Members whose addresses count as one: they differ in nothing but what the bridge does not tell
 * apart (fold.ts). Which of them a user of the IdP is, is never guessed: such a user is no member, is
 * not invited, and whoever has left keeps each account until somebody says whose it is. Linked by its
 * id, a member is known whatever else is there.
 */
import { foldAddress } from './fold.js';
import type { Lookalike, Person } from './person.js';
import type { MemberId, WorkspaceMember } from './types.js';

type Torn = Pick<Person, 'desired' | 'address' | 'lookalikes'>;

/** May this be the account that the user is looked for by its address? */
export function isSought({ address }: Pick<WorkspaceMember, 'address'>, person: Torn): boolean {
  return person.desired === 'active' && address === person.address;
}

/** Those that keep an active user from becoming a member, and a leaver from being without access. */
export function inTheWay(person: Torn): readonly WorkspaceMember[] {
  return person.lookalikes
    .map(({ member }: Lookalike) => member)
    .filter((member) => isSought(member, person) || !member.isLocked);
}

export type IdsByAddress = ReadonlyMap<string, MemberId>;

/** For `idIn`. */
export function idsByAddress(members: readonly WorkspaceMember[]): IdsByAddress {
  const entries = (key: 'address' | 'email') => members.map((member) => [member[key], member.memberId] as const);
  return new Map<string, MemberId>([...entries('address'), ...entries('email')]);
}

/** Who is meant where ElevenLabs itself writes an address: lookalikes differ in how it is written. */
export function idIn(ids: IdsByAddress, email: string): MemberId | undefined {
  return ids.get(email) ?? ids.get(foldAddress(email));
}

/** What is so, and what to do about it. */
export function lookalikesInWords(members: readonly Pick<WorkspaceMember, 'email'>[]): string {
  const emails = members.map(({ email }) => `"${email}"`).join(', ');
  return (
    `several members of the workspace have addresses that count as one (${emails}); which of them is meant is not guessed, ` +
    'and nothing is done to any. Remove the others in ElevenLabs, or change their addresses there'
  );
}

/** From what somebody types to the user or group that is meant. */
import type { UserRecord, GroupRecord, PersonRef, Store } from '../store/port.js';
import { fold } from '../domain/fold.js';
import { textAt } from '../domain/json.js';
import { CommandError } from './context.js';
import { refusalText } from './refusals.js';

const MOST_REFUSALS = 3;

/** One user by address, user name or id. Tombstones only where no live user matches. */
export async function findPerson(store: Store, text: string): Promise<PersonRef> {
  const found = await store.findPeople(text.trim());
  const live = found.filter(({ deletedAt }) => deletedAt === null);
  const [first, second] = live.length > 0 ? live : found;
  if (first === undefined) {
    // A user whose creation was refused is none, and the one that is asked for.
    const refused = await store.refusedRequests({ about: [text], limit: MOST_REFUSALS });
    const none = `There is no user "${text}", neither by e-mail nor by user name or id.`;
    throw new CommandError([none, ...refused.map(refusalText)].join('\n'));
  }
  if (second === undefined || live.length === 0) return first;
  const names = live.map(({ userName, id }) => `  ${userName}  ${id}`);
  throw new CommandError([`"${text}" is more than one user; say the id:`, ...names].join('\n'));
}

export const userNameOf = ({ document, id }: UserRecord): string => textAt(document, 'userName') ?? id;
export const groupNameOf = ({ document, id }: GroupRecord): string => textAt(document, 'displayName') ?? id;

export async function findLiveUser(store: Store, text: string): Promise<UserRecord> {
  const person = await findPerson(store, text);
  const user = person.deletedAt === null ? await store.getUser(person.id) : null;
  if (user === null) throw new CommandError(`${person.userName} was deleted by the IdP.`);
  return user;
}

/** One group by name or id. */
export async function findGroup(store: Store, text: string): Promise<GroupRecord> {
  const links = await store.links();
  const wanted = fold(text.trim());
  const link = links.find(({ id, displayName }) => id === text || fold(displayName.trim()) === wanted);
  const group = link === undefined ? null : await store.getGroup(link.id, { members: true });
  if (group === null) throw new CommandError(`There is no group "${text}", neither by name nor by id.`);
  return group;
}

/** Names of subjects (`user:<id>`, `group:<id>`, `token:<id>`), asked for at once. */
import type { PageContext } from './context.js';

/** Null: nobody knows it any more. */
export type NameOf = (subject: string) => string | null;

export async function nameLookup({ store }: Pick<PageContext, 'store'>, subjects: readonly string[]): Promise<NameOf> {
  const has = (kind: string): boolean => subjects.some((subject) => subject.startsWith(`${kind}:`));
  const [people, links, tokens] = await Promise.all([
    store.peopleOf([...new Set(subjects)]),
    has('group') ? store.links() : [],
    has('token') ? store.listTokens() : [],
  ]);
  const others = new Map<string, string>([
    ...links.map(({ id, displayName }) => [`group:${id}`, displayName] as const),
    ...tokens.map(({ id, label }) => [`token:${id}`, label] as const),
  ]);
  return (subject) => {
    const person = people.get(subject);
    return person === undefined ? (others.get(subject) ?? null) : (person.address ?? person.userName);
  };
}

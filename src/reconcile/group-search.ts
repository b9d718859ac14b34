/**
 * Groups found by name, for keys that may not list them. Whether the search is exact or by part,
 * and of which case, is not documented: what comes back is compared by us.
 */
import { fold } from '../domain/fold.js';
import { idIn, idsByAddress } from '../domain/lookalikes.js';
import type { MemberId, WorkspaceGroup } from '../domain/types.js';
import type { Store } from '../store/port.js';
import type { WorkspaceGateway } from '../elevenlabs/port.js';

const PAGE = 200;

/** One search per name that a SCIM group wants or that is known already. Incomplete by nature. */
export async function searchGroups(
  gateway: WorkspaceGateway,
  store: Store,
  aliases: ReadonlyMap<string, string>,
): Promise<readonly WorkspaceGroup[]> {
  const found = new Map<string, WorkspaceGroup>();
  const ids = idsByAddress(await store.members());
  for (const name of await wantedNames(store, aliases)) {
    for (const hit of (await gateway.searchGroups(name)).value) {
      if (nameKey(hit.name) !== nameKey(name)) continue;
      const memberIds = hit.memberEmails
        .map((email) => idIn(ids, email))
        .filter((id): id is MemberId => id !== undefined);
      found.set(hit.groupId, { groupId: hit.groupId, name: hit.name, memberIds, readOnly: false });
    }
  }
  return [...found.values()];
}

async function wantedNames(store: Store, aliases: ReadonlyMap<string, string>): Promise<ReadonlySet<string>> {
  const names = new Map((await store.groups()).map(({ name }) => [nameKey(name), name]));
  for (let startIndex = 1, total = 1; startIndex <= total; startIndex += PAGE) {
    const query = { filter: null, sortBy: null, sortOrder: 'ascending', startIndex, count: PAGE } as const;
    const page = await store.listGroups(query, { members: false });
    total = page.total;
    for (const { document } of page.items) {
      const { displayName } = document;
      if (typeof displayName !== 'string' || displayName.trim() === '') continue;
      const name = aliases.get(fold(displayName)) ?? displayName;
      names.set(nameKey(name), name);
    }
  }
  return new Set(names.values());
}

const nameKey = (name: string): string => fold(name.trim());

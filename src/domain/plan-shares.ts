/** The plan of shares that hang on a group or on the mapping file rather than on one person. */
import type { PlannedChange } from './plan.js';
import { changeKey, type Change, type MemberId, type Millis, type Principal, type WorkspaceGroupId } from './types.js';
import type { ResourceRef, ShareRole } from './types.js';

/** What the planner has to know of such a subject. */
export interface ShareHolder {
  readonly wanted: ReadonlyMap<
    string,
    { readonly resource: ResourceRef; readonly role: ShareRole; readonly rule: string; readonly principal: string }
  >;
  readonly given: ReadonlyMap<
    string,
    { readonly resource: ResourceRef; readonly role: ShareRole; readonly principal: string }
  >;
  readonly refused: ReadonlyMap<string, { readonly until: Millis; readonly error: string }>;
}

/** Withdraws what the bridge gave and no rule wants any more, then gives what is wanted. */
export function planShareHolder(holder: ShareHolder, now: Millis): readonly PlannedChange[] {
  const changes: PlannedChange[] = [];
  for (const [key, { resource, principal }] of holder.given) {
    if (holder.wanted.has(key)) continue;
    const change: Change = { kind: 'unshare', resource, principal: parsePrincipal(principal) };
    changes.push({ change, why: 'no rule gives this share any more', attribute: 'groups' });
  }
  for (const [key, { resource, role, rule, principal }] of holder.wanted) {
    if (holder.given.get(key)?.role === role) continue;
    const change: Change = { kind: 'share', resource, role, principal: parsePrincipal(principal) };
    changes.push({ change, why: rule, attribute: 'groups' });
  }
  return changes.filter(({ change }) => {
    const refused = holder.refused.get(changeKey(change));
    return refused === undefined || now >= refused.until;
  });
}

/** The inverse of `principalKey`. */
export function parsePrincipal(key: string): Principal {
  if (key === 'default') return { kind: 'default' };
  const colon = key.indexOf(':');
  const id = key.slice(colon + 1);
  switch (key.slice(0, colon)) {
    case 'member':
      return { kind: 'member', memberId: id as MemberId };
    case 'group':
      return { kind: 'group', groupId: id as WorkspaceGroupId };
    case 'key':
      return { kind: 'key', keyId: id };
    default:
      throw new Error(`not a principal: ${key}`);
  }
}

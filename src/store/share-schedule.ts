/** Which resources the rules name, and the part of a full sync that is about the mapping file. */
import { elementsAt, textAt } from '../domain/json.js';
import { readEntitlement } from '../domain/shares.js';
import type { Document, ResourceRef } from '../domain/types.js';
import { PRIORITY, schedule } from './agenda.js';
import type { Core } from './core.js';
import type { GroupRow } from './groups.js';
import { MAPPING_SUBJECT } from './subject.js';
import { sharesOfDocument } from './user-groups.js';
import { documentOf } from './users.js';

/** Everything that some rule names: entitlements of managed users, groups, the mapping file. */
export function wantedResources(core: Core): readonly ResourceRef[] {
  const { fixedShares, workspaceGroupShares, groupShares } = core.rules();
  return [
    ...fixedShares.map(({ share }) => share.resource),
    ...[...workspaceGroupShares.values()].flat().map(({ resource }) => resource),
    ...allGroups(core)
      .flatMap((row) => [...sharesOfDocument(documentOf(row)), ...(groupShares.get(row.display_name_key) ?? [])])
      .map(({ resource }) => resource),
    ...core.values<string>(SELECT_ENTITLED).flatMap((text) => entitledBy(JSON.parse(text) as Document)),
  ];
}

function entitledBy(document: Document): readonly ResourceRef[] {
  return elementsAt(document, 'entitlements').flatMap((item) => {
    const share = readEntitlement(textAt(item, 'value') ?? '');
    return 'problem' in share ? [] : [share.resource];
  });
}

/**
 * See ShareStore.scheduleShares. As a reading: what the file says anew puts everybody on the agenda,
 * so what is found here was changed by hand, or is a workspace group that has come up.
 */
export function scheduleShares(core: Core, cause: string): void {
  schedule(core, MAPPING_SUBJECT, { priority: PRIORITY.background, id: cause, dueAt: core.now(), isReading: true });
}

const allGroups = (core: Core): readonly GroupRow[] => core.all<GroupRow>('SELECT * FROM groups');

// `instr` first: most documents have none, and need no parsing.
const SELECT_ENTITLED =
  'SELECT document FROM users WHERE deleted_at IS NULL AND managed = 1 AND instr(document, \'"entitlements"\') > 0';

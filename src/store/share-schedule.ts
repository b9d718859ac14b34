/** Which resources the rules name, and whose plans a change of those rules concerns. */
import { createHash } from 'node:crypto';
import { elementsAt, textAt } from '../domain/json.js';
import { readEntitlement } from '../domain/shares.js';
import type { Document, ResourceRef } from '../domain/types.js';
import { PRIORITY, schedule, scheduleUsers } from './agenda.js';
import type { Core } from './core.js';
import { hasShares, hasShareWork } from './group-writes.js';
import type { GroupRow } from './groups.js';
import { readSetting, writeSetting } from './settings.js';
import { groupSubject, MAPPING_SUBJECT } from './subject.js';
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

/** See ShareStore.scheduleShares. */
export function scheduleShares(core: Core, cause: string): void {
  const at = { priority: PRIORITY.background, id: cause, dueAt: core.now() };
  schedule(core, MAPPING_SUBJECT, at);
  const fingerprint = fingerprintOf(core);
  if (readSetting(core, FINGERPRINT) === fingerprint) return;
  writeSetting(core, FINGERPRINT, fingerprint);
  for (const row of allGroups(core)) {
    if (hasShareWork(core, row.id)) schedule(core, groupSubject(row.id), at);
    if (hasShares(core, row)) scheduleUsers(core, core.values<number>(SELECT_MEMBERS, row.seq), at);
  }
  scheduleUsers(core, core.values<number>(SELECT_CONCERNED), at);
}

/** Changes when the mapping file says something else about shares. */
function fingerprintOf(core: Core): string {
  const { groupShares, workspaceGroupShares, fixedShares, allowedDangerousShares, dangerousSharesByScim } =
    core.rules();
  const rules = [
    [...groupShares],
    [...workspaceGroupShares],
    fixedShares,
    [...allowedDangerousShares].sort(),
    dangerousSharesByScim,
  ];
  return createHash('sha256').update(JSON.stringify(rules)).digest('hex');
}

const FINGERPRINT = 'shareRules';

const allGroups = (core: Core): readonly GroupRow[] => core.all<GroupRow>('SELECT * FROM groups');

// `instr` first: most documents have none, and need no parsing.
const HAS_ENTITLEMENTS = `deleted_at IS NULL AND managed = 1 AND instr(document, '"entitlements"') > 0`;
const SELECT_ENTITLED = `SELECT document FROM users WHERE ${HAS_ENTITLEMENTS}`;
const SELECT_MEMBERS = 'SELECT user_seq FROM memberships WHERE group_seq = ?';
const SELECT_CONCERNED = `SELECT seq FROM users WHERE ${HAS_ENTITLEMENTS}
  UNION SELECT u.seq FROM given_shares AS g JOIN users AS u ON g.subject = 'user:' || u.id`;

/**
 * Takes over a reading of the workspace as far as it is believed: mirror, acceptance, adoption,
 * removal, accounts, import and group links in one transaction, and on the agenda whoever is
 * concerned. An unchanged reading changes nothing but the time of the reading.
 */
import { schedule, scheduleUsers } from './agenda.js';
import type { Core } from './core.js';
import type { Reading, ReadingEffect } from './port.js';
import { applyGroups } from './reading-groups.js';
import { applyMembers } from './reading-members.js';
import { SETTING, writeSetting } from './settings.js';
import { refreshStatus } from './user-status.js';

export function applyReading(core: Core, reading: Reading, cause: string): ReadingEffect {
  const concerned = createConcerned();
  const { members, groups, startedAt } = reading;
  const ofMembers =
    members === null
      ? NO_MEMBERS
      : applyMembers(core, members, { startedAt, cause, concerned, belief: reading.membersBelief });
  const ofGroups =
    groups === null
      ? NO_GROUPS
      : applyGroups(core, groups, {
          ...{ startedAt, cause, concerned, belief: reading.groupsBelief },
          partial: reading.groupsPartial === true,
        });
  if (members !== null && reading.membersBelief !== 'doubted')
    writeSetting(core, SETTING.membersReadAt, String(startedAt));
  if (groups !== null) writeSetting(core, SETTING.groupsReadAt, String(startedAt));
  return {
    scheduled: scheduleConcerned(core, concerned, cause),
    accepted: ofMembers.accepted,
    imported: ofMembers.imported + ofGroups.imported,
    membersChanged: ofMembers.changed,
    groupsChanged: ofGroups.changed,
  };
}

const NO_MEMBERS: ReturnType<typeof applyMembers> = { accepted: [], imported: 0, changed: 0 };
const NO_GROUPS: ReturnType<typeof applyGroups> = { imported: 0, changed: 0 };

/** Whom a reading concerns. */
export interface Concerned {
  /** The most urgent priority wins. */
  users(seqs: Iterable<number>, priority: number): void;
  subject(subject: string): void;
  /** Only what is shown of the user may have changed. */
  show(seq: number): void;
  readonly priorities: ReadonlyMap<number, number>;
  readonly subjects: ReadonlySet<string>;
  readonly shown: ReadonlySet<number>;
}

function createConcerned(): Concerned {
  const priorities = new Map<number, number>();
  const subjects = new Set<string>();
  const shown = new Set<number>();
  return {
    users(seqs, priority) {
      for (const seq of seqs) {
        priorities.set(seq, Math.min(priority, priorities.get(seq) ?? priority));
        shown.add(seq);
      }
    },
    subject: (subject) => void subjects.add(subject),
    show: (seq) => void shown.add(seq),
    priorities,
    subjects,
    shown,
  };
}

function scheduleConcerned(core: Core, concerned: Concerned, cause: string): number {
  const byPriority = new Map<number, number[]>();
  for (const [seq, priority] of concerned.priorities) {
    const seqs = byPriority.get(priority);
    if (seqs === undefined) byPriority.set(priority, [seq]);
    else seqs.push(seq);
  }
  let scheduled = concerned.subjects.size;
  for (const [priority, seqs] of byPriority)
    scheduled += scheduleUsers(core, seqs, { priority, id: cause, dueAt: core.now(), isReading: true });
  for (const subject of concerned.subjects)
    schedule(core, subject, { priority: 3, id: cause, dueAt: core.now(), isReading: true });
  for (const seq of concerned.shown)
    if (core.value('SELECT 1 FROM users WHERE seq = ?', seq) === 1) refreshStatus(core, seq);
  return scheduled;
}

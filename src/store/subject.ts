/** Subjects of the agenda and the ledger: `user:<id>`, `group:<id>` or `mapping`. */
import type { GroupId, UserId } from '../domain/types.js';
import type { Subject } from './port.js';

export const userSubject = (id: UserId): Subject => `user:${id}`;
export const groupSubject = (id: GroupId): Subject => `group:${id}`;
export const MAPPING_SUBJECT: Subject = 'mapping';

export function userIdOf(subject: Subject): UserId | null {
  return subject.startsWith('user:') ? (subject.slice(5) as UserId) : null;
}

export function groupIdOf(subject: Subject): GroupId | null {
  return subject.startsWith('group:') ? (subject.slice(6) as GroupId) : null;
}

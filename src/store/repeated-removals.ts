/**
 * An IdP says again who is no member of a group: what ElevenLabs had rejected of that is tried again.
 * For the directory nothing happens, so no other cause would come of it.
 */
import type { WorkspaceGroupId } from '../domain/types.js';
import { PRIORITY, schedule } from './agenda.js';
import type { Core } from './core.js';
import { forgetRefusals } from './ledger.js';
import type { Subject } from './port.js';

export function retryRejectedRemovals(core: Core, groupId: WorkspaceGroupId, cause: string): void {
  for (const subject of core.values<Subject>(SELECT_REJECTED, groupId)) {
    forgetRefusals(core, subject);
    schedule(core, subject, { priority: PRIORITY.withdrawal, id: cause, dueAt: core.now() });
  }
}

const SELECT_REJECTED = `SELECT DISTINCT subject FROM ledger WHERE state = 'refused' AND kind = 'removeFromGroup'
  AND retry_at IS NOT NULL AND error_code IS NOT 'dropped' AND json_extract(change, '$.groupId') = ?`;

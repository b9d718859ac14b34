/** What explains a person and stands in no plan: groups without a link, and the request that was refused last. */
import type { LinkStatus, Millis, UserId } from '../domain/types.js';
import type { Core } from './core.js';
import { LINK_TROUBLE } from './groups.js';
import type { BesideThePlan } from './port.js';
import { listRefusedRequests } from './refused-requests.js';

interface Row {
  readonly seq: number;
  readonly userName: string;
  readonly address: string | null;
  readonly writtenAt: Millis;
}

export function besideThePlan(core: Core, id: UserId): BesideThePlan {
  const row = core.get<Row>(SELECT, id);
  if (row === undefined) return { unlinked: [], refusedRequest: null };
  const unlinked = core.all<BesideThePlan['unlinked'][number]>(SELECT_UNLINKED, row.seq);
  const about = [id, row.userName, ...(row.address === null ? [] : [row.address])];
  const [refused] = listRefusedRequests(core, { about, limit: 1 });
  return { unlinked, refusedRequest: refused !== undefined && refused.at >= row.writtenAt ? refused : null };
}

const LINKED: LinkStatus = 'linked';
const SELECT = `SELECT seq, user_name AS userName, address, COALESCE(deleted_at, modified_at) AS writtenAt
  FROM users WHERE id = ?`;
const SELECT_UNLINKED = `SELECT g.display_name AS name, ${LINK_TROUBLE} AS trouble
  FROM memberships AS m JOIN groups AS g ON g.seq = m.group_seq
  WHERE m.user_seq = ? AND m.origin = 'idp' AND g.link_status <> '${LINKED}' ORDER BY g.seq`;

/**
 * Invite decisions, one row each. Ids and lists of invites do not exist upstream, so these rows are
 * all that is known of the e-mails out there. Invariants: at most one row per user and address is
 * planned or sending; a row that may have sent an e-mail stays open until it is accepted, revoked
 * or replaced by a later round.
 */
import type { Invite } from '../domain/person.js';
import type { Address, Change, InviteState, MemberId, Millis, SeatType, UserId } from '../domain/types.js';
import type { Core } from './core.js';

export interface InviteRow {
  readonly id: number;
  readonly user_id: UserId;
  readonly address: Address;
  readonly seat_type: SeatType;
  readonly usage_limit: number | null;
  readonly state: InviteState;
  readonly sends: number;
  readonly round: number;
  readonly sent_at: number | null;
  readonly sent_served: number | null;
}

type InviteChange = Extract<Change, { kind: 'invite' }>;

/** States in which the row stands for an e-mail with a working link. `expired`: a later round does. */
const OPEN: ReadonlySet<InviteState> = new Set(['sending', 'invited', 'ambiguous']);
/** The same as the right side of IN. */
export const OPEN_STATES = `('${[...OPEN].join("', '")}')`;

export const isOpen = ({ state }: Pick<InviteRow, 'state'>): boolean => OPEN.has(state);

export function invitesOf(core: Core, userId: UserId): readonly InviteRow[] {
  return core.all<InviteRow>('SELECT * FROM invites WHERE user_id = ? ORDER BY id', userId);
}

/** The invite that counts for an address: the latest open one, else the latest. */
export function latestInvite(rows: readonly InviteRow[], address: Address | null): InviteRow | null {
  const own = rows.filter((row) => row.address === address);
  return own.findLast((row) => isOpen(row)) ?? own.at(-1) ?? null;
}

/** Open invites for other addresses, one per address. */
export function staleInvites(rows: readonly InviteRow[], address: Address | null): readonly InviteRow[] {
  const byAddress = new Map<Address, InviteRow>();
  for (const row of rows) if (row.address !== address && isOpen(row)) byAddress.set(row.address, row);
  return [...byAddress.values()];
}

export function toInvite(core: Core, row: InviteRow): Invite {
  return {
    id: row.id,
    address: row.address,
    seatType: row.seat_type,
    usageLimit: row.usage_limit,
    state: row.state,
    sends: row.sends,
    round: row.round,
    sentAt: row.sent_at,
    ageMs: row.sent_served === null ? null : Math.max(0, core.served() - row.sent_served),
    revokeFailures: isOpen(row) ? revokeFailures(core, row) : 0,
  };
}

/** Answered revokeInvite calls of the present attempt that were no clear yes and not about load or the key. */
function revokeFailures(core: Core, row: InviteRow): number {
  return core.value<number>(COUNT_REVOKE_FAILURES, `user:${row.user_id}`, `revokeInvite ${row.address}`) ?? 0;
}

/** An invite goes out: a new round or a repeated attempt of the same one. */
export function beginInvite(core: Core, userId: UserId, change: InviteChange): void {
  const rows = invitesOf(core, userId).filter((row) => row.address === change.address);
  const last = rows.at(-1);
  const now = core.now();
  if (last !== undefined && (last.state === 'planned' || last.state === 'ambiguous')) {
    core.run(RESEND, change.seatType, change.usageLimit, now, last.id);
    return;
  }
  core.run(INSERT, userId, change.address, change.seatType, change.usageLimit, roundAfter(rows), now, core.served());
}

function roundAfter(rows: readonly InviteRow[]): number {
  const open = rows.findLast((row) => isOpen(row));
  if (open !== undefined) return open.round + 1;
  const last = rows.at(-1);
  return last?.state === 'refused' ? last.round : 1;
}

/**
 * How the sending of an invite ended; answers whose it is now. An invite accepted or revoked
 * meanwhile is left alone. By address, because a newcomer may have taken it over while it was sent.
 */
export function endInvite(
  core: Core,
  address: Address,
  end: 'done' | 'ambiguous' | 'transient' | 'refused',
): UserId | null {
  const row = core.get<InviteRow>(SELECT_SENDING, address);
  if (row === undefined) return null;
  const now = core.now();
  switch (end) {
    case 'done':
      // Never sent, and the person is a member: the call was refused for that, and the member adopted.
      if (row.sends === 0 && core.value(HAS_MEMBER, row.user_id) === 1) {
        core.run('DELETE FROM invites WHERE id = ?', row.id);
        return null;
      }
      core.run(EXPIRE_OLDER, now, address, row.id);
      core.run(
        "UPDATE invites SET state = 'invited', sends = sends + 1, sent_served = ? WHERE id = ?",
        core.served(),
        row.id,
      );
      break;
    case 'ambiguous':
      core.run(
        "UPDATE invites SET state = 'ambiguous', sends = sends + 1, sent_served = ? WHERE id = ?",
        core.served(),
        row.id,
      );
      break;
    case 'transient':
      // An earlier call of this decision may have sent an e-mail: then it stays open.
      core.run('UPDATE invites SET state = ? WHERE id = ?', row.sends > 0 ? 'ambiguous' : 'planned', row.id);
      break;
    case 'refused':
      if (row.sends > 0) core.run("UPDATE invites SET state = 'ambiguous' WHERE id = ?", row.id);
      else core.run("UPDATE invites SET state = 'refused', ended_at = ? WHERE id = ?", now, row.id);
      break;
  }
  return row.user_id;
}

/** The plan no longer wants an invite that was never sent. */
export function dropPlannedInvite(core: Core, userId: UserId, address: Address): void {
  core.run(
    "DELETE FROM invites WHERE user_id = ? AND address = ? AND state = 'planned' AND sends = 0",
    userId,
    address,
  );
}

/** No link for this address works any more, whoever asked for it. Answers whose invites ended. */
export function revokeInvites(core: Core, address: Address): readonly UserId[] {
  const rows = core.all<{ user_id: UserId }>(REVOKE, core.now(), address);
  return [...new Set(rows.map((row) => row.user_id))];
}

/** The member is there. Answers whether an invite of ours led to it. */
export function acceptInvites(core: Core, userId: UserId, address: Address, memberId: MemberId): boolean {
  const rows = invitesOf(core, userId).filter((row) => row.address === address);
  // An invite that has had no answer yet cannot have been accepted: who is there then was there before.
  const open = rows.filter((row) => isOpen(row) && row.sends > 0);
  for (const row of open) {
    core.run(
      'UPDATE invites SET state = ?, ended_at = ?, member_id = ? WHERE id = ?',
      row === open.at(-1) ? 'accepted' : 'expired',
      core.now(),
      memberId,
      row.id,
    );
  }
  dropPlannedInvite(core, userId, address);
  return open.length > 0;
}

export function hasOpenInvite(core: Core, address: Address): boolean {
  return core.value(HAS_OPEN, address) === 1;
}

export function openInvites(core: Core): { readonly count: number; readonly youngestSentAt: Millis | null } {
  return core.get<{ count: number; youngestSentAt: Millis | null }>(COUNT_OPEN) ?? { count: 0, youngestSentAt: null };
}

/** How many addresses an invite to each kind of seat is out for. */
export function invitedSeats(core: Core): readonly (readonly [SeatType, number])[] {
  return core.raw<[SeatType, number]>(COUNT_SEATS);
}

const HAS_OPEN = `SELECT 1 FROM invites WHERE address = ? AND state IN ${OPEN_STATES} LIMIT 1`;
const INSERT = `INSERT INTO invites (user_id, address, seat_type, usage_limit, state, round, sent_at, sent_served)
  VALUES (?, ?, ?, ?, 'sending', ?, ?, ?)`;
const RESEND = "UPDATE invites SET state = 'sending', seat_type = ?, usage_limit = ?, sent_at = ? WHERE id = ?";
const EXPIRE_OLDER = `UPDATE invites SET state = 'expired', ended_at = ? WHERE address = ? AND id < ? AND state IN ('invited', 'ambiguous')`;
const HAS_MEMBER = 'SELECT 1 FROM users WHERE id = ? AND member_id IS NOT NULL AND handover_since IS NULL';
const SELECT_SENDING = "SELECT * FROM invites WHERE address = ? AND state = 'sending' ORDER BY id DESC LIMIT 1";
const REVOKE = `UPDATE invites SET state = 'revoked', ended_at = ? WHERE address = ? AND state IN ${OPEN_STATES} RETURNING user_id`;
const COUNT_OPEN = `SELECT COUNT(*) AS count, MAX(sent_at) AS youngestSentAt FROM invites WHERE state IN ${OPEN_STATES}`;
const COUNT_SEATS = `SELECT seat_type, COUNT(*) FROM (SELECT seat_type, MAX(id) FROM invites WHERE state IN ${OPEN_STATES} GROUP BY address)
  GROUP BY seat_type`;
const COUNT_REVOKE_FAILURES = `SELECT COUNT(*) FROM upstream_calls AS c JOIN ledger AS l ON l.id = c.ledger_id
  WHERE l.subject = ? AND l.change_key = ? AND l.state IN ('planned', 'sending', 'held')
    AND c.outcome <> 'done' AND c.status IS NOT NULL AND c.status NOT IN (401, 403, 408, 429)`;

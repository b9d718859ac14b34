/** The workspace as it was last read. */
import type { Doubt } from '../../domain/reading.js';
import type {
  Address,
  MemberId,
  Millis,
  UserId,
  WorkspaceGroup,
  WorkspaceGroupId,
  WorkspaceMember,
} from '../../domain/types.js';

export interface Reading {
  readonly startedAt: Millis;
  readonly members: readonly WorkspaceMember[] | null;
  readonly groups: readonly WorkspaceGroup[] | null;
  /** The groups were found by name because the key may not list them: one that is absent has not gone. */
  readonly groupsPartial?: boolean;
  /** How far the members are believed; see `applyReading`. */
  readonly membersBelief: Belief;
  readonly groupsBelief: Exclude<Belief, 'doubted'>;
}

/**
 * `counted`: a full reading; who is missing in three in a row has gone. `presence`: who is missing is missing,
 * and no more. `whole`: who is missing has gone. `doubted`: too many are missing; only leavers who are there count.
 */
export type Belief = 'counted' | 'presence' | 'whole' | 'doubted';

/** How many of those that the last reading showed a list lacks. */
export interface Lacking {
  readonly known: number;
  readonly lacking: number;
}

/** A list that is not believed, and how often it came back the same; kept in the database. */
export interface Doubts {
  readonly members: Doubt | null;
  readonly groups: Doubt | null;
}

export interface ReadingEffect {
  /** Subjects put on the agenda because something about them changed. */
  readonly scheduled: number;
  readonly accepted: readonly { readonly userId: UserId; readonly address: Address }[];
  readonly imported: number;
  readonly membersChanged: number;
  readonly groupsChanged: number;
}

export interface MemberCounts {
  readonly members: number;
  /** Not locked, on whatever seat. */
  readonly seated: number;
  /** Of these, not on a Basic seat. */
  readonly fullSeats: number;
}

export interface WorkspaceStore {
  /** The mirror; empty before the first reading. */
  members(): Promise<readonly WorkspaceMember[]>;
  owner(): Promise<WorkspaceMember | null>;
  memberCounts(): Promise<MemberCounts>;
  groups(): Promise<readonly WorkspaceGroup[]>;
  lackingMembers(memberIds: readonly MemberId[]): Promise<Lacking>;
  lackingGroups(groupIds: readonly WorkspaceGroupId[]): Promise<Lacking>;
  doubts(): Promise<Doubts>;
  setDoubts(doubts: Doubts): Promise<void>;
  /** A full reading failed: readings that show somebody missing are not in a row any more. */
  interruptReadings(): Promise<void>;
  member(memberId: MemberId): Promise<WorkspaceMember | null>;
  /**
   * Takes over a reading as far as it is believed: mirror, acceptance, adoption, removal, import, group
   * links, accounts; whoever is concerned goes on the agenda. Rows that the bridge itself wrote after
   * `startedAt` are left alone. Writes nothing where nothing changed.
   */
  applyReading(reading: Reading, cause: string): Promise<ReadingEffect>;
  /** When the last applied reading of the members began. */
  membersReadAt(): Promise<Millis | null>;
  /** Members cannot be listed: invitees are put on the agenda, so that what they are to have is tried. */
  scheduleTries(cause: string): Promise<number>;
  /** Invites that wait for acceptance: how many, and when the youngest was sent. */
  openInvites(): Promise<{ readonly count: number; readonly youngestSentAt: Millis | null }>;
}

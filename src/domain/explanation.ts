/** What an explanation is made of, and what it says; explain.ts makes it, explain-text.ts puts it into words. */
import type { Invite, Person, Protection } from './person.js';
import type { PolicyNote } from './policies/policy.js';
import type { SeatDemand } from './policies/seat-budget.js';
import type { Rules } from './rules.js';
import type {
  Address,
  Change,
  LedgerState,
  LinkTrouble,
  Millis,
  ShareRole,
  WorkspaceGroupId,
  WorkspaceMember,
} from './types.js';

/** A row of the ledger, as far as it explains; the store's rows are such. */
export interface LedgerFact {
  readonly change: Change;
  readonly changeKey: string;
  readonly why: string;
  readonly state: LedgerState;
  /** Id of the SCIM request, sync or command that caused it. */
  readonly cause: string | null;
  readonly error: string | null;
  readonly retryAt: Millis | null;
  readonly createdAt: Millis;
  readonly endedAt: Millis | null;
}

export interface ExplainInput {
  /** Null: the mirror has no name for it. */
  readonly groupName: (groupId: WorkspaceGroupId) => string | null;
  readonly person: Person;
  readonly rules: Rules;
  readonly now: Millis;
  /** Rows of this user, in any order. */
  readonly ledger: readonly LedgerFact[];
  /** Shares that reach the person through workspace groups and the baseline of all members. */
  readonly standing?: readonly StandingShare[];
  /** Groups of the IdP that the person is in and that stand for no workspace group. */
  readonly unlinked?: readonly UnlinkedGroup[];
  /** What tells whether there are seats for all who are invited. */
  readonly seats?: SeatDemand;
  /** What the policies withhold now, if they were asked. */
  readonly notes?: readonly PolicyNote[];
}

export interface UnlinkedGroup {
  readonly name: string;
  readonly trouble: LinkTrouble;
}

/** A share with something that the person belongs to. */
export interface StandingShare {
  /** `type:id` */
  readonly resource: string;
  /** In words: `workspace group "Support"`, `all members`. */
  readonly via: string;
  readonly wanted: ShareRole | null;
  /** A role or a custom slot; null = none, as far as known. */
  readonly held: string | null;
  /** The rule that speaks; null = none does. */
  readonly rule: string | null;
  /** Why ElevenLabs refused it. */
  readonly refused: string | null;
}

/** What stands between what is wanted and what is so. */
export type Obstacle =
  | { readonly kind: 'unmanaged' }
  | { readonly kind: 'protected'; readonly protection: Protection }
  | { readonly kind: 'noAddress' }
  | { readonly kind: 'notInvited' }
  | {
      readonly kind: 'invitePending';
      readonly invite: Invite;
      readonly repeatsAt: Millis | null;
      /** What is known of seats for all who are invited; told once, of the access. */
      readonly seatHint: string | null;
    }
  /** `againAt`: when it is sent again by time alone; null = a reading decides, or never. */
  | { readonly kind: 'inviteAmbiguous'; readonly invite: Invite; readonly againAt: Millis | null }
  | { readonly kind: 'gone'; readonly since: Millis }
  | { readonly kind: 'ambiguousMember'; readonly members: readonly WorkspaceMember[] }
  | { readonly kind: 'lockedByOther' }
  | { readonly kind: 'inactive' }
  /** At adoption the rule gave a lower seat than the one found: applied when the rule changes. */
  | { readonly kind: 'declined' }
  /** Somebody else gave it: the bridge takes away only its own. */
  | { readonly kind: 'notOurs' }
  | { readonly kind: 'unlinked'; readonly trouble: LinkTrouble }
  | { readonly kind: 'refused'; readonly error: string; readonly until: Millis | null }
  | { readonly kind: 'withheld'; readonly note: PolicyNote }
  | { readonly kind: 'held' }
  /** Came with a write that took access away; tried again when the user is turned on. */
  | { readonly kind: 'refusedValue'; readonly reason: string; readonly isRetried: boolean }
  | { readonly kind: 'underWay'; readonly state: LedgerState | null };

export type About =
  | { readonly kind: 'access' }
  /** An address that the user had before, or that an invite was withdrawn from. */
  | { readonly kind: 'formerAddress'; readonly address: Address }
  | { readonly kind: 'seat' }
  | { readonly kind: 'group'; readonly groupId: WorkspaceGroupId; readonly name: string | null }
  | { readonly kind: 'unlinkedGroup'; readonly name: string }
  /** An attribute, or the path that the client wrote. */
  | { readonly kind: 'refusedValue'; readonly attribute: string }
  /** `via`: the person has it through that, a workspace group or everybody's baseline. */
  | { readonly kind: 'share'; readonly resource: string; readonly via?: string };

/** One thing that a user has or should have. */
export interface Aspect {
  readonly about: About;
  /** What should be: a seat, a role, `member`, `none`, or null where no rule speaks. */
  readonly wanted: string | null;
  /** What is, as last read; null = unknown. */
  readonly actual: string | null;
  /** The rule that speaks, or why none does. */
  readonly rule: string;
  readonly isSettled: boolean;
  /** Why it is not settled, or why something is left as it is. */
  readonly obstacle: Obstacle | null;
  /** The last call about it. */
  readonly last: LedgerFact | null;
}

export interface Explanation {
  readonly person: Pick<Person, 'userId' | 'userName' | 'address' | 'desired' | 'managed' | 'protection'>;
  readonly memberId: string | null;
  readonly aspects: readonly Aspect[];
}

/** Resources and who has what on them. */
import type { StandingShare } from '../../domain/explanation.js';
import type { GivenShare, WantedShare } from '../../domain/person.js';
import type { MemberId, Millis, Principal, ResourceRef, UserId } from '../../domain/types.js';
import type { Subject } from './work.js';

/** One `resources.get`. */
export interface ResourceReading {
  readonly resource: ResourceRef;
  readonly startedAt: Millis;
  /** Null: it could not be read, and `error` says why. */
  readonly found: {
    readonly name: string | null;
    readonly creator: MemberId | null;
    /** Id of the principal as ElevenLabs names it -> slots. */
    readonly roles: ReadonlyMap<string, readonly string[]>;
  } | null;
  readonly error: string | null;
}

/** A resource as last read, and as our own calls have left it since. */
export interface ResourceFacts {
  readonly resource: ResourceRef;
  readonly name: string | null;
  readonly creator: MemberId | null;
  readonly readAt: Millis;
  readonly error: string | null;
  /** By principal key (`other:<id>` where the id is nobody's known here); a role, or a custom slot. */
  readonly holders: ReadonlyMap<string, string>;
}

/** One principal on one resource: who should have what, who has what, who gave it. */
export interface ShareState {
  readonly resource: ResourceRef;
  readonly principal: string;
  /** For people: an address, the name of a group. */
  readonly name: string;
  readonly subject: Subject | null;
  readonly wanted: WantedShare | null;
  readonly given: GivenShare | null;
  /** Null: none, or unknown where the resource was never read. */
  readonly held: string | null;
  /** Why a change about it was refused. */
  readonly refused: string | null;
}

/** Everything about shares, for the report. */
export interface ShareOverview {
  readonly resources: readonly ResourceFacts[];
  readonly shares: readonly ShareState[];
  /** Rules that can have no effect now, in words. */
  readonly idle: readonly string[];
}

export interface ShareStore {
  /**
   * Takes over a reading of one resource: holders, shares that have gone or that prove to be ours.
   * Subjects concerned go on the agenda, but for `except`, whose plan is under way.
   */
  applyResource(
    reading: ResourceReading,
    options: { readonly cause: string; readonly except: Subject | null },
  ): Promise<void>;
  resource(resource: ResourceRef): Promise<ResourceFacts | null>;
  /** The resources that some rule names or on which the bridge gave something; forgets the others. */
  managedResources(): Promise<readonly ResourceRef[]>;
  /** Puts the mapping file on the agenda: whether its shares are as it says is seen at each full sync. */
  scheduleShares(cause: string): Promise<void>;
  /**
   * By which id `resources.get` names the baseline or a key: learnt, since it is documented nowhere.
   * `before`: the slots it turns out to have had on a resource that has just been shared with it.
   */
  learnPrincipal(
    principal: Principal,
    id: string,
    before: { readonly resource: ResourceRef; readonly slots: readonly string[] },
  ): Promise<void>;
  knowsPrincipal(principal: Principal): Promise<boolean>;
  shareOverview(): Promise<ShareOverview>;
  /** What reaches a user through workspace groups and the baseline of all members. */
  standingShares(userId: UserId): Promise<readonly StandingShare[]>;
}

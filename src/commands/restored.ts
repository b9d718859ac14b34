/** Settings that mark a restored database. */

/** 'true': nothing is sent before an administrator has accepted the plan; the engine obeys it. */
export const DRY_RUN_UNTIL_ACCEPTED = 'dryRunUntilAccepted';
/** When, in milliseconds: the workspace must have been read since. */
export const RESTORED_AT = 'restoredAt';

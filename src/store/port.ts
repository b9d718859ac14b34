/**
 * The store as everything else sees it: coarse methods, each one transaction, durable when its
 * Promise resolves. No database type appears here. The contract test suite (test/store/) runs
 * against every implementation.
 *
 * Callbacks given to a method run inside its transaction: they are pure and synchronous, and what
 * they throw rolls everything back and is rethrown as it is.
 *
 * Every method may reject with ScimError 503 when the database is busy, full or read-only; then
 * nothing was changed.
 */
import type { DirectoryStore } from './port/directory.js';
import type { InspectionStore } from './port/inspection.js';
import type { OperationsStore, PrivacyStore, TokenStore } from './port/operations.js';
import type { ShareStore } from './port/shares.js';
import type { StatisticsStore } from './port/statistics.js';
import type { WorkStore } from './port/work.js';
import type { WorkspaceStore } from './port/workspace.js';

export type * from './port/directory.js';
export type * from './port/work.js';
export type * from './port/workspace.js';
export type * from './port/shares.js';
export type * from './port/operations.js';
export type * from './port/inspection.js';
export type * from './port/statistics.js';

export interface Store
  extends
    DirectoryStore,
    WorkStore,
    WorkspaceStore,
    ShareStore,
    TokenStore,
    OperationsStore,
    PrivacyStore,
    InspectionStore,
    StatisticsStore {
  close(): void;
}

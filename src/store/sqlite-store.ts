/**
 * The store on one SQLite file: every method of the port is one transaction over the functions of
 * this folder. Several stores may be open at once; nothing here is global.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Rules } from '../domain/rules.js';
import { progress, dueEntries, hurryWithdrawals, nextDueAt, schedule } from './agenda.js';
import { readAudit, writeAudit } from './audit.js';
import { clockSetBack } from './clock-set-back.js';
import { openConnection, type Connection } from './connection.js';
import { besideThePlan } from './beside-the-plan.js';
import { createCore, type Core } from './core.js';
import { finishCall } from './outcomes.js';
import { registerFunctions } from './filter-functions.js';
import { createGroup, deleteGroup, linkGroup, updateGroup } from './group-writes.js';
import { readGroup } from './groups.js';
import { dropHeld, releaseHeld } from './held.js';
import { findPeople, listInvites, listLinks, peopleOf, planSubjects } from './inspect.js';
import { openInvites } from './invites.js';
import { listLeavers } from './leavers.js';
import { queryLedger } from './ledger.js';
import { limitInputs, pruneUses } from './limit-uses.js';
import { createLists } from './lists.js';
import { migrate, requireUpToDate } from './migrate.js';
import {
  countMembers,
  findMember,
  findOwner,
  lackingGroups,
  lackingMembers,
  listMembers,
  listWorkspaceGroups,
} from './mirror.js';
import { interruptReadings } from './mirror-diff.js';
import { readPerson } from './persons.js';
import type {
  DirectoryStore,
  InspectionStore,
  OperationsStore,
  PrivacyStore,
  ShareStore,
  StatisticsStore,
  Store,
  TokenStore,
  WorkspaceStore,
  WorkStore,
} from './port.js';
import { expireOld, purgeUser } from './purge.js';
import { applyReading } from './reading.js';
import { applyResource, knowsPrincipal, learnPrincipal, managedResources, readResource } from './resource-reading.js';
import { acquireServingLock, type ServingLock } from './serving-lock.js';
import { membersReadAt, readDoubts, readSetting, SETTING, writeSetting } from './settings.js';
import { shareOverview, standingShares } from './share-overview.js';
import { scheduleShares, wantedResources } from './share-schedule.js';
import { readShareSubject } from './share-subjects.js';
import { addRefusedRequests, listRefusedRequests } from './refused-requests.js';
import { addHourly, addReadingCalls, listDrift, listReadingCalls, readHourly, readNumbers } from './statistics.js';
import { scheduleTries } from './unlisted.js';
import { addToken, expireToken, findToken, listTokens, revokeToken, touchToken } from './tokens.js';
import { readTrace } from './trace.js';
import { previewUndo, undo } from './undo.js';
import { createUser, deleteUser, handoverUser, releaseUser, updateUser } from './user-writes.js';
import { readUser } from './users.js';
import { listWriterConflicts, takeWriterConflicts } from './writers.js';
import {
  counts,
  postpone,
  record,
  recover,
  retryRefused,
  scheduleEverybody,
  scheduleWaiting,
  settle,
  waitingInvites,
} from './work.js';

export interface StoreOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Asked anew for every use, so that a reloaded mapping file counts at once. */
  readonly rules: () => Rules;
  /** Ids of users and groups. */
  readonly uuid?: () => string;
  /** Takes the serving lock: StartError 75 where another process serves this database. */
  readonly serve?: boolean;
  /** False: the schema must be up to date already (StartError 78); commands leave it as it is. */
  readonly migrate?: boolean;
  /** URL of the SCIM root, for filters on `meta.location` and `$ref`. */
  readonly scimBase?: () => string;
}

/** Opens the database and brings it up to date. Throws StartError where it must not be used. */
export function openStore(options: StoreOptions): Store {
  const lock = options.serve === true ? acquireServingLock(options.path) : null;
  try {
    const db = openConnection(options.path);
    try {
      return openStoreOn(db, options, lock);
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** The same on a connection that is open already; closing the store closes it. */
export function openStoreOn(
  db: Connection,
  options: Omit<StoreOptions, 'path' | 'serve'> & { readonly isServing?: boolean },
  lock: ServingLock | null = null,
): Store {
  if (options.migrate === false) requireUpToDate(db);
  else migrate(db);
  registerFunctions(db);
  const core = createCore(db, {
    clock: options.clock,
    rules: options.rules,
    uuid: options.uuid ?? randomUUID,
    isServing: options.isServing ?? lock !== null,
  });
  return createStore(core, db, lock, options.scimBase ?? (() => ''));
}

function createStore(core: Core, db: Connection, lock: ServingLock | null, scimBase: () => string): Store {
  return {
    ...directoryStore(core, scimBase),
    ...workStore(core),
    ...workspaceStore(core),
    ...shareStore(core),
    ...tokenStore(core),
    ...operationsStore(core),
    ...privacyStore(core),
    ...inspectionStore(core),
    ...statisticsStore(core),
    close() {
      core.flush();
      core.keepServingTime();
      db.close();
      lock?.release();
    },
  };
}

function directoryStore(core: Core, scimBase: () => string): DirectoryStore {
  const lists = createLists(core, scimBase);
  return {
    getUser: (id) => core.read(() => readUser(core, id)),
    listUsers: (query) => lists.users(query),
    createUser: (document, context) => core.write(() => createUser(core, document, context)),
    updateUser: (id, change, context) => core.write(() => updateUser(core, id, change, context)),
    deleteUser: (id, context) => core.write(() => deleteUser(core, id, context)),
    getGroup: (id, options) => core.read(() => readGroup(core, id, options)),
    listGroups: (query, options) => lists.groups(query, options),
    createGroup: (document, members, context) => core.write(() => createGroup(core, document, members, context)),
    updateGroup: (id, change, context, options) => core.write(() => updateGroup(core, id, change, context, options)),
    deleteGroup: (id, context) => core.write(() => deleteGroup(core, id, context)),
    linkGroup: (id, groupId, context) => core.write(() => linkGroup(core, id, groupId, context)),
    handoverUser: (id, context) => core.write(() => handoverUser(core, id, context)),
    releaseUser: (id, context) => core.write(() => releaseUser(core, id, context)),
  };
}

function workStore(core: Core): WorkStore {
  return {
    due: (limit, skip) => core.read(() => dueEntries(core, limit, skip)),
    nextDueAt: (skip) => core.read(() => nextDueAt(core, skip)),
    schedule: (subjects, cause, priority, dueAt) =>
      core.write(() => {
        for (const subject of subjects) schedule(core, subject, { priority, id: cause, dueAt });
      }),
    person: (userId) => core.read(() => readPerson(core, userId)),
    shareSubject: (subject) => core.read(() => readShareSubject(core, subject)),
    // What is planned and settled follows from the directory and the agenda: were it lost with the
    // power, it would be planned again. What is about to be sent must be on the disk before it goes.
    record: (subject, plan) => {
      const work = (): ReturnType<typeof record> => record(core, subject, plan);
      return plan.send === null ? core.writeLazily(work) : core.write(work);
    },
    finish: (ledgerId, outcome, revert) => core.write(() => finishCall(core, ledgerId, outcome, revert)),
    settle: (entry, next, end) => core.writeLazily(() => settle(core, entry, next, end)),
    postpone: (entry, dueAt, error, withdraws) => core.write(() => postpone(core, entry, dueAt, error, withdraws)),
    hurryWithdrawals: () => core.write(() => hurryWithdrawals(core)),
    progress: (query) => core.read(() => progress(core, query)),
    retryRefused: (ledgerIds, cause) => core.write(() => retryRefused(core, ledgerIds, cause)),
    releaseHeld: (filter, writer) => core.write(() => releaseHeld(core, filter, writer)),
    dropHeld: (filter, writer) => core.write(() => dropHeld(core, filter, writer)),
    limitInputs: (uses) => core.read(() => limitInputs(core, uses)),
    keepServingTime: () =>
      core.writeLazily(() => {
        core.keepServingTime();
        pruneUses(core);
      }),
    scheduleEverybody: (cause) => core.write(() => scheduleEverybody(core, cause)),
    scheduleWaiting: (policy, cause) => core.write(() => scheduleWaiting(core, policy, cause)),
    waitingInvites: (query) => core.read(() => waitingInvites(core, query)),
    clockSetBack: (ms) => core.write(() => clockSetBack(core, ms)),
    recover: () => core.write(() => recover(core)),
    ledger: (query) => core.read(() => queryLedger(core, query)),
    counts: () => core.read(() => counts(core)),
  };
}

function workspaceStore(core: Core): WorkspaceStore {
  return {
    members: () => core.read(() => listMembers(core)),
    owner: () => core.read(() => findOwner(core)),
    memberCounts: () => core.read(() => countMembers(core)),
    lackingMembers: (ids) => core.read(() => lackingMembers(core, ids)),
    lackingGroups: (ids) => core.read(() => lackingGroups(core, ids)),
    doubts: () => core.read(() => readDoubts(core)),
    setDoubts: (doubts) => core.write(() => writeSetting(core, SETTING.doubts, JSON.stringify(doubts))),
    interruptReadings: () => core.write(() => interruptReadings(core)),
    groups: () => core.read(() => listWorkspaceGroups(core)),
    member: (memberId) => core.read(() => findMember(core, memberId)),
    applyReading: (reading, cause) => core.write(() => applyReading(core, reading, cause)),
    membersReadAt: () => core.read(() => membersReadAt(core)),
    scheduleTries: (cause) => core.write(() => scheduleTries(core, cause)),
    openInvites: () => core.read(() => openInvites(core)),
  };
}

function shareStore(core: Core): ShareStore {
  return {
    applyResource: (reading, options) => core.write(() => applyResource(core, reading, options)),
    resource: (resource) => core.read(() => readResource(core, resource)),
    managedResources: () => core.write(() => managedResources(core, wantedResources(core))),
    scheduleShares: (cause) => core.write(() => scheduleShares(core, cause)),
    learnPrincipal: (principal, id, before) => core.write(() => learnPrincipal(core, principal, id, before)),
    knowsPrincipal: (principal) => core.read(() => knowsPrincipal(core, principal)),
    shareOverview: () => core.read(() => shareOverview(core)),
    standingShares: (userId) => core.read(() => standingShares(core, userId)),
  };
}

function tokenStore(core: Core): TokenStore {
  return {
    findToken: (hash) => core.read(() => findToken(core, hash)),
    addToken: (token, actor) => core.write(() => addToken(core, token, actor)),
    revokeToken: (id, actor) => core.write(() => revokeToken(core, id, actor)),
    expireToken: (id, at, actor) => core.write(() => expireToken(core, id, at, actor)),
    touchToken: (id, at) => core.write(() => touchToken(core, id, at)),
    listTokens: () => core.read(() => listTokens(core)),
  };
}

function privacyStore(core: Core): PrivacyStore {
  return {
    writerConflicts: (query) => core.read(() => listWriterConflicts(core, query)),
    takeWriterConflicts: (limit) => core.write(() => takeWriterConflicts(core, limit)),
    purgeUser: (id, actor) => core.write(() => purgeUser(core, id, actor)),
    expireOld: (before, limit) => core.write(() => expireOld(core, before, limit)),
  };
}

function operationsStore(core: Core): OperationsStore {
  return {
    previewUndo: (since) => core.write(() => previewUndo(core, since)),
    undo: (query, writer) => core.write(() => undo(core, query, writer)),
    setting: (name) => core.read(() => readSetting(core, name)),
    setSetting: (name, value) => core.write(() => writeSetting(core, name, value)),
    audit: (row) => core.write(() => writeAudit(core, row)),
    auditRows: (query) => core.read(() => readAudit(core, query)),
    dataVersion: () => core.dataVersion(),
    checkpoint: () => core.read(() => undefined).then(() => void core.db.pragma('wal_checkpoint(TRUNCATE)')),
  };
}

function inspectionStore(core: Core): InspectionStore {
  return {
    findPeople: (text) => core.read(() => findPeople(core, text)),
    peopleOf: (subjects) => core.read(() => peopleOf(core, subjects)),
    planSubjects: () => core.read(() => planSubjects(core)),
    invites: (query) => core.read(() => listInvites(core, query)),
    besideThePlan: (id) => core.read(() => besideThePlan(core, id)),
    links: () => core.read(() => listLinks(core)),
    trace: (query) => core.read(() => readTrace(core, query)),
    leavers: (query) => core.read(() => listLeavers(core, query)),
  };
}

function statisticsStore(core: Core): StatisticsStore {
  return {
    addHourly: (counts) => core.write(() => addHourly(core, counts)),
    hourly: (sinceHour) => core.read(() => readHourly(core, sinceHour)),
    addReadingCalls: (calls, keep) => core.write(() => addReadingCalls(core, calls, keep)),
    readingCalls: (limit) => core.read(() => listReadingCalls(core, limit)),
    addRefusedRequests: (requests, keep) => core.write(() => addRefusedRequests(core, requests, keep)),
    refusedRequests: (query) => core.read(() => listRefusedRequests(core, query)),
    numbers: () => core.read(() => readNumbers(core)),
    drift: (query) => core.read(() => listDrift(core, query)),
  };
}

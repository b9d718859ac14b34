/**
 * "Unmanaged untouched": whoever no IdP has written, and nobody invited, is after every scenario as
 * it was before: seat, lock, groups and shares. What the test itself does "in the UI" is no change of
 * the bridge: around it the workspace is looked at anew.
 */
import Database from 'better-sqlite3';
import { foldAddress } from '../../src/domain/fold.js';
import type { Control } from '../../src/sandbox/control.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { snapshotWorkspace, type MemberSnapshot } from './workspace-snapshot.js';

/** Operations of the control that change members, groups or shares as by hand. */
const BY_HAND: ReadonlySet<string> = new Set<keyof Control>([
  'reset',
  'createGroup',
  'renameGroup',
  'deleteGroup',
  'putInGroup',
  'takeOutOfGroup',
  'addMember',
  'removeMember',
  'setLocked',
  'setSeat',
  'changeEmail',
  'transferOwner',
  'createResource',
  'share',
  'unshare',
]);

export interface UnmanagedWatch {
  /** The control of the sandbox, watched. */
  readonly control: Control;
  /** Throws if somebody unmanaged is not as it was. */
  check(): void;
}

/** `file`: the database of the bridge. */
export function watchUnmanaged(sandbox: Sandbox, file: string): UnmanagedWatch {
  let baseline = membersOf(sandbox);
  const check = (): void => {
    const { managed, named, purges } = managedAddresses(sandbox, file);
    const now = membersOf(sandbox);
    for (const [address, before] of baseline) {
      const after = now.get(address);
      const isSame = (a: object | undefined, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);
      if (managed.has(address) || isSame(after, before)) continue;
      // Whoever writes a membership says nothing of the rest.
      if (after !== undefined && named.has(address) && isSame({ ...after, groups: [] }, { ...before, groups: [] }))
        continue;
      throw new Error(
        `${address} is managed by no IdP and was changed: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`,
      );
    }
    const invited = new Set(sandbox.control.mailbox().map(({ to }) => foldAddress(to)));
    const strangers = [...invited].filter((address) => !managed.has(address) && !byHand.has(address));
    // A purge removes who it was; that there was one stays.
    if (strangers.length > purges)
      throw new Error(`${strangers.join(', ')} were invited, and no IdP has asked for that`);
  };
  const byHand = new Set(sandbox.control.mailbox().map(({ to }) => foldAddress(to)));
  const control = new Proxy(sandbox.control, {
    get(target, name: keyof Control) {
      const operation = target[name];
      if (!BY_HAND.has(name)) return operation;
      return (...args: readonly unknown[]): unknown => {
        check();
        try {
          return (operation as (...given: readonly unknown[]) => unknown)(...args);
        } finally {
          baseline = membersOf(sandbox);
        }
      };
    },
  });
  return { control, check };
}

function membersOf(sandbox: Sandbox): ReadonlyMap<string, MemberSnapshot> {
  const { members } = snapshotWorkspace(sandbox);
  return new Map(Object.entries(members).map(([address, member]) => [foldAddress(address), member]));
}

/** Everybody whom an IdP or an administrator has ever written, by every address that they had. */
function managedAddresses(
  sandbox: Sandbox,
  file: string,
): { readonly managed: ReadonlySet<string>; readonly named: ReadonlySet<string>; readonly purges: number } {
  const database = new Database(file, { readonly: true });
  try {
    const column = (sql: string): readonly string[] => database.prepare(sql).pluck().all() as string[];
    const documents = column(WRITTEN);
    const mentioned = documents.flatMap((text) => text.match(/[^"\s]+@[^"\s]+/gu) ?? []);
    const known = [...column(ADDRESSES), ...mentioned].map(foldAddress);
    const memberIds = new Set(column(MEMBERS));
    const members = sandbox.control.state().members.filter(({ userId }) => memberIds.has(userId ?? ''));
    const managed = new Set([...known, ...members.map(({ email }) => foldAddress(email))]);
    const namedIds = new Set(column(NAMED));
    const named = sandbox.control.state().members.filter(({ userId }) => namedIds.has(userId ?? ''));
    return { managed, named: new Set(named.map(({ email }) => foldAddress(email))), purges: column(PURGES).length };
  } finally {
    database.close();
  }
}

const WRITTEN = `SELECT x FROM (SELECT before AS x FROM audit_log WHERE action GLOB 'user.*' AND actor <> 'bridge'
  UNION ALL SELECT after FROM audit_log WHERE action GLOB 'user.*' AND actor <> 'bridge') WHERE x IS NOT NULL`;
const ADDRESSES = `SELECT address FROM users WHERE managed = 1 AND address IS NOT NULL UNION SELECT address FROM invites
  UNION SELECT a.address FROM accounts AS a JOIN users AS u ON u.id = a.user_id WHERE u.managed = 1`;
// Of whom an IdP wrote a membership: the ids in what group writes added, removed or claimed.
const NAMED = `SELECT DISTINCT u.member_id FROM audit_log AS a, json_tree(a.after) AS j JOIN users AS u ON u.id = j.value
  WHERE a.action GLOB 'group.*' AND a.actor <> 'bridge' AND a.after IS NOT NULL AND j.type = 'text' AND u.member_id IS NOT NULL`;
const PURGES = "SELECT id FROM audit_log WHERE action = 'user.purge'";
const MEMBERS = `SELECT a.member_id FROM accounts AS a JOIN users AS u ON u.id = a.user_id
  WHERE a.member_id IS NOT NULL AND (u.managed = 1 OR 'user:' || u.id IN (SELECT subject FROM audit_log WHERE actor <> 'bridge'))`;

/**
 * Why the files of the bridge cannot be used, in words for whoever runs it. At start these end the
 * process; while it serves they are answers (see connection.ts), and it goes on when they are over.
 */
import { isSqliteError, primaryCode } from './sqlite-error.js';

export interface FileTrouble {
  readonly message: string;
  /** Over by itself: the same start works a little later. */
  readonly isPassing: boolean;
}

const IN_SQLITE: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'the disk is full',
  SQLITE_READONLY: 'it, its folder or the file system is read-only for the account of the bridge',
  SQLITE_CANTOPEN: 'it cannot be opened by the account of the bridge',
  SQLITE_PERM: 'it cannot be opened by the account of the bridge',
  SQLITE_IOERR: 'the disk has a fault, or a limit of the system was reached',
  SQLITE_CORRUPT: 'it is damaged: restore a backup (elevenlabs-scim restore)',
  SQLITE_NOTADB: 'it is no database',
};
const BUSY = new Set(['SQLITE_BUSY', 'SQLITE_LOCKED']);

/** What the operating system says of files; with other codes it is about something else (sockets). */
const IN_SYSTEM = new Set([
  ...['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EMFILE', 'ENFILE'],
  ...['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG'],
]);
const MOST_CAUSES = 5;

/** Looks through an error and its causes; null where none is about a file. */
export function describeFileTrouble(error: unknown, databasePath: string): FileTrouble | null {
  let at: unknown = error;
  for (let depth = 0; depth < MOST_CAUSES && at instanceof Object; depth += 1) {
    const found = describeOne(at, databasePath);
    if (found !== null) return found;
    at = 'cause' in at ? at.cause : null;
  }
  return null;
}

function describeOne(error: object, databasePath: string): FileTrouble | null {
  if (isSqliteError(error)) {
    const code = primaryCode(error);
    if (BUSY.has(code))
      return { isPassing: true, message: `${databasePath} is being written by another process: try again later.` };
    const words = IN_SQLITE[code];
    if (words === undefined) return null;
    return { isPassing: false, message: `The database ${databasePath} cannot be used: ${words} (${error.code}).` };
  }
  if (!('path' in error) || !('code' in error) || !('message' in error)) return null;
  if (!IN_SYSTEM.has(String(error.code))) return null;
  return { isPassing: false, message: `A file of the bridge cannot be used: ${String(error.message)}.` };
}

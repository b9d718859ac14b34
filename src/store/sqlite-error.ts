/** Errors of SQLite, told apart without loading it. */

/**
 * An error of SQLite. By shape: the class belongs to whoever loaded the native module first, which
 * in a process with several module registries (test runners, loaders) need not be this one.
 */
export function isSqliteError(error: unknown): error is Error & { readonly code: string } {
  return (
    typeof error === 'object' && error !== null && 'name' in error && error.name === 'SqliteError' && 'code' in error
  );
}

/** Extended codes are the primary one with a suffix: SQLITE_IOERR_WRITE, SQLITE_BUSY_SNAPSHOT. */
export const primaryCode = (error: { readonly code: string }): string => error.code.split('_').slice(0, 2).join('_');

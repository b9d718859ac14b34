/** Whether an addon, by default that of SQLite, removes cleanup hooks. */
export function removesCleanupHooks(addon?: string): boolean;

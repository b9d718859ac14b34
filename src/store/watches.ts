/** Addresses whose holder must not have access: an invite was withdrawn, or a deleted member locked. */
import type { Address, UserId } from '../domain/types.js';
import type { Core } from './core.js';

export function watch(core: Core, address: Address, user: { readonly id: UserId }): void {
  core.run('INSERT OR IGNORE INTO watches (address, user_id, since) VALUES (?, ?, ?)', address, user.id, core.now());
}

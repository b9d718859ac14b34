/** Everything that a store must do, whatever it is built on. */
import { adoptionContract } from './contract/adoption.js';
import { readingsContract } from './contract/readings.js';
import type { OpenWorld } from './contract/support.js';
import { usersContract } from './contract/users.js';

export function storeContract(open: OpenWorld): void {
  usersContract(open);
  adoptionContract(open);
  readingsContract(open);
}

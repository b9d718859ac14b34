/** Everything that a store must do, whatever it is built on. */
import { adoptionContract } from './contract/adoption.js';
import { groupsContract } from './contract/groups.js';
import { operationsContract } from './contract/operations.js';
import { readingsContract } from './contract/readings.js';
import type { OpenWorld } from './contract/support.js';
import { usersContract } from './contract/users.js';
import { workContract } from './contract/work.js';

export function storeContract(open: OpenWorld): void {
  usersContract(open);
  groupsContract(open);
  adoptionContract(open);
  workContract(open);
  readingsContract(open);
  operationsContract(open);
}

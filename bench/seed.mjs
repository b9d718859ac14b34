/**
 * Fills a database in a process of its own: `node bench/seed.mjs <file> <users> [<group size> ...]`.
 * The functions of the store that a request ends in, only many to a transaction, and without
 * waiting for the disk. Nobody is left on the agenda: the server that is measured has nothing else to do.
 */
import { createRulesSource } from '../dist/app/rules-source.js';
import { systemClock } from '../dist/clock.js';
import { loadConfig } from '../dist/config.js';
import { openConnection } from '../dist/store/connection.js';
import { createCore } from '../dist/store/core.js';
import { createGroup } from '../dist/store/group-writes.js';
import { migrate } from '../dist/store/migrate.js';
import { createUser } from '../dist/store/user-writes.js';
import { groupDocument, groupId, userDocument, userId } from './directory.mjs';

const BATCH = 2_000;
const [file, users, ...groupSizes] = process.argv.slice(2);

const loaded = loadConfig({ DATABASE_PATH: file, SANDBOX: 'true' });
if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
const db = openConnection(file);
migrate(db);
db.pragma('synchronous = OFF');
let nextId = '';
const core = createCore(db, {
  clock: systemClock,
  rules: createRulesSource(loaded.config).current,
  uuid: () => nextId,
});
const context = { requestId: 'seed', actor: 'bench', tokenId: null, interactive: false, ifMatch: null };

for (let from = 0; from < Number(users); from += BATCH) {
  await core.write(() => {
    for (let n = from; n < Math.min(from + BATCH, Number(users)); n++) {
      nextId = userId(n);
      createUser(core, userDocument(n), context);
    }
  });
}
for (const size of groupSizes.map(Number)) {
  const members = Array.from({ length: size }, (_, n) => userId(n));
  await core.write(() => {
    nextId = groupId(size);
    createGroup(core, groupDocument(size), members, context);
  });
}
db.exec('DELETE FROM agenda');
db.pragma('wal_checkpoint(TRUNCATE)');
db.close();

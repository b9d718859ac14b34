/**
 * For comparison: scimmy and scimmy-routers as their documentation shows them, over maps in memory.
 * `node bench/scimmy-server.mjs <port> <users> [<group size> ...]`
 */
import express from 'express';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';
import { groupDocument, groupId, userDocument, userId } from './directory.mjs';

const [port, count, ...groupSizes] = process.argv.slice(2).map(Number);
const users = new Map();
for (let n = 0; n < count; n++) users.set(userId(n), { ...userDocument(n), id: userId(n) });
const groups = new Map();
for (const size of groupSizes) {
  const members = Array.from({ length: size }, (_, n) => ({ value: userId(n), display: `Person ${n}` }));
  groups.set(groupId(size), { ...groupDocument(size), id: groupId(size), members });
}

let created = 0;
function serve(resource, stored) {
  const find = (id) => {
    const found = stored.get(id);
    if (found === undefined) throw new SCIMMY.Types.Error(404, null, 'There is no such resource.');
    return found;
  };
  SCIMMY.Resources.declare(resource)
    .egress((request) => {
      if (request.id !== undefined) return find(request.id);
      return request.filter === undefined ? [...stored.values()] : request.filter.match([...stored.values()]);
    })
    .ingress((request, data) => {
      const id = request.id ?? `new-${++created}`;
      if (request.id !== undefined) find(id);
      // What is written must not be what the next request finds changed under its feet.
      const written = { ...JSON.parse(JSON.stringify(data)), id };
      stored.set(id, written);
      return written;
    });
}
serve(SCIMMY.Resources.User, users);
serve(SCIMMY.Resources.Group, groups);

const app = express();
app.use('/scim/v2', new SCIMMYRouters({ type: 'bearer', handler: () => 'bench' }));
app.listen(port, '127.0.0.1');

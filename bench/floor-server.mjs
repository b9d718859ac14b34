/** The floor: Express as its documentation shows it, and one fixed user as JSON. */
import express from 'express';
import { userDocument, userId } from './directory.mjs';

const user = {
  ...userDocument(1),
  id: userId(1),
  meta: {
    resourceType: 'User',
    created: '2026-01-01T00:00:00.000Z',
    lastModified: '2026-01-01T00:00:00.000Z',
    location: `http://127.0.0.1/scim/v2/Users/${userId(1)}`,
    version: 'W/"1"',
  },
};

const app = express();
app.get('/scim/v2/Users/:id', (_request, response) => {
  response.json(user);
});
app.listen(Number(process.argv[2]), '127.0.0.1');

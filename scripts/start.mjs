/**
 * `npm start`: a clone with nothing installed becomes a running bridge. The server runs in this very
 * process, and package.json starts it with `exec`, so that a signal to npm reaches it: a shell in
 * between would die of the signal and leave the server behind. (On Windows: node scripts/start.mjs.)
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare({ build: true });

const entry = path.join(root, 'dist', 'main.js');
process.argv = [process.execPath, entry, 'serve', ...process.argv.slice(2)];
await import(pathToFileURL(entry).href);

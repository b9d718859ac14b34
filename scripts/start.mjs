/**
 * `npm start`: a clone with nothing installed becomes a running bridge. The server runs in this very
 * process, so that signals reach it without a go-between.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare({ build: true });

const entry = path.join(root, 'dist', 'main.js');
process.argv = [process.execPath, entry, 'serve', ...process.argv.slice(2)];
await import(pathToFileURL(entry).href);

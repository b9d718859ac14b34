/** `npm test [-- <jest arguments>]`: installs and builds what is missing, then runs the tests. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { prepare, root } from './prepare.mjs';

prepare({ build: true });

const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
// Jest loads ES modules through vm, which Node still calls experimental.
const node = ['--experimental-vm-modules', '--no-warnings'];
const result = spawnSync(process.execPath, [...node, jest, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.exit(result.status ?? 1);

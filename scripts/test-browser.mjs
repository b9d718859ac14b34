/** `npm run test:browser [-- <jest arguments>]`: the tests of the admin page in a real browser. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { findChromium, NO_CHROMIUM } from './chromium.mjs';
import { prepare, root } from './prepare.mjs';

if (findChromium() === null) {
  process.stderr.write(`${NO_CHROMIUM}\n`);
  process.exit(1);
}
prepare({ build: false });

const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
// Jest loads ES modules through vm, which Node still calls experimental.
const node = ['--experimental-vm-modules', '--no-warnings'];
const config = path.join(root, 'jest.browser.config.js');
const args = [...node, jest, '--config', config, ...process.argv.slice(2)];
const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
process.exit(result.status ?? 1);

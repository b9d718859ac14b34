/** The world of the other tests, and one browser for the file: started outside of the vm context. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CHROMIUM_FLAGS, findChromium, NO_CHROMIUM } from '../../scripts/chromium.mjs';
import Environment from '../support/environment.mjs';

const require = createRequire(import.meta.url);

export default class BrowserEnvironment extends Environment {
  async setup() {
    await super.setup();
    const executablePath = findChromium();
    if (executablePath === null) throw new Error(NO_CHROMIUM);
    this.profile = mkdtempSync(path.join(tmpdir(), 'chromium-'));
    const { chromium } = require('playwright-core');
    const args = [...CHROMIUM_FLAGS, `--crash-dumps-dir=${this.profile}`];
    // A profile of its own: nothing of an earlier run, nothing for a later one.
    this.browser = await chromium.launchPersistentContext(this.profile, { executablePath, args, headless: true });
    this.global.browserContext = this.browser;
    this.global.axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  }

  async teardown() {
    // Jest empties whatever a global leads to.
    delete this.global.browserContext;
    await this.browser?.close();
    if (this.profile !== undefined) rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
    await super.teardown();
  }
}

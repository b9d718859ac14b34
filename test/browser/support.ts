/** The browser of the environment, on the admin page of a bridge in this process. */
import type { BrowserContext, Page } from 'playwright-core';
import { ADMIN_TOKEN, startAdmin, type AdminBrowser } from '../admin/support.js';
import type { TestBridgeOptions } from '../support/bridge.js';

declare global {
  var browserContext: BrowserContext;
  var axeSource: string;
}

export interface Screen {
  readonly admin: AdminBrowser;
  readonly page: Page;
  /** What the browser complained about: broken policy, failed requests, errors of the script. */
  readonly complaints: string[];
  open(path: string): Promise<void>;
  signIn(): Promise<void>;
  close(): Promise<void>;
}

export async function startScreen(options: TestBridgeOptions = {}): Promise<Screen> {
  const admin = await startAdmin(options);
  const page = await browserContext.newPage();
  await browserContext.clearCookies();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return {
    ...{ admin, page, complaints },
    async open(path) {
      await page.goto(`${admin.origin}/admin${path}`);
    },
    async signIn() {
      await page.goto(`${admin.origin}/admin`);
      await page.getByLabel('Admin token').fill(ADMIN_TOKEN);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
    },
    async close() {
      await page.close();
      await admin.close();
    },
  };
}

export interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly where: readonly string[];
}

/** What axe finds on the page as it is now, minor things apart. */
export async function findViolations(page: Page): Promise<readonly Violation[]> {
  // By the debugger, which the policy of the page does not concern.
  await page.evaluate(axeSource);
  const found = await page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map(({ html }) => html.slice(0, 200)) })))`);
  return (found as Violation[]).filter(({ impact }) => impact !== 'minor');
}

/** A whole bridge with its admin page, and a browser without any script. */
import { startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

export const ADMIN_TOKEN = 'esb_admin_a-token-for-tests-of-no-further-use';

export interface PageAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  /** What a person reads: without tags, entities resolved, white space joined. */
  readonly text: string;
}

export interface AdminBrowser {
  readonly bridge: TestBridge;
  readonly origin: string;
  signIn(token?: string): Promise<PageAnswer>;
  /** Below /admin; redirects are followed. */
  get(path: string): Promise<PageAnswer>;
  /** Sends a form, with the CSRF token of the session unless `fields` has another; redirects are followed. */
  post(path: string, fields?: Readonly<Record<string, string>>): Promise<PageAnswer>;
  /** One request as it is. */
  raw(method: string, path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

export async function startAdmin(options: TestBridgeOptions = {}): Promise<AdminBrowser> {
  const bridge = await startTestBridge({ ...options, env: { ADMIN_TOKEN, ...options.env } });
  let cookie = '';
  const origin = (): string => new URL(bridge.scimUrl).origin;
  const raw: AdminBrowser['raw'] = (method, path, init = {}) =>
    fetch(path.startsWith('http') ? path : `${origin()}${path}`, {
      method,
      redirect: 'manual',
      ...init,
      headers: { accept: 'text/html', connection: 'close', ...(cookie !== '' && { cookie }), ...headersOf(init) },
    });
  const follow = async (response: Response): Promise<PageAnswer> => {
    for (const line of response.headers.getSetCookie()) cookie = line.split(';')[0] ?? '';
    const location = response.headers.get('location');
    if (response.status === 303 && location !== null) return follow(await raw('GET', location));
    const html = await response.text();
    return { status: response.status, headers: response.headers, html, text: textOf(html) };
  };
  const browser: AdminBrowser = {
    bridge,
    get origin() {
      return origin();
    },
    raw,
    async signIn(token = ADMIN_TOKEN) {
      return follow(await raw('POST', '/admin/login', { body: new URLSearchParams({ token }) }));
    },
    get: async (path) => follow(await raw('GET', `/admin${path}`)),
    async post(path, fields = {}) {
      const csrf = fields['csrf'] ?? (await csrfToken());
      return follow(await raw('POST', `/admin${path}`, { body: new URLSearchParams({ ...fields, csrf }) }));
    },
    close: () => bridge.close(),
  };
  const csrfToken = async (): Promise<string> => {
    const { html } = await browser.get('/tokens');
    return /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
  };
  return browser;
}

const headersOf = (init: RequestInit): Record<string, string> =>
  Object.fromEntries(new Headers(init.headers).entries());

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#96': '`' };

export function textOf(html: string): string {
  return html
    .replace(/<(script|style)[^>]*>.*?<\/\1>/gs, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&([a-z]+|#\d+);/g, (entity, name: string) => ENTITIES[name] ?? entity)
    .replace(/\s+/g, ' ');
}

/** The rows of a page that were written by administrators, oldest first: `action subject`. */
export async function auditOf(bridge: TestBridge, actor = 'admin'): Promise<readonly string[]> {
  const rows = await bridge.store.auditRows({ actor, limit: 100 });
  return rows.map(({ action, subject }) => (subject === null ? action : `${action} ${subject}`)).reverse();
}

/**
 * The lint rule that keeps the dependency direction of the sources:
 *
 *   domain <- store, auth, elevenlabs, scim, reconcile, admin, sandbox <- http <- app <- main, cli
 *
 * Folders side by side never import each other, except the two ports and `auth`. Everything may import the
 * shared files. A package that belongs to one folder stays in it.
 */
import path from 'node:path';

/** src/ files that everything may import. */
const SHARED = ['errors', 'clock', 'log', 'alerts', 'error-handler', 'http/lingering-close', 'http/form-body'];

/** Folder -> what it may import besides itself and the shared files. */
const ALLOWED = {
  domain: [],
  store: ['domain'],
  elevenlabs: ['domain'],
  auth: ['domain', 'store/port'],
  scim: ['domain', 'auth', 'store/port'],
  reconcile: ['domain', 'store/port', 'elevenlabs/port'],
  admin: ['domain', 'auth', 'store/port', 'elevenlabs/port'],
  sandbox: ['domain'],
  http: ['domain', 'scim/reply', 'config'],
};

/** Package -> the only folders that may import it. */
const PACKAGES = {
  // The simulator opens its databases in memory.
  'better-sqlite3': ['store', 'simulator'],
  // The simulator takes the types of answers from it, and nothing that runs.
  '@elevenlabs/elevenlabs-js': ['elevenlabs', 'simulator'],
  scimmy: ['scim'],
  'scimmy-routers': ['scim'],
  jose: ['auth'],
};

const ENTRY_FILES = ['main', 'cli'];

/** 'store/sqlite/users' for <root>/src/store/sqlite/users.ts; null outside src/. */
function moduleOf(file, root) {
  const relative = path.relative(path.join(root, 'src'), file).split(path.sep).join('/');
  return relative.startsWith('..') ? null : relative.replace(/\.(js|ts)$/, '');
}

/** Why `from` may not import `to` (both as in moduleOf); null if it may. */
export function layerViolation(from, to) {
  const layer = from.split('/')[0];
  const target = to.split('/')[0];
  if (SHARED.includes(to)) return null;
  if (ENTRY_FILES.includes(to)) {
    return ENTRY_FILES.includes(from) ? null : `Nothing imports ${to}.ts: it is where the process starts.`;
  }
  if (SHARED.includes(from)) return `${from}.ts is shared by all folders, so it imports none.`;
  if (!(layer in ALLOWED)) return null;
  if (layer === target) return null;
  if (ALLOWED[layer].some((allowed) => to === allowed || to.startsWith(`${allowed}/`))) return null;
  const list = [...ALLOWED[layer], ...SHARED].join(', ');
  return `src/${layer} may not import src/${to}. It may import: ${list}.`;
}

/** Why a module may not import a package; null if it may. */
export function packageViolation(from, specifier) {
  const name = Object.keys(PACKAGES).find((known) => specifier === known || specifier.startsWith(`${known}/`));
  if (name === undefined || PACKAGES[name].includes(from.split('/')[0])) return null;
  return `Only src/${PACKAGES[name].join(', src/')} may import ${name}.`;
}

export const layers = {
  meta: { type: 'problem', docs: { description: 'Keep the dependency direction.' }, schema: [] },
  create(context) {
    const from = moduleOf(context.filename, context.cwd);
    if (from === null) return {};
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string') return;
      const to = specifier.startsWith('.')
        ? moduleOf(path.resolve(path.dirname(context.filename), specifier), context.cwd)
        : null;
      const message = to === null ? packageViolation(from, specifier) : layerViolation(from, to);
      if (message !== null) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

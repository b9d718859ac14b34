/** Variables that were probably meant for the bridge but are none of its own. */
import { VARIABLE_NAMES, VARIABLES } from './config-variables.js';

/** Names that begin like this can hardly be meant for anything else. */
const PREFIXES = ['ELEVENLABS_', 'SCIM_', 'PROVISION_', 'PROVISIONING_', 'DEPROVISION_', 'ALERT_WEBHOOK_'];

/** Shorter names have too many neighbours that mean something else (PORT, HOST, PORTS). */
const LEAST_LENGTH = 7;

const KNOWN = new Set(VARIABLE_NAMES.flatMap((name) => (VARIABLES[name].path ? [name] : [name, `${name}_FILE`])));

/** One warning for each variable that looks like a misspelt one of ours. */
export function describeUnknown(env: Readonly<Record<string, string | undefined>>): string[] {
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '' || KNOWN.has(name)) continue;
    const meant = closest(name);
    if (meant !== null) warnings.push(`${name} is not a variable of the bridge and is ignored. Did you mean ${meant}?`);
    else if (PREFIXES.some((prefix) => name.startsWith(prefix))) {
      warnings.push(`${name} is not a variable of the bridge and is ignored.`);
    }
  }
  return warnings;
}

function closest(name: string): string | null {
  const plain = (text: string): string => text.toUpperCase().replaceAll(/[_-]/g, '');
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const known of KNOWN) {
    if (known.length < LEAST_LENGTH) continue;
    const distance = editDistance(plain(name), plain(known));
    if (distance <= (known.length < 12 ? 1 : 2) && distance < (best?.distance ?? Infinity)) {
      best = { name: known, distance };
    }
  }
  return best?.name ?? null;
}

/** Letters to insert, delete or exchange to get from one word to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const exchange = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(exchange, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/**
 * Conditional requests (RFC 7644 3.14). The entity tag is `meta.version`, `W/"<n>"`: weak because
 * readOnly attributes as `status` or `groups` may move without it.
 */

/** Versions named by `If-Match` or `If-None-Match`; `any` stands for `*`. */
export type VersionCondition =
  { readonly kind: 'any' } | { readonly kind: 'list'; readonly versions: readonly number[] };

/**
 * Reads a condition. Strong and weak tags are the same here: SCIM clients send back what
 * `meta.version` said, some without `W/` or quotes. Tags that can be none of ours match nothing.
 */
export function parseCondition(header: string | undefined): VersionCondition | null {
  if (header === undefined) return null;
  if (header.trim() === '*') return { kind: 'any' };
  const versions: number[] = [];
  for (const part of header.split(',')) {
    const digits = unquote(part.trim());
    if (/^\d{1,15}$/.test(digits)) versions.push(Number(digits));
  }
  return { kind: 'list', versions };
}

/** Whether a version satisfies a condition. */
export function meets(condition: VersionCondition, version: number): boolean {
  return condition.kind === 'any' || condition.versions.includes(version);
}

function unquote(tag: string): string {
  const opaque = tag.startsWith('W/') || tag.startsWith('w/') ? tag.slice(2) : tag;
  return opaque.length >= 2 && opaque.startsWith('"') && opaque.endsWith('"') ? opaque.slice(1, -1) : opaque;
}

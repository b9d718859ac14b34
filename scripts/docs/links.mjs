/** Relative links of the documentation that lead nowhere, and anchors that no heading has. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Inline links and images, and definitions of reference links. */
const LINK = /\[(?:[^\][]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s*(\S+)/gm;

/** One line per broken link, `file: target: why`. */
export function brokenLinks(root, files) {
  return files.flatMap((file) => {
    const text = withoutCode(readFileSync(path.join(root, file), 'utf8'));
    return [...text.matchAll(LINK)].flatMap(([, inline, reference]) => {
      const target = inline ?? reference;
      const why = problemWith(target, root, file);
      return why === null ? [] : [`${file}: ${target}: ${why}`];
    });
  });
}

/** What stands in code is no link. */
function withoutCode(text) {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
}

function problemWith(target, root, from) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return null;
  const [where, anchor] = target.split('#');
  const file = where === '' ? path.join(root, from) : path.resolve(root, path.dirname(from), decodeURIComponent(where));
  if (!file.startsWith(root)) return 'leads out of the repository';
  if (!existsSync(file)) return 'there is no such file';
  if (anchor === undefined || anchor === '' || !file.endsWith('.md')) return null;
  return headings(readFileSync(file, 'utf8')).has(anchor) ? null : 'there is no such heading';
}

/** Anchors as GitHub makes them of headings. */
function headings(text) {
  const anchors = new Set();
  for (const [, title] of text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = title
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

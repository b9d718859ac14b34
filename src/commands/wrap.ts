/** Text that fits the width of a terminal: broken at spaces, words stay whole. */
import { stripVTControlCharacters } from 'node:util';

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Take two cells. */
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u;
const ORDINARY = /^[ -~]*$/;

/** Cells that a text takes on a terminal; colours take none. */
export function widthOf(text: string): number {
  const seen = stripVTControlCharacters(text);
  if (ORDINARY.test(seen)) return seen.length;
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(seen)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Lines of at most `width` cells, but for longer words. All but the first begin with `indent` spaces. */
export function wrap(text: string, width: number, indent = 0): readonly string[] {
  const lines: string[] = [];
  let line = '';
  let isStart = true;
  // The spaces before a word belong to it: they align what the line begins with.
  for (const [word] of text.matchAll(/ *[^ ]+/gu)) {
    if (isStart || widthOf(line) + widthOf(word) <= width) line += word;
    else {
      lines.push(line);
      line = ' '.repeat(indent) + word.trimStart();
    }
    isStart = false;
  }
  return [...lines, line];
}

/** The width of the longest word. */
export const longestWord = (text: string): number => Math.max(0, ...text.split(' ').map(widthOf));

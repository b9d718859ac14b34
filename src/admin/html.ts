/**
 * HTML as values. The only way to make `Html` is the template tag, and the only way text gets into
 * it is through `escape`: what is not made by the tag itself is text, wherever it stands.
 *
 * Values belong between tags or inside a quoted attribute: `class="${name}"`. Addresses in `href` are
 * made by `path`, which encodes each part, so that no text can become a scheme.
 */

class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** A type alone: nobody else can make one. */
export type { Html };

export type Content = Html | string | number | null | undefined | false | readonly Content[];

export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  let text = strings[0] ?? '';
  for (const [index, value] of values.entries()) text += render(value) + (strings[index + 1] ?? '');
  return new Html(text);
}

function render(value: Content): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'string') return escape(value);
  if (typeof value === 'number') return String(value);
  return value.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Also for attributes in either kind of quotes. NUL and the C0 controls are no HTML at all. */
export function escape(text: string): string {
  return (
    text
      .replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '')
      .replace(/[\p{Cs}]/gu, '\ufffd')
      // eslint-disable-next-line no-control-regex -- that is what they are
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
  );
}

/** A path below the page: `path(['users', id], { q })`. Null and empty parameters are left out. */
export function path(
  parts: readonly string[],
  parameters: Readonly<Record<string, string | number | null | undefined>> = {},
): string {
  const search = Object.entries(parameters).flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : `${encode(name)}=${encode(String(value))}`,
  );
  const where = [BASE, ...parts.map(encode)].join('/');
  return search.length === 0 ? where : `${where}?${search.join('&')}`;
}

/** Where the page is mounted. */
export const BASE = '/admin';

/** A lone surrogate cannot be encoded and would throw. */
const encode = (text: string): string => encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd'));

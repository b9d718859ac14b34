/** What of a client's text an error detail repeats: enough to recognise it, quoted, never all of it. */
const SHOWN = 80;

/** Quotes and shortens any value for an error detail. */
export function shorten(value: unknown): string {
  const text = typeof value === 'string' ? quote(value) : describe(value);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 1)}…`;
}

function quote(text: string): string {
  // Cut first: a megabyte must not be escaped for the sake of 80 characters.
  return JSON.stringify(text.length > SHOWN ? text.slice(0, SHOWN) : text);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${String(value.length)}`;
  if (typeof value === 'object' && value !== null)
    return `an object with ${Object.keys(value).slice(0, 5).join(', ') || 'nothing'}`;
  return String(value);
}

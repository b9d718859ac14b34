/** Reads the mapping file from disk. What is in it is judged by domain/mapping-file.ts. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { describeProblem, parseMapping, type Mapping } from './domain/mapping-file.js';
import { MAX_MAPPING_BYTES } from './domain/mapping-yaml.js';

/** Problems are lines for a log or a terminal, `path:line: key: what is wrong`. */
export type LoadedMapping =
  { readonly ok: true; readonly mapping: Mapping } | { readonly ok: false; readonly problems: readonly string[] };

/** Loads and checks the file at `path`. Never throws: a reload must not end the process. */
export function loadMapping(path: string, read: (path: string) => string = readMappingText): LoadedMapping {
  let text: string;
  try {
    text = read(path);
  } catch (error) {
    return { ok: false, problems: [`${path}: the mapping file cannot be read (${reason(error)}).`] };
  }
  const parsed = parseMapping(text);
  if (parsed.ok) return parsed;
  return { ok: false, problems: parsed.problems.map((problem) => describeProblem(path, problem)) };
}

/** The text of a regular file of bounded size, as UTF-8. */
function readMappingText(path: string): string {
  // Without O_NONBLOCK a named pipe would stop the whole process here.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw new Error('it is not a regular file');
    if (status.size > MAX_MAPPING_BYTES) throw new Error(`it is larger than ${String(MAX_MAPPING_BYTES / 1024)} KiB`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } finally {
    closeSync(file);
  }
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOENT':
      return 'it does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'it is not UTF-8 text';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

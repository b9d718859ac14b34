/** The one writer of CSV: reports and exports, on the page and the command line. */

export type CsvCell = string | number | boolean | null;

/** A line as RFC 4180 wants it, without its end. */
export const csvLine = (cells: readonly CsvCell[]): string => cells.map(csvCell).join(',');

/** What a spreadsheet would take for a formula gets an apostrophe, as OWASP advises; numbers stay numbers. */
function csvCell(cell: CsvCell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) && !/^-?\d+(\.\d+)?$/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A hash of the audit log as a metric: its first 48 bits, which a floating-point number holds exactly. */

const DIGITS = 12;

export const fingerprintOf = (hash: string): number => Number.parseInt(hash.slice(0, DIGITS), 16);

/** The beginning of the hash again, from the value of the metric. */
export const digitsOf = (fingerprint: number): string => fingerprint.toString(16).padStart(DIGITS, '0');

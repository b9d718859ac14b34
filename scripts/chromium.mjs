/** Which Chromium the browser tests and the pictures use, and how it is started. */
import { existsSync } from 'node:fs';

const CANDIDATES = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** Headless, nothing asked of the network, nothing kept. */
export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Null: none is installed. */
export function findChromium() {
  return CANDIDATES.find((file) => file !== undefined && file !== '' && existsSync(file)) ?? null;
}

export const NO_CHROMIUM =
  'There is no Chromium: install it (Debian and Ubuntu: apt-get install chromium), or set CHROMIUM_PATH to one.';

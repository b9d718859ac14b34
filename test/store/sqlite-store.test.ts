/** The contract suite on a real SQLite file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe } from '@jest/globals';
import { DEFAULT_RULES, type Rules } from '../../src/domain/rules.js';
import type { Store } from '../../src/store/port.js';
import { openStore } from '../../src/store/sqlite-store.js';
import { createFakeClock } from '../support/fake-clock.js';
import type { OpenWorld } from './contract/support.js';
import { storeContract } from './store-contract.js';

describe('SQLite store', () => {
  const cleanUps: (() => void)[] = [];
  afterEach(() => {
    for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
  });

  const open: OpenWorld = (changes = {}) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'bridge-store-'));
    cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
    const clock = createFakeClock();
    let rules: Rules = { ...DEFAULT_RULES, ...changes };
    const openFile = (serve = false): Store => {
      const store = openStore({ path: path.join(folder, 'bridge.db'), clock, rules: () => rules, serve });
      cleanUps.push(() => store.close());
      return store;
    };
    return {
      store: openFile(true),
      clock,
      rules: () => rules,
      setRules: (more) => {
        rules = { ...rules, ...more };
      },
      reopen: () => openFile(),
    };
  };

  storeContract(open);
});

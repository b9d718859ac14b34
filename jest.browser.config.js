/** Tests in a real browser: `npm run test:browser`. Apart from the others, which need none. */
import base from './jest.config.js';

export default {
  ...base,
  testEnvironment: '<rootDir>/test/browser/environment.mjs',
  testMatch: ['<rootDir>/test/browser/**/*.browser.ts'],
  testTimeout: 180_000,
  maxWorkers: 1,
};

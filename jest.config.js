/** Run it as `npm test`, or `npx jest <pattern>` with NODE_OPTIONS=--experimental-vm-modules. */
export default {
  testEnvironment: '<rootDir>/test/support/environment.mjs',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/data/', '<rootDir>/coverage/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  moduleNameMapper: {
    '^@elevenlabs/elevenlabs-js$': '<rootDir>/test/support/elevenlabs-sdk.mjs',
    // Sources name their imports as they are called after the build (`./x.js`).
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  collectCoverageFrom: ['src/**/*.ts'],
  coverageProvider: 'v8',
  // Generous: tests wait for conditions, and a busy machine is no failure.
  testTimeout: 60_000,
  maxWorkers: 2,
  workerIdleMemoryLimit: '800MB',
};

/**
 * Stands for '@elevenlabs/elevenlabs-js' in tests: the very same module, loaded once per worker
 * process by environment.mjs instead of once per test file (1.7 s and 105 MB each time).
 */
const sdk = globalThis.elevenLabsSdk;

export const { ElevenLabs, ElevenLabsClient, ElevenLabsEnvironment, ElevenLabsError, ElevenLabsTimeoutError } = sdk;

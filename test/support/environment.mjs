/**
 * The world of a test file: Node as jest gives it, and
 * - the real ElevenLabs SDK, loaded lazily and once per worker process, outside the vm context;
 * - no network but loopback;
 * - `instanceof Error` that also holds for errors made outside the vm context (SDK, sockets, fs),
 *   as it does in production.
 */
import { createRequire } from 'node:module';
import { types } from 'node:util';
import { TestEnvironment } from 'jest-environment-node';
import { closeNetwork } from './closed-network.mjs';

const require = createRequire(import.meta.url);

closeNetwork();

/** Makes `value instanceof <constructor>` true for native errors of another realm. */
function acceptForeign(constructor) {
  const ordinary = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(constructor, Symbol.hasInstance, {
    configurable: true,
    value(value) {
      if (ordinary.call(this, value)) return true;
      // Subclasses inherit this function: only the built-in class itself is widened.
      return this === constructor && types.isNativeError(value) && isNamed(value, constructor.name);
    },
  });
}

/** Whether a class called `name` is on the prototype chain of `value`. */
function isNamed(value, name) {
  for (let proto = Object.getPrototypeOf(value); proto !== null; proto = Object.getPrototypeOf(proto)) {
    if (proto.constructor?.name === name) return true;
  }
  return false;
}

export default class Environment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    Object.defineProperty(this.global, 'elevenLabsSdk', {
      configurable: true,
      get: () => require('@elevenlabs/elevenlabs-js'),
    });
    for (const name of ['Error', 'TypeError', 'RangeError', 'SyntaxError']) acceptForeign(this.global[name]);
  }

  async teardown() {
    // Jest empties whatever a global leads to; the SDK is needed by the next test file.
    delete this.global.elevenLabsSdk;
    await super.teardown();
  }
}

/**
 * Defence in depth against prototype pollution: no client text is ever used as a path into an
 * object, and even if a library did so, the two objects that everything inherits from are frozen.
 */

/**
 * Freezes `Object.prototype` and `Object`. To be called once, at the end of start-up: several
 * packages define properties on these while they are loaded.
 */
export function freezePrototypes(): void {
  Object.freeze(Object.prototype);
  Object.freeze(Object);
}

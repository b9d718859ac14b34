/**
 * The keys that access tokens are signed with, kept in the database (0600) as a list of private JWKs.
 *
 * - The youngest key signs. It is replaced after 30 days by the first signature that is asked for.
 * - A replaced key verifies until the last token that it may have signed has expired, then it is
 *   forgotten. `kid` chooses among the keys of the ring and nothing else: no address is ever followed.
 * - The ring is read at each use, since another process may have changed it; parsed keys are kept as
 *   long as the text is the same.
 */
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../clock.js';
import type { OperationsStore } from '../store/port.js';

/** The one algorithm that is signed and accepted. */
export const ALGORITHM = 'ES256';

const SETTING = 'oauthKeys';
const ROTATE_AFTER_MS = 30 * 86_400_000;
/** The longest life of an access token, and an hour for clocks. */
const KEEP_MS = 7 * 3_600_000;

export interface SigningKey {
  readonly kid: string;
  readonly key: CryptoKey;
}

export interface KeyRing {
  /** The key to sign with now; made where there is none or the last one is old. */
  signingKey(): Promise<SigningKey>;
  /** The key of that name to verify with; null: there is none (any more). */
  verificationKey(kid: string): Promise<CryptoKey | null>;
}

const STORED = z.array(
  z.object({ kid: z.string(), createdAt: z.number(), jwk: z.record(z.string(), z.string()) }).readonly(),
);
type StoredKey = z.infer<typeof STORED>[number];

interface LoadedKey {
  readonly stored: StoredKey;
  readonly signing: CryptoKey;
  readonly verifying: CryptoKey;
}

/** Makes the ring of one bridge. */
export function createKeyRing(store: OperationsStore, clock: Clock): KeyRing {
  let loaded: { readonly text: string; readonly keys: readonly LoadedKey[] } | null = null;
  let rotating: Promise<LoadedKey> | null = null;

  const load = async (): Promise<readonly LoadedKey[]> => {
    const text = (await store.setting(SETTING)) ?? '[]';
    if (loaded?.text === text) return loaded.keys;
    const keys = await Promise.all(STORED.parse(JSON.parse(text)).map(importStored));
    loaded = { text, keys };
    return keys;
  };

  const rotate = async (): Promise<LoadedKey> => {
    const now = clock.now();
    const next = await importStored({ kid: randomUUID(), createdAt: now, jwk: await newPrivateJwk() });
    const keys = stillNeeded([...(await load()).map(({ stored }) => stored), next.stored], now);
    await store.setSetting(SETTING, JSON.stringify(keys));
    return next;
  };

  return {
    async signingKey() {
      const current = (await load()).at(-1);
      // `Math.abs`: a key from the future, made before the clock was set back, is no newer than any.
      const isFresh = current !== undefined && Math.abs(clock.now() - current.stored.createdAt) < ROTATE_AFTER_MS;
      if (isFresh) return { kid: current.stored.kid, key: current.signing };
      rotating ??= rotate().finally(() => (rotating = null));
      const { stored, signing } = await rotating;
      return { kid: stored.kid, key: signing };
    },
    async verificationKey(kid) {
      return (await load()).find(({ stored }) => stored.kid === kid)?.verifying ?? null;
    },
  };
}

/** A key goes when its successor has signed alone for longer than any token lives. */
function stillNeeded(keys: readonly StoredKey[], now: number): readonly StoredKey[] {
  return keys.filter((_key, index) => {
    const successor = keys[index + 1];
    return successor === undefined || Math.abs(now - successor.createdAt) < KEEP_MS;
  });
}

async function newPrivateJwk(): Promise<Record<string, string>> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return STORED.element.unwrap().shape.jwk.parse(await exportJWK(privateKey));
}

async function importStored(stored: StoredKey): Promise<LoadedKey> {
  const { kty, crv, x, y, d } = stored.jwk;
  if (kty === undefined || crv === undefined || x === undefined || y === undefined || d === undefined)
    throw new Error('the key ring of the database is damaged');
  const [signing, verifying] = await Promise.all([importKey({ kty, crv, x, y, d }), importKey({ kty, crv, x, y })]);
  return { stored, signing, verifying };
}

async function importKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, ALGORITHM);
  if (key instanceof Uint8Array) throw new Error('the key ring of the database is damaged');
  return key;
}

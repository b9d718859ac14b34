/**
 * Clients without a secret (RFC 7523 2.2): an identity provider signs a short-lived assertion, and the
 * bridge believes it because an administrator said whose: issuer, subject, audience, and where the
 * keys are. Workload identity federation of Entra ID and `private_key_jwt` of others are this.
 *
 * - Nothing that an assertion says is followed: the keys come from the address of the trust alone.
 * - Keys are kept by `kid`; one that is unknown leads to another fetch, at most each half minute.
 * - An assertion is used once, also across restarts.
 */
import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  errors,
  jwtVerify,
  type FetchImplementation,
  type JWTPayload,
} from 'jose';
import type { Clock } from '../clock.js';
import { hashToken } from '../domain/secret-token.js';
import type { TokenRecord, TokenStore, TokenTrust } from '../store/port.js';
import type { Grantor } from './access-tokens.js';
import { isValid } from './doors.js';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Life of an access token that an assertion is worth. */
export const FEDERATED_LIFETIME_MS = 3_600_000;

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];
const CLOCK_TOLERANCE_SECONDS = 60;
/** An assertion that lives longer is none of a moment, and would have to be remembered for so long. */
const LONGEST_LIFE_SECONDS = 86_400;
const LONGEST_ASSERTION = 8 * 1024;

export type AssertionVerdict =
  | { readonly kind: 'valid'; readonly token: Grantor }
  | { readonly kind: 'refused'; readonly problem: string; readonly token: TokenRecord | null };

export type FetchKeys = FetchImplementation;

export interface Assertions {
  /** `clientId`: of the request, where it names one. */
  verify(assertion: string, clientId: string | null): Promise<AssertionVerdict>;
}

/** Makes the judge of one bridge. */
export function createAssertions(parts: {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly fetch: FetchKeys;
}): Assertions {
  const { store, clock } = parts;
  const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

  const keysOf = ({ jwksUri }: TokenTrust): ReturnType<typeof createRemoteJWKSet> => {
    const known = keySets.get(jwksUri);
    if (known !== undefined) return known;
    const keys = createRemoteJWKSet(new URL(jwksUri), {
      timeoutDuration: 5_000,
      cooldownDuration: 30_000,
      cacheMaxAge: 600_000,
      [customFetch]: parts.fetch,
    });
    keySets.set(jwksUri, keys);
    return keys;
  };

  /** The trust that the assertion appeals to; what it says is not believed yet. */
  const findTrusted = async (claims: JWTPayload, clientId: string | null): Promise<Trusted | null> => {
    const trusted = (await store.listTokens()).filter(isTrusted);
    return (
      trusted.find(
        (token) =>
          token.trust.issuer === claims.iss &&
          token.trust.subject === claims.sub &&
          token.revokedAt === null &&
          (clientId === null || clientId === token.clientId || clientId === token.trust.subject),
      ) ?? null
    );
  };

  return {
    async verify(assertion, clientId) {
      const refuse = (problem: string, token: TokenRecord | null = null): AssertionVerdict => ({
        ...{ kind: 'refused', problem, token },
      });
      const said = assertion.length > LONGEST_ASSERTION ? null : readClaims(assertion);
      if (said === null) return refuse('The client assertion cannot be read.');
      const token = await findTrusted(said, clientId);
      if (token === null) return refuse('No client is configured for the issuer and subject of this assertion.');
      if (!isValid(token, clock.now())) return refuse('The trust in this client has expired.', token);
      const { issuer, subject, audience } = token.trust;
      try {
        const { payload } = await jwtVerify(assertion, keysOf(token.trust), {
          ...{ issuer, subject, audience, algorithms: ALGORITHMS },
          requiredClaims: ['exp', 'iss', 'sub', 'aud'],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          currentDate: new Date(clock.now()),
        });
        const { exp = 0, jti } = payload;
        if (exp - clock.now() / 1000 > LONGEST_LIFE_SECONDS)
          return refuse('The assertion lives longer than a day.', token);
        const key = hashToken(`${issuer}\0${jti ?? signedPart(assertion)}`);
        const isFirst = await store.useAssertion(key, (exp + CLOCK_TOLERANCE_SECONDS) * 1000);
        return isFirst ? { kind: 'valid', token } : refuse('The assertion was used before: sign a new one.', token);
      } catch (error) {
        // Whatever else: the keys could not be fetched, which is nobody's guess and worth another try.
        if (error instanceof errors.JOSEError) return refuse(wordsFor(error), token);
        throw error;
      }
    },
  };
}

type Trusted = Grantor & { readonly trust: TokenTrust };

const isTrusted = (token: TokenRecord): token is Trusted =>
  token.kind === 'federated' && token.trust !== null && token.clientId !== null;

function readClaims(assertion: string): JWTPayload | null {
  try {
    return decodeJwt(assertion);
  } catch {
    return null;
  }
}

/** Without the signature: another one of the same may be valid as well. */
const signedPart = (assertion: string): string => assertion.slice(0, assertion.lastIndexOf('.'));

function wordsFor(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'The assertion has expired.';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The claim ${error.claim} of the assertion is not the configured one.`;
  if (error instanceof errors.JWKSNoMatchingKey) return 'The issuer has no such key.';
  if (error instanceof errors.JWKSTimeout) return 'The keys of the issuer could not be fetched.';
  return 'The signature of the assertion is not valid.';
}

/** Why a trust cannot be configured so; null: it can. */
export function trustProblem({ issuer, jwksUri, subject, audience }: TokenTrust): string | null {
  if (issuer === '' || subject === '' || audience === '') return 'Issuer, subject and audience are needed.';
  if ([issuer, subject, audience, jwksUri].some((value) => value.length > 500))
    return 'A value is longer than 500 characters.';
  const url = URL.canParse(jwksUri) ? new URL(jwksUri) : null;
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
    return 'The address of the keys must start with https://, without credentials.';
  return null;
}

import { describe, expect, it } from '@jest/globals';
import { currentTokens, type TokenLife } from '../../src/auth/current-tokens.js';

const token = (label: string, createdAt: number, expiresAt: number | null, more: Partial<TokenLife> = {}) => ({
  ...{ kind: 'scim', label, clientId: null, revokedAt: null, createdAt, expiresAt },
  ...more,
});

const NOW = 1000;
const current = (...tokens: readonly TokenLife[]) =>
  currentTokens(tokens, NOW).map(({ label, createdAt }) => `${label} ${String(createdAt)}`);

describe('the current token of a name', () => {
  it('is the one that lives longest; what it replaces is not named, before and after its end', () => {
    expect(current(token('okta', 1, 1100), token('okta', 2, null))).toEqual(['okta 2']);
    expect(current(token('okta', 1, 900), token('okta', 2, 5000))).toEqual(['okta 2']);
    expect(current(token('okta', 1, null), token('okta', 2, 5000))).toEqual(['okta 1']);
  });

  it('stays so after its end where nothing has replaced it', () => {
    expect(current(token('okta', 1, 900))).toEqual(['okta 1']);
    expect(current(token('okta', 1, 800), token('okta', 2, 900))).toEqual(['okta 2']);
  });

  it('is the old one again, while it lives, where the successor was revoked; after that there is none', () => {
    const revoked = token('okta', 2, null, { revokedAt: 950 });
    expect(current(token('okta', 1, 1100), revoked)).toEqual(['okta 1']);
    expect(current(token('okta', 1, 900), revoked)).toEqual([]);
    expect(current(revoked)).toEqual([]);
  });

  it('is another one for another kind or OAuth client', () => {
    const client = (clientId: string, createdAt: number) =>
      token('x', createdAt, 2000, { kind: 'oauthClient', clientId });
    expect(
      current(
        token('x', 1, 2000),
        token('x', 2, 2000, { kind: 'admin' }),
        client('a', 3),
        client('b', 4),
        client('a', 5),
      ),
    ).toEqual(['x 1', 'x 2', 'x 5', 'x 4']);
  });
});

import { describe, expect, it } from '@jest/globals';
import { classify, type CallContext } from '../../src/elevenlabs/classify.js';
import { GatewayError, type GatewayMethod } from '../../src/elevenlabs/port.js';

const NOW = Date.UTC(2026, 10, 24, 9, 0, 0);
const READS: readonly GatewayMethod[] = ['identity', 'listMembers', 'listGroups', 'searchGroups', 'getResource'];

const context = (method: GatewayMethod, more: Partial<CallContext> = {}): CallContext => ({
  method,
  write: !READS.includes(method),
  now: NOW,
  ...more,
});

/** As the SDK throws it for an answer with an error status. */
function answer(statusCode: number, body: unknown, headers: Record<string, string> = {}): Error {
  const error = new Error(`Status code: ${statusCode}\nBody: …`);
  return Object.assign(error, {
    name: statusCode === 422 ? 'UnprocessableEntityError' : 'ElevenLabsError',
    statusCode,
    body,
    rawResponse: { status: statusCode, headers: new Headers(headers) },
  });
}

const current = (type: string, code: string, message: string, more: object = {}): unknown => ({
  detail: { type, code, message, status: code, request_id: '3c807fc4c3a1705f9638ecc764a91c01', ...more },
});
const legacy = (status: string, message: string): unknown => ({ detail: { status, message } });

describe('answers with an error status', () => {
  const page = '<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>';
  const fastApi = (loc: (string | number)[], msg: string, type: string): unknown => ({ detail: [{ loc, msg, type }] });

  // status, body, method -> kind, hint, maybeApplied
  // prettier-ignore
  const table: [string, number, unknown, GatewayMethod, Partial<GatewayError>][] = [
    // The key
    ['invalid key', 401, current('authentication_error', 'invalid_api_key', 'Invalid API key'), 'listMembers', { kind: 'keyRejected', code: 'invalid_api_key' }],
    ['invalid key, legacy', 401, legacy('invalid_api_key', 'Invalid API key'), 'invite', { kind: 'keyRejected', maybeApplied: false }],
    ['rejected key as 400', 400, current('authentication_error', 'bad_request', 'The API key is not valid'), 'listMembers', { kind: 'keyRejected', status: 400 }],
    ['rejected key as 400, type only', 400, { detail: { type: 'authentication_error' } }, 'invite', { kind: 'keyRejected', code: 'authentication_error' }],
    ['no key', 401, legacy('needs_authorization', 'Neither authorization header nor xi-api-key received, please provide one.'), 'invite', { kind: 'keyRejected' }],
    ['401 without a body', 401, undefined, 'invite', { kind: 'keyRejected', code: null }],
    ['401 with a plain string', 401, { detail: 'Unauthorized' }, 'invite', { kind: 'keyRejected', message: 'Unauthorized' }],
    ['key from a foreign IP', 403, legacy('forbidden', 'This API key is not allowed from your IP address (allowlist)'), 'invite', { kind: 'keyRejected' }],
    ['quota is no key problem', 401, legacy('quota_exceeded', 'You have 3 credits left'), 'invite', { kind: 'refused' }],
    // Scopes
    ['missing scope as 401', 401, legacy('missing_permissions', 'The API key you used is missing the permission user_read to execute this operation.'), 'identity', { kind: 'scopeMissing', code: 'missing_permissions' }],
    ['missing scope with the type of a rejected key', 401, current('authentication_error', 'missing_permissions', 'missing the permission x'), 'invite', { kind: 'scopeMissing' }],
    ['missing scope as 403', 403, current('authorization_error', 'insufficient_permissions', 'Not a workspace admin'), 'setLocked', { kind: 'scopeMissing', status: 403 }],
    ['missing scope told by words only', 403, { detail: 'The API key you used is missing the permission workspace_write' }, 'setSeat', { kind: 'scopeMissing' }],
    ['one resource does not disable sharing', 403, current('authorization_error', 'insufficient_permissions', 'You need admin access to this resource'), 'share', { kind: 'refused' }],
    ['but a missing scope does', 401, legacy('missing_permissions', 'missing the permission workspace_write'), 'share', { kind: 'scopeMissing' }],
    ['one owner does not disable locking', 403, current('authorization_error', 'insufficient_permissions', 'Cannot modify the workspace owner'), 'setLocked', { kind: 'refused', hint: 'protectedMember' }],
    // Limits
    ['rate limit', 429, current('rate_limit_error', 'rate_limit_exceeded', 'Slow down'), 'invite', { kind: 'transient', maybeApplied: false }],
    ['concurrency, legacy', 429, legacy('too_many_concurrent_requests', 'Too many'), 'invite', { kind: 'transient', maybeApplied: false }],
    ['busy', 429, legacy('system_busy', 'The system is busy'), 'invite', { kind: 'transient' }],
    ['bare 429', 429, '', 'invite', { kind: 'transient', maybeApplied: false }],
    ['rate limit under another status', 400, current('rate_limit_error', 'concurrent_limit_exceeded', 'x'), 'invite', { kind: 'transient', maybeApplied: false }],
    // Servers
    ['500', 500, legacy('internal_server_error', 'Something went wrong'), 'invite', { kind: 'transient', maybeApplied: true }],
    ['500 on a read', 500, legacy('internal_server_error', 'Something went wrong'), 'listMembers', { kind: 'transient', maybeApplied: false }],
    ['500 of a missing invite stays undecided', 500, legacy('internal_server_error', 'Invite not found'), 'revokeInvite', { kind: 'transient', maybeApplied: true }],
    ['502 page of a proxy', 502, page, 'setLocked', { kind: 'transient', maybeApplied: true, message: 'an HTML page, "502 Bad Gateway"' }],
    ['bare 503', 503, undefined, 'invite', { kind: 'transient', maybeApplied: true }],
    ['503 said by the API', 503, current('service_unavailable', 'maintenance', 'Back soon'), 'invite', { kind: 'transient', maybeApplied: false }],
    ['504', 504, 'upstream request timeout', 'addToGroup', { kind: 'transient', maybeApplied: true }],
    ['408', 408, '', 'addToGroup', { kind: 'transient', maybeApplied: true }],
    ['599', 599, '', 'addToGroup', { kind: 'transient', maybeApplied: true }],
    ['internal error under 400', 400, current('internal_error', 'internal_error', 'x'), 'invite', { kind: 'transient', maybeApplied: true }],
    ['redirect that came through', 302, '', 'invite', { kind: 'transient', maybeApplied: true }],
    ['race', 409, current('conflict', 'concurrent_modification', 'Try again'), 'setSeat', { kind: 'transient', maybeApplied: false }],
    ['page of a firewall', 403, page, 'invite', { kind: 'transient', maybeApplied: true }],
    // Routes
    ['no route', 404, { detail: 'Not Found' }, 'listMembers', { kind: 'refused', hint: null }],
    ['no method', 405, { detail: 'Method Not Allowed' }, 'invite', { kind: 'refused', maybeApplied: false }],
    ['not implemented', 501, undefined, 'inviteMany', { kind: 'refused', maybeApplied: false }],
    // Invites
    ['already a member', 400, current('validation_error', 'user_already_in_workspace', 'User is already in the workspace'), 'invite', { kind: 'alreadySo', hint: 'alreadyMember' }],
    ['already a member, by words', 400, legacy('bad_request', 'ada@example.com is already a member of this workspace.'), 'invite', { kind: 'alreadySo', hint: 'alreadyMember' }],
    ['already a member, as conflict', 409, current('conflict', 'resource_already_exists', 'The user already belongs to your workspace'), 'invite', { kind: 'alreadySo', hint: 'alreadyMember' }],
    ['already invited', 400, current('validation_error', 'user_already_invited', 'This user has already been invited'), 'invite', { kind: 'alreadySo', hint: 'alreadyInvited' }],
    ['already invited, by words', 400, legacy('bad_request', 'A pending invite already exists for this email'), 'invite', { kind: 'alreadySo', hint: 'alreadyInvited' }],
    ['a bare 400 says nothing', 400, current('validation_error', 'bad_request', 'Bad request'), 'invite', { kind: 'refused', hint: null }],
    ['conflict without words', 409, current('conflict', 'conflict', 'Conflict'), 'invite', { kind: 'refused', hint: null }],
    ['no seat, code', 400, current('validation_error', 'no_seats_available', 'x'), 'invite', { kind: 'refused', hint: 'noSeat' }],
    ['no seat, words', 400, legacy('bad_request', 'There are no available seats left in your workspace.'), 'setLocked', { kind: 'refused', hint: 'noSeat' }],
    ['seat limit, words', 403, legacy('forbidden', 'You have reached the maximum number of Full seats.'), 'setSeat', { kind: 'refused', hint: 'noSeat' }],
    ['a wrong seat type is no lack of seats', 400, legacy('bad_request', 'Invalid seat type, available: a, b'), 'setSeat', { kind: 'refused', hint: null }],
    ['bad address, param', 400, current('validation_error', 'invalid_parameters', 'Value is wrong', { param: 'email' }), 'invite', { kind: 'refused', hint: 'badAddress' }],
    ['bad address, words', 400, legacy('bad_request', 'Invalid email provided'), 'invite', { kind: 'refused', hint: 'badAddress' }],
    ['bad address, FastAPI', 422, fastApi(['body', 'email'], 'value is not a valid email address', 'value_error.email'), 'invite', { kind: 'refused', hint: 'badAddress', message: 'body.email: value is not a valid email address' }],
    ['bad address in a list', 422, fastApi(['body', 'emails', 3], 'Field required', 'missing'), 'inviteMany', { kind: 'refused', hint: 'badAddress' }],
    ['other field', 422, fastApi(['body', 'usage_limit'], 'Input should be greater than 0', 'greater_than_equal'), 'invite', { kind: 'refused', hint: null, code: 'greater_than_equal' }],
    ['domain', 400, current('validation_error', 'domain_not_verified', 'x'), 'inviteMany', { kind: 'refused', hint: 'domainNotVerified' }],
    ['domain, words', 400, legacy('bad_request', 'All emails must be part of a verified domain'), 'inviteMany', { kind: 'refused', hint: 'domainNotVerified' }],
    ['one of many is a member', 400, legacy('bad_request', 'User is already in the workspace'), 'inviteMany', { kind: 'refused', hint: 'alreadyMember' }],
    ['one of many is invited', 400, legacy('bad_request', 'User was already invited'), 'inviteMany', { kind: 'refused', hint: 'alreadyInvited' }],
    ['plan', 403, current('authorization_error', 'feature_not_available', 'Enterprise only'), 'inviteMany', { kind: 'refused', hint: 'featureNotAvailable' }],
    ['plan, legacy', 403, legacy('invalid_subscription', 'Upgrade'), 'inviteMany', { kind: 'refused', hint: 'featureNotAvailable' }],
    ['payment', 402, { detail: { type: 'payment_required', message: 'Pay first' } }, 'invite', { kind: 'refused', hint: 'featureNotAvailable' }],
    ['no such invite', 404, legacy('invite_not_found', 'x'), 'revokeInvite', { kind: 'alreadySo', hint: null }],
    ['no such invite, words', 400, legacy('bad_request', 'No pending invite for this email'), 'revokeInvite', { kind: 'alreadySo' }],
    ['revoke, bare 404', 404, { detail: 'Not Found' }, 'revokeInvite', { kind: 'refused', hint: null }],
    // Members
    ['unknown member', 404, current('not_found', 'user_not_found', 'User not found'), 'setLocked', { kind: 'refused', hint: 'unknownMember' }],
    ['unknown member, words', 400, legacy('bad_request', 'The user is not a member of this workspace'), 'addToGroup', { kind: 'refused', hint: 'unknownMember' }],
    ['already locked', 400, legacy('bad_request', 'Member is already locked'), 'setLocked', { kind: 'alreadySo' }],
    ['owner', 403, current('authorization_error', 'forbidden', 'Cannot modify the workspace owner'), 'setLocked', { kind: 'refused', hint: 'protectedMember' }],
    ['last admin', 400, legacy('bad_request', 'Cannot demote the last workspace admin'), 'setSeat', { kind: 'refused', hint: 'protectedMember' }],
    // Groups
    ['unknown group', 404, current('not_found', 'group_not_found', 'x'), 'addToGroup', { kind: 'refused', hint: 'unknownGroup' }],
    ['unknown group, words', 404, legacy('not_found', 'Group does not exist'), 'removeFromGroup', { kind: 'refused', hint: 'unknownGroup' }],
    ['in the group already', 400, legacy('bad_request', 'User is already a member of the group'), 'addToGroup', { kind: 'alreadySo', hint: null }],
    ['not in the group', 400, legacy('user_not_in_group', 'User is not in the group'), 'removeFromGroup', { kind: 'alreadySo', hint: null }],
    ['not in the workspace is not "not in the group"', 400, legacy('user_not_in_workspace', 'User is not in the workspace'), 'removeFromGroup', { kind: 'refused', hint: 'unknownMember' }],
    ['managed elsewhere', 400, current('validation_error', 'group_managed_by_scim', 'x'), 'addToGroup', { kind: 'refused', hint: 'readOnlyGroup' }],
    ['managed elsewhere, words', 400, legacy('bad_request', 'This group is synced by SCIM'), 'removeFromGroup', { kind: 'refused', hint: 'readOnlyGroup' }],
    // Shares
    ['unknown resource', 404, legacy('not_found', 'Resource not found'), 'getResource', { kind: 'refused', hint: 'unknownResource' }],
    ['creator', 400, legacy('bad_request', 'You cannot remove permissions from the user who created the resource'), 'unshare', { kind: 'refused', hint: 'protectedMember' }],
    ['not shared', 400, legacy('bad_request', 'The resource is not shared with this user'), 'unshare', { kind: 'alreadySo' }],
    // Names never decide
    ['a telling address', 400, legacy('bad_request', 'Rejected: already.invited@no-seats-available.example'), 'invite', { kind: 'refused', hint: null }],
    ['a telling group name', 400, legacy('bad_request', 'Rejected for "user is already in the workspace"'), 'invite', { kind: 'refused', hint: null }],
    // Other shapes
    ['JSON sent as text', 401, '{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}', 'invite', { kind: 'keyRejected' }],
    ['error at the top', 400, { error: 'Bad things', status: 'bad' }, 'invite', { kind: 'refused', message: 'Bad things', code: 'bad' }],
    ['broken JSON as text', 400, '{"detail":', 'invite', { kind: 'refused', message: '{"detail":' }],
    ['null detail', 400, { detail: null }, 'invite', { kind: 'refused' }],
    ['number', 400, 7, 'invite', { kind: 'refused', message: 'HTTP 400 without an explanation' }],
    ['418', 418, undefined, 'invite', { kind: 'refused', maybeApplied: false }],
  ];

  it.each(table)('%s (%i)', (_name, status, body, method, expected) => {
    const error = classify(answer(status, body), context(method));
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ status, ...expected });
    expect(error.message).not.toBe('');
  });

  it('never believes that a read was applied', () => {
    for (const method of READS) {
      for (const status of [302, 408, 500, 502, 503, 599]) {
        expect(classify(answer(status, ''), context(method)).maybeApplied).toBe(false);
      }
    }
  });

  it('takes the request id from either header, else from the body', () => {
    const body = current('x', 'y', 'z');
    const idOf = (headers: Record<string, string>): unknown =>
      classify(answer(400, body, headers), context('invite')).requestId;
    expect(idOf({ 'x-request-id': 'a', 'request-id': 'b' })).toBe('a');
    expect(idOf({ 'request-id': 'b' })).toBe('b');
    expect(idOf({})).toBe('3c807fc4c3a1705f9638ecc764a91c01');
  });

  it('cleans and cuts what the server says', () => {
    const error = classify(answer(400, legacy('x', `line\r\n\u202E${'y'.repeat(5000)}`)), context('invite'));
    expect(error.message).toMatch(/^line y+…$/);
    expect(error.message.length).toBeLessThanOrEqual(300);
  });

  it('reads hostile messages in linear time', () => {
    // CPU time, not wall time: other processes must not decide.
    const before = process.cpuUsage();
    for (const method of ['invite', 'setLocked', 'removeFromGroup'] as const) {
      classify(answer(400, legacy('no '.repeat(30_000), 'no seat not group user '.repeat(30_000))), context(method));
      classify(answer(400, `<html>${'<title>'.repeat(50_000)}`), context(method));
    }
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
  });
});

describe('when to come back', () => {
  const date = (ms: number): string => new Date(NOW + ms).toUTCString();
  // prettier-ignore
  const table: [string, Record<string, string>, number | null][] = [
    ['none', {}, null],
    ['seconds', { 'retry-after': '7' }, 7000],
    ['zero', { 'retry-after': '0' }, 0],
    ['fraction', { 'retry-after': '1.5' }, 1500],
    ['date by our clock', { 'retry-after': date(9000) }, 9000],
    ['date by the server clock, an hour off', { 'retry-after': date(3_609_000), date: date(3_600_000) }, 9000],
    ['date in the past', { 'retry-after': date(-9000) }, 0],
    ['a year', { 'retry-after': '31536000' }, 3_600_000],
    ['nonsense', { 'retry-after': 'soon' }, null],
    ['negative', { 'retry-after': '-5' }, null],
    ['reset as Unix time', { 'x-ratelimit-reset': String(NOW / 1000 + 30) }, 30_000],
    ['reset as seconds', { 'x-ratelimit-reset': '30' }, 30_000],
    ['nonsense, then reset', { 'retry-after': 'soon', 'x-ratelimit-reset': '3' }, 3000],
  ];
  it.each(table)('%s', (_name, headers, expected) => {
    expect(classify(answer(429, '', headers), context('invite')).retryAfterMs).toBe(expected);
  });
});

describe('calls without an answer', () => {
  const sdk = (message: string, cause?: unknown): Error =>
    Object.assign(new Error(message), {
      name: 'ElevenLabsError',
      statusCode: undefined,
      cause,
      rawResponse: undefined,
    });
  const coded = (code: string, more: object = {}): Error => Object.assign(new Error(code), { code, ...more });
  const failed = (cause: unknown): Error =>
    sdk('fetch failed', Object.assign(new TypeError('fetch failed'), { cause }));

  // prettier-ignore
  const table: [string, unknown, Partial<GatewayError>][] = [
    ['refused connection', failed(coded('ECONNREFUSED')), { maybeApplied: false, code: 'ECONNREFUSED' }],
    ['refused on every address', failed(Object.assign(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]), {})), { maybeApplied: false, code: 'ECONNREFUSED' }],
    ['unknown host', failed(coded('ENOTFOUND')), { maybeApplied: false }],
    ['DNS down', failed(coded('EAI_AGAIN')), { maybeApplied: false }],
    ['no connection in time', failed(coded('UND_ERR_CONNECT_TIMEOUT')), { maybeApplied: false }],
    ['connect timed out', failed(coded('ETIMEDOUT', { syscall: 'connect' })), { maybeApplied: false }],
    ['unlisted code on connect', failed(coded('EACCES', { syscall: 'connect' })), { maybeApplied: false }],
    ['bad certificate', failed(coded('CERT_HAS_EXPIRED')), { maybeApplied: false, message: 'TLS handshake failed (CERT_HAS_EXPIRED)' }],
    ['wrong host name', failed(coded('ERR_TLS_CERT_ALTNAME_INVALID')), { maybeApplied: false }],
    ['read timed out', failed(coded('ETIMEDOUT', { syscall: 'read' })), { maybeApplied: true }],
    ['reset', failed(coded('ECONNRESET')), { maybeApplied: true, message: 'connection lost (ECONNRESET)' }],
    ['closed', failed(coded('UND_ERR_SOCKET')), { maybeApplied: true }],
    ['hang-up', failed(new Error('socket hang up')), { maybeApplied: true }],
    ['no headers in time', failed(coded('UND_ERR_HEADERS_TIMEOUT')), { maybeApplied: true }],
    ['unexplained', sdk('fetch failed'), { maybeApplied: true }],
    ['unexplained, with a foreign cause', failed(new Error('?')), { maybeApplied: true }],
    ['redirect', failed(new Error('unexpected redirect')), { maybeApplied: true, code: 'redirect' }],
    ['timeout, as the SDK words it', sdk('"timeout"'), { maybeApplied: true, message: 'no answer in time' }],
    ['timeout, as the SDK should word it', Object.assign(new Error('Timeout exceeded when calling GET /v1/x.'), { name: 'ElevenLabsTimeoutError' }), { maybeApplied: true }],
    ['timeout of a signal', Object.assign(new Error('The operation timed out'), { name: 'TimeoutError' }), { maybeApplied: true }],
    ['a string', 'timeout', { maybeApplied: true }],
    ['aborted', sdk('The user aborted a request'), { maybeApplied: true, message: 'call aborted' }],
    ['a body that broke off', Object.assign(new TypeError('terminated'), { cause: coded('UND_ERR_SOCKET') }), { maybeApplied: true }],
    ['a bug', new TypeError('x is not a function'), { maybeApplied: true, message: 'unexpected failure: x is not a function' }],
    ['nothing', undefined, { maybeApplied: true }],
    [
      'a circle',
      Object.assign(new Error('odd'), {
        get cause(): unknown {
          return this;
        },
      }),
      { maybeApplied: true },
    ],
  ];
  it.each(table)('%s', (_name, error, expected) => {
    expect(classify(error, context('invite'))).toMatchObject({
      kind: 'transient',
      status: null,
      hint: null,
      ...expected,
    });
    expect(classify(error, context('listMembers'))).toMatchObject({ kind: 'transient', maybeApplied: false });
  });

  it('knows that a request the SDK refused was never sent', () => {
    const error = Object.assign(new Error('role: Expected enum. Received "owner".'), { name: 'JsonError', errors: [] });
    expect(classify(error, context('share'))).toMatchObject({ kind: 'refused', status: null, maybeApplied: false });
  });

  it('does not know what an unreadable answer did', () => {
    const error = Object.assign(new Error('response -> status: Missing required key "status"'), { name: 'ParseError' });
    const headers = new Headers({ 'x-request-id': 'r1' });
    expect(classify(error, context('invite', { status: 200, headers }))).toMatchObject({
      kind: 'transient',
      status: 200,
      code: 'unreadable_answer',
      maybeApplied: true,
      requestId: 'r1',
    });
    // "timeout" in the words of a schema error is no timeout.
    const words = Object.assign(new Error('timeout: Expected string'), { name: 'ParseError' });
    expect(classify(words, context('invite')).code).toBe('unreadable_answer');
  });

  it('hands a GatewayError through', () => {
    const error = new GatewayError({ kind: 'refused', message: 'x' });
    expect(classify(error, context('invite'))).toBe(error);
  });
});

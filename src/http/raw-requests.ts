/**
 * What reaches no handler: bytes that are no HTTP, headers that are too long or never end, no Host,
 * an expectation that nobody can meet. The IdP gets a SCIM error here too, where Node would answer
 * with an empty body. And `Expect: 100-continue`: the client is asked for its body only when
 * somebody is going to read it, which is after it has been authenticated.
 */
import { STATUS_CODES, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ScimError } from '../errors.js';
import { errorBody, SCIM_JSON } from '../scim/reply.js';

/** Answers for a server what its listener never sees. */
export function answerRawRequests(server: Server, listener: RequestListener, newRequestId: () => string): void {
  const underWay = new WeakMap<Duplex, ServerResponse>();
  const remember = (request: IncomingMessage, response: ServerResponse): void => {
    underWay.set(request.socket, response);
  };
  server.on('request', remember);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    remember(request, response);
    continueWhenRead(request, response);
    listener(request, response);
  });
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    answerRaw(response, new ScimError(417, 'The only expectation that can be met is 100-continue.'), newRequestId());
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const response = underWay.get(socket);
    const isAnswering = response?.headersSent === true && !response.writableFinished;
    // Into an answer nothing can be said, and who has gone hears nothing.
    if (isAnswering || error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    socket.end(rawAnswer(describe(error.code), newRequestId()));
  });
}

/** Node would drop what is beyond, without a word: who wrote the last header would not be heard, a proxy perhaps. */
const MAX_HEADERS = 100;

/** Turns away requests whose headers another server on the way may have understood otherwise. */
export function checkHeaders(listener: RequestListener, newRequestId: () => string): RequestListener {
  return (request, response) => {
    const refusal = refusalOf(request);
    if (refusal === null) listener(request, response);
    else answerRaw(response, refusal, newRequestId());
  };
}

/**
 * RFC 9112 3.2.2: "a server MUST accept the absolute-form in requests", in which a proxy may send them. The
 * host in it says nothing that is used, no more than the Host header does.
 */
export function takeAbsoluteForm(listener: RequestListener): RequestListener {
  return (request, response) => {
    const rest = ABSOLUTE_FORM.exec(request.url ?? '')?.[1];
    if (rest !== undefined) request.url = rest.startsWith('/') ? rest : `/${rest}`;
    listener(request, response);
  };
}

const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*(.*)$/i;

/**
 * RFC 9112 3.2: "MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
 * lacks a Host header field and to any request message that contains more than one Host header field
 * line". Node lets the first of several win.
 */
function refusalOf({ rawHeaders, headersDistinct, httpVersion }: IncomingMessage): ScimError | null {
  if (rawHeaders.length > 2 * MAX_HEADERS)
    return new ScimError(431, `There are more than ${String(MAX_HEADERS)} headers.`);
  const hosts = headersDistinct['host']?.length ?? 0;
  if (hosts > 1) return new ScimError(400, 'The Host header comes more than once.', { scimType: 'invalidSyntax' });
  if (hosts === 0 && httpVersion === '1.1')
    return new ScimError(400, 'The Host header is missing.', { scimType: 'invalidSyntax' });
  return null;
}

/** A body may follow or not, and nobody reads it: the connection ends. */
function answerRaw(response: ServerResponse, error: ScimError, requestId: string): void {
  const body = JSON.stringify(errorBody(error, requestId));
  response.writeHead(error.status, {
    'Content-Type': `${SCIM_JSON}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
    'X-Request-Id': requestId,
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  response.end(body);
}

/**
 * Nobody reads the body: the answer is final, and the connection ends, since the client may then send
 * the body or not, and what comes next cannot be told apart.
 */
function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  const keepAlive = response.shouldKeepAlive;
  response.shouldKeepAlive = false;
  request.once('resume', () => {
    if (response.headersSent) return;
    response.shouldKeepAlive = keepAlive;
    response.writeContinue();
  });
}

function describe(code: string | undefined): ScimError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ScimError(431, 'The headers are too long.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ScimError(408, 'The request did not arrive in time.');
    default:
      return new ScimError(400, 'The request is not valid HTTP.', { scimType: 'invalidSyntax' });
  }
}

function rawAnswer(error: ScimError, requestId: string): string {
  const body = JSON.stringify(errorBody(error, requestId));
  return [
    `HTTP/1.1 ${String(error.status)} ${STATUS_CODES[error.status] ?? ''}`,
    `Content-Type: ${SCIM_JSON}; charset=utf-8`,
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    `X-Request-Id: ${requestId}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

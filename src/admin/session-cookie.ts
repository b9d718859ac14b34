/**
 * The cookie of an admin session. Over TLS it is called `__Host-…`: browsers then take it only from
 * this very host, over TLS, for all paths, so that no neighbour on the domain can plant one.
 */
import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';

const NAME = 'esb_session';
const SECURE_NAME = `__Host-${NAME}`;
const ID = /^[A-Za-z0-9_-]{43}$/;

/** The session id of a request; null where there is none, or more than one. */
export function readSessionCookie(request: IncomingMessage, isHttps: boolean): string | null {
  const name = isHttps ? SECURE_NAME : NAME;
  const ids = (request.headers.cookie ?? '').split(';').flatMap((part) => {
    const [key, value] = part.trim().split('=', 2);
    return key === name && value !== undefined && ID.test(value) ? [value] : [];
  });
  const [id] = ids;
  return ids.length === 1 && id !== undefined ? id : null;
}

export function setSessionCookie(response: Response, id: string, isHttps: boolean): void {
  response.append('Set-Cookie', `${isHttps ? SECURE_NAME : NAME}=${id}; ${flags(isHttps)}`);
}

export function clearSessionCookie(response: Response, isHttps: boolean): void {
  response.append('Set-Cookie', `${isHttps ? SECURE_NAME : NAME}=; Max-Age=0; ${flags(isHttps)}`);
}

const flags = (isHttps: boolean): string => `Path=/; HttpOnly; SameSite=Strict${isHttps ? '; Secure' : ''}`;

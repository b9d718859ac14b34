/** The checks of conditional requests that are made outside the store's transaction. */
import type { ResourceType } from '../domain/schema.js';
import { preconditionFailed } from '../errors.js';
import type { GroupRecord, UserRecord } from '../store/port.js';
import type { Caller, Reply } from './context.js';
import { meets } from './etags.js';
import { etag, resourceHeaders } from './render.js';

/** 412 where a write names the version there is in `If-None-Match` (`*`: any). `If-Match` is the store's, inside the transaction. */
export function checkNoneMatch(caller: Caller, version: number): void {
  if (caller.ifNoneMatch !== null && meets(caller.ifNoneMatch, version)) {
    throw preconditionFailed(`The resource has version ${etag(version)}, which If-None-Match excludes.`);
  }
}

/** The answer to a read: 304 where the client has this version, 412 where it wants another one. */
export function conditionalReply(
  caller: Caller,
  type: ResourceType,
  record: UserRecord | GroupRecord,
  body: () => object,
): Reply {
  const { version } = record;
  if (caller.ifMatch !== null && !meets(caller.ifMatch, version)) {
    throw preconditionFailed(`The resource has version ${etag(version)}, not the one If-Match names.`);
  }
  const headers = resourceHeaders(type, record, caller.app.baseUrl());
  if (caller.ifNoneMatch !== null && meets(caller.ifNoneMatch, version)) return { status: 304, headers, body: null };
  return { status: 200, headers, body: body() };
}

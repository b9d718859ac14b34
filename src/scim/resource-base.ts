/**
 * What the two resource classes have in common: how scimmy's routers reach the services.
 *
 * The routers construct a resource with the query or the id of a request and call one of its
 * methods. Nothing that a client sent is given to `super()`: scimmy's own parsers are not used,
 * the request context says it all.
 */
import SCIMMY from 'scimmy';
import type { JsonObject } from '../domain/types.js';
import { invalidSyntax } from '../errors.js';
import type { Reply, ScimRequest } from './context.js';
import { negotiate } from './reply.js';

export abstract class ScimResource extends SCIMMY.Types.Resource {
  /** Id of the resource in question; null for the collection. */
  protected readonly target: string | null;

  constructor(id?: unknown) {
    super();
    this.target = typeof id === 'string' ? id : null;
  }

  /** scimmy keeps one base path per process and sets it at each request. Ours comes with the request. */
  static override basepath(path?: string) {
    return path === undefined ? '' : this;
  }
}

/**
 * Runs a service for a request that scimmy's routers dispatched. Status 200, 201 or 204 and the
 * sending are theirs; headers, media type and 304 are set here.
 */
export async function answer(
  context: unknown,
  run: (request: ScimRequest) => Promise<Reply>,
): Promise<object | undefined> {
  const request = context as ScimRequest;
  const reply = await run(request);
  const { response } = request;
  response.set(reply.headers).set('Content-Type', negotiate(response.req.headers.accept));
  if (reply.status === 304) response.status(304);
  return reply.body ?? (reply.status === 304 ? {} : undefined);
}

/** The body of a write, from the context: nothing parses one for the routers. */
export function bodyOf(request: ScimRequest): JsonObject {
  if (request.body === null) throw invalidSyntax('A JSON body is required.');
  return request.body;
}

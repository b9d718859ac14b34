/**
 * Requests and responses that Node builds as Express wants them. Express makes those of Node its own
 * by changing the prototype of each, which costs more than all else that it does: V8 gives such an
 * object a shape of its own, so that no code is optimised for it, and keeps it until a full collection.
 */
import { IncomingMessage, ServerResponse, type ServerOptions } from 'node:http';
import express, { type Express } from 'express';

/**
 * Gives `app` classes for its requests and responses, to be handed to the server that it listens on.
 * Their prototypes are those that Express would set, so that it finds nothing to change. Messages of
 * any other server are still changed, as ever.
 */
export function messagesOf(app: Express): Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'> {
  class AppRequest extends IncomingMessage {}
  class AppResponse<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {}
  app.request = inherit(AppRequest.prototype, express.request, app) as Express['request'];
  app.response = inherit(AppResponse.prototype, express.response, app) as Express['response'];
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse };
}

/** As the constructor of an application makes its own: from Express's, with the application in it. */
function inherit(prototype: object, from: object, app: Express): object {
  Object.setPrototypeOf(prototype, from);
  return Object.defineProperty(prototype, 'app', { value: app, enumerable: true, configurable: true, writable: true });
}

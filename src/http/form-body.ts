/** Forms: what browsers send to the admin page, and clients to the token endpoint. */
import express, { type RequestHandler } from 'express';
import type { Clock } from '../clock.js';
import { closeLingering } from './lingering-close.js';

export interface FormLimits {
  readonly maxBytes: number;
  readonly maxParameters: number;
}

/** A form that is too large. Express's own error looks the same to whoever answers it. */
export class FormTooLarge extends Error {
  override readonly name = 'FormTooLarge';
  readonly status = 413;
}

/**
 * Reads a form into `request.body`. One that says itself that it is too large is refused by that word:
 * Express would first read it to its end, which its sender may put off.
 */
export function readForms({ maxBytes, maxParameters }: FormLimits, clock: Clock): RequestHandler {
  const parse = express.urlencoded({
    extended: false,
    inflate: false,
    limit: maxBytes,
    parameterLimit: maxParameters,
  });
  return (request, response, next) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
      response.set('Connection', 'close');
      closeLingering(request, clock);
      next(new FormTooLarge('the form is too large'));
      return;
    }
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Express's Request is one
    parse(request, response, next);
  };
}

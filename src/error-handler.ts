/** Express knows an error handler by its four parameters, of which the last is hardly ever needed. */
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';

/** Makes a handler that answers every error itself. Express's own would write the stack into the answer. */
export function errorHandler(
  answer: (error: unknown, request: Request, response: Response) => void,
): ErrorRequestHandler {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- three parameters would be a handler of requests
  return (error: unknown, request: Request, response: Response, _next: NextFunction) => {
    answer(error, request, response);
  };
}

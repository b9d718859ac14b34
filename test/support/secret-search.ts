/**
 * Every answer and every log line of every bridge of the test run is searched for the secrets that it
 * was given: whoever lets one out fails the test in which that happens, whatever the test is about.
 */
import type { RequestListener, ServerResponse } from 'node:http';

export interface SecretSearch {
  /** Hands on to the handler, and looks at what it answers. */
  watch(handler: RequestListener): RequestListener;
  /** Throws where a secret has come out, into an answer or into these lines. */
  check(lines: readonly string[]): void;
}

const SECRET_VARIABLES = ['SCIM_TOKEN', 'ADMIN_TOKEN', 'ELEVENLABS_API_KEY', 'ALERT_WEBHOOK_URL'] as const;

/** Names of the secrets that stand in a text. */
export function secretsIn(text: string, env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return SECRET_VARIABLES.filter((name) => {
    const secret = env[name];
    return secret !== undefined && secret.length >= 8 && text.includes(secret);
  });
}

/** The search for one bridge; `env` is what it was configured with. */
export function searchForSecrets(env: Readonly<Record<string, string | undefined>>): SecretSearch {
  const found = new Set<string>();
  const look = (where: string, text: string): void => {
    for (const name of secretsIn(text, env)) found.add(`${name} in ${where}`);
  };
  return {
    watch: (handler) => (request, response) => {
      const where = `the answer to ${request.method ?? ''} ${request.url?.split('?')[0] ?? ''}`;
      onEnd(response, (text) => look(where, text));
      handler(request, response);
    },
    check(lines) {
      for (const line of lines) look(`the log: ${line.slice(0, 300)}`, line);
      if (found.size > 0) throw new Error(`secrets have come out:\n${[...found].slice(0, 10).join('\n')}`);
    },
  };
}

/** Tells headers and body, in one piece, when an answer is complete. */
function onEnd(response: ServerResponse, tell: (text: string) => void): void {
  const parts: string[] = [];
  const keep = (chunk: unknown): void => {
    if (typeof chunk === 'string') parts.push(chunk);
    else if (chunk instanceof Uint8Array) parts.push(Buffer.from(chunk).toString('latin1'));
  };
  const { write, end } = response;
  response.write = ((...args: Parameters<typeof write>) => {
    keep(args[0]);
    return write.apply(response, args);
  }) as typeof write;
  response.end = ((...args: Parameters<typeof end>) => {
    keep(args[0]);
    tell(`${JSON.stringify(response.getHeaders())}\n${parts.join('')}`);
    return end.apply(response, args);
  }) as typeof end;
}

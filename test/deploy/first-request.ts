/** The first SCIM request of an identity provider that repeats what is answered with 503 or 429. */
import type { ChildProcess } from 'node:child_process';
import { until } from '../support/until.js';

const USER = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  active: true,
};

/** A user whom an identity provider creates. */
export function newUser(name: string): string {
  const address = `${name}@acme.example`;
  return JSON.stringify({ ...USER, userName: address, emails: [{ value: address, primary: true }] });
}

/** Creates a user at the bridge; resolves with the body once it is accepted, and fails on any other refusal. */
export async function firstAccepted(url: string, token: string, name = 'ada'): Promise<unknown> {
  let body: unknown;
  await until(async () => {
    const answer = await fetch(`${url}/scim/v2/Users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
      body: newUser(name),
    });
    body = await answer.json();
    if (answer.status !== 503 && answer.status !== 429 && answer.status !== 201)
      throw new Error(`${answer.status}: ${JSON.stringify(body)}`);
    return answer.status === 201;
  }, 'the first request is accepted');
  return body;
}

/** Resolves with the first group as soon as the process has printed the pattern. */
export function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (chunk: string): void => {
      text += chunk;
      const found = pattern.exec(text);
      if (found !== null) resolve(found[1] ?? '');
    };
    child.stdout?.setEncoding('utf8').on('data', look);
    child.stderr?.setEncoding('utf8').on('data', look);
    child.once('close', () => reject(new Error(`ended before ${String(pattern)}:\n${text}`)));
  });
}

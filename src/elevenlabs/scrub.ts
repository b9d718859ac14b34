/** Keeps the API key out of everything that leaves the gateway, even if the server echoes it. */
import { GatewayError } from './port.js';

const REDACTED = '[redacted]';

/** Anything that looks like an ElevenLabs key, also another one than ours. */
const KEY_LIKE = /\bsk_[A-Za-z0-9]{12,}/gi;

/** Returns a function that makes a failure anew: scrubbed text, no cause, no foreign objects. */
export function createScrubber(apiKey: string): (error: GatewayError) => GatewayError {
  const secrets = formsOf(apiKey).filter((form) => form.length > 3);
  const scrub = (text: string): string =>
    secrets.reduce((clean, secret) => withoutStump(without(clean, secret), secret), text).replace(KEY_LIKE, REDACTED);
  const scrubbed = (text: string | null): string | null => (text === null ? null : scrub(text));
  return (error) =>
    new GatewayError({
      kind: error.kind,
      hint: error.hint,
      message: scrub(error.message),
      status: error.status,
      code: scrubbed(error.code),
      maybeApplied: error.maybeApplied,
      requestId: scrubbed(error.requestId),
      retryAfterMs: error.retryAfterMs,
    });
}

/** All forms in which a message could quote the key, in lower case: error codes are folded. */
function formsOf(apiKey: string): readonly string[] {
  const encoded = /^[\x21-\x7e]*$/.test(apiKey) ? encodeURIComponent(apiKey) : apiKey;
  const forms = [apiKey, encoded, JSON.stringify(apiKey).slice(1, -1)].map((form) => form.toLowerCase());
  return [...new Set(forms)];
}

function without(text: string, secret: string): string {
  const pattern = secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return text.replace(new RegExp(pattern, 'gi'), REDACTED);
}

/** A text that was cut to its length limit may end in the middle of the secret. */
function withoutStump(text: string, secret: string): string {
  if (!text.endsWith('…')) return text;
  const body = text.slice(0, -1);
  const lower = body.toLowerCase();
  for (let length = secret.length - 1; length > 3; length -= 1) {
    if (lower.endsWith(secret.slice(0, length))) return `${body.slice(0, -length)}${REDACTED}…`;
  }
  return text;
}

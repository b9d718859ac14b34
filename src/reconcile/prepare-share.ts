/**
 * What has to be known of a resource before a share of it changes: it is read first, so that "it is
 * so already", the creator, a hand-made share and the limit of principals cost no call that changes
 * something.
 */
import { MAX_PRINCIPALS } from '../domain/shares.js';
import { principalKey, type Change } from '../domain/types.js';
import { GatewayError } from '../elevenlabs/port.js';
import type { Subject } from '../store/port.js';
import type { Engine } from './engine.js';

export type ShareChange = Extract<Change, { kind: 'share' | 'unshare' }>;

export function isShareChange(change: Change): change is ShareChange {
  return change.kind === 'share' || change.kind === 'unshare';
}

export type Preparation =
  | { readonly kind: 'send' }
  /** The resource was read just now: the plan may be another. */
  | { readonly kind: 'again' }
  | { readonly kind: 'postpone'; readonly error: GatewayError }
  /** It is known that the call would be refused. */
  | { readonly kind: 'refuse'; readonly error: GatewayError };

/** The caller holds the lock of the resource. */
export async function prepareShare(
  change: ShareChange,
  { subject, cause }: { readonly subject: Subject; readonly cause: string | null },
  { resources, store }: Pick<Engine, 'resources' | 'store'>,
): Promise<Preparation> {
  const state = resources.recent(change.resource);
  if (state === null) {
    const read = await resources.read(change.resource, { cause: cause ?? 'share', except: subject });
    return read.kind === 'failed' ? { kind: 'postpone', error: read.error } : { kind: 'again' };
  }
  // A withdrawal is tried in any case: nobody keeps access because a reading was refused.
  if (change.kind === 'unshare') return { kind: 'send' };
  if (state.kind === 'missing') return { kind: 'refuse', error: missing(state.error) };
  const holders = (await store.resource(change.resource))?.holders ?? new Map<string, string>();
  const isFull = holders.size >= MAX_PRINCIPALS && !holders.has(principalKey(change.principal));
  return isFull ? { kind: 'refuse', error: full(holders.size) } : { kind: 'send' };
}

function missing(error: GatewayError): GatewayError {
  const { status, code, requestId, message } = error;
  return new GatewayError({ kind: 'refused', hint: 'unknownResource', message, status, code, requestId });
}

function full(count: number): GatewayError {
  return new GatewayError({
    kind: 'refused',
    hint: 'tooManyPrincipals',
    message: `${String(count)} people, groups and keys hold a role on it already, and ElevenLabs allows ${String(MAX_PRINCIPALS)}`,
  });
}

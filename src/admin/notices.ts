/** The sentence after an action: by name in the address, so that no text of a link is ever shown. */
import type { Query } from './context.js';
import { html, type Html } from './html.js';
import { notice } from './parts.js';
import { numberText, plural } from './words.js';

export type Done =
  | 'synced'
  | 'notSynced'
  | 'accepted'
  | 'retried'
  | 'userReleased'
  | 'released'
  | 'dropped'
  | 'linked'
  | 'unlinked'
  | 'noGroupChosen'
  | 'revoked'
  | 'notThere';

type Tone = 'good' | 'warn' | 'calm';

const SENTENCES: Readonly<Record<Done, readonly [Tone, (count: number) => string]>> = {
  synced: ['good', () => 'The workspace was read. What follows from it is under way.'],
  notSynced: ['warn', () => 'The workspace could not be read, or is not believed; see below.'],
  accepted: ['good', () => 'The smaller workspace was taken over.'],
  retried: [
    'good',
    (count) =>
      count === 0 ? 'There was nothing to try again.' : `${plural(count, 'change')} will be tried again now.`,
  ],
  userReleased: ['good', () => 'The user is not managed any more. Nothing was changed at ElevenLabs.'],
  released: [
    'good',
    (count) =>
      count === 0
        ? 'Nothing was held any more.'
        : `${plural(count, 'change')} released; they are made when their turn comes.`,
  ],
  dropped: [
    'good',
    (count) =>
      count === 0
        ? 'Nothing was held any more.'
        : `${numberText(count)} dropped. Take the cause back in the identity provider, too.`,
  ],
  linked: ['good', () => 'The group is linked. Members follow now.'],
  unlinked: ['good', () => 'The link is gone; the group is not linked again by itself.'],
  noGroupChosen: ['warn', () => 'Choose a workspace group first.'],
  revoked: ['good', () => 'The token is revoked.'],
  notThere: ['calm', () => 'There was no such token, or it was revoked already.'],
};

export function noticeOf(query: Query): Html | null {
  const name = query.text('done');
  if (!Object.hasOwn(SENTENCES, name)) return null;
  const [tone, sentence] = SENTENCES[name as Done];
  return notice(tone, html`<p>${sentence(query.number('n', 0))}</p>`);
}

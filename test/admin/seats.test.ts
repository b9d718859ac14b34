/** More people are invited than seats are free: nobody is refused for it, and everybody is told who looks. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startAdmin, type AdminBrowser } from './support.js';

const at = (name: string): string => `${name}@workspace.example`;
const TITLE = 'More people are invited than seats are free';
const LITE = { roles: [{ value: 'lite' }] };

let admin: AdminBrowser;
afterEach(() => admin.close());

/** The owner and Ada have two of three Full seats; answers ids by name. */
async function start(env: Record<string, string>, invited: Readonly<Record<string, object>>) {
  admin = await startAdmin({
    seed: minimalSeed({
      seatLimits: { full: 3, basic: 1 },
      members: [{ email: at('owner'), owner: true }, { email: at('ada') }],
    }),
    env,
  });
  await admin.signIn();
  const ids: Record<string, string> = { ada: (await admin.bridge.createUser('ada')).body.id };
  for (const [name, more] of Object.entries(invited)) {
    const { status, body } = await admin.bridge.createUser(name, more);
    expect([name, status]).toEqual([name, 201]);
    ids[name] = body.id;
  }
  await admin.bridge.idle();
  return ids;
}

const overview = async (): Promise<string> => (await admin.get('')).text;
const pageOf = async (id: string | undefined): Promise<string> => (await admin.get(`/users/${id ?? ''}`)).text;

describe('with SEAT_LIMITS', () => {
  const env = { SEAT_LIMITS: 'full=3,basic=1' };

  it('overview and user say so, before and after the last seat is taken; not any more when one is freed', async () => {
    const ids = await start(env, { bob: {}, cy: {} });
    const { bridge } = admin;
    const hint = '2 invites to a Full seat are out, 1 seat is free: who accepts last is refused, and stays invited.';
    expect(await overview()).toContain(TITLE);
    expect(await overview()).toContain(hint);
    expect(await pageOf(ids['cy'])).toContain(hint);
    bridge.control.accept(at('bob'));
    await bridge.sync();
    expect(() => bridge.control.accept(at('cy'))).toThrow('seat');
    expect(await pageOf(ids['cy'])).toContain('1 invite to a Full seat is out, 0 seats are free');
    expect(await overview()).toContain('1 invite to a Full seat is out, 0 seats are free');
    await bridge.patchUser(ids['ada']!, { op: 'replace', path: 'active', value: false });
    await bridge.idle();
    expect(await overview()).not.toContain(TITLE);
    expect(await pageOf(ids['cy'])).not.toContain('who accepts last');
    bridge.control.accept(at('cy'));
  });

  it('is said of the kind of seat that is short, and of nobody else', async () => {
    const ids = await start(env, { bob: {}, lia: LITE, lou: LITE });
    // One Basic seat, and the Full seat that is free is Bob's.
    const hint = '2 invites to a Basic seat are out, 1 seat is free';
    expect(await overview()).toContain(hint);
    expect(await pageOf(ids['lia'])).toContain(hint);
    expect(await pageOf(ids['bob'])).not.toContain('who accepts last');
  });

  it('is not said while there are seats for all', async () => {
    const ids = await start(env, { bob: {}, lia: LITE });
    expect(await overview()).not.toContain(TITLE);
    expect(await pageOf(ids['bob'])).not.toContain('who accepts last');
  });
});

describe('without SEAT_LIMITS', () => {
  it('nobody can know', async () => {
    const ids = await start({}, { bob: {}, cy: {} });
    expect(await overview()).not.toContain(TITLE);
    const page = await pageOf(ids['cy']);
    expect(page).toContain('waits until the invite is accepted');
    expect(page).toContain('a seat has to be free then');
  });
});

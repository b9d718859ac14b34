/**
 * Loaded into the server with --import: answers over the channel to its parent what cannot be seen
 * from outside. Does nothing until it is asked.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 2;
let delay = null;
let session = null;

const post = (method, params) =>
  new Promise((resolve, reject) => {
    session.post(method, params, (error, result) => (error === null ? resolve(result) : reject(error)));
  });

const ANSWERS = {
  watchDelay() {
    delay?.disable();
    delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
  },
  /** Longest time in ms for which a timer that was due had to wait. */
  delay() {
    delay.disable();
    return Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
  },
  async startProfile() {
    session = new Session();
    session.connect();
    await post('Profiler.enable');
    await post('Profiler.setSamplingInterval', { interval: 200 });
    await post('Profiler.start');
  },
  async writeProfile(file) {
    const { profile } = await post('Profiler.stop');
    session.disconnect();
    writeFileSync(file, JSON.stringify(profile));
  },
};

process.on('message', (question) => {
  if (question?.bench === undefined) return;
  Promise.resolve(ANSWERS[question.bench](question.argument)).then(
    (answer) => process.send({ bench: question.id, answer: answer ?? null }),
    (error) => process.send({ bench: question.id, error: String(error) }),
  );
});
process.channel?.unref();

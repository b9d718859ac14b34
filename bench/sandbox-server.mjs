/**
 * The workspace API as a process of its own, so that its cost is not taken for that of the bridge.
 * `node bench/sandbox-server.mjs <port> <control token> <members> <groups>`; prints one line of JSON when it serves.
 */
import { runSandbox } from '../dist/sandbox/standalone.js';
import { workspaceSeed } from './directory.mjs';

const [port, controlToken, members, groups] = process.argv.slice(2);
const { url, sandbox } = await runSandbox({
  port: Number(port),
  controlToken,
  seed: workspaceSeed(Number(members), Number(groups)),
  write: () => undefined,
});
process.stdout.write(`${JSON.stringify({ url, apiKey: sandbox.apiKey() })}\n`);

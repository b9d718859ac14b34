/** `npm run simulate`: see docs/reliability.md. */
import { prepare } from './prepare.mjs';

prepare({ build: true });
const { simulate } = await import('../dist/simulator/cli.js');
process.exitCode = await simulate(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`));

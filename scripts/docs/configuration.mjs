/** docs/configuration.md, from the table of variables. */
import { table } from './cli.mjs';

const INTRO = `# Configuration

This page is made from the code (\`npm run docs\`).

The bridge is configured by environment variables, read once at start. None is required: without any it serves a
sandbox workspace. All problems are printed at once, and the process ends with exit code 78; a variable that looks like a
misspelt one is warned about. An empty value counts as unset.

- Every variable but those that name a file can also be given as \`NAME_FILE\`, the path of a file that holds the value
  (Docker and Kubernetes secrets): \`ELEVENLABS_API_KEY_FILE=/run/secrets/key\`.
- Values of secrets are never shown, in no log, error, metric or page.
- \`elevenlabs-scim doctor\` checks what can be checked; see [the command line](cli.md#doctor).
- \`NO_COLOR\` is not the bridge's own: set, the commands print without colours.
`;

export function renderConfiguration(variables) {
  const rows = Object.entries(variables).map(([name, variable]) => [
    `\`${name}\`${variable.secret ? ' (secret)' : ''}`,
    variable.fallback === null ? variable.fallbackNote : `\`${variable.fallback}\``,
    text(variable.allowed),
    text(variable.description),
  ]);
  return [INTRO, table(['Variable', 'Default', 'Allowed', ''], rows)].join('\n\n');
}

/** An angle bracket would begin a tag. */
const text = (words) => words.replaceAll('<', '&lt;');

/** docs/cli.md, from the definitions of the commands. */

const INTRO = `# Command line

This page is made from the code (\`npm run docs\`).

\`elevenlabs-scim <command>\` is the \`bin\` of the package and the entry point of the container image. From a clone it is
\`node dist/main.js <command>\` after \`npm run build\`; in the container \`docker exec <container> elevenlabs-scim <command>\`.

Commands read the same [configuration](configuration.md) as the server, so give them its environment. They work on the
same database while the server runs, which notices within a second; they never migrate it (but for \`migrate\`).

- Results go to stdout; questions, notes, progress and errors to stderr.
- \`--json\` gives data for scripts; times are ISO 8601 in UTC. Without it there are tables for people.
- On a terminal long lines and tables are folded to its width; in a pipe an item is one line.
- Colours and progress bars appear on a terminal only; \`NO_COLOR\` switches colours off.
- What cannot be undone is asked for on a terminal; a script has to say \`--yes\`.
- Errors are one or two lines in plain words. \`LOG_LEVEL=debug\` adds the stack of a bug.
`;

const EXIT_WORDS = {
  ok: 'done; nothing to say',
  notDone:
    'not done (not found, refused, not confirmed, no answer); `doctor`: there are warnings; `conformance`: a check failed',
  attention: '`plan`: there are calls to make; `drift`, `shares check`: something differs; `doctor`: something fails',
  usage: 'the command line is wrong',
  bug: 'a bug; please report it',
  secondProcess: 'another process serves this database',
  config: 'the configuration, the database or the mapping file does not allow it',
};

/** `createProgram` needs a process only when a command runs. */
export function renderCli(createProgram, exitCodes) {
  const program = createProgram({ isTerminal: false, errorIsTerminal: false, wantsColour: false, clock: {} });
  const leaves = program.commands.flatMap((command) => leavesOf(command, []));
  return [
    INTRO,
    '## Exit codes',
    table(
      ['Code', 'Meaning'],
      Object.entries(exitCodes).map(([name, code]) => [code, wordsOf(name)]),
    ),
    'A server that is stopped by a signal ends with 0; a second signal ends it at once with 128 and the number of the signal.',
    '## Commands',
    table(
      ['Command', ''],
      leaves.map(({ names, command }) => [`[\`${names.join(' ')}\`](#${names.join('-')})`, sentence(command)]),
    ),
    ...leaves.map(renderCommand),
  ].join('\n\n');
}

function wordsOf(name) {
  if (EXIT_WORDS[name] === undefined) throw new Error(`scripts/docs/cli.mjs has no words for the exit code ${name}`);
  return EXIT_WORDS[name];
}

/** Commands that do something; a command may do something and have sub-commands. */
function leavesOf(command, parents) {
  const names = [...parents, command.name()];
  const children = command.commands
    .filter((child) => child.name() !== 'help')
    .flatMap((child) => leavesOf(child, names));
  const isLeaf = children.length === 0 || command.registeredArguments.length > 0;
  return [...(isLeaf ? [{ names, command }] : []), ...children];
}

const sentence = (command) => command.description();

function renderCommand({ names, command }) {
  const usage = command.registeredArguments.map((argument) => argumentText(argument));
  const options = command.options.filter((option) => !option.hidden);
  const line = ['elevenlabs-scim', ...names, ...usage, ...(options.length > 0 ? ['[options]'] : [])].join(' ');
  const args = command.registeredArguments.filter(({ description }) => description !== '');
  const rows = [
    ...args.map((argument) => [argumentText(argument), argument.description, '']),
    ...options.map((option) => [option.flags, option.description, defaultOf(option)]),
  ];
  return [
    `### ${names.join(' ')}`,
    `${capital(sentence(command))}.`,
    `\`\`\`\n${line}\n\`\`\``,
    rows.length === 0
      ? null
      : table(
          ['', '', 'Default'],
          rows.map(([name, ...rest]) => [`\`${name}\``, ...rest]),
        ),
  ]
    .filter((part) => part !== null)
    .join('\n\n');
}

const argumentText = (argument) => (argument.required ? `<${argument.name()}>` : `[${argument.name()}]`);

function defaultOf({ defaultValue, defaultValueDescription }) {
  if (defaultValueDescription !== undefined) return defaultValueDescription;
  if (defaultValue === undefined || (Array.isArray(defaultValue) && defaultValue.length === 0)) return '';
  return `\`${String(defaultValue)}\``;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function table(head, rows) {
  const cell = (value) => String(value).replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

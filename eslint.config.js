import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { layers } from './scripts/lint-layers.mjs';

const nodeGlobals = Object.fromEntries(
  ['process', 'console', 'fetch', 'URL', 'Buffer', 'AbortSignal', 'setTimeout', 'clearTimeout', 'performance'].map(
    (name) => [name, 'readonly'],
  ),
);

const plainSyntax = [
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
  { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
];

const clockSyntax = [
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
    message: 'Time is a parameter: take a Clock (src/clock.ts).',
  },
];

const environment = { object: 'process', property: 'env', message: 'Only src/config.ts reads the environment.' };
const exit = { object: 'process', property: 'exit', message: 'Only src/main.ts and src/cli.ts end the process.' };
const time = [
  ['Date', 'now'],
  ['performance', 'now'],
].map(([object, property]) => ({ object, property, message: 'Time is a parameter: take a Clock (src/clock.ts).' }));
const random = { object: 'Math', property: 'random', message: 'Randomness is a parameter.' };

const timers = ['setTimeout', 'setInterval'].map((name) => ({
  name,
  message: 'Timers come from a Clock (src/clock.ts).',
}));

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'data/', 'node_modules/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: { globals: nodeGlobals },
  },
  {
    // Runs in the browser.
    files: ['src/admin/assets/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['addEventListener', 'document', 'location', 'DOMParser', 'getSelection', 'navigator'].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { bridge: { rules: { layers } } },
    rules: {
      eqeqeq: 'error',
      'bridge/layers': 'error',
      'no-restricted-syntax': ['error', ...plainSyntax],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Ports answer with promises where an implementation may be synchronous inside.
      '@typescript-eslint/require-await': 'off',
      // `interface {}` and `type` both have their place: unions of shapes, callable logs.
      '@typescript-eslint/consistent-type-definitions': 'off',
      // A recursive type (JSON) needs the index signature.
      '@typescript-eslint/consistent-indexed-object-style': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...plainSyntax, ...clockSyntax],
      'no-restricted-properties': ['error', environment, exit, ...time, random],
      'no-restricted-globals': ['error', ...timers],
      'no-restricted-imports': [
        'error',
        {
          paths: [{ name: 'node:process', message: 'Use the global `process`: its use is checked by lint.' }],
          patterns: [{ regex: '^\\.{1,2}/(.*/)?(?!.*\\.js$)[^/]*$', message: 'Import with the .js suffix.' }],
        },
      ],
    },
  },
  {
    files: ['src/clock.ts'],
    rules: { 'no-restricted-properties': ['error', environment, exit, random], 'no-restricted-globals': 'off' },
  },
  { files: ['src/config.ts'], rules: { 'no-restricted-properties': ['error', exit, ...time, random] } },
  {
    files: ['src/main.ts', 'src/cli.ts'],
    rules: { 'no-restricted-properties': ['error', environment, ...time, random] },
  },
  {
    // Answers of any server, which need not be what they should be: a check, or an oracle, reads them as tests do.
    files: ['src/conformance/*.ts', 'src/simulator/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
    },
  },
  {
    // Tests look into answers of any shape and build broken ones on purpose.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // test/tsconfig.json allows both forms.
      '@typescript-eslint/dot-notation': 'off',
    },
  },
);

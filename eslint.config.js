import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules', 'cdk.out', 'dist', '.sluice', 'coverage'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A number in a sentence needs no toString().
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-invalid-void-type': 'off',
      // An in-memory port is asynchronous because its contract is.
      '@typescript-eslint/require-await': 'off',
      // Loops that end from within, and the values a strict index gives back as possibly undefined.
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  {
    // The page is run by browsers as it stands; its types are checked by `tsc -p cli/ui/page`.
    files: ['cli/ui/page/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          ...['window', 'document', 'location', 'history', 'fetch', 'setTimeout', 'clearTimeout', 'CSS'],
          ...['URL', 'URLSearchParams', 'HTMLElement', 'AbortController'],
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    // Where the environment may be read: composition roots, the CDK app, the command line, tests.
    files: ['lambdas/**/*.ts', 'feeds/**/*.ts'],
    ignores: ['lambdas/*/index.ts'],
    rules: {
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Read it in an index.ts.' }],
    },
  },
  {
    // The clock belongs to its adapter.
    files: ['lambdas/**/*.ts', 'feeds/**/*.ts'],
    ignores: ['lambdas/adapters/system-clock.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: 'Take a Clock.' },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock.' },
      ],
    },
  },
);

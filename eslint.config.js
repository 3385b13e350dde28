import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'

const pure = 'The core is deterministic: virtual time, seeded randomness and exact arithmetic only.'

export default tseslint.config(
  { ignores: ['node_modules/**', 'dist/**', 'coverage/**', 'test-results/**', 'playwright-report/**', '**/*.cjs'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ['eslint.config.js'],
          maximumDefaultProjectFileMatchCount_THIS_WILL_SLOW_DOWN_LINTING: 24,
        },
        extraFileExtensions: ['.vue'],
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ['core/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'Date',
          'setTimeout',
          'setInterval',
          'queueMicrotask',
          'performance',
          'crypto',
          'process',
          'Buffer',
          'fetch',
          'TextEncoder',
          'TextDecoder',
        ].map((name) => ({ name, message: pure })),
      ],
      'no-restricted-properties': [
        'error',
        ...[
          'random',
          'exp',
          'expm1',
          'log',
          'log2',
          'log10',
          'log1p',
          'pow',
          'sin',
          'cos',
          'tan',
          'sinh',
          'cosh',
          'tanh',
          'atan',
          'atan2',
          'asin',
          'acos',
          'cbrt',
          'hypot',
        ].map((property) => ({ object: 'Math', property, message: pure })),
      ],
      'no-restricted-syntax': ['error', { selector: 'AwaitExpression', message: 'The core is synchronous.' }],
    },
  },
  {
    files: ['cli/**/*.ts', 'scripts/**', 'electron/main/**/*.ts', 'test/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  ...vue.configs['flat/recommended'].map((config) => ({ ...config, files: ['**/*.vue'] })),
  {
    files: ['**/*.vue'],
    languageOptions: {
      parserOptions: { parser: tseslint.parser, extraFileExtensions: ['.vue'], projectService: true },
    },
    rules: {
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/multi-word-component-names': 'off',
      'vue/first-attribute-linebreak': 'off',
    },
  },
  { files: ['**/*.js', '**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
)

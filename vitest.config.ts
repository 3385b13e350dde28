import { defineConfig } from 'vitest/config'

// One project a suite, so that each can be run by name: `vitest run --project unit`.
const suite = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, setupFiles: ['test/support/watch-frames.ts'] },
})

export default defineConfig({
  test: {
    projects: [
      suite('unit', ['test/{core,cli,renderer,electron,scripts}/**/*.test.ts'], 60_000),
      suite('conformance', ['test/conformance/**/*.test.ts'], 160_000),
      suite('simulation', ['test/{simulation,labs}/**/*.test.ts'], 240_000),
    ],
  },
})

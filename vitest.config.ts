import { defineConfig } from 'vitest/config'

// One project a suite, so that each can be run by name: `vitest run --project unit`.
const suite = (name: string, include: string[], testTimeout: number) => ({ test: { name, include, testTimeout } })

export default defineConfig({
  test: {
    projects: [
      suite('unit', ['test/{core,cli,renderer,electron,labs,scripts}/**/*.test.ts'], 20_000),
      suite('conformance', ['test/conformance/**/*.test.ts'], 120_000),
      suite('simulation', ['test/simulation/**/*.test.ts'], 240_000),
    ],
  },
})

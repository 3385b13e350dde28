// The window on a stand-in engine: `npx vite --config test/support/window/vite.config.ts`.
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [vue()],
  build: { target: 'chrome114', outDir: '../../../dist/fixture-window', emptyOutDir: true, assetsInlineLimit: 0 },
  server: { host: '127.0.0.1', fs: { allow: ['../../..'] } },
})

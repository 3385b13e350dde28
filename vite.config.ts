import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import packageJson from './package.json' with { type: 'json' }

export default defineConfig({
  root: 'renderer',
  base: './', // the same files answer at app://midstream/ and at http://127.0.0.1:port/
  plugins: [vue()],
  define: { MIDSTREAM_VERSION: JSON.stringify(packageJson.version) },
  assetsInclude: ['**/*.elf'],
  worker: { format: 'es', rolldownOptions: { checks: { pluginTimings: false } } },
  build: {
    target: 'chrome114', // Electron 25, the oldest runtime supported
    outDir: '../dist/renderer',
    emptyOutDir: true,
    sourcemap: true,
    assetsInlineLimit: 0, // a worker's or an image's data: URL would be refused by the content security policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { host: '127.0.0.1', strictPort: false },
})

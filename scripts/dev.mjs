// npm run dev: the page with hot reload, in a browser. `npm start` shows it in Electron.
import { ensureNodePackages } from './node-packages.mjs'
import { inProject } from './project.mjs'
import { say } from './terminal.mjs'

await ensureNodePackages()
const { createServer } = await import('vite')
const server = await createServer({ configFile: inProject('vite.config.ts') })
await server.listen()
say('The page, reloaded as you edit (Ctrl+C stops):')
server.printUrls()

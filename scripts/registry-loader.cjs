// The default application of the registry-only runtime: `electron <folder>` runs that folder's main file, as Electron's
// own default application does, which this runtime was shipped without.
const { app, dialog } = require('electron')
const { readFileSync } = require('node:fs')
const { join, resolve } = require('node:path')

const folder = process.argv.slice(1).find((argument) => !argument.startsWith('-'))

try {
  if (!folder) throw new Error('Say which folder to run: electron <folder>')
  const path = resolve(folder)
  const description = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  app.setName(description.productName ?? description.name)
  app.setVersion(description.version)
  app.setAppPath(path)
  require(join(path, description.main))
} catch (error) {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`${text}\n`)
  dialog.showErrorBox('Midstream cannot start', text)
  app.exit(1)
}

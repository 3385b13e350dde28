// The built page's files, found the same way for the app:// scheme and for the local web server.
import { readFile, stat } from 'node:fs/promises'
import { extname, join, resolve, sep } from 'node:path'

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.md': 'text/markdown; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.yaml': 'text/plain; charset=utf-8',
  '.elf': 'application/octet-stream',
}

export function mediaType(path: string): string {
  return mediaTypes[extname(path).toLowerCase()] ?? 'application/octet-stream'
}

/**
 * The file a URL's path names below `root`, or nothing: for paths that do not decode, leave `root`, or name hidden files.
 * `/` is index.html.
 */
export function assetPath(root: string, urlPath: string): string | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(urlPath)
  } catch {
    return undefined // a broken % escape names nothing
  }
  if (!decoded.startsWith('/') || /[\0\\]/.test(decoded)) return undefined
  if (decoded.split('/').some((part) => part.startsWith('.'))) return undefined
  const path = resolve(join(root, decoded === '/' ? 'index.html' : decoded))
  return path.startsWith(resolve(root) + sep) ? path : undefined
}

export interface Asset {
  readonly octets: Uint8Array<ArrayBuffer>
  readonly mediaType: string
}

export async function readAsset(root: string, urlPath: string): Promise<Asset | undefined> {
  const path = assetPath(root, urlPath)
  if (!path) return undefined
  try {
    if (!(await stat(path)).isFile()) return undefined
    return { octets: new Uint8Array(await readFile(path)), mediaType: mediaType(path) }
  } catch {
    return undefined // not there, or not readable: the page cannot tell the difference either
  }
}

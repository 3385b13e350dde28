// app://midstream/: the built page, with its security headers.
import { protocol } from 'electron'
import { readAsset } from '../assets/asset.js'
import { securityHeaders } from '../assets/content-security-policy.js'
import { appScheme, isAppUrl } from './security.js'

/** @param root folder of the built page */
export function serveApp(root: string): void {
  protocol.handle(appScheme, (request) => answerAppRequest(root, request))
}

export async function answerAppRequest(root: string, request: Pick<Request, 'url' | 'method'>): Promise<Response> {
  const refuse = (status: number) => new Response(null, { status, headers: securityHeaders })
  if (!isAppUrl(request.url)) return refuse(403)
  if (request.method !== 'GET') return refuse(405)
  const asset = await readAsset(root, new URL(request.url).pathname)
  if (!asset) return refuse(404)
  return new Response(asset.octets, { headers: { ...securityHeaders, 'Content-Type': asset.mediaType } })
}

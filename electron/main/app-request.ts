import { readAsset } from '../assets/asset.js'
import { securityHeaders } from '../assets/content-security-policy.js'
import { isAppUrl } from './security.js'

/** The answer to a request of the page, with the security headers whatever it is. */
export async function answerAppRequest(root: string, request: Pick<Request, 'url' | 'method'>): Promise<Response> {
  const refuse = (status: number) => new Response(null, { status, headers: securityHeaders })
  if (!isAppUrl(request.url)) return refuse(403)
  if (request.method !== 'GET') return refuse(405)
  const asset = await readAsset(root, new URL(request.url).pathname)
  if (!asset) return refuse(404)
  return new Response(asset.octets, { headers: { ...securityHeaders, 'Content-Type': asset.mediaType } })
}

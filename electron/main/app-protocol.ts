// app://midstream/: the built page.
import { protocol } from 'electron'
import { answerAppRequest } from './app-request.js'
import { appScheme } from './security.js'

/** @param root folder of the built page */
export function serveApp(root: string): void {
  protocol.handle(appScheme, (request) => answerAppRequest(root, request))
}

/** A document without a browser, for charts. */
import { parseHTML } from 'linkedom'

export function svgDocument(): Document {
  return parseHTML('<!doctype html><html><body></body></html>').document
}

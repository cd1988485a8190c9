import type { FastifyInstance, FastifyRequest } from 'fastify'
import { apiError } from '../errors.js'

const MAX_DEPTH = 64
const QUOTE = 34
const BACKSLASH = 92
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** Whether a JSON text nests deeper than `limit`. Depth is counted before parsing: what parses may still be too deep to be written again. */
export function isDeeperThan (text: string, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === BACKSLASH) index++
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) {
      inString = true
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > limit) return true
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--
    }
  }
  return false
}

/** Accepts JSON bodies of bounded depth, free of members that would reach a prototype. An empty body is no body. */
export function mountBodyParser (app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  acceptJson(app, 'application/json')
}

/** Accepts JSON under a media type, in this scope and those below it. */
export function acceptJson (app: Pick<FastifyInstance, 'addContentTypeParser' | 'getDefaultJsonParser'>, mediaType: string): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser(mediaType, { parseAs: 'string' }, (request: FastifyRequest, body: string, done) => {
    if (body.length === 0) {
      done(null, undefined)
    } else if (isDeeperThan(body, MAX_DEPTH)) {
      done(apiError('VAL_001', `The body nests deeper than ${MAX_DEPTH} levels.`))
    } else {
      parse(request, body, done)
    }
  })
}

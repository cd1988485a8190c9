import type { Http2ServerRequest } from 'node:http2'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Settings } from '../config/settings.js'
import { apiError } from '../errors.js'

const QUOTE = 34
const COMMA = 44
const COLON = 58
const BACKSLASH = 92
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** What a JSON text may be made of. */
export interface JsonBounds {
  depth: number
  /** Items of one array, members of one object. */
  items: number
  /** Items and members in all. */
  values: number
}

/** Commas on each level of the text that is counted: one at a time, and not one array for each body. */
let commas = new Int32Array(128)

/**
 * What a JSON text has too much of, or `undefined`. Counted before parsing: what parses may still be too deep to be written again, and an empty
 * array costs twenty times the memory of its text. `counted` gets the members of all objects, as far as the text was read.
 */
export function excessOf (text: string, { depth: mostDepth, items: mostItems, values: mostValues }: JsonBounds, counted: { members: number } = { members: 0 }): string | undefined {
  const mostLevels = Math.min(mostDepth, text.length) + 1
  if (commas.length < mostLevels) commas = new Int32Array(mostLevels)
  let depth = 0
  let values = 1
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === QUOTE) {
      // Most of a text is strings, and the engine searches them faster than any loop.
      index = endOfString(text, index)
      if (index === -1) return undefined
    } else if (code === COMMA) {
      // What stands before the first bracket is no JSON, and the parser says so.
      if (depth > 0 && ++commas[depth]! >= mostItems) return `holds more than ${mostItems} items in one array or object`
      if (++values > mostValues) return `holds more than ${mostValues} values`
    } else if (code === COLON) {
      counted.members++
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > mostDepth) return `nests deeper than ${mostDepth} levels`
      if (++values > mostValues) return `holds more than ${mostValues} values`
      commas[depth] = 0
    } else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && depth > 0) {
      depth--
    }
  }
  return undefined
}

/** Where the quote is that ends a string, or -1. */
function endOfString (text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped (text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === BACKSLASH) first--
  return (at - first) % 2 === 1
}

/** A parser of JSON bodies of bounded depth and number, free of members that would reach a prototype. An empty body is no body. */
function jsonParser (app: Pick<FastifyInstance, 'getDefaultJsonParser'>, bounds: JsonBounds): JsonParser {
  const parse = app.getDefaultJsonParser('error', 'error')
  return (request, body, done) => {
    // In HTTP/2 a body that was cut off ends like one that is whole.
    if (request.raw.httpVersionMajor === 2 && (request.raw as unknown as Http2ServerRequest).aborted) return done(apiError('VAL_001', 'The body was cut off.'))
    if (body.length === 0) return done(null, undefined)
    const counted = { members: 0 }
    const excess = excessOf(body, bounds, counted)
    if (excess !== undefined) return done(apiError('VAL_001', `The body ${excess}.`))
    parse(request, body, (error, value) => {
      // Of two members of one name the parser keeps the last, others the first: whoever checked one of them has checked nothing.
      if (error === null && membersIn(value) !== counted.members) done(apiError('VAL_001', 'The body has an object with two members of one name.'))
      else done(error, value)
    })
  }
}

/** The members of all objects in a value. */
function membersIn (value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += membersIn(item)
  } else {
    for (const name in value) count += 1 + membersIn((value as Record<string, unknown>)[name])
  }
  return count
}

type JsonParser = (request: FastifyRequest, body: string, done: (error: Error | null, body?: unknown) => void) => void

/** Accepts JSON bodies and no others. */
export function mountBodyParser (app: FastifyInstance, settings: Pick<Settings, 'requests'>): void {
  app.removeAllContentTypeParsers()
  acceptJson(app, 'application/json', settings)
}

/** Accepts JSON under a media type, in this scope and those below it. */
export function acceptJson (app: Pick<FastifyInstance, 'addContentTypeParser' | 'getDefaultJsonParser'>, mediaType: string, { requests }: Pick<Settings, 'requests'>): void {
  app.addContentTypeParser(mediaType, { parseAs: 'string' }, jsonParser(app, { depth: requests.json_depth, items: requests.json_items, values: requests.json_values }))
}

import fc from 'fast-check'
import { fitting, hostileText, membersOf, mutate, mutation, type Known, type Schema } from './arbitrary.js'

interface Parameter { in: 'path' | 'query' | 'header', name: string, schema: Schema, required?: boolean }

export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With `{name}` for each parameter, as the document has it. */
  path: string
  parameters: Parameter[]
  bodies: Record<string, Schema>
}

export interface FuzzRequest {
  operation: Operation
  url: string
  headers: Record<string, string>
  body: string | undefined
}

interface Document { paths: Record<string, Record<string, { parameters?: Parameter[], requestBody?: { content: Record<string, { schema: Schema }> } }>> }

export function operationsOf (document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, operations]) => Object.entries(operations).map(([method, { parameters = [], requestBody }]) => ({
    method: method.toUpperCase() as Operation['method'],
    path,
    parameters,
    bodies: Object.fromEntries(Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema]))
  })))
}

/** Headers that no schema names and that the server looks at all the same. */
const HEADERS = ['traceparent', 'x-request-id', 'if-none-match', 'last-event-id', 'accept', 'origin', 'idempotency-key', 'x-forwarded-for', 'x-http-method-override', 'range', 'expect'] as const
const WRONG_TYPES = ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/json; charset=utf-7', 'application/JSON;;', '', 'application/x-www-form-urlencoded']
const WRONG_BODIES = ['{', 'nul', '"text"', '[]', '{}', '{"a":1}{', '\ufeff{}', '{"__proto__":{"admin":true}}', '{"a":{"constructor":{"prototype":{}}}}', '[', '\0', `${'['.repeat(500)}${']'.repeat(500)}`, '{"topic":"a","topic":"b"}']

/** Waits that end at once, and streams that are refused: whoever asks over `inject` waits for the end. */
const QUICK: Record<string, Record<string, fc.Arbitrary<string>>> = {
  timeout: { '/api/events/wait': fc.constantFrom('0', '0', '0', '5', '-1', '1.5', 'x', '120001'), '/api/events/wait/{event_type}': fc.constantFrom('0', '0', '0', '', 'x') },
  since: { '/api/events/stream': fc.oneof(hostileText.filter((text) => text !== ''), fc.constant('nonsense')) },
  // A group that is there already asks nobody where to begin.
  group: { '/api/events/stream': fc.constantFrom('', 'a b', '../x') }
}

/** Requests of an operation: mostly as its schemas say, with a few places changed; a few with something else entirely. */
export function requestsOf (operation: Operation, known: Known): fc.Arbitrary<FuzzRequest> {
  const inPath = operation.parameters.filter((parameter) => parameter.in === 'path')
  const inQuery = operation.parameters.filter((parameter) => parameter.in === 'query')
  return fc.record({
    path: fc.record(Object.fromEntries(inPath.map(({ name, schema }) => [name, pathText(schema, known, name)]))),
    query: membersOf(
      Object.fromEntries(inQuery.map(({ name, schema }) => [name, queryText(operation, name, schema, known)])),
      inQuery.filter(({ name, required }) => required === true || QUICK[name]?.[operation.path] !== undefined).map(({ name }) => name)
    ),
    moreQuery: rarely(fc.constantFrom('unknown=1', '__proto__=1', 'limit=1&limit=2', 'a[b]=c', '%', '%zz=1', '&&&', 'topic=%00')),
    headers: fc.dictionary(fc.constantFrom(...HEADERS), fc.oneof(hostileText.map(headerText), fc.constantFrom('*/*', 'same-again')), { maxKeys: 2 }),
    body: bodyOf(operation, known)
  }).map(({ path, query, moreQuery, headers, body: { type, text } }) => {
    const search = [...Object.entries(query).map(([name, value]) => `${name}=${encoded(value)}`), ...moreQuery].join('&')
    return {
      operation,
      url: operation.path.replace(/\{(\w+)\}/g, (_, name: string) => path[name]!) + (search === '' ? '' : `?${search}`),
      headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) },
      body: text
    }
  })
}

function rarely<Value> (arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant<Value[]>([]) }, arbitrary.map((value) => [value]))
}

/** Halves of surrogate pairs cannot be encoded; a client would send the sign for what is none. */
function encoded (text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
}

/** One segment, however it is written: a `/` in it is encoded, so that it names the same route. */
function pathText (schema: Schema, known: Known, name: string): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fitting(schema, known, name).map((value) => encoded(String(value)) || 'x') },
    { weight: 2, arbitrary: hostileText.map((text) => encoded(text) || '%20') },
    { weight: 1, arbitrary: fc.constantFrom('..%2f..%2fetc', '%2e%2e', '%252e%252e%252f', '%00', '%', '%zz', '%ff%fe', '%c0%ae%c0%ae', 'a%0d%0ab', ';x=1', '*', 'x'.repeat(2300)) }
  )
}

function queryText (operation: Operation, name: string, schema: Schema, known: Known): fc.Arbitrary<string> {
  const quick = QUICK[name]?.[operation.path]
  if (quick !== undefined) return quick
  return fc.oneof({ weight: 4, arbitrary: fitting(schema, known, name).map(String) }, { weight: 1, arbitrary: hostileText })
}

/** Only what a client can put into a header at all. */
function headerText (text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000)
}

function bodyOf ({ bodies, method }: Operation, known: Known): fc.Arbitrary<{ type?: string, text: string | undefined }> {
  const wrong = fc.record({ type: fc.oneof(fc.constant('application/json'), fc.constantFrom(...WRONG_TYPES)), text: fc.constantFrom(...WRONG_BODIES) })
  const types = Object.entries(bodies)
  if (types.length === 0) return method === 'GET' ? fc.constant({ text: undefined }) : fc.oneof({ weight: 6, arbitrary: fc.constant({ text: undefined }) }, wrong)
  const right = fc.oneof(...types.map(([type, schema]) => fc.record({
    type: fc.constant(type),
    text: fc.tuple(fitting(schema, known), fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(mutation, { minLength: 1, maxLength: 2 })))
      .map(([value, mutations]) => JSON.stringify(mutations.reduce(mutate, value)) as string | undefined)
  })))
  return fc.oneof({ weight: 9, arbitrary: right }, wrong)
}

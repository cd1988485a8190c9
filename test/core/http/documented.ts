import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import { API_ERRORS } from '../../../core/errors.js'
import { startSidecar, type Answer, type TestSidecar, type TestSidecarOptions } from '../../support/sidecar.js'

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}

export interface OpenApiDocument {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

export const RFC3339_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin'
}

/** A sidecar whose every answer is held to its OpenAPI document and to the conventions; without rate limits unless they are asked for. */
export async function startDocumented (t: Parameters<typeof startSidecar>[0], options: TestSidecarOptions = {}): Promise<TestSidecar> {
  const settings = { 'rate-limit-enabled': 'false', ...options.settings }
  const started = await startSidecar(t, { ...options, settings })
  const kind = JSON.stringify([Object.entries(settings).filter(([name]) => !name.startsWith('spawn-')), options.plugins])
  const validate = ofKind.get(kind) ?? validatorOf(await started.ask('GET', '/openapi.json', { token: '' }))
  ofKind.set(kind, validate)
  return {
    ...started,
    async ask (method, url, given) {
      const answer = await started.ask(method, url, given)
      checkConventions(answer, url.startsWith('/health'))
      if (method !== 'HEAD') validate(method!, url, answer)
      return answer
    }
  }
}

/** What every answer carries, an error above all. Throws what does not hold. A health report has its own form, also when it is bad. */
export function checkConventions ({ status, headers, body }: Answer, isHealth = false): void {
  const fault = (what: string): never => { throw new Error(`${what} in ${status} ${JSON.stringify(body)} ${JSON.stringify(headers)}`) }
  if (typeof headers['x-request-id'] !== 'string') fault('x-request-id is missing')
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    if (headers[name] !== value) fault(`${name} is not '${value}'`)
  }
  if (headers['content-security-policy'] === undefined) fault('content-security-policy is missing')
  if (status < 400 || (isHealth && body.code === undefined)) return
  if (!String(headers['content-type']).startsWith('application/json')) fault('the error is no JSON')
  const allowed = ['error', 'message', 'code', 'details', 'timestamp', 'request_id', ...(body.code === 'RATE_001' ? ['retry_after_seconds', 'limit'] : [])]
  for (const name of Object.keys(body)) if (!allowed.includes(name)) fault(`'${name}' is no member of an error`)
  const known = API_ERRORS[body.code as keyof typeof API_ERRORS]
  if (known === undefined) fault('the code is not known')
  if (status !== known.status && !(body.code === 'VAL_001' && [408, 413, 415, 421, 431].includes(status))) fault(`${body.code} does not go with the status`)
  if (!/^[a-z]+(_[a-z]+)*$/.test(body.error)) fault('error is not in snake_case')
  if (!/[.?]$/.test(body.message) || /\n| at .*:\d+:\d+/.test(body.message)) fault('the message is no sentence')
  if (!RFC3339_UTC.test(body.timestamp)) fault('the timestamp is not RFC 3339 in UTC')
  if (body.request_id !== headers['x-request-id']) fault('request_id is not the header\'s')
  if (body.code === 'VAL_001' || body.code === 'EVT_002') {
    const issues = body.details?.issues as { path: unknown, message: unknown }[] | undefined
    if (issues === undefined || issues.length === 0 || !issues.every(({ path, message }) => typeof path === 'string' && typeof message === 'string')) fault('details.issues is missing')
  }
}

type Validator = (method: string, url: string, answer: Answer) => void

const validators = new Map<string, Validator>()
/** By the plugins of a sidecar and its settings, but those of agents: its routes depend on no others. Making the document takes half as long as starting one. */
const ofKind = new Map<string, Validator>()

/** Sidecars of the same plugins have the same document; compiling it takes longer than starting one of them. */
export function validatorOf ({ text, body }: Answer<OpenApiDocument>): Validator {
  const validator = validators.get(text) ?? createValidator(body)
  validators.set(text, validator)
  return validator
}

/** Holds answers to the document: the status is listed for the route, and the body fits its schema and has no member beside it. */
function createValidator (document: OpenApiDocument): Validator {
  const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false })
  ;(formats as unknown as (ajv: Ajv) => void)(ajv)
  ajv.addSchema({ $id: 'document', ...(closed(document) as object) })
  const compiled = new Map<string, ValidateFunction>()
  const routes = Object.keys(document.paths)
    .sort((a, b) => a.split('{').length - b.split('{').length)
    .map((path) => ({ path, pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`) }))
  return (method, url, answer) => {
    const path = routes.find(({ pattern }) => pattern.test(new URL(url, 'http://localhost').pathname))?.path
    const operation = path === undefined ? undefined : document.paths[path]![method.toLowerCase()]
    if (operation === undefined) {
      if (answer.status !== 404 && answer.status !== 400) throw new Error(`${method} ${url} answered ${answer.status} and is not in the document`)
      return
    }
    const response = operation.responses[answer.status]
    if (response === undefined) throw new Error(`${method} ${path} answered ${answer.status}, which the document does not list: ${answer.text}`)
    if (response.content === undefined) {
      if (answer.text !== '') throw new Error(`${method} ${path} answered ${answer.status} with a body, and the document knows none`)
      return
    }
    const type = String(answer.headers['content-type']).split(';')[0]!
    const content = response.content[type]
    if (content === undefined) throw new Error(`${method} ${path} answered ${answer.status} as ${type}, and the document knows ${Object.keys(response.content).join(', ')}`)
    const reference = `document#/paths/${pointer(path!)}/${method.toLowerCase()}/responses/${answer.status}/content/${pointer(type)}/schema`
    const check = compiled.get(reference) ?? ajv.compile({ $ref: reference })
    compiled.set(reference, check)
    if (!check(answer.body)) throw new Error(`${method} ${path} ${answer.status} does not fit the document: ${ajv.errorsText(check.errors)} in ${answer.text.slice(0, 2000)}`)
  }
}

/** Objects of the document may have no members but those it names, unless it says so. */
function closed (node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed)
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, closed(value)]))
  const isOpen = ['additionalProperties', 'patternProperties'].some((name) => name in copy)
  return copy.type === 'object' && copy.properties !== undefined && !isOpen ? { ...copy, additionalProperties: false } : copy
}

function pointer (part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'

export interface Issue {
  /** Dotted path of the member, empty for the value itself. */
  path: string
  message: string
}

// The default export of ajv-formats is its CommonJS module under this resolution.
const addFormats = formats as unknown as (ajv: Ajv) => void

function createAjv (coerce: boolean): Ajv {
  // Schemas are written with TypeBox and are not checked against the meta schema at each start; one that is wrong fails to compile.
  // V8 optimises the validators that are called often; doing it for all of them takes longer than most of them run.
  const ajv = new Ajv({ useDefaults: true, removeAdditional: false, coerceTypes: coerce, strict: false, meta: false, validateSchema: false, code: { optimize: false } })
  addFormats(ajv)
  return ajv
}

interface Compiler {
  ajv: Ajv
  /** By the text of the schema: many plugins and routes say the same. */
  compiled: Map<string, ValidateFunction>
}

let exact: Compiler | undefined
let coercing: Compiler | undefined

function compileWith ({ ajv, compiled }: Compiler, schema: object): ValidateFunction {
  const text = JSON.stringify(schema)
  const validate = compiled.get(text) ?? ajv.compile(schema)
  compiled.set(text, validate)
  return validate
}

/** Compiles a schema for values that came as JSON: types must be right, defaults are filled in. */
export function compile (schema: object): ValidateFunction {
  exact ??= { ajv: createAjv(false), compiled: new Map() }
  return compileWith(exact, schema)
}

/** Compiles a schema for values that came as text (query, path, environment): `"5"` may stand for 5. */
export function compileCoercing (schema: object): ValidateFunction {
  coercing ??= { ajv: createAjv(true), compiled: new Map() }
  return compileWith(coercing, schema)
}

/** Says in words what a validation found, naming the offending member. */
export function issuesOf (errors: readonly ErrorObject[] | null | undefined): Issue[] {
  return (errors ?? []).filter((error) => error.keyword !== 'if').map((error) => {
    const base = error.instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')
    const params = error.params as Record<string, unknown>
    const member = (name: unknown): string => (base === '' ? String(name) : `${base}.${String(name)}`)
    switch (error.keyword) {
      case 'additionalProperties':
        return { path: member(params.additionalProperty), message: `'${String(params.additionalProperty)}' is not a known member` }
      case 'required':
        return { path: member(params.missingProperty), message: `'${String(params.missingProperty)}' is required` }
      case 'enum':
        return { path: base, message: `must be one of ${(params.allowedValues as unknown[]).map((value) => `'${String(value)}'`).join(', ')}` }
      case 'const':
        return { path: base, message: `must be '${String(params.allowedValue)}'` }
      default:
        return { path: base, message: error.message ?? 'is not valid' }
    }
  })
}

export function describeIssue (issue: Issue): string {
  return issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`
}

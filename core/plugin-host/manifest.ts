import { startError } from '../errors.js'
import { compile, describeIssue, issuesOf } from '../validation.js'
import { MANIFEST, type PluginKind, type PluginManifest, type SlotKind } from './define-plugin.js'
import type { ResolvedPlugin } from './resolve.js'

export const SLOT_KINDS: readonly SlotKind[] = ['auth', 'event-bus', 'context-cache', 'result-store']

/** What an instance of each kind must have for the core to call it. */
const METHODS: Record<PluginKind, readonly string[]> = {
  auth: ['issue', 'verify', 'refresh', 'revoke', 'publicKeys'],
  'event-bus': ['append', 'read', 'locate', 'subscribe', 'loadPosition', 'savePosition', 'addDeadLetter', 'listDeadLetters', 'removeDeadLetter', 'stats'],
  'context-strategy': ['gather'],
  'context-cache': ['get', 'set', 'delete', 'stats'],
  'result-store': ['put', 'get', 'list', 'putIssue', 'getIssue', 'usage', 'prune'],
  spawner: ['start'],
  http: ['register']
}

/** Kinds whose instances state what they can do. */
const STATING: readonly PluginKind[] = ['auth', 'event-bus', 'result-store', 'spawner']

const MEMBERS = ['kind', 'name', 'description', 'options', 'requires', 'create']
const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/

export function isKind (kind: unknown): kind is PluginKind {
  return typeof kind === 'string' && Object.hasOwn(METHODS, kind)
}

/** Checks what a plugin says about itself, in the order in which a person would fix it. */
export function checkManifest ({ plugin, location }: ResolvedPlugin): PluginManifest {
  const manifest = plugin[MANIFEST]
  const fault = (what: string): never => {
    throw startError('SIDECAR_ERR_PLUGIN_MANIFEST', `Plugin '${location}' has a wrong manifest: ${what}.`)
  }
  const kinds = Object.keys(METHODS).map((kind) => `'${kind}'`).join(', ')
  if (!isKind(manifest.kind)) fault(`kind '${String(manifest.kind)}' is none of ${kinds}`)
  if (typeof manifest.name !== 'string' || !NAME.test(manifest.name)) fault(`name '${String(manifest.name)}' must be lower case words joined by '-'`)
  if (typeof manifest.create !== 'function') fault('create must be a function')
  for (const member of Object.keys(manifest)) {
    if (!MEMBERS.includes(member)) fault(`'${member}' is not a known member; known are ${MEMBERS.map((name) => `'${name}'`).join(', ')}`)
  }
  if (manifest.description !== undefined && typeof manifest.description !== 'string') fault('description must be text')
  if (manifest.requires !== undefined && !Array.isArray(manifest.requires)) fault('requires must be a list of kinds')
  for (const kind of manifest.requires ?? []) {
    if (!isKind(kind)) fault(`requires '${String(kind)}', which is none of ${kinds}`)
  }
  return manifest
}

/** The options with defaults filled in. */
export function checkOptions (manifest: PluginManifest, options: Record<string, unknown>, owner: string): Record<string, unknown> {
  const value = structuredClone(options)
  const schema = manifest.options ?? { type: 'object', additionalProperties: false }
  let validate
  try {
    validate = compile(schema)
  } catch (error) {
    throw startError('SIDECAR_ERR_PLUGIN_MANIFEST', `Plugin '${manifest.name}' (${owner}) has an options schema that does not compile: ${(error as Error).message}.`)
  }
  if (!validate(value)) {
    const issues = issuesOf(validate.errors).map((issue) => describeIssue({ ...issue, path: issue.path === '' ? 'options' : `options.${issue.path}` }))
    throw startError('SIDECAR_ERR_PLUGIN_OPTIONS', `Plugin '${manifest.name}' (${owner}) was given wrong options: ${issues.join('; ')}.`)
  }
  return value
}

export function checkInstance (manifest: PluginManifest, instance: unknown, owner: string): object {
  const fault = (what: string): never => {
    throw startError('SIDECAR_ERR_PLUGIN_INSTANCE', `Plugin '${manifest.name}' (${owner}) is no ${manifest.kind}: ${what}.`)
  }
  if (typeof instance !== 'object' || instance === null) return fault('create() must return an object')
  const missing = METHODS[manifest.kind].filter((method) => typeof (instance as Record<string, unknown>)[method] !== 'function')
  if (missing.length > 0) fault(`it lacks ${missing.map((method) => `${method}()`).join(', ')}`)
  if (STATING.includes(manifest.kind) && typeof (instance as { supports?: unknown }).supports !== 'object') fault("'supports' must state its capabilities")
  if (manifest.kind === 'context-strategy') {
    const { satisfies } = instance as { satisfies?: unknown }
    if (!Array.isArray(satisfies) || satisfies.length === 0 || !satisfies.every((need) => typeof need === 'string')) {
      fault("'satisfies' must list at least one requirement name")
    }
  }
  return instance
}

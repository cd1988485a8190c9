import { readFile, stat } from 'node:fs/promises'
import { createRequire, isBuiltin } from 'node:module'
import { isAbsolute, join, resolve as resolvePath } from 'node:path'
import { pathToFileURL } from 'node:url'
import { codeOf, messageOf, nearest, startError } from '../errors.js'
import { MANIFEST, type PluginKind, type SidecarPlugin } from './define-plugin.js'

/** A plugin that ships with the package; loaded only when it is used. */
export interface Builtin {
  kind: PluginKind
  name: string
  /** Used unless the configuration names another of a one-of kind, or disables it. */
  default: boolean
  load (): Promise<{ default: SidecarPlugin }>
}

/** A plugin as the configuration names it. */
export interface PluginEntry {
  use: string
  kind?: PluginKind
  options?: Record<string, unknown>
  enabled?: boolean
}

export interface PluginRequest extends PluginEntry {
  /** Folder that relative paths and packages are looked up from. */
  base: string
  /** Where it is named: a file or a flag, for messages. */
  origin: string
}

export type PluginSource = 'built-in' | 'path' | 'package'

export interface ResolvedPlugin {
  plugin: SidecarPlugin
  source: PluginSource
  /** How a person finds it: the name, path or package that was asked for. */
  location: string
}

/** The built-in that a request means, by `name` or `kind/name`; `undefined` when it means none. */
export function findBuiltin (request: Pick<PluginRequest, 'use' | 'kind' | 'origin'>, builtins: readonly Builtin[]): Builtin | undefined {
  const slash = request.use.indexOf('/')
  const [kind, name] = slash < 0 ? [request.kind, request.use] : [request.use.slice(0, slash), request.use.slice(slash + 1)]
  const found = builtins.filter((builtin) => builtin.name === name && (kind === undefined || builtin.kind === kind))
  if (found.length > 1) {
    const choices = found.map((builtin) => `'${builtin.kind}/${builtin.name}'`).join(', ')
    throw startError('SIDECAR_ERR_PLUGIN_NOT_FOUND', `Plugin '${request.use}' in ${request.origin} names more than one built-in; write one of ${choices}.`)
  }
  return found[0]
}

/** Turns a path or a package into a plugin. */
export async function resolveExternal (request: PluginRequest, builtins: readonly Builtin[]): Promise<ResolvedPlugin> {
  const isPath = request.use.startsWith('.') || isAbsolute(request.use)
  const file = isPath ? await resolveFile(request) : await resolvePackage(request, builtins)
  let module: { default?: unknown }
  try {
    module = await import(pathToFileURL(file).href) as { default?: unknown }
  } catch (error) {
    throw startError('SIDECAR_ERR_PLUGIN_LOAD', `Plugin '${request.use}' in ${request.origin} failed to load: ${messageOf(error)}. Fix the plugin, or take it out of the configuration.`, { cause: error })
  }
  const plugin = pluginOf(module)
  if (plugin === undefined) {
    throw startError('SIDECAR_ERR_PLUGIN_MANIFEST', `Plugin '${request.use}' in ${request.origin} does not export a plugin: its default export must come from definePlugin().`)
  }
  return { plugin, source: isPath ? 'path' : 'package', location: request.use }
}

function pluginOf (module: { default?: unknown }): SidecarPlugin | undefined {
  // A CommonJS module arrives as `default.default` when it was compiled from an ES module.
  for (const candidate of [module.default, (module.default as { default?: unknown } | undefined)?.default]) {
    if (typeof candidate === 'function' && MANIFEST in candidate) return candidate as SidecarPlugin
  }
  return undefined
}

async function resolveFile (request: PluginRequest): Promise<string> {
  const file = resolvePath(request.base, request.use)
  const facts = await stat(file).catch((error: unknown) => {
    throw startError('SIDECAR_ERR_PLUGIN_NOT_FOUND', `Plugin '${request.use}' in ${request.origin} was not found: there is no file ${file}. Paths are relative to the folder of the configuration.`, { cause: error })
  })
  if (!facts.isFile()) {
    throw startError('SIDECAR_ERR_PLUGIN_NOT_FOUND', `Plugin '${request.use}' in ${request.origin} is not a file; name the module itself, for example '${request.use}/index.js'.`)
  }
  return file
}

async function resolvePackage (request: PluginRequest, builtins: readonly Builtin[]): Promise<string> {
  // Node's own modules resolve to themselves; none of them is a plugin.
  if (isBuiltin(request.use)) throw notFound(request, builtins)
  const require = createRequire(join(request.base, 'noop.js'))
  try {
    return require.resolve(request.use)
  } catch (error) {
    if (codeOf(error) === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
      const file = await resolveModuleExport(require, request.use)
      if (file !== undefined) return file
    }
    throw notFound(request, builtins, error)
  }
}

/** Refuses `kind/name` of no built-in, so that a mistyped entry that is to switch one off does not leave it on. */
export function refuseUnknownBuiltin (request: PluginRequest, builtins: readonly Builtin[]): void {
  const kind = request.use.split('/', 1)[0]
  if (builtins.some((builtin) => builtin.kind === kind)) throw notFound(request, builtins)
}

function notFound (request: PluginRequest, builtins: readonly Builtin[], cause?: unknown): Error {
  const guess = nearest(request.use, builtins.flatMap(({ kind, name }) => [name, `${kind}/${name}`]))
  const hint = guess === undefined ? '' : ` Did you mean '${guess}'?`
  const known = builtins.filter((builtin) => builtin.kind !== 'context-strategy').map((builtin) => `'${builtin.kind}/${builtin.name}'`)
  return startError('SIDECAR_ERR_PLUGIN_NOT_FOUND', `Plugin '${request.use}' in ${request.origin} was not found: it is no built-in, no path (those start with './') and no package installed in ${request.base}.${hint} Built-ins beside the context strategies: ${known.join(', ')}.`, { cause })
}

/** Entry of a package that exports only ES modules, which `require.resolve` does not see. */
async function resolveModuleExport (require: NodeJS.Require, specifier: string): Promise<string | undefined> {
  const parts = specifier.split('/')
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  const subpath = `.${specifier.slice(name.length)}`
  for (const folder of require.resolve.paths(name) ?? []) {
    const text = await readFile(join(folder, name, 'package.json'), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const exported = (JSON.parse(text) as { exports?: unknown }).exports
    const listed = (exported as Record<string, unknown> | undefined)?.[subpath]
    const entry = targetOf(listed ?? (subpath === '.' ? exported : undefined))
    return entry === undefined ? undefined : join(folder, name, entry)
  }
  return undefined
}

function targetOf (target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (typeof target !== 'object' || target === null) return undefined
  const conditions = target as Record<string, unknown>
  return targetOf(conditions.node ?? conditions.import ?? conditions.default)
}

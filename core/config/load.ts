import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import Type from '../typebox.js'
import { codeOf, messageOf, nearest, startError } from '../errors.js'
import { readPlainFile } from '../plain-file.js'
import type { PluginRequest } from '../plugin-host/resolve.js'
import { isKind } from '../plugin-host/manifest.js'
import { IDENTIFIER } from '../profiles/schema.js'
import { compile, compileCoercing, describeIssue, issuesOf } from '../validation.js'
import { HARMLESS_SETTINGS, SETTING_NAMES, settingsSchema, type SettingName, type Settings } from './settings.js'
import { isTrusted } from './trust.js'

export interface ConfigInput {
  /** Values of flags by flag name, as text. */
  flags: Record<string, string | undefined>
  env: Record<string, string | undefined>
  /** Folder of the project, whose `.cco/config.json` counts. */
  project: string
  /** Further configuration file, read after the project's; trusted because somebody named it. */
  file?: string
  home?: string
}

/** Rules that start agents, as they are written; who follows them says what is wrong with them. */
export interface TriggerSource {
  /** File and member. */
  origin: string
  value: unknown
}

export interface ProjectEntry {
  project_id: string
  root: string
  triggers?: TriggerSource
}

export interface LoadedConfig {
  settings: Settings
  plugins: PluginRequest[]
  projects: ProjectEntry[]
  /** Rules for the project that is started, beside those of its own `triggers.json`. */
  triggers: TriggerSource[]
  /** Files that were read, in order of precedence. */
  files: string[]
  /** What was left out because the project is not trusted. */
  ignored: string[]
  trusted: boolean
}

type Tree = Record<string, unknown>

interface ConfigFile { sidecar?: Tree, plugins?: unknown[], projects?: (Omit<ProjectEntry, 'triggers'> & { triggers?: unknown })[], triggers?: unknown }

const fileSchema = Type.Object({
  sidecar: Type.Optional(Type.Object({})),
  plugins: Type.Optional(Type.Array(Type.Union([
    Type.String({ minLength: 1 }),
    Type.Object({
      use: Type.String({ minLength: 1 }),
      kind: Type.Optional(Type.String()),
      options: Type.Optional(Type.Object({})),
      enabled: Type.Optional(Type.Boolean())
    }, { additionalProperties: false })
  ]))),
  projects: Type.Optional(Type.Array(Type.Object({
    project_id: Type.String({ pattern: IDENTIFIER }),
    root: Type.String({ minLength: 1 }),
    triggers: Type.Optional(Type.Object({}))
  }, { additionalProperties: false }))),
  triggers: Type.Optional(Type.Object({}))
}, { additionalProperties: false })

const FILE_MEMBERS = [...Object.keys(fileSchema.properties), 'use', 'kind', 'options', 'enabled', 'project_id', 'root']

/** Merges defaults, the user's file, the project's, the named one, the environment and the flags; later ones win. */
export async function loadConfig (input: ConfigInput): Promise<LoadedConfig> {
  const home = input.home ?? homedir()
  const projectFile = join(input.project, '.cco', 'config.json')
  const userFile = join(home, '.cco', 'config.json')
  const trusted = await isTrusted(input.project, home)
  const merged: LoadedConfig = { settings: {} as Settings, plugins: [], projects: [], triggers: [], files: [], ignored: [], trusted }
  const tree: Tree = {}
  const sources = [{ file: userFile, trusted: true, needed: false }]
  if (projectFile !== userFile) sources.push({ file: projectFile, trusted, needed: false })
  if (input.file !== undefined) sources.push({ file: resolve(input.file), trusted: true, needed: true })
  for (const source of sources) {
    const content = readConfigFile(source.file, source.needed)
    if (content === undefined) continue
    merged.files.push(source.file)
    const allowed = source.trusted ? content : restrain(content, merged.ignored)
    overlay(tree, allowed.sidecar ?? {})
    merged.plugins.push(...pluginRequests(allowed, source.file))
    for (const [index, { project_id: id, root, triggers }] of (allowed.projects ?? []).entries()) {
      const origin = `${source.file} (projects.${index}.triggers)`
      merged.projects.push({ project_id: id, root: resolve(dirname(source.file), root), ...(triggers === undefined ? {} : { triggers: { origin, value: triggers } }) })
    }
    if (allowed.triggers !== undefined) merged.triggers.push({ origin: `${source.file} (triggers)`, value: allowed.triggers })
  }
  for (const name of SETTING_NAMES) {
    const text = input.flags[name.flag] ?? input.env[name.variable]
    if (text === undefined) continue
    place(tree, name.path, parseText(name, text, input.flags[name.flag] === undefined ? name.variable : `--${name.flag}`))
  }
  refuseUnknownVariables(input.env)
  merged.settings = checkSettings(tree, 'the settings') as Settings
  merged.settings.storage = expandHome(merged.settings.storage, home)
  if (merged.settings.socket !== undefined) merged.settings.socket = expandHome(merged.settings.socket, home)
  for (const name of ['cert', 'key', 'ca'] as const) {
    const file = merged.settings.tls[name]
    if (file !== undefined) merged.settings.tls[name] = expandHome(file, home)
  }
  return merged
}

function readConfigFile (file: string, needed: boolean): ConfigFile | undefined {
  let text: string
  try {
    text = readPlainFile(file)
  } catch (error) {
    if (!needed && (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR')) return undefined
    throw startError('SIDECAR_ERR_CONFIG_UNREADABLE', `The configuration ${file} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw startError('SIDECAR_ERR_CONFIG_INVALID', `The configuration ${file} is no valid JSON: ${messageOf(error)}.`, { cause: error })
  }
  const validate = compile(fileSchema)
  if (!validate(value)) throw invalid(`in ${file}`, issuesOf(validate.errors), FILE_MEMBERS)
  const content = value as ConfigFile
  checkSettings(structuredClone(content.sidecar ?? {}), file, 'sidecar.')
  return content
}

function checkSettings (tree: Tree, origin: string, prefix = ''): Tree {
  const validate = compile(settingsSchema)
  if (!validate(tree)) {
    const issues = issuesOf(validate.errors).map((issue) => ({ ...issue, path: `${prefix}${issue.path}` }))
    throw invalid(`in ${origin}`, issues, SETTING_NAMES.flatMap((name) => name.path))
  }
  return tree
}

function invalid (where: string, issues: ReturnType<typeof issuesOf>, known: readonly string[]): Error {
  const said = issues.map((issue) => {
    const guess = issue.message.endsWith('is not a known member') ? nearest(issue.path.split('.').pop()!, known) : undefined
    return describeIssue(issue) + (guess === undefined ? '' : `; did you mean '${guess}'?`)
  })
  return startError('SIDECAR_ERR_CONFIG_INVALID', `Wrong configuration ${where}: ${said.join('; ')}`)
}

/** What a stranger's configuration may say. */
function restrain (content: ConfigFile, ignored: string[]): ConfigFile {
  const settings: Tree = {}
  for (const [name, value] of Object.entries(content.sidecar ?? {})) {
    if (HARMLESS_SETTINGS.has(name)) settings[name] = value
    else ignored.push(`sidecar.${name}`)
  }
  if ((content.plugins ?? []).length > 0) ignored.push('plugins')
  if ((content.projects ?? []).length > 0) ignored.push('projects')
  if (content.triggers !== undefined) ignored.push('triggers')
  return { sidecar: settings }
}

function pluginRequests (content: ConfigFile, file: string): PluginRequest[] {
  return (content.plugins ?? []).map((entry) => {
    const request = (typeof entry === 'string' ? { use: entry } : entry) as PluginRequest
    if (request.kind !== undefined && !isKind(request.kind)) {
      throw startError('SIDECAR_ERR_CONFIG_INVALID', `Wrong configuration in ${file}: plugin '${request.use}' names an unknown kind '${String(request.kind)}'.`)
    }
    return { ...request, base: dirname(file), origin: file }
  })
}

function overlay (target: Tree, source: Tree): void {
  for (const [name, value] of Object.entries(source)) {
    const present = target[name]
    if (isTree(value) && isTree(present)) overlay(present, value)
    else target[name] = isTree(value) ? structuredClone(value) : value
  }
}

function isTree (value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function place (tree: Tree, path: readonly string[], value: unknown): void {
  let node = tree
  for (const name of path.slice(0, -1)) node = (node[name] ??= {}) as Tree
  node[path.at(-1)!] = value
}

function parseText (name: SettingName, text: string, origin: string): unknown {
  const holder = { value: name.schema.type === 'array' ? text.split(',').map((part) => part.trim()).filter((part) => part !== '') : text }
  const validate = compileCoercing(Type.Object({ value: name.schema }))
  if (!validate(holder)) {
    const issues = issuesOf(validate.errors).map((issue) => issue.message)
    throw startError('SIDECAR_ERR_CONFIG_INVALID', `${origin} ${issues.join('; ')}, and is '${text}'.`)
  }
  return holder.value
}

// Read by the command line program for calls to a running sidecar; no settings of the server.
const CLIENT_VARIABLES = new Set(['CCO_SIDECAR_URL', 'CCO_SIDECAR_TOKEN', 'CCO_SIDECAR_CA'])

function refuseUnknownVariables (env: ConfigInput['env']): void {
  const known = SETTING_NAMES.map((name) => name.variable)
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('CCO_SIDECAR_') || known.includes(variable) || CLIENT_VARIABLES.has(variable)) continue
    const guess = nearest(variable, known)
    throw startError('SIDECAR_ERR_CONFIG_INVALID', `The environment variable ${variable} is no known setting${guess === undefined ? '' : `; did you mean ${guess}?`}`)
  }
}

export function expandHome (path: string, home: string): string {
  return resolve(path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path)
}

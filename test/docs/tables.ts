import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HARMLESS_SETTINGS, SETTING_NAMES, type SettingName } from '../../core/config/settings.js'
import type { Requirement } from '../../core/contracts/index.js'
import { API_ERRORS } from '../../core/errors.js'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { MANIFEST } from '../../core/plugin-host/define-plugin.js'
import {
  createFromPlugin, createPluginContext, createSampleProfile, createSampleProject, createSampleTask, createTestClock, querySampleResults, silentLog
} from '../../core/testing/index.js'
import { BUILTINS } from '../../plugins/builtins.js'

/** A table of the documentation that is generated: the text between its two marks in a page. */
export interface GeneratedTable {
  page: string
  /** Stands in the marks: `<!-- generated: settings -->` and `<!-- end of settings -->`. */
  name: string
  rows (before: string): Promise<string[][]>
}

export const GENERATED_TABLES: readonly GeneratedTable[] = [
  { page: 'docs/configuration.md', name: 'settings', rows: async () => settings() },
  { page: 'docs/context.md', name: 'strategies', rows: strategies },
  { page: 'docs/plugins.md', name: 'built-ins', rows: builtins },
  { page: 'docs/errors.md', name: 'codes', rows: async (before) => errorCodes(before) },
  { page: 'docs/dependencies.md', name: 'dependencies', rows: async (before) => dependencies('dependencies', before) },
  { page: 'docs/dependencies.md', name: 'development', rows: async (before) => dependencies('devDependencies', before) }
]

export function readPage (page: string): string {
  return readFileSync(join(PACKAGE_ROOT, page), 'utf8')
}

/** The whole page with the table as it must be. Throws where the page has no such marks. */
export async function withTable (page: string, table: GeneratedTable): Promise<string> {
  const [first, last] = [`<!-- generated: ${table.name} -->\n`, `<!-- end of ${table.name} -->`]
  const [start, end] = [page.indexOf(first), page.indexOf(last)]
  if (start < 0 || end < start) throw new Error(`${table.page} has no place for the table '${table.name}'`)
  const [head = [], ...rows] = await table.rows(page.slice(start + first.length, end))
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${page.slice(0, start)}${first}${lines.join('\n')}\n${page.slice(end)}`
}

const code = (text: unknown): string => `\`${String(text)}\``

function settings (): string[][] {
  return [
    ['member of `sidecar`', 'flag', 'variable', 'values', 'default', 'meaning'],
    ...SETTING_NAMES.map(({ path, flag, variable, schema }) => [
      code(path.join('.')), code(`--${flag}`), code(variable), valuesOf(schema), defaultOf(schema),
      `${schema.description ?? ''}${HARMLESS_SETTINGS.has(path[0]!) ? ' Applies without trust.' : ''}`
    ])
  ]
}

function valuesOf (schema: SettingName['schema'] & { minimum?: number, exclusiveMinimum?: number, maximum?: number }): string {
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ')
  if (schema.type === 'boolean') return '`true`, `false`'
  if (schema.type === 'array') return 'list; by flag and variable joined by `,`'
  if (schema.type === 'string') return 'text'
  const least = schema.exclusiveMinimum === undefined ? `from ${schema.minimum}` : `above ${schema.exclusiveMinimum}`
  return `${schema.type === 'integer' ? 'whole number' : 'number'} ${least}${schema.maximum === undefined ? '' : ` to ${schema.maximum}`}`
}

function defaultOf (schema: SettingName['schema']): string {
  if (schema.default === undefined) return '–'
  return code(Array.isArray(schema.default) ? JSON.stringify(schema.default) : schema.default)
}

async function strategies (): Promise<string[][]> {
  const rows = await Promise.all(BUILTINS.filter(({ kind }) => kind === 'context-strategy').map(async ({ load }) => {
    const { default: plugin } = await load()
    const { name, description = '', options } = plugin[MANIFEST]
    const strategy = await createFromPlugin<'context-strategy'>(plugin, {}, createPluginContext({ storage: '/nonexistent', clock: createTestClock() }))
    const asked = new Set<string>()
    for (const need of strategy.satisfies) {
      const requirement = new Proxy<Requirement>({ need }, {
        get (target, member) {
          if (typeof member === 'string' && member !== 'need') asked.add(member)
          return Reflect.get(target, member) as unknown
        }
      })
      await strategy.gather({
        project: createSampleProject(), task: createSampleTask(), requirement, profile: createSampleProfile(), results: querySampleResults,
        budget: { max_bytes: 1_000_000, max_tokens: null }, signal: new AbortController().signal, log: silentLog
      })
    }
    const most = (options as { properties?: Record<string, { default?: unknown }> } | undefined)?.properties?.maxItems?.default
    return [code(name), strategy.satisfies.map(code).join(', '), description, [...asked].sort().map(code).join(', ') || '–', most === undefined ? '–' : String(most)]
  }))
  return [['strategy', 'satisfies', 'offers', 'parameters of a requirement', '`maxItems`'], ...rows]
}

async function builtins (): Promise<string[][]> {
  const rows = await Promise.all(BUILTINS.filter(({ kind }) => kind !== 'context-strategy').map(async ({ kind, name, default: isDefault, load }) => {
    const { description = '', options } = (await load()).default[MANIFEST]
    const properties = (options as { properties?: Record<string, { default?: unknown }> } | undefined)?.properties ?? {}
    const shown = Object.entries(properties).map(([option, { default: value }]) => `${code(option)} (${value === undefined ? 'no default' : code(JSON.stringify(value))})`)
    return [code(`${kind}/${name}`), isDefault ? 'yes' : 'no', description.replace(/\.$/, ''), shown.join(', ') || '–']
  }))
  return [['plugin', 'loaded by default', 'what', 'options (default)'], ...rows]
}

/** The last cell is written by hand and kept. */
function errorCodes (before: string): string[][] {
  const meanings = lastCells(before)
  return [
    ['code', 'status', '`error`', 'when, and what to do'],
    ...Object.entries(API_ERRORS).map(([name, { status, error }]) => [code(name), String(status), code(error), meanings.get(code(name)) ?? ''])
  ]
}

function dependencies (member: 'dependencies' | 'devDependencies', before: string): string[][] {
  const reasons = lastCells(before)
  const named = (JSON.parse(readPage('package.json')) as Record<typeof member, Record<string, string>>)[member]
  return [['package', 'what for'], ...Object.keys(named).map((name) => [code(name), reasons.get(code(name)) ?? ''])]
}

/** First cell → last cell of each row. */
function lastCells (table: string): Map<string, string> {
  return new Map(table.split('\n').filter((line) => line.startsWith('| ')).map((line) => {
    const cells = line.slice(2, -2).split(' | ')
    return [cells[0]!, cells.at(-1)!]
  }))
}

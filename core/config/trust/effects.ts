import { GROUP_RIGHTS } from '../../profiles/group-rights.js'
import type { AgentGroup } from '../../contracts/agent-profile.js'
import { HARMLESS_SETTINGS } from '../settings.js'
import type { BroughtFile } from './brought-files.js'

type Tree = Record<string, unknown>

/** What a project would be allowed by being trusted, a sentence each. What cannot be understood is left to whoever reads it as a configuration. */
export function effectsOf (files: readonly BroughtFile[]): string[] {
  return files.flatMap(({ path, content }) => {
    const value = parse(content)
    if (value === undefined) return path.startsWith('.cco/') && path.endsWith('.json') ? [`${path} is no valid JSON, and a start would say so`] : []
    if (path === '.cco/config.json') return ofConfig(value)
    if (path === '.cco/triggers.json') return ofTriggers(value, path)
    return path.startsWith('.cco/agents/') ? ofProfile(value, path) : []
  })
}

function ofConfig (config: Tree): string[] {
  const { sidecar, plugins, projects, triggers } = config
  return [
    ...listOf(plugins).map((entry) => {
      const { use, enabled } = typeof entry === 'string' ? { use: entry, enabled: true } : treeOf(entry)
      return enabled === false ? `switch the plugin ${String(use)} off` : `load the plugin ${String(use)}, which is code that runs as you`
    }),
    ...Object.entries(treeOf(sidecar)).filter(([name]) => !HARMLESS_SETTINGS.has(name)).flatMap(([name, value]) => leaves(`sidecar.${name}`, value)),
    ...listOf(projects).map((entry) => `serve ${String(treeOf(entry).root)} as the project ${String(treeOf(entry).project_id)}`),
    ...(triggers === undefined ? [] : ofTriggers(treeOf(triggers), '.cco/config.json'))
  ]
}

function leaves (path: string, value: unknown): string[] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value).flatMap(([name, member]) => leaves(`${path}.${name}`, member))
  return [`set ${path} to ${JSON.stringify(value)}${path === 'sidecar.spawn.command' ? ', a command that runs as you' : ''}`]
}

function ofTriggers (value: Tree, path: string): string[] {
  const rules = listOf(value.triggers).map(treeOf).map(({ name, on, spawn }) => {
    const types = listOf(spawn).map((each) => String(treeOf(each).agent_type))
    return `start ${types.join(' and ')} at each event ${String(treeOf(on).type)}${name === undefined ? '' : `, by the rule ${String(name)}`}`
  })
  const sets = listOf(value.use).map((entry) => `start agents by the ready set ${String(typeof entry === 'string' ? entry : treeOf(entry).set)}`)
  return [...rules, ...sets].map((effect) => `${effect} (${path})`)
}

function ofProfile (profile: Tree, path: string): string[] {
  const rights = GROUP_RIGHTS[profile.group as AgentGroup] as (typeof GROUP_RIGHTS)[AgentGroup] | undefined
  const more = listOf(profile.permissions).filter((permission) => rights?.permissions.includes(permission as never) !== true || profile.group === 'architect')
  const { spawner, tools } = treeOf(profile.spawn)
  return [
    `follow ${path} for agents of type ${path.slice('.cco/agents/'.length, -'.json'.length)}`,
    ...(more.length === 0 ? [] : [`let them ${more.join(', ')}`]),
    ...(spawner === undefined ? [] : [`start them with the spawner ${String(spawner)}`]),
    ...(listOf(tools).length === 0 ? [] : [`let them use ${listOf(tools).join(', ')}`])
  ]
}

function parse (content: Buffer): Tree | undefined {
  try {
    return treeOf(JSON.parse(content.toString()))
  } catch {
    return undefined
  }
}

function treeOf (value: unknown): Tree {
  return typeof value === 'object' && value !== null ? value as Tree : {}
}

function listOf (value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

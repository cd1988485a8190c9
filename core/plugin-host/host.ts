import type { FastifyInstance } from 'fastify'
import type { Clock, Lifecycle, Logger } from '../contracts/index.js'
import { codeOf, messageOf, startError } from '../errors.js'
import type { Handoff, PluginContext, PluginInstances, PluginKind, PluginManifest, SidecarFacts, SlotKind } from './define-plugin.js'
import { checkInstance, checkManifest, checkOptions, SLOT_KINDS } from './manifest.js'
import { mask } from './mask.js'
import { orderByDependency } from './order.js'
import { findBuiltin, refuseUnknownBuiltin, resolveExternal, type Builtin, type PluginRequest, type PluginSource, type ResolvedPlugin } from './resolve.js'

export interface HostOptions {
  app: FastifyInstance
  builtins: readonly Builtin[]
  requests: readonly PluginRequest[]
  /** Options that the settings imply for built-ins, by `kind/name`; the configuration's own options win. */
  implied: Record<string, Record<string, unknown>>
  log: Logger
  clock: Clock
  storage: string
  sidecar: SidecarFacts
}

export interface LoadedPlugin {
  kind: PluginKind
  name: string
  description?: string
  source: PluginSource
  location: string
  options: Record<string, unknown>
}

/** All plugins, made and checked; sealed, so that nobody sees a registry that still grows. */
export interface Plugins {
  /** Opens them in order of dependency; when one fails, those before it are closed again. */
  open (): Promise<void>
  slot<Kind extends SlotKind> (kind: Kind): PluginInstances[Kind]
  all<Kind extends PluginKind> (kind: Kind): ReadonlyMap<string, PluginInstances[Kind]>
  readonly loaded: readonly LoadedPlugin[]
  /** Closes in reverse order of opening, each even if another fails. Idempotent. */
  close (): Promise<void>
}

interface Made { planned: Planned, instance: Lifecycle }

interface Planned extends ResolvedPlugin {
  manifest: PluginManifest
  options: Record<string, unknown>
  owner: string
}

/** Resolves, checks, orders and makes all plugins. Nothing is opened yet, so nothing is changed on the disk. */
export async function makePlugins (options: HostOptions): Promise<Plugins> {
  const plan = orderByDependency(await planPlugins(options))
  const instances = new Map<PluginKind, Map<string, Lifecycle>>()
  const made: Made[] = []
  for (const planned of plan) {
    const instance = await makePlugin(planned, options, instances)
    made.push({ planned, instance })
    const registry = instances.get(planned.manifest.kind) ?? new Map<string, Lifecycle>()
    registry.set(planned.manifest.name, instance)
    instances.set(planned.manifest.kind, registry)
  }
  const opened: Made[] = []
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => await (closing ??= closeAll(opened, options.log))
  return {
    async open () {
      try {
        for (const one of made) {
          opened.push(one)
          await openPlugin(one)
        }
      } catch (error) {
        await close()
        throw error
      }
    },
    slot: (kind) => slotOf(instances, kind),
    all: <Kind extends PluginKind>(kind: Kind) => (instances.get(kind) ?? new Map()) as ReadonlyMap<string, PluginInstances[Kind]>,
    loaded: Object.freeze(plan.map(describe)),
    close
  }
}

/** Which plugins there will be: what is configured, and the defaults that it neither replaces nor disables. */
async function planPlugins ({ builtins, requests, implied }: HostOptions): Promise<Planned[]> {
  const planned: Planned[] = []
  const disabled = new Set<Builtin>()
  for (const request of requests) {
    const builtin = findBuiltin(request, builtins)
    if (request.enabled === false) {
      if (builtin !== undefined) disabled.add(builtin)
      else refuseUnknownBuiltin(request, builtins)
      continue
    }
    const resolved = builtin === undefined ? await resolveExternal(request, builtins) : await loadBuiltin(builtin)
    if (builtin !== undefined) disabled.add(builtin)
    planned.push(plan(resolved, request, implied, builtin === undefined ? `${request.use} in ${request.origin}` : `built-in, in ${request.origin}`))
  }
  const replaced = new Set(planned.map(({ manifest }) => manifest.kind).filter((kind) => (SLOT_KINDS as readonly string[]).includes(kind)))
  const defaults = builtins.filter((builtin) => builtin.default && !disabled.has(builtin) && !replaced.has(builtin.kind))
  for (const resolved of await Promise.all(defaults.map(loadBuiltin))) planned.push(plan(resolved, {}, implied, 'built-in'))
  checkUnique(planned)
  checkSlots(planned)
  return planned
}

async function loadBuiltin (builtin: Builtin): Promise<ResolvedPlugin> {
  return { plugin: (await builtin.load()).default, source: 'built-in', location: builtin.name }
}

function plan (resolved: ResolvedPlugin, request: Pick<PluginRequest, 'kind' | 'options'>, implied: HostOptions['implied'], owner: string): Planned {
  const manifest = checkManifest(resolved)
  if (request.kind !== undefined && request.kind !== manifest.kind) {
    throw startError('SIDECAR_ERR_PLUGIN_MANIFEST', `Plugin '${manifest.name}' (${owner}) is of kind '${manifest.kind}', and the configuration says '${request.kind}'.`)
  }
  const options = { ...(resolved.source === 'built-in' ? implied[`${manifest.kind}/${manifest.name}`] : {}), ...request.options }
  return { ...resolved, manifest, options: checkOptions(manifest, options, owner), owner }
}

function checkUnique (planned: readonly Planned[]): void {
  const owners = new Map<string, Planned>()
  for (const plugin of planned) {
    const isSlot = (SLOT_KINDS as readonly string[]).includes(plugin.manifest.kind)
    const key = isSlot ? plugin.manifest.kind : `${plugin.manifest.kind}/${plugin.manifest.name}`
    const other = owners.get(key)
    if (other === undefined) {
      owners.set(key, plugin)
    } else if (isSlot) {
      throw startError('SIDECAR_ERR_PLUGIN_DUPLICATE', `There can be one ${plugin.manifest.kind}, and two are configured: '${other.manifest.name}' (${other.owner}) and '${plugin.manifest.name}' (${plugin.owner}). Take one out.`)
    } else {
      throw startError('SIDECAR_ERR_PLUGIN_DUPLICATE', `Two plugins of kind ${plugin.manifest.kind} are named '${plugin.manifest.name}': ${other.owner} and ${plugin.owner}. Rename one, or disable the built-in with { "use": "${plugin.manifest.kind}/${plugin.manifest.name}", "enabled": false }.`)
    }
  }
}

/** The core cannot do without any of the slots; better to say so before anything is opened. */
function checkSlots (planned: readonly Planned[]): void {
  const missing = SLOT_KINDS.find((kind) => planned.every(({ manifest }) => manifest.kind !== kind))
  if (missing !== undefined) throw noneOf(missing)
}

function noneOf (kind: PluginKind): Error {
  return startError('SIDECAR_ERR_PLUGIN_DEPENDENCY', `No plugin of kind '${kind}' is configured; one is needed.`)
}

async function makePlugin (planned: Planned, options: HostOptions, instances: Map<PluginKind, Map<string, Lifecycle>>): Promise<Lifecycle> {
  const { manifest, owner } = planned
  let instance: unknown
  const handoff: Handoff = {
    options: planned.options,
    context: contextFor(manifest, options, instances),
    provide (made) { instance = made }
  }
  try {
    await options.app.register(planned.plugin, handoff)
  } catch (error) {
    if (codeOf(error)?.startsWith('SIDECAR_ERR_') === true) throw error
    throw startError('SIDECAR_ERR_PLUGIN_CREATE', `Plugin '${manifest.name}' (${owner}) failed in create(): ${messageOf(error).replace(/\.$/, '')}.`, { cause: error })
  }
  return checkInstance(manifest, instance, owner) as Lifecycle
}

async function openPlugin ({ planned: { manifest, owner }, instance }: Made): Promise<void> {
  try {
    await instance.open?.()
  } catch (error) {
    if (codeOf(error)?.startsWith('SIDECAR_ERR_') === true) throw error
    throw startError('SIDECAR_ERR_PLUGIN_OPEN', `Plugin '${manifest.name}' (${owner}) could not be opened: ${messageOf(error).replace(/\.$/, '')}.`, { cause: error })
  }
}

function contextFor (manifest: PluginManifest, options: HostOptions, instances: Map<PluginKind, Map<string, Lifecycle>>): PluginContext {
  return {
    log: options.log,
    clock: options.clock,
    storage: options.storage,
    app: options.app,
    sidecar: options.sidecar,
    get (kind) {
      if (!(manifest.requires ?? []).includes(kind)) {
        throw startError('SIDECAR_ERR_PLUGIN_DEPENDENCY', `Plugin '${manifest.kind}/${manifest.name}' asks for '${kind}' without naming it in its 'requires'.`)
      }
      return slotOf(instances, kind)
    }
  }
}

function slotOf<Kind extends SlotKind> (instances: Map<PluginKind, Map<string, Lifecycle>>, kind: Kind): PluginInstances[Kind] {
  const [instance] = instances.get(kind)?.values() ?? []
  if (instance === undefined) throw noneOf(kind)
  return instance as unknown as PluginInstances[Kind]
}

async function closeAll (opened: readonly Made[], log: Logger): Promise<void> {
  for (const { planned, instance } of [...opened].reverse()) {
    try {
      await instance.close?.()
    } catch (error) {
      log.error({ err: error, plugin: planned.manifest.name }, 'a plugin failed to close')
    }
  }
}

function describe ({ manifest, source, location, options }: Planned): LoadedPlugin {
  return {
    kind: manifest.kind,
    name: manifest.name,
    ...(manifest.description === undefined ? {} : { description: manifest.description }),
    source,
    location,
    options: mask(options) as Record<string, unknown>
  }
}

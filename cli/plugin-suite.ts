import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../core/contracts/index.js'
import type { PluginInstances, PluginKind, PluginManifest, SidecarPlugin } from '../core/plugin-host/define-plugin.js'
import * as testing from '../core/testing/index.js'

/** A plugin under test and the options that it is to be given. */
export interface SuiteSubject {
  plugin: SidecarPlugin
  manifest: PluginManifest
  options: Record<string, unknown>
}

type Subject<Kind extends PluginKind> = testing.ContractSubject<PluginInstances[Kind]>

/** Makes instances of a plugin as the suites want them, each over a folder of its own. */
function factoryOf<Kind extends PluginKind> ({ plugin, options }: SuiteSubject): (suite: { clock: Clock }) => Promise<Subject<Kind>> {
  return async ({ clock }) => {
    const storage = await mkdtemp(join(tmpdir(), 'cco-verify-'))
    const open = (): Promise<PluginInstances[Kind]> => testing.createFromPlugin<Kind>(plugin, options, testing.createPluginContext({ storage, clock }))
    try {
      return { instance: await open(), reopen: open, dispose: () => rm(storage, { recursive: true, force: true }) }
    } catch (error) {
      await rm(storage, { recursive: true, force: true })
      throw error
    }
  }
}

/** Registers the suite of the plugin's kind; says why when there is none to run. */
export function registerSuite (subject: SuiteSubject, test: testing.TestFunction, directory: string): string | undefined {
  switch (subject.manifest.kind) {
    case 'auth': testing.authContract({ test, create: factoryOf<'auth'>(subject) }); return undefined
    case 'event-bus': testing.eventBusContract({ test, create: factoryOf<'event-bus'>(subject) }); return undefined
    case 'context-strategy': testing.contextStrategyContract({ test, create: factoryOf<'context-strategy'>(subject) }); return undefined
    case 'context-cache': testing.contextCacheContract({ test, create: factoryOf<'context-cache'>(subject) }); return undefined
    case 'result-store': testing.resultStoreContract({ test, create: factoryOf<'result-store'>(subject) }); return undefined
    case 'spawner': return registerSpawner(subject, test, directory)
    case 'http': return 'There is no suite for plugins of kind http: it was loaded and checked.'
  }
}

/** The suite has to say what runs as an agent; only a spawner with an option `command` can be told. */
function registerSpawner (subject: SuiteSubject, test: testing.TestFunction, directory: string): string | undefined {
  const schema = (subject.manifest.options as { properties?: Record<string, { type?: string }> } | undefined)?.properties?.command
  if (schema?.type !== 'array' && schema?.type !== 'string') {
    return 'The suite of spawners runs programs of its own, and this one takes no option \'command\': it was loaded and checked.'
  }
  testing.spawnerContract({
    test,
    directory,
    create: ({ clock, command }) => factoryOf<'spawner'>({
      ...subject,
      options: { ...subject.options, command: schema.type === 'array' ? command : command.map(quote).join(' ') }
    })({ clock })
  })
  return undefined
}

function quote (word: string): string {
  return word.includes('"') ? `'${word}'` : `"${word}"`
}

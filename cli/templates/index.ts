import type { PluginKind } from '../../core/plugin-host/define-plugin.js'
import { auth } from './auth.js'
import { contextCache } from './context-cache.js'
import { contextStrategy } from './context-strategy.js'
import { eventBus } from './event-bus.js'
import { resultStore } from './result-store.js'
import { spawner } from './spawner.js'
import type { Template } from './template.js'

/** The kinds that have a contract suite, and with it a template. */
export type TemplateKind = Exclude<PluginKind, 'http'>

export const TEMPLATES: Record<TemplateKind, Template> = {
  'context-strategy': contextStrategy,
  'result-store': resultStore,
  'event-bus': eventBus,
  'context-cache': contextCache,
  spawner,
  auth
}

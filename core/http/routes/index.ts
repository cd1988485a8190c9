import type { App, Services } from '../types.js'
import { agentWorkRoutes } from './agent-work.js'
import { agentRoutes } from './agents.js'
import { catalogueRoutes } from './catalogue.js'
import { contextRoutes } from './context.js'
import { deadLetterRoutes } from './dead-letters.js'
import { eventGroupRoutes } from './event-groups.js'
import { eventPublishRoutes } from './event-publish.js'
import { eventStreamRoutes } from './event-stream.js'
import { eventRoutes } from './events.js'
import { keyRoutes } from './keys.js'
import { resultRoutes } from './results.js'
import { statusRoutes } from './status.js'
import { tokenRoutes } from './tokens.js'
import { triggerRoutes } from './triggers.js'
import { trustRoutes } from './trust.js'
import { webhookRoutes } from './webhooks.js'
import { workspaceRoutes } from './workspaces.js'

/** Every route of the core. */
export async function mountRoutes (app: App, services: Services): Promise<void> {
  const mounts = [
    statusRoutes, tokenRoutes, keyRoutes, contextRoutes, resultRoutes, eventPublishRoutes, eventRoutes, deadLetterRoutes, eventStreamRoutes, eventGroupRoutes,
    webhookRoutes, agentRoutes, triggerRoutes, workspaceRoutes, agentWorkRoutes, catalogueRoutes, trustRoutes
  ]
  for (const mount of mounts) {
    await mount(app, services)
  }
}

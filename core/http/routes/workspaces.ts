import Type from '../../typebox.js'
import { apiError } from '../../errors.js'
import type { KnownPlace } from '../../fleet/workspaces/workspaces.js'
import { callerOf, scopeOf } from '../access.js'
import { BODY_ERRORS, Identifier, responses, Strict, Time } from '../schemas.js'
import type { App, Services } from '../types.js'

const Workspace = Type.Object({
  agent_id: Type.String(),
  agent_type: Type.String(),
  project_id: Type.String(),
  workspace: Type.Enum(['worktree', 'clone']),
  folder: Type.String({ description: 'Top of the working tree.' }),
  branch: Type.String(),
  base: Type.String({ description: 'Commit that it was made from.' }),
  notes: Type.Array(Type.String(), { description: 'What the agent does not find there though the project has it.' }),
  live: Type.Boolean({ description: 'Whether its agent is at work.' }),
  kept_because: Type.Array(Type.String(), { description: 'What would be lost without it; empty when nothing would.' }),
  created_at: Time
})

const Params = Strict({ agent_id: Identifier })

function show ({ place, live, reasons }: KnownPlace) {
  const { agent_id, agent_type, project_id, kind, folder, branch, base, notes, created_at } = place
  return { agent_id, agent_type, project_id, workspace: kind, folder, branch, base, notes, live, kept_because: reasons, created_at }
}

/** Working trees of agents' own. */
export async function workspaceRoutes (app: App, { fleet, workspaces }: Services): Promise<void> {
  app.get('/api/workspaces', {
    config: { access: 'spawn_agents' },
    schema: { summary: 'Working trees of agents\' own, oldest first; those of all projects for the operator', tags: ['agents'], response: responses({ 200: Type.Object({ workspaces: Type.Array(Workspace) }) }) }
  }, async (request) => ({ workspaces: (await workspaces.list(scopeOf(callerOf(request)))).map(show) }))

  app.post('/api/workspaces/prune', {
    config: { access: 'spawn_agents', audit: 'workspaces.pruned' },
    schema: {
      summary: 'Removes working trees of agents that have ended, where nothing would be lost',
      tags: ['agents'],
      response: responses({ 200: Type.Object({ removed: Type.Array(Type.String({ description: 'Agent.' })), kept: Type.Array(Workspace), timestamp: Time }) }, ...BODY_ERRORS)
    }
  }, async (request) => {
    const scope = scopeOf(callerOf(request))
    const removed = await workspaces.prune(scope)
    request.act = { resource: 'workspaces', details: { removed: removed.map(({ agent_id: id }) => id) } }
    return { removed: removed.map(({ agent_id: id }) => id), kept: (await workspaces.list(scope)).map(show), timestamp: new Date().toISOString() }
  })

  app.get('/api/agents/:agent_id/workspace', {
    config: { access: 'read_context' },
    schema: { summary: 'The working tree of an agent\'s own', tags: ['agents'], params: Params, response: responses({ 200: Workspace }, 404) }
  }, async (request) => {
    const { agent_id: id, project_id: project } = fleet.get(scopeOf(callerOf(request)), request.params.agent_id)
    const known = await workspaces.find(project, id)
    if (known === undefined) throw apiError('NOT_001', `The agent '${id}' has no working tree of its own, or none any more.`)
    return show(known)
  })
}

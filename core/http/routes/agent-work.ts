import Type from '../../typebox.js'
import { apiError } from '../../errors.js'
import { callerOf, isAdmin } from '../access.js'
import { BODY_ERRORS, Changes, Identifier, Nullable, responses, Strict, Time } from '../schemas.js'
import type { App, Services } from '../types.js'

const Params = Strict({ agent_id: Identifier })

const Diff = Type.Object({
  agent_id: Type.String(),
  workspace: Type.Enum(['shared', 'worktree', 'clone']),
  base: Nullable(Type.String({ description: 'Commit that it began from.' })),
  head: Nullable(Type.String()),
  committed: Changes,
  uncommitted: Changes,
  diff: Nullable(Type.String({ description: 'Against the base, committed and not; secrets are taken out. Null when there is too much of it.' })),
  truncated: Type.Boolean({ description: 'Whether anything was left out.' })
})

const Merge = Type.Object({
  agent_id: Type.String(),
  dry_run: Type.Boolean(),
  outcome: Type.Enum(['merged', 'mergeable', 'nothing_to_merge', 'conflicts', 'target_not_clean', 'no_target', 'refused']),
  target: Nullable(Type.String({ description: 'Branch that the project is on.' })),
  branch: Type.String(),
  commits: Type.Integer({ description: 'That the target does not have.' }),
  files: Changes,
  conflicts: Type.Array(Type.String()),
  uncommitted: Type.Array(Type.String({ description: 'In no commit of the agent, and therefore in no merge.' })),
  head: Nullable(Type.String({ description: 'Of the target after the merge.' })),
  undo: Nullable(Type.String({ description: 'Command that takes the merge back.' })),
  reason: Nullable(Type.String({ description: 'Why git refused.' })),
  timestamp: Time
})

/** What an agent changed, and how it comes into the project. */
export async function agentWorkRoutes (app: App, { fleet, workspaces }: Services): Promise<void> {
  app.get('/api/agents/:agent_id/diff', {
    config: { access: 'spawn_agents', priority: 'low' },
    schema: { summary: 'What an agent changed, committed and not', tags: ['agents'], params: Params, response: responses({ 200: Diff }, 404) }
  }, async (request) => {
    const caller = callerOf(request)
    const record = fleet.get(isAdmin(caller) ? undefined : caller.project_id, request.params.agent_id)
    const diff = await workspaces.diff(record)
    if (diff === undefined) throw apiError('NOT_001', `Nothing is known of what the agent '${record.agent_id}' changed: it was not started, or there is no git.`)
    return { agent_id: record.agent_id, workspace: record.workspace ?? 'shared', ...diff }
  })

  app.post('/api/agents/:agent_id/merge', {
    config: { access: 'spawn_agents', audit: 'agent.merged' },
    schema: {
      summary: 'Merges the branch of an agent into the branch that the project is on, whole or not at all',
      tags: ['agents'],
      params: Params,
      body: Strict({ dry_run: Type.Optional(Type.Boolean({ description: 'Only tells what would happen.' })) }),
      response: responses({ 200: Merge }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const caller = callerOf(request)
    const record = fleet.get(isAdmin(caller) ? undefined : caller.project_id, request.params.agent_id)
    const dryRun = request.body.dry_run ?? false
    request.act = { resource: `agent/${record.agent_id}`, project: record.project_id, ...(dryRun ? { nothing: true } : {}) }
    const report = await workspaces.merge(record, dryRun)
    if (report === undefined) throw apiError('NOT_001', `The agent '${record.agent_id}' has no working tree of its own, or none any more.`)
    return { agent_id: record.agent_id, dry_run: dryRun, ...report, timestamp: new Date().toISOString() }
  })
}

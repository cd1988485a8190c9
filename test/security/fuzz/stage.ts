import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startSidecar, type TestSidecar } from '../../support/sidecar.js'
import { quickFolder } from '../../support/temporary.js'
import type { Known } from './arbitrary.js'

export interface Stage extends TestSidecar {
  /** What is presented, by a short name: tokens of the project that attacks, the operator's, and what is none. */
  tokens: Record<'architect' | 'coder' | 'support' | 'operator' | 'none' | 'garbage' | 'tampered', string>
  /** Names of things that exist, in either project, by what they are names of. */
  known: Known
  /** The neighbour's own token, for a look at whether all is still there. */
  neighbour: string
}

/** Stands in all that the neighbour has, and in nothing that requests are made of: an answer to the attacker that holds it is a leak. */
export const MARKER = 'zebra-9d41c7'

/** Two projects that both hold one of everything; what the neighbour's things say bears the marker. */
export async function setTheStage (t: Test): Promise<Stage> {
  const folder = await quickFolder(t, 'cco-fuzz')
  const root = join(folder, `${MARKER}-root`)
  await mkdir(join(root, 'src'), { recursive: true })
  await writeFile(join(root, 'src', `${MARKER}.py`), `def ${MARKER.replace('-', '_')}():\n    return '${MARKER}'\n`)
  const sidecar = await startSidecar(t, {
    storage: join(folder, 'storage'),
    projects: [{ project_id: 'neighbour', root }],
    settings: {
      'rate-limit-enabled': 'false', 'spawn-command': 'true', 'spawn-max-retries': '0', 'events-webhook-allow': '127.0.0.1', 'events-webhook-retry-seconds': '1000', 'events-max-groups': '100000', 'events-max-webhooks': '10000'
    }
  })
  // Agents are started only for an address that they can call.
  await sidecar.sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const own = await Promise.all(['chief-architect', 'ai-engineer', 'context-manager'].map(async (type) => await sidecar.agent(type)))
  const attacker = await fill(sidecar, own[0]!, 'mine')
  const neighbour = await sidecar.agent('chief-architect', { project_id: 'neighbour', agent_id: `${MARKER}-agent` })
  const theirs = await fill(sidecar, neighbour, MARKER)
  return {
    ...sidecar,
    tokens: {
      architect: own[0]!.token,
      coder: own[1]!.token,
      support: own[2]!.token,
      operator: sidecar.operator,
      none: '',
      garbage: 'x',
      tampered: `${own[0]!.token.slice(0, -8)}AAAAAAAA`
    },
    neighbour: neighbour.token,
    known: {
      issue_id: ['shared-issue', 'fresh-issue'],
      agent_type: ['chief-architect', 'chief-architect', 'ai-engineer'],
      agent_id: [own[0]!.agent_id, own[0]!.agent_id, attacker.agent!, theirs.agent!],
      publisher: [own[0]!.agent_id],
      project_id: ['sample', 'sample', 'neighbour'],
      id: [attacker.result!, theirs.result!],
      event_id: [attacker.event!, theirs.event!],
      event_ids: [attacker.event!, theirs.event!],
      references: [attacker.event!, theirs.event!],
      event_type: ['note', 'publish', 'agent_completed'],
      type: ['note', '*', 'note,other'],
      types: ['note', 'other'],
      topic: ['coordination', 'security'],
      topics: ['coordination', 'security'],
      group: ['shared-group', 'fresh-group'],
      target: ['group:shared-group', 'webhook'],
      webhook_id: [attacker.webhook!, theirs.webhook!],
      url: ['http://127.0.0.1:9/hook', 'http://10.0.0.1/', 'http://169.254.169.254/'],
      filter: ['secret:mine', 'secret:z*', '!data.secret:a|b', 'round:>1'],
      since: ['earliest', 'latest', attacker.event!, theirs.event!, '2026-01-01T00:00:00Z'],
      correlation_id: ['shared-talk', 'fresh-talk'],
      requirements: ['source-files', 'docs,decisions'],
      context_requirements: ['source-files'],
      root: [sidecar.root, root],
      spawner: ['process'],
      workspace: ['shared'],
      jti: ['tok_unknown']
    }
  }
}

/** One of everything, told apart by `word`; answers with the ids that the server gave. */
export async function fill ({ ask }: TestSidecar, { token, agent_id: agentId }: { token: string, agent_id: string }, word: string): Promise<Record<string, string>> {
  const made = async (method: 'POST' | 'PUT', url: string, body: unknown) => {
    const answer = await ask(method, url, { token, body })
    if (answer.status >= 300) throw new Error(`${method} ${url}: ${answer.text}`)
    return answer.body
  }
  await made('PUT', '/api/issues/shared-issue', { title: `Title ${word}`, description: word })
  const result = await made('POST', '/api/results', {
    agent_id: agentId, agent_type: 'chief-architect', issue_id: 'shared-issue', result: { status: 'success', files_created: [], files_modified: [], decisions: [word], notes: word }
  })
  const event = await made('POST', '/api/events/note', { topic: 'coordination', data: { secret: word }, correlation_id: 'shared-talk' })
  await made('PUT', '/api/events/groups/shared-group', { types: ['note'], since: 'earliest' })
  const webhook = await made('POST', '/api/webhooks', { url: `http://127.0.0.1:9/${word}`, description: word, types: ['never'] })
  const agent = await made('POST', '/api/agents/spawn', { agent_type: 'test-engineer', issue_id: 'shared-issue', task: `Task ${word}` })
  return { result: result.id, event: event.event_id, webhook: webhook.webhook_id, agent: agent.agent_id }
}

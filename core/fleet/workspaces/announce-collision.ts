import type { Events } from '../../events/events.js'
import type { Collision } from './radar.js'

/** Publishes that two agents at work would collide; once for a pair and its files, also over a restart. */
export async function announceCollision (events: Pick<Events, 'announce'>, { places, files, key }: Collision): Promise<void> {
  const [one] = places
  await events.announce(one.project_id, { agent_id: 'sidecar', agent_type: 'sidecar' }, {
    idempotency_key: `workspace-conflict:${key}`,
    event_type: 'workspace_conflict',
    topic: 'coordination',
    data: {
      files,
      agents: places.map(({ agent_id, agent_type, branch }) => ({ agent_id, agent_type, branch }))
    }
  })
}

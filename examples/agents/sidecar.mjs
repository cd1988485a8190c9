// The calls that the example agents make, as one agent of one issue.
import { setTimeout as sleep } from 'node:timers/promises'
import { createCaller } from './http.mjs'

const POLL_MS = 25_000 // one long poll; short enough to pass proxies that drop a silent connection after 30 s
const HEARTBEAT_EVERY_MS = 1_000
const REQUIRED = ['AGENT_ID', 'AGENT_TYPE', 'ISSUE_ID', 'SIDECAR_URL', 'JWT_TOKEN']

/** Reads the environment that the sidecar gives each agent and returns the calls of one agent on one issue. */
export function connect (env = process.env) {
  const missing = REQUIRED.filter((name) => !env[name])
  if (missing.length > 0) throw new Error(`The environment lacks ${missing.join(', ')}; the sidecar sets them when it starts an agent`)

  const agentId = env.AGENT_ID
  const agentType = env.AGENT_TYPE
  const issueId = env.ISSUE_ID
  const correlation = { correlation_id: env.CORRELATION_ID || `issue-${issueId}`, round: 1 }
  const waitSeconds = Number(env.CCO_DEMO_WAIT_SECONDS) > 0 ? Number(env.CCO_DEMO_WAIT_SECONDS) : 120
  const call = createCaller(env.SIDECAR_URL.replace(/\/+$/, ''), env.JWT_TOKEN)
  let lastHeartbeat = -Infinity

  const sidecar = {
    agentId,
    agentType,
    issueId,
    task: env.TASK ?? '',

    /** The context of this agent's type. `CONTEXT_FILE` holds the same from before the start; this one is never stale. */
    context () {
      const query = {
        ...(env.TASK && { task: env.TASK.slice(0, 1000) }), // a query string is no place for more
        ...(env.CONTEXT_MAX_TOKENS && { max_tokens: env.CONTEXT_MAX_TOKENS })
      }
      return call('GET', `/context/${issueId}/${agentType}`, { query, timeoutMs: 60_000 })
    },

    /** The next event of this type for this issue; published before the call or within the deadline. */
    async waitFor (eventType, filter = '') {
      const wanted = `issue_id:${issueId}${filter && `,${filter}`}`
      const deadline = performance.now() + waitSeconds * 1000
      for (;;) {
        const left = deadline - performance.now()
        if (left <= 0) throw new Error(`Waited ${waitSeconds} s for event '${eventType}' with ${wanted} and it did not come`)
        const began = performance.now()
        const timeout = Math.ceil(Math.min(POLL_MS, left))
        const page = await call('GET', `/events/wait/${eventType}`, { query: { timeout, filter: wanted }, timeoutMs: timeout + 10_000, deadline })
        // An issue that was run before has an older event of the same name: the newest is meant.
        if (page.events.length > 0) return page.events.at(-1)
        if (performance.now() - began < 250) await sleep(Math.min(500, left)) // a server that shuts down answers at once
        await sidecar.heartbeat(`waiting for ${eventType}`)
      }
    },

    /** Stores the result of this agent's work. It is on disk when this returns. */
    async store (result) {
      const body = {
        agent_id: agentId,
        agent_type: agentType,
        issue_id: issueId,
        ...(env.PROJECT_ID && { project_id: env.PROJECT_ID }),
        result: { files_created: [], files_modified: [], ...result },
        ...correlation
      }
      const stored = await call('POST', '/results', { body })
      sidecar.stored = true
      return stored
    },

    /** Publishes what happened; `wokenBy` is the event that this one answers. */
    publish (eventType, topic, data, wokenBy) {
      const body = {
        topic,
        data: { issue_id: issueId, agent_type: agentType, ...data },
        ...correlation,
        ...(wokenBy && { references: wokenBy.event_id })
      }
      return call('POST', `/events/${eventType}`, { body })
    },

    /** Newest first. */
    async results () {
      return (await call('GET', '/results', { query: { issue_id: issueId, limit: 100 } })).results
    },

    result (id) {
      return call('GET', `/results/${encodeURIComponent(id)}`)
    },

    /** A sign of life. Work never fails for want of it, and it never uses up the agent's rate limit. */
    async heartbeat (message, progress) {
      if (performance.now() - lastHeartbeat < HEARTBEAT_EVERY_MS) return
      lastHeartbeat = performance.now()
      const body = { state: 'running', message, ...(progress !== undefined && { progress }) }
      await call('POST', `/agents/${agentId}/status`, { body, attempts: 1, timeoutMs: 5_000 }).catch(() => {})
    },

    /** Says what the agent does: a line on standard output, and a heartbeat. `progress` is 0…1. */
    async say (message, progress) {
      console.log(`${agentType}: ${message}`)
      await sidecar.heartbeat(message, progress)
    },

    stored: false
  }
  return sidecar
}

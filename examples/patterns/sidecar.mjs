import { randomUUID } from 'node:crypto'

// Both are in the environment of every agent that the sidecar starts. SIDECAR_URL ends in /api.
const { SIDECAR_URL, JWT_TOKEN } = process.env
if (!SIDECAR_URL || !JWT_TOKEN) throw new Error('Set SIDECAR_URL and JWT_TOKEN, for example JWT_TOKEN="$(cco token chief-architect)".')

/** One call; a refusal is thrown as what the sidecar says. */
export async function call (method, path, body, headers = {}) {
  const answer = await fetch(SIDECAR_URL + path, {
    method,
    headers: { authorization: `Bearer ${JWT_TOKEN}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body)
  })
  const said = await answer.json()
  if (!answer.ok) throw new Error(`${said.code}: ${said.message}`)
  return said
}

/** Publishes, and tries again when the answer was lost: the key sees to it that there is one event all the same. */
export async function publish (type, event) {
  const key = randomUUID()
  for (let attempt = 1; ; attempt++) {
    try {
      return (await call('POST', `/events/${type}`, { topic: 'coordination', ...event }, { 'idempotency-key': key })).event_id
    } catch (error) {
      if (!(error instanceof TypeError) || attempt === 5) throw error
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt))
    }
  }
}

/** The next event that matches, from `since` on; throws when there is none in time. */
export async function next (type, filter, since, seconds = 30) {
  const query = new URLSearchParams({ since, limit: '1', timeout: String(seconds * 1000), ...(filter === undefined ? {} : { filter }) })
  const { events: [event], next_cursor: cursor } = await call('GET', `/events/wait/${type}?${query}`)
  if (event === undefined) throw new Error(`No ${type} within ${seconds} s.`)
  return { ...event, cursor }
}

/** A name for a conversation that nobody else has. */
export function conversation (name) {
  return `${name}-${randomUUID().slice(0, 8)}`
}

/** An agent of the soak that reads its context and stores a result, also when the sidecar is killed in between. */
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

const TRIES = 40
const PAUSE_MS = 200

const { SIDECAR_URL: api, JWT_TOKEN: token, CONTEXT_FILE: context, AGENT_ID: id, AGENT_TYPE: type, ISSUE_ID: issue } = process.env as Record<string, string>

async function store (): Promise<boolean> {
  try {
    const { ok } = await fetch(`${api}/results`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': `${id}-result` },
      body: JSON.stringify({ agent_id: id, agent_type: type, issue_id: issue, result: { status: 'success', decisions: ['It was read.'] } })
    })
    return ok
  } catch {
    // The sidecar was killed: it comes back.
    return false
  }
}

JSON.parse(await readFile(context!, 'utf8'))
console.log('read')
let stored = false
for (let tries = 0; !stored && tries < TRIES; tries++) {
  stored = await store()
  if (!stored) await wait(PAUSE_MS)
}
process.exitCode = stored ? 0 : 1

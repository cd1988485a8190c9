// Competing workers: a group hands each event to one of its members, and to another when it is not acknowledged.
import { call, conversation, publish } from './sidecar.mjs'

const group = conversation('builders')
const BUILDS = 6
let built = 0
let isDiskFull = true

/** With a token for each, workers are members of their own; here they share one. */
async function worker (name) {
  const query = new URLSearchParams({ group, filter: `for:${group}`, limit: '1', timeout: '500' })
  while (built < BUILDS) {
    const { events: [task] } = await call('GET', `/events/wait/build_wanted?${query}`)
    if (task === undefined) continue
    const settled = { group, event_ids: [task.event_id] }
    if (task.data.number === 3 && isDiskFull) {
      isDiskFull = false
      // It could not be done: somebody gets it again, here at once.
      await call('POST', '/events/nack', { ...settled, delay_seconds: 0, error: 'the disk was full' })
      continue
    }
    built++
    console.log(`${name} built ${task.data.number}`)
    await call('POST', '/events/ack', settled)
  }
}

for (let number = 0; number < BUILDS; number++) await publish('build_wanted', { data: { for: group, number } })
await Promise.all([worker('ada'), worker('bob')])
await call('DELETE', `/events/groups/${group}`)

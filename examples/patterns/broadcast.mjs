// Broadcast: one event, and everybody who waits for it gets it.
import { conversation, next, publish } from './sidecar.mjs'

const talk = conversation('freeze')

async function listener (name) {
  const { data } = await next('code_freeze', `correlation_id:${talk}`, 'earliest')
  return `${name} stops at ${data.at}`
}

const listeners = ['ada', 'bob', 'eve'].map(listener)
await publish('code_freeze', { correlation_id: talk, data: { at: '18:00' } })
for (const line of await Promise.all(listeners)) console.log(line)

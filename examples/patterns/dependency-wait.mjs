// Dependency wait: work that needs several others, which may be done already or come in any order.
import { conversation, next, publish } from './sidecar.mjs'

const talk = conversation('deploy')
const needed = ['image', 'migration', 'approval']

await publish('part_ready', { correlation_id: talk, data: { part: 'image' } })

async function deployer () {
  // One wait for each: those that were there before are found, and each waits for its own.
  const ready = await Promise.all(needed.map((part) => next('part_ready', `correlation_id:${talk},part:${part}`, 'earliest')))
  console.log(`deployed with ${ready.map(({ data }) => data.part).join(', ')}`)
}

const deploying = deployer()
for (const part of ['approval', 'migration']) await publish('part_ready', { correlation_id: talk, data: { part } })
await deploying

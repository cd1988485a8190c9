// Phases: each begins when the one before it is over, whoever does it.
import { conversation, next, publish } from './sidecar.mjs'

const talk = conversation('release')
const phases = ['design', 'build', 'test', 'ship']

async function phase (name, index) {
  const before = phases[index - 1]
  // An event that came before this wait is found: nobody has to be there in time.
  const cause = before === undefined ? undefined : await next('phase_done', `correlation_id:${talk},phase:${before}`, 'earliest')
  console.log(`${name}${before === undefined ? '' : ` after ${cause.data.phase}`}`)
  await publish('phase_done', { correlation_id: talk, ...(cause === undefined ? {} : { references: cause.event_id }), data: { phase: name } })
}

await Promise.all(phases.map(phase).reverse())

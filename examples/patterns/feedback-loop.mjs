// Feedback loop: rounds of work and review until it is good, or until it was tried often enough.
import { conversation, next, publish } from './sidecar.mjs'

const talk = conversation('loop')
const MOST_ROUNDS = 5

async function reviewer () {
  for (let since = 'earliest'; ;) {
    const work = await next('work_ready', `correlation_id:${talk}`, since)
    since = work.cursor
    const accepted = work.data.quality >= 3
    await publish(accepted ? 'work_accepted' : 'work_rejected', { correlation_id: talk, round: work.round, references: work.event_id, data: accepted ? {} : { why: 'more tests' } })
    if (accepted) return
  }
}

async function worker () {
  // The sidecar refuses a round that goes back, and one above events.max_rounds: a loop has an end.
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const work = await publish('work_ready', { correlation_id: talk, round, data: { quality: round } })
    const verdict = await next('work_accepted,work_rejected', `references:${work}`, work)
    console.log(`round ${round}: ${verdict.event_type}`)
    if (verdict.event_type === 'work_accepted') return
  }
  throw new Error(`Not accepted within ${MOST_ROUNDS} rounds.`)
}

await Promise.all([reviewer(), worker()])

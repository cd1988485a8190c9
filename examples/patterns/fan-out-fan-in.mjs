// Fan-out and fan-in: a task for each part, and going on when all of them are answered.
import { conversation, next, publish } from './sidecar.mjs'

const talk = conversation('review')
const parts = ['api', 'storage', 'docs']

async function reviewer (part) {
  const task = await next('review_wanted', `correlation_id:${talk},part:${part}`, 'earliest')
  await publish('review_done', { correlation_id: talk, references: task.event_id, data: { part, remarks: part.length } })
}

const reviewers = parts.map(reviewer)
const tasks = new Set(await Promise.all(parts.map((part) => publish('review_wanted', { correlation_id: talk, data: { part } }))))

const remarks = {}
for (let since = 'earliest'; tasks.size > 0;) {
  const done = await next('review_done', `correlation_id:${talk}`, since)
  since = done.cursor
  if (tasks.delete(done.references)) remarks[done.data.part] = done.data.remarks
}
await Promise.all(reviewers)
console.log(parts.map((part) => `${part} ${remarks[part]}`).join(', '))

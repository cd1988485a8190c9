// Request and response: the answer has the correlation of the question and refers to it.
import { conversation, next, publish } from './sidecar.mjs'

const talk = conversation('question')

async function answerer () {
  const question = await next('estimate_asked', `correlation_id:${talk}`, 'earliest')
  await publish('estimate_given', { correlation_id: talk, references: question.event_id, data: { hours: question.data.files * 2 } })
}

async function asker () {
  const question = await publish('estimate_asked', { correlation_id: talk, data: { files: 4 } })
  // The wait begins behind the question: an answer that was quicker than this call is found all the same.
  const answer = await next('estimate_given', `references:${question}`, question)
  console.log(`4 files take ${answer.data.hours} hours`)
}

await Promise.all([answerer(), asker()])

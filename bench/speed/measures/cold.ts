import { timeToRead } from '../disk.js'
import { median, plain, ratio } from '../figures.js'
import { answerOf, untilComplete } from '../session.js'
import { begin, ISSUE, pathsOnDisk, SMALL, type Subject } from './subject.js'

/** Answers of servers that have just started and know nothing: to the first, and to the first that is made of all files. */
export async function measureCold (subject: Subject): Promise<number> {
  const first: number[] = []
  const complete: number[] = []
  const limits: number[] = []
  for (let round = 0; round < subject.plan.coldRounds; round++) {
    subject.say(`a new server, ${round + 1} of ${subject.plan.coldRounds}`)
    const session = await begin(subject)
    try {
      const started = performance.now()
      first.push((await session.inject(ISSUE, SMALL)).milliseconds)
      const { body } = await untilComplete(session, ISSUE, SMALL)
      complete.push(performance.now() - started)
      const paths = answerOf({ status: 200, etag: '', retryAfter: '', body, milliseconds: 0 }).context.relevant_files.map(({ path }) => path)
      limits.push(await timeToRead(subject.root, await pathsOnDisk(subject, paths)))
    } finally {
      await session.close()
    }
  }
  subject.figures.push(
    ratio('cold build, new server, first answer of 32k tokens / parse the index, read the same', first, limits, 'ms'),
    plain('new server until an answer is made of all files', median(complete), 'ms')
  )
  return median(first)
}

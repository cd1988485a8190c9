import { timeToRead } from '../disk.js'
import { most, plain, ratio, median } from '../figures.js'
import { answerOf, untilComplete, type Query, type Session } from '../session.js'
import { BUDGETS, expect, FIRST, ISSUE, pathsOnDisk, roundsFor, warmUp, type Subject } from './subject.js'

/** Answers that are made anew although nothing has changed, by a server that knows the project. */
export async function measureBuilds (subject: Subject, session: Session): Promise<void> {
  const { plan, figures } = subject
  const build = async (query: Query): Promise<number> => {
    const { status, milliseconds } = await session.inject(ISSUE, { ...query, fresh: true })
    expect(subject, status === 200, `A build was answered with ${status}.`)
    return milliseconds
  }
  for (const [index, [name, query]] of BUDGETS.entries()) {
    subject.say(`builds, ${name}`)
    const reply = await untilComplete(session, ISSUE, query)
    const answered = answerOf(reply).context.relevant_files
    const paths = await pathsOnDisk(subject, answered.map(({ path }) => path))
    const limitOf = async (): Promise<number> => await timeToRead(subject.root, paths)
    const builds: number[] = []
    const limits: number[] = []
    const blocked = await session.watchLoop(async () => {
      const first = await warmUp(subject, async () => {
        await limitOf()
        return await build(query)
      })
      if (index === 0) figures.push(plain(`the first ${FIRST} builds of a server, ${name}`, median(first), 'ms'))
      for (let round = 0; round < roundsFor(plan.rounds, first); round++) {
        builds.push(await build(query))
        limits.push(await limitOf())
      }
    })
    subject.loop.push({ by: `builds, ${name}`, ...blocked })
    figures.push(ratio(`build, ${name} / parse the index, read the same`, builds, limits, 'ms', { aim: most(2.2), note: `${answered.length} files, ${(reply.body.length / 1e6).toFixed(1)} MB` }))
  }
}

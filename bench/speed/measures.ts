import { rmSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { languageOf, PROGRAMMING_LANGUAGES } from '../../core/project/languages.js'
import { allAgents } from '../shared/agents.js'
import type { BareCalls } from './bare.js'
import { startChild } from './child.js'
import { load, openAll, type Connection } from './client.js'
import { findStale, timeToLook, timeToRead, trackedFiles } from './disk.js'
import { advantage, difference, least, median, most, percentile, plain, ratio, type Figure } from './figures.js'
import { childrenOf, pagesOfEnded, peakOf, residentOf } from './processes.js'
import { packWithRepomix } from './repomix.js'
import { answerOf, builtPart, isHit, startSession, untilComplete, type Blocked, type Query, type Session } from './session.js'

export interface Plan {
  rounds: number
  coldRounds: number
  edits: number
  /** How long each throughput is measured, ms. */
  loadMs: number
}

export const FULL: Plan = { rounds: 7, coldRounds: 2, edits: 7, loadMs: 1000 }
export const QUICK: Plan = { rounds: 1, coldRounds: 1, edits: 1, loadMs: 50 }

/** One repository under measurement, and what has been found so far. */
export interface Subject {
  root: string
  folder: string
  agent: string
  plan: Plan
  figures: Figure[]
  faults: string[]
  loop: Blocked[]
  say (text: string): void
}

const ISSUE = 'issue-1'
const TOKENS = 32_000
const TITLE = 'Errors of a handler are lost when the options are read twice'
const CONNECTIONS = 50
const CROWD = 119
/** As many tokens as a call may ask for, so that 10 MiB are what bounds the answer: every profile has a budget of tokens otherwise. */
const WHOLE: Query = { max_tokens: 10_000_000 }
/** What fits a model beside its work. */
const SMALL: Query = { max_tokens: TOKENS }
const BUDGETS: readonly (readonly [name: string, query: Query])[] = [['10 MiB', WHOLE], ['32k tokens', SMALL]]
const SLOW_MS = 2000
const ROUNDS_WHEN_SLOW = 3

function expect (subject: Subject, isRight: boolean, fault: string): void {
  if (!isRight) subject.faults.push(fault)
}

export async function begin (subject: Subject): Promise<Session> {
  const session = await startSession(subject.root, subject.folder, subject.agent)
  await session.tell(ISSUE, TITLE)
  return session
}

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

async function pathsOnDisk (subject: Subject, paths: readonly string[]): Promise<string[]> {
  const tracked = new Set(await trackedFiles(subject.root))
  return paths.filter((path) => tracked.has(path))
}

export async function measureBuilds (subject: Subject, session: Session): Promise<void> {
  const { plan, figures } = subject
  for (const [name, query] of BUDGETS) {
    subject.say(`builds, ${name}`)
    const reply = await untilComplete(session, ISSUE, query)
    const answered = answerOf(reply).context.relevant_files
    const paths = await pathsOnDisk(subject, answered.map(({ path }) => path))
    await timeToRead(subject.root, paths)
    const builds: number[] = []
    const limits: number[] = []
    const blocked = await session.watchLoop(async () => {
      for (let round = 0; round < roundsFor(plan, builds); round++) {
        const { status, milliseconds } = await session.inject(ISSUE, { ...query, fresh: true })
        expect(subject, status === 200, `A build was answered with ${status}.`)
        builds.push(milliseconds)
        limits.push(await timeToRead(subject.root, paths))
      }
    })
    subject.loop.push(blocked)
    figures.push(ratio(`build, ${name} / parse the index, read the same`, builds, limits, 'ms', { aim: most(2.2), note: `${answered.length} files, ${(reply.body.length / 1e6).toFixed(1)} MB` }))
  }
}

function roundsFor ({ rounds }: Plan, times: readonly number[]): number {
  return (times[0] ?? 0) > SLOW_MS ? Math.min(rounds, ROUNDS_WHEN_SLOW) : rounds
}

export async function measureRepomix (subject: Subject, session: Session, program: string): Promise<void> {
  const ours: number[] = []
  const theirs: number[] = []
  const memory: number[] = []
  for (let round = 0; round < Math.min(subject.plan.rounds, ROUNDS_WHEN_SLOW); round++) {
    subject.say(`repomix, round ${round + 1}`)
    ours.push((await session.get(ISSUE, { ...WHOLE, fresh: true })).milliseconds)
    const packed = await packWithRepomix(program, subject.root, subject.folder)
    theirs.push(packed.milliseconds)
    memory.push(packed.peakMb)
  }
  subject.figures.push(
    advantage('fresh answer over HTTP, times faster than repomix', ours, theirs, 'ms', { aim: least(20) }),
    ratio('most memory of the server so far / of repomix', [peakOf(session.pid)], memory, 'MB', { aim: most(0.5) })
  )
}

export async function measureHits (subject: Subject, session: Session): Promise<void> {
  const paths = await trackedFiles(subject.root)
  const rounds = Math.max(1, subject.plan.rounds * 3)
  for (const [name, query] of BUDGETS) {
    subject.say(`unchanged, ${name}`)
    const { etag } = await untilComplete(session, ISSUE, query)
    const injected: number[] = []
    const sent: number[] = []
    const limits: number[] = []
    for (let round = 0; round < rounds; round++) {
      const hit = await session.inject(ISSUE, query)
      const reply = await session.get(ISSUE, query)
      limits.push(await timeToLook(subject.root, paths))
      injected.push(hit.milliseconds)
      sent.push(reply.milliseconds)
      expect(subject, hit.etag === etag && reply.etag === etag && isHit(reply.body), 'An answer about files that had not changed was made again.')
    }
    subject.figures.push(
      ratio(`hit, ${name}, not sent / lstat of all files`, injected, limits, 'ms', { aim: most(1.1) }),
      ratio(`hit, ${name}, over HTTP / lstat of all files`, sent, limits, 'ms', { aim: most(1.1) })
    )
  }
}

/** Throughput of the sidecar and of a bare Fastify, by turns: time and processor time of each request. */
async function compareLoads (subject: Subject, session: Session, bare: ReturnType<typeof startChild<BareCalls>>, bareConnections: readonly Connection[], ours: { query: Query, headers: Record<string, string>, status: number }, barePath: string): Promise<{ rates: number[], bareRates: number[], processor: number[], bareProcessor: number[] }> {
  const connections = await openAll(session.port, bareConnections.length)
  const found = { rates: [] as number[], bareRates: [] as number[], processor: [] as number[], bareProcessor: [] as number[] }
  const { loadMs } = subject.plan
  try {
    // The first round warms both up.
    for (let round = -1; round < Math.min(subject.plan.rounds, 3); round++) {
      let before = await session.child.call('processor')
      const { rate, unexpected } = await load(connections, loadMs, session.url(ISSUE, ours.query), { ...session.headers, ...ours.headers }, ours.status)
      const processor = (await session.child.call('processor') - before) / (rate * loadMs / 1000)
      expect(subject, unexpected === 0, `${unexpected} of many equal requests were not answered with ${ours.status}.`)
      before = await bare.call('processor')
      const bareLoad = await load(bareConnections, loadMs, barePath, {}, 200)
      const bareProcessor = (await bare.call('processor') - before) / (bareLoad.rate * loadMs / 1000)
      if (round < 0) continue
      found.rates.push(rate)
      found.bareRates.push(bareLoad.rate)
      found.processor.push(processor)
      found.bareProcessor.push(bareProcessor)
    }
  } finally {
    for (const connection of connections) connection.close()
  }
  return found
}

/** How long the largest answer takes where nobody else asks, beside a bare server of the same bytes: that is what sending them costs. */
async function compareAlone (subject: Subject, session: Session, bare: Connection, barePath: string): Promise<void> {
  subject.say('10 MiB, beside a bare server')
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < subject.plan.rounds * 3; round++) {
    ours.push((await session.get(ISSUE, WHOLE)).milliseconds)
    theirs.push((await bare.get(barePath, {})).milliseconds)
  }
  subject.figures.push(ratio('hit, 10 MiB, over HTTP / bare with the same buffer', ours, theirs, 'ms'))
}

export async function measureThroughput (subject: Subject, session: Session): Promise<void> {
  const bare = startChild<BareCalls>(new URL('./bare.js', import.meta.url), [], subject.folder)
  const connections: Connection[] = []
  try {
    const { etag, body } = await untilComplete(session, ISSUE, SMALL)
    const { body: whole } = await untilComplete(session, ISSUE, WHOLE)
    for (const [name, content] of [['answer', body], ['whole', whole]] as const) {
      const file = join(subject.folder, `${name}.json`)
      await writeFile(file, content)
      await bare.call('load', { name, file })
    }
    connections.push(...await openAll(await bare.call('port'), CONNECTIONS))
    await compareAlone(subject, session, connections[0]!, '/buffer/whole')
    subject.say('304')
    const unchanged = await compareLoads(subject, session, bare, connections, { query: SMALL, headers: { 'if-none-match': etag }, status: 304 }, '/hello')
    const perRequest = (rates: readonly number[]): number[] => rates.map((rate) => 1000 / rate)
    subject.figures.push(
      ratio(`304, ${CONNECTIONS} connections / bare hello, time of each`, perRequest(unchanged.rates), perRequest(unchanged.bareRates), 'ms', { aim: most(1.3) }),
      ratio('304 / bare hello, processor time of each', unchanged.processor, unchanged.bareProcessor, 'ms')
    )
    subject.say('200 from the cache')
    const sent = await compareLoads(subject, session, bare, connections, { query: SMALL, headers: {}, status: 200 }, '/buffer/answer')
    subject.figures.push(
      ratio('warm 200, 32k tokens / bare with the same buffer, throughput', sent.rates, sent.bareRates, '/s', { aim: least(0.8) }),
      ratio('warm 200 / bare with the same buffer, processor time of each', sent.processor, sent.bareProcessor, 'ms')
    )
  } finally {
    for (const connection of connections) connection.close()
    await bare.close()
  }
}

const NEW_FILE = 'cco-speed-new.ts'
const EDITABLE_BYTES = 50_000

/** Edits files and compares each answer with the disk. */
export async function measureEdits (subject: Subject, session: Session): Promise<void> {
  const { root, plan } = subject
  const known = new Set([...await trackedFiles(root), NEW_FILE])
  const issue = 'issue-edits'
  let answers = 0
  let stale = 0
  const look = async (query: Query, what: string, isThere: (paths: ReadonlySet<string>) => boolean): Promise<void> => {
    const reply = await session.get(issue, query)
    const { context: { relevant_files: files } } = answerOf(reply)
    const wrong = findStale(root, known, files)
    if (!isThere(new Set(files.map(({ path }) => path)))) wrong.push('what is listed')
    answers++
    if (wrong.length > 0) stale++
    expect(subject, wrong.length === 0, `After ${what} the answer was not what is on the disk: ${wrong.join(', ')}.`)
  }
  const target = answerOf(await untilComplete(session, ISSUE, WHOLE)).context.relevant_files.find(({ path, truncation, content }) =>
    known.has(path) && truncation === 'none' && content.length < EDITABLE_BYTES && PROGRAMMING_LANGUAGES.has(languageOf(path) ?? ''))?.path
  if (target === undefined) throw new Error('No answer has a whole file in a programming language that could be edited.')
  await session.tell(issue, TITLE, [target, NEW_FILE])
  const file = join(root, target)
  const original = await readFile(file)
  try {
    for (const [name, query] of BUDGETS) {
      subject.say(`edits, ${name}`)
      await untilComplete(session, issue, query)
      const edited: number[] = []
      const rebuilt: number[] = []
      let { etag } = await session.inject(issue, query)
      const blocked = await session.watchLoop(async () => {
        for (let round = 0; round < Math.min(plan.edits, roundsFor(plan, rebuilt)); round++) {
          rebuilt.push((await session.inject(issue, { ...query, fresh: true })).milliseconds)
          writeFileSync(file, Buffer.concat([original, Buffer.from(`// round ${round} of ${name}\n`)]))
          const answer = await session.inject(issue, query)
          edited.push(answer.milliseconds)
          expect(subject, answer.status === 200 && answer.etag !== etag, 'An edit did not change the tag of the answer.')
          etag = answer.etag
          await look(query, 'an edit', (paths) => paths.has(target))
        }
      })
      subject.loop.push(blocked)
      subject.figures.push(difference(`one file changed, ${name} − a build of it all`, edited, rebuilt, { aim: most(5) }))
    }
    const size = original.length
    writeFileSync(file, Buffer.alloc(size, 'a\n'))
    await look(SMALL, 'an edit that keeps the size', (paths) => paths.has(target))
    const stale304 = await session.get(issue, SMALL, { 'if-none-match': (await session.get(issue, SMALL)).etag })
    expect(subject, stale304.status === 304, `An answer that the agent has already came again with ${stale304.status}.`)
    writeFileSync(file, Buffer.alloc(size, 'b\n'))
    const changed = await session.get(issue, SMALL, { 'if-none-match': stale304.etag })
    expect(subject, changed.status === 200, `After an edit an old tag was answered with ${changed.status}.`)
    rmSync(file)
    await look(SMALL, 'a file was deleted', (paths) => !paths.has(target))
    writeFileSync(join(root, NEW_FILE), 'export const added = 1\n')
    await look(SMALL, 'a file was added', (paths) => paths.has(NEW_FILE))
    rmSync(join(root, NEW_FILE))
    await look(SMALL, 'the added file was deleted', (paths) => !paths.has(NEW_FILE))
  } finally {
    rmSync(join(root, NEW_FILE), { force: true })
    writeFileSync(file, original)
  }
  subject.figures.push(plain('stale answers', stale, '', { aim: most(0), note: `of ${answers} that were compared with the disk` }))
  await untilComplete(session, ISSUE, SMALL)
}

/** Many that ask for the same at once, when nobody has asked before. */
export async function measureEqual (subject: Subject, session: Session): Promise<void> {
  const connections = await openAll(session.port, CROWD)
  const times: number[] = []
  const builds: number[] = []
  const alone: number[] = []
  let answered = 0
  try {
    for (let round = 0; round < Math.min(subject.plan.rounds, ROUNDS_WHEN_SLOW); round++) {
      subject.say(`${CROWD} equal requests, round ${round + 1}`)
      alone.push((await session.get(ISSUE, { ...SMALL, fresh: true })).milliseconds)
      const issue = `issue-equal-${round}`
      await session.tell(issue, TITLE)
      const started = performance.now()
      const replies = await Promise.all(connections.map(async (connection) => await connection.get(session.url(issue, SMALL), session.headers)))
      times.push(performance.now() - started)
      const right = replies.filter(({ status, etag }) => status === 200 && etag === replies[0]!.etag)
      answered += right.length
      expect(subject, right.length === CROWD, `${CROWD - right.length} of ${CROWD} equal requests got no answer, or another.`)
      builds.push(new Set(right.map(({ body }) => builtPart(body).toString('latin1'))).size)
      expect(subject, builds.at(-1) === 1, `${CROWD} equal requests at once were built ${builds.at(-1)} times.`)
    }
  } finally {
    for (const connection of connections) connection.close()
  }
  subject.figures.push(
    plain(`builds for ${CROWD} equal requests at once`, Math.max(...builds), '', { aim: most(1), note: `${answered} of ${CROWD * times.length} answered alike` }),
    ratio(`${CROWD} equal requests at once / one build`, times, alone, 'ms')
  )
}

/** One agent of every type about the same issue, all at once. */
export async function measureAgents (subject: Subject, session: Session, coldMs: number): Promise<void> {
  const agents = allAgents()
  const connections = await openAll(session.port, agents.length)
  const tokens: string[] = []
  for (const agent of agents) tokens.push(await session.tokenFor(agent))
  const totals: number[] = []
  const each: number[] = []
  try {
    subject.say(`${agents.length} agents`)
    const issue = 'issue-agents'
    await session.tell(issue, TITLE)
    subject.loop.push(await session.watchLoop(async () => {
      const started = performance.now()
      const replies = await Promise.all(connections.map(async (connection, index) =>
        await connection.get(session.url(issue, SMALL, agents[index]), { authorization: `Bearer ${tokens[index]}` })))
      totals.push(performance.now() - started)
      for (const [index, { status, body, milliseconds }] of replies.entries()) {
        each.push(milliseconds)
        expect(subject, status === 200, `${agents[index]} was answered with ${status}: ${body.toString('utf8', 0, 200)}`)
      }
    }))
  } finally {
    for (const connection of connections) connection.close()
  }
  subject.figures.push(
    ratio(`${agents.length} agents of every type at once, 32k tokens / one first answer of a new server`, totals, [coldMs], 'ms', { aim: most(3) }),
    plain('of each of them, p50', percentile(each, 0.5), 'ms'),
    plain('of each of them, p99', percentile(each, 0.99), 'ms')
  )
}

export function reportLoop ({ loop, figures }: Subject): void {
  figures.push(
    plain('event loop held in builds, edits and by all agents, p99', Math.max(...loop.map(({ p99 }) => p99)), 'ms', { aim: most(10) }),
    plain('event loop held, longest', Math.max(...loop.map(({ longest }) => longest)), 'ms')
  )
}

/** One helper starts git, and one agents: what the server itself starts later copies its memory map and stops it meanwhile. */
const HELPERS = 2

export function reportProcesses ({ figures }: Subject, session: Session): void {
  const ended = pagesOfEnded(session.pid) > 0
  figures.push(
    plain('processes of the server itself', childrenOf(session.pid).length + (ended ? 1 : 0), '', { aim: most(HELPERS), ...(ended ? { note: 'at least one has ended' } : {}) }),
    plain('resident memory of the server', residentOf(session.pid), 'MB')
  )
}

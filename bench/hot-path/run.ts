import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { BareCalls } from '../events/bare.js'
import { BODY, issueToken, withConnections } from '../events/session.js'
import { progress } from '../shared/progress.js'
import { startChild, type Child } from '../speed/child.js'
import { loadWith, renderRequest } from '../speed/client.js'
import { least, plain, ratio, type Figure } from '../speed/figures.js'
import { renderFigures } from '../speed/report.js'
import { LINKS, type Link } from './links.js'
import type { Options } from './options.js'
import type { HotPathCalls } from './server.js'

const CONNECTIONS = 50
const ROUND_MS = 400
const QUICK_MS = 100

interface Sample {
  /** Requests a second. */
  rate: number
  /** Processor time of the server for each, microseconds. */
  cost: number
}

/** A server, and what was measured of it. */
interface Subject {
  name: string
  child: Child<HotPathCalls> | Child<BareCalls>
  port: number
  requests: string[]
  samples: Sample[]
}

/** Measures, prints, and answers whether every answer was right. Works in `folder`, which is the caller's to remove. */
export async function run (options: Options, folder: string): Promise<boolean> {
  const chains: [name: string, links: readonly Link[]][] = [
    ['the full chain', LINKS],
    ['none of the links', []],
    ...LINKS.map((link): [string, Link[]] => [`all but ${link}`, LINKS.filter((other) => other !== link)]),
    ...LINKS.map((link): [string, Link[]] => [`only ${link}`, [link]])
  ]
  const subjects: Subject[] = []
  const faults: string[] = []
  try {
    progress('a bare server')
    subjects.push(await startBare(folder))
    for (const [name, links] of options.quick === true ? chains.slice(0, 2) : chains) {
      progress(`a server with ${name}`)
      subjects.push(await startServer(folder, name, links))
    }
    // In turn, so that what else the machine does is shared; the first round warms all of them up.
    const rounds = options.quick === true ? 1 : options.rounds + 1
    for (let round = 0; round < rounds; round++) {
      for (const subject of subjects) {
        progress(`round ${round} of ${rounds - 1}, ${subject.name}`)
        const sample = await measure(subject, options.quick === true ? QUICK_MS : ROUND_MS, faults)
        if (round > 0 || rounds === 1) subject.samples.push(sample)
      }
    }
  } finally {
    await Promise.all(subjects.map(async ({ child }) => await child.close()))
  }
  progress('')
  const figures = options.quick === true ? figuresOf(subjects, []) : figuresOf(subjects, LINKS)
  console.log(options.format === 'json' ? JSON.stringify({ figures, faults }, null, 2) : renderFigures({ figures, faults, notMeasured: [] }, options.markdown === true))
  return faults.length === 0
}

async function startBare (folder: string): Promise<Subject> {
  const child = startChild<BareCalls>(new URL('../events/bare.js', import.meta.url), [], folder)
  const { port } = await child.call('address')
  return { name: 'bare', child, port, requests: [renderRequest('POST', '/echo/code_ready', {}, BODY)], samples: [] }
}

async function startServer (folder: string, name: string, links: readonly Link[]): Promise<Subject> {
  const child = startChild<HotPathCalls>(new URL('./server.js', import.meta.url), [await mkdtemp(join(folder, 'sidecar-')), JSON.stringify(links)], folder)
  const { port, operator } = await child.call('address')
  const tokens: string[] = []
  for (let agent = 0; agent < CONNECTIONS; agent++) tokens.push(links.includes('token') ? await issueToken(port, operator) : `bench-agent/agent-${agent}`)
  return { name, child, port, requests: tokens.map((token) => renderRequest('POST', '/echo/code_ready', { authorization: `Bearer ${token}` }, BODY)), samples: [] }
}

async function measure ({ name, child, port, requests }: Subject, milliseconds: number, faults: string[]): Promise<Sample> {
  const calls = child as Child<Pick<HotPathCalls, 'processor'>>
  const before = await calls.call('processor')
  const { rate, unexpected, requests: answered } = await withConnections(port, CONNECTIONS, async (connections) =>
    await loadWith(connections, milliseconds, connections.map((_, index) => requests[index % requests.length]!), 202))
  if (unexpected > 0) faults.push(`${unexpected} of ${answered} requests to ${name} were not answered with 202`)
  return { rate, cost: (await calls.call('processor') - before) / answered * 1000 }
}

function figuresOf (subjects: readonly Subject[], links: readonly Link[]): Figure[] {
  const named = (name: string): Subject => subjects.find((subject) => subject.name === name)!
  // What else the machine does only ever adds: the best round is the one that it disturbed least.
  const cost = (name: string): number => Math.min(...named(name).samples.map(({ cost }) => cost))
  const rate = (name: string): number => Math.max(...named(name).samples.map(({ rate }) => rate))
  const [bare, full, none] = [cost('bare'), cost('the full chain'), cost('none of the links')]
  return [
    ratio('requests a second, full chain / bare route', [rate('the full chain')], [rate('bare')], '/s', { aim: least(0.6) }),
    ratio('requests a second, no link / bare route', [rate('none of the links')], [rate('bare')], '/s'),
    ratio('processor time a request, full chain / bare route', [full], [bare], 'µs', { note: `${(bare / full).toFixed(2)} × as many in the same time` }),
    plain('what is always there', none - bare, 'µs', { note: `${share(none - bare, full - bare)} of what the chain adds` }),
    ...links.map((link) => {
      const [left, alone] = [full - cost(`all but ${link}`), cost(`only ${link}`) - none]
      return plain(link, left, 'µs', { note: `left out of the chain, ${share(left, full - bare)}; alone ${alone.toFixed(1)} µs` })
    })
  ]
}

function share (part: number, whole: number): string {
  return `${Math.round(part / whole * 100)} %`
}

import { setTimeout as wait } from 'node:timers/promises'
import { progress } from '../shared/progress.js'
import { isMet, least, most, percentile, plain, ratio, type Figure } from '../speed/figures.js'
import { renderFigures } from '../speed/report.js'
import { startChild, type Child } from '../speed/child.js'
import type { ServerCalls, Setup } from '../events/server.js'
import { issueToken } from '../events/session.js'
import { flood } from './flood.js'
import type { GeneratorCalls, Job, Outcome } from './generator.js'
import type { Options } from './options.js'
import { recovery, watchHealth } from './probe.js'
import { kindsFor, LIST, type Mix } from './requests.js'

/** As many as there are agents. */
const AGENTS = 119
const STEPS = [16, 32, 64, 119]
const STEP_MS = 3000
const QUICK_MS = 2000
const REST_MS = 3000
/** Rounds at the peak that are measured; the best of the steps alone would be luck. */
const PEAK_ROUNDS = 3
/** Connections of an overload: they are the agents of so many times as many sidecars. */
const MOST_CONNECTIONS = 1500
const WITHIN_MS = 2000
const MEMORY_MB = 1024
const HEALTH_MS = 100

interface Stage { port: number, server: Child<ServerCalls>, generator: Child<GeneratorCalls>, mix: Mix, isQuick: boolean, figures: Figure[], faults: string[], say (text: string): void }

/** Answers a second that were what was asked for. */
function goodput ({ answers, milliseconds }: Outcome): number {
  return countOf(answers, (status) => status < 400) / milliseconds * 1000
}

function countOf (answers: Outcome['answers'], isWanted: (status: number) => boolean): number {
  return Object.values(answers).flatMap((statuses) => Object.entries(statuses)).reduce((sum, [status, count]) => sum + (isWanted(Number(status)) ? count : 0), 0)
}

/** Measures, prints, and answers whether every bound held. Works in `folder`, which is the caller's to remove. */
export async function run (options: Options, folder: string): Promise<boolean> {
  const isQuick = options.quick === true
  const setup: Setup = { bus: 'journal', guarded: true }
  const server = startChild<ServerCalls>(new URL('../events/server.js', import.meta.url), [folder, JSON.stringify(setup)], folder)
  const generator = startChild<GeneratorCalls>(new URL('./generator.js', import.meta.url), [], folder)
  try {
    const { port, operator } = await server.call('address')
    const tokens: string[] = []
    for (let agent = 0; agent < AGENTS; agent++) tokens.push(await issueToken(port, operator))
    const stage: Stage = { port, server, generator, mix: kindsFor(tokens), isQuick, figures: [], faults: [], say: progress }
    const rest = watchHealth(port, stage.mix.health)
    await wait(isQuick ? QUICK_MS : REST_MS)
    stage.figures.push(plain('health p99 at rest', (await rest.stop()).p99, 'ms'))
    const peak = await findPeak(stage)
    // The machine may do something else meanwhile: the peak is measured on both sides of what is compared with it.
    for (const factor of options.factors) await overload(stage, factor, isQuick ? QUICK_MS : options.seconds * 1000, peak)
    if (options.flood > 0) await floodWith(stage, options.flood)
    progress('')
    const { figures, faults } = stage
    const broken = isQuick ? [] : figures.filter((figure) => isMet(figure) === false)
    console.log(options.format === 'json' ? JSON.stringify({ figures, faults }, null, 2) : renderFigures({ figures, faults, notMeasured: [] }, options.markdown === true))
    return faults.length === 0 && broken.length === 0
  } finally {
    await generator.close()
    await server.close()
  }
}

/** An outcome with the processor time that the server took for it, milliseconds. */
type Measured = Outcome & { processorMs: number }

async function offer (stage: Stage, job: Omit<Job, 'port' | 'kinds'>): Promise<Measured> {
  const before = await stage.server.call('processor')
  const outcome = await stage.generator.call('generate', { ...job, port: stage.port, kinds: stage.mix.kinds })
  const wrong = Object.entries(outcome.answers).flatMap(([kind, statuses]) => Object.entries(statuses).filter(([status]) => Number(status) >= 400 && status !== '503').map(([status, count]) => `${count} × ${status} for ${kind}`))
  if (wrong.length > 0) stage.faults.push(`answers that are no refusal for load: ${wrong.join(', ')}`)
  if (outcome.mute > 0) stage.faults.push(`${outcome.mute} refusals did not say when to come again`)
  if (outcome.broken > 0) stage.faults.push(`${outcome.broken} connections broke`)
  return { ...outcome, processorMs: await stage.server.call('processor') - before }
}

interface Peak { rates: number[], connections: number, usualMs: number }

/** Answers that were what was asked for, a second of the server's processor time. */
function perProcessor ({ processorMs, milliseconds, ...outcome }: Measured): number {
  return goodput({ ...outcome, milliseconds }) * milliseconds / processorMs
}

function loadOf (measured: Measured): string {
  return `processor ${Math.round(measured.processorMs / measured.milliseconds * 100)} %, ${Math.round(perProcessor(measured))} a second of it`
}

/** Each connection asks again as soon as it has its answer; more of them than are needed for the peak only wait. */
async function findPeak (stage: Stage): Promise<Peak> {
  const milliseconds = stage.isQuick ? 500 : STEP_MS
  let best = { connections: STEPS[0]!, rate: 0 }
  for (const connections of STEPS) {
    stage.say(`the peak, with ${connections} connections`)
    const rate = goodput(await offer(stage, { connections, milliseconds }))
    if (rate > best.rate) best = { connections, rate }
  }
  const outcomes: Measured[] = []
  for (let round = 0; round < (stage.isQuick ? 1 : PEAK_ROUNDS); round++) outcomes.push(await offer(stage, { connections: best.connections, milliseconds }))
  const rates = outcomes.map(goodput)
  const usualMs = percentile(outcomes.flatMap(({ latencies }) => latencies), 0.5)
  stage.figures.push(plain('peak', percentile(rates, 0.5), '/s', { note: `${best.connections} connections, half of the answers within ${usualMs.toFixed(1)} ms; ${loadOf(outcomes[0]!)}` }))
  return { rates, connections: best.connections, usualMs }
}

async function overload (stage: Stage, factor: number, milliseconds: number, peak: Peak): Promise<void> {
  const { figures, faults, mix, port } = stage
  const name = `${factor} ×`
  stage.say(`${name} the peak`)
  const health = watchHealth(port, mix.health)
  const rate = factor * percentile(peak.rates, 0.5)
  const outcome = await offer(stage, { connections: Math.min(MOST_CONNECTIONS, Math.ceil(peak.connections * factor)), milliseconds, rate })
  const restored = await recovery(port, mix.first, Math.max(5, peak.usualMs))
  const { p99, worst, asked, wrong, memoryMb } = await health.stop()
  for (let round = 0; round < (stage.isQuick ? 1 : PEAK_ROUNDS); round++) peak.rates.push(goodput(await offer(stage, { connections: peak.connections, milliseconds: stage.isQuick ? 500 : STEP_MS })))
  const shares = mix.kinds.map(({ name: kind }) => {
    const statuses = outcome.answers[kind] ?? {}
    const all = Object.values(statuses).reduce((sum, count) => sum + count, 0)
    return `${kind} ${all === 0 ? '–' : `${Math.round((statuses[503] ?? 0) / all * 100)} %`}`
  })
  figures.push(
    ratio(`${name}, goodput`, [goodput(outcome)], peak.rates, '/s', { aim: least(0.8), note: `offered ${Math.round(outcome.due / milliseconds * 1000)}/s; refused: ${shares.join(', ')}; ${loadOf(outcome)}` }),
    plain(`${name}, p99 of what was answered`, percentile(outcome.latencies, 0.99), 'ms'),
    plain(`${name}, health p99`, p99, 'ms', { aim: most(HEALTH_MS), note: `asked ${asked} times, longest ${worst.toFixed(0)} ms` }),
    plain(`${name}, memory`, memoryMb, 'MB', { aim: most(MEMORY_MB) }),
    plain(`${name}, itself again after`, restored, 'ms', { aim: most(WITHIN_MS) })
  )
  // Where the machine has no time for the server, its own checks do not end in time either.
  if (wrong > 0 && !stage.isQuick) faults.push(`health was not well ${wrong} times of ${asked} at ${name}`)
  if (goodput(outcome) === 0) faults.push(`nothing was answered at ${name}`)
  // What follows begins with a server at rest.
  await wait(stage.isQuick ? 0 : WITHIN_MS)
}

async function floodWith ({ figures, faults, mix, port, say }: Stage, count: number): Promise<void> {
  say(`${count} connections with half a request`)
  const { opened, before, during, closed } = await flood(port, count, mix.publish)
  figures.push(ratio(`${LIST.format(count)} half-open connections, p99 of a publish`, [during], [before], 'ms', { aim: most(2) }))
  if (opened < count) faults.push(`of ${count} connections ${opened} could be opened`)
  if (closed < opened) faults.push(`of ${opened} connections with half a request ${opened - closed} were not closed`)
}

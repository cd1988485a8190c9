import { startChild } from '../speed/child.js'
import { difference, median, most, plain } from '../speed/figures.js'
import type { BareCalls } from './bare.js'
import type { Subject } from '../shared/parts.js'
import { startServer } from './session.js'

const MEBIBYTES = 1024
const QUICK_MEBIBYTES = 32
const ROUNDS = 20
const QUICK_ROUNDS = 2

/** How long the event loop of a sidecar is blocked while an agent is started, with and without a gigabyte of memory; and what a bare start does to it. */
export async function measureHeap (subject: Subject): Promise<void> {
  const [mebibytes, rounds] = subject.quick ? [QUICK_MEBIBYTES, QUICK_ROUNDS] : [MEBIBYTES, ROUNDS]
  const server = await startServer(subject, 'shell', { 'spawn-starts-per-second': '1000' })
  const bare = startChild<BareCalls>(new URL('./bare.js', import.meta.url), [subject.folder], subject.folder)
  const bareBlocked = async (): Promise<number[]> => {
    const blocked: number[] = []
    for (let round = 0; round < rounds; round++) {
      blocked.push((await bare.call('start', { command: server.commands.shell, contextFile: server.contextFile })).blockedMs)
      await bare.call('end')
    }
    return blocked
  }
  const blocked = async (): Promise<number[]> => {
    const longest: number[] = []
    for (let round = 0; round < rounds; round++) {
      await server.child.call('blocked')
      await server.start()
      longest.push(await server.child.call('blocked'))
      await server.endAll()
    }
    return longest
  }
  try {
    subject.say('the event loop while agents start')
    const [light, bareLight] = [await blocked(), await bareBlocked()]
    await Promise.all([server.child.call('ballast', mebibytes), bare.call('ballast', mebibytes)])
    subject.say(`the event loop while agents start, with ${mebibytes} MiB`)
    const [heavy, bareHeavy] = [await blocked(), await bareBlocked()]
    subject.figures.push(
      difference(`event loop blocked while an agent starts, with ${mebibytes} MiB in memory and without`, heavy, light, { aim: most(5), note: `by a bare start: ${median(bareHeavy).toFixed(1)} and ${median(bareLight).toFixed(1)} ms` }),
      plain('and at the worst', Math.max(...heavy), 'ms')
    )
  } finally {
    await Promise.all([server.close(), bare.close()])
  }
}

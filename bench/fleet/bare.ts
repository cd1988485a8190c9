/** Starts a command as anybody would, with `child_process.spawn`, and says how long it took until it wrote something. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { answerCalls } from '../speed/child.js'
import { ballast } from './ballast.js'

const [folder] = process.argv.slice(2) as [string]
const children = new Set<ChildProcess>()

async function start ({ command: [program, ...args], contextFile }: { command: string[], contextFile: string }): Promise<{ blockedMs: number, readyMs: number }> {
  const begun = performance.now()
  const child = spawn(program!, args, { cwd: folder, env: { PATH: process.env.PATH, CONTEXT_FILE: contextFile }, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const blockedMs = performance.now() - begun
  children.add(child)
  await once(child.stdout, 'data')
  return { blockedMs, readyMs: performance.now() - begun }
}

const handlers = {
  /** Milliseconds that the call blocked the event loop, and those until the first output. */
  start,
  /** So many at once; milliseconds until all have written something. */
  async crowd ({ count, ...one }: { count: number, command: string[], contextFile: string }): Promise<number> {
    const begun = performance.now()
    await Promise.all(Array.from({ length: count }, async () => await start(one)))
    return performance.now() - begun
  },
  async end (): Promise<void> {
    await Promise.all([...children].map(async (child) => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }))
    children.clear()
  },
  ballast
}

export type BareCalls = typeof handlers

process.on('exit', () => { for (const child of children) child.kill('SIGKILL') })
answerCalls(handlers)

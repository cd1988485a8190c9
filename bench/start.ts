import { spawn, type ChildProcess } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { PACKAGE_ROOT, PROGRAM } from '../core/package-root.js'
import { runProgram } from './shared/program.js'

/** What the sidecar is held to on an idle machine, from the start of the process. */
const LIMIT_MS = 500
const LIMIT_MB = 120
const ROUNDS = 7
const GIVE_UP_MS = 20_000

interface Start { healthyMs: number, residentMb: number | null }

const BARE = `import Fastify from 'fastify'
const app = Fastify()
app.get('/health', async () => ({ status: 'healthy' }))
console.log('listening on ' + await app.listen({ port: 0, host: '127.0.0.1' }))
`

let running: ChildProcess | undefined

/** Starts a program and measures the time until its /health says healthy, and what it then holds in memory. */
async function measure (args: string[]): Promise<Start> {
  const started = performance.now()
  const child = running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: PACKAGE_ROOT })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  try {
    const url = await addressOf(child.stdout)
    for (;;) {
      const answer = await fetch(`${url}/health`)
      if (((await answer.json()) as { status: string }).status === 'healthy') break
      if (performance.now() - started > GIVE_UP_MS) throw new Error(`${url}/health is not healthy after ${GIVE_UP_MS} ms`)
    }
    return { healthyMs: performance.now() - started, residentMb: await residentOf(child.pid!) }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

async function addressOf (output: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of output) {
    text += String(chunk)
    const match = /listening on (http:\/\/\S+)/.exec(text)
    if (match !== null) {
      output.resume()
      return match[1]!
    }
  }
  throw new Error(`It ended without listening: ${text}`)
}

/** Resident set in MB; `null` where the system does not tell it in /proc. */
async function residentOf (pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const match = /^VmRSS:\s+(\d+) kB/m.exec(status)
  return match === null ? null : Number(match[1]) * 1024 / 1e6
}

function median (values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function row (name: string, starts: Start[], bare: number): string {
  const times = starts.map((start) => start.healthyMs)
  const memory = starts.map((start) => start.residentMb).filter((value) => value !== null)
  const cells = [name, `${median(times).toFixed(0)}`, `${Math.min(...times).toFixed(0)}`, memory.length === 0 ? 'unknown' : median(memory).toFixed(0), `${(median(times) / bare).toFixed(2)} ×`]
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(34) : cell.padStart(12))).join('')
}

function readOptions (args: readonly string[]): object {
  return new Command('npm run bench:start --')
    .description('Measures the time from the start of the process until it is healthy, beside a bare Fastify.')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse([...args], { from: 'user' })
    .opts()
}

async function run (_options: object, folder: string): Promise<boolean> {
  const bareFile = join(PACKAGE_ROOT, 'dist', 'bench', 'bare-fastify.mjs')
  await writeFile(bareFile, BARE)
  const sidecar = (storage: string): string[] => [
    PROGRAM, 'start', '--port', '0', '--log-level', 'warn', '--storage', join(folder, storage)
  ]
  const bare: Start[] = []
  const first: Start[] = []
  const later: Start[] = []
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await measure([bareFile]))
    first.push(await measure(sidecar(`storage-${round}`)))
    later.push(await measure(sidecar(`storage-${round}`)))
  }
  await rm(bareFile)
  const limit = median(bare.map((start) => start.healthyMs))
  console.log(`Start to healthy, ${ROUNDS} rounds; limits on an idle machine: ${LIMIT_MS} ms, ${LIMIT_MB} MB resident\n`)
  console.log(['', 'median ms', 'best ms', 'resident MB', 'to bare'].map((cell, index) => (index === 0 ? cell.padEnd(34) : cell.padStart(12))).join(''))
  console.log(row('bare Fastify with /health', bare, limit))
  console.log(row('sidecar, first start (makes keys)', first, limit))
  console.log(row('sidecar, later start', later, limit))
  const within = median(later.map((start) => start.healthyMs)) < LIMIT_MS && later.every((start) => (start.residentMb ?? 0) < LIMIT_MB)
  console.log(within ? '\nwithin the limits' : '\nNOT within the limits (or the machine is not idle)')
  return true
}

await runProgram({ readOptions, load: async () => ({ run }), stop () { running?.kill('SIGKILL') } })

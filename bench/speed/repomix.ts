import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { residentOfTree } from './processes.js'
import { track } from './child.js'

const VERSION = '1.14.0'
const SAMPLE_MS = 50

async function run (program: string, args: readonly string[], cwd: string): Promise<{ milliseconds: number, peakMb: number, output: string }> {
  const started = performance.now()
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, npm_config_update_notifier: 'false' } })
  track(child)
  let output = ''
  child.stdout.on('data', (chunk) => { output += String(chunk) })
  let peakMb = 0
  const timer = setInterval(() => { peakMb = Math.max(peakMb, residentOfTree(child.pid!)) }, SAMPLE_MS)
  try {
    const [code] = await once(child, 'exit') as [number | null]
    if (code !== 0) throw new Error(`it ended with code ${code}`)
    return { milliseconds: performance.now() - started, peakMb, output }
  } finally {
    clearInterval(timer)
  }
}

/** The program that was named, or a fetched one; throws where it is not the version that is measured against. */
export async function findRepomix (option: string, cwd: string): Promise<string> {
  const program = option === 'install'
    // Its path, so that the measurement does not pay for npm.
    ? (await run('npm', ['exec', '--yes', `--package=repomix@${VERSION}`, '--call', 'command -v repomix'], cwd)).output.trim()
    : resolve(option)
  const { output } = await run(program, ['--version'], cwd)
  if (output.trim() !== VERSION) throw new Error(`it is version ${output.trim()}, not ${VERSION}`)
  return program
}

/** Packs a repository into a file outside of it. */
export async function packWithRepomix (program: string, root: string, folder: string): Promise<{ milliseconds: number, peakMb: number }> {
  return await run(program, ['--quiet', '--output', join(folder, 'repomix.xml')], root)
}

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { PROGRAM } from '../../core/package-root.js'

const LONGEST_MS = 120_000

export interface Run {
  code: number | null
  stdout: string
  stderr: string
}

export interface Running {
  child: ChildProcessWithoutNullStreams
  /** Resolves when something that matches was printed to standard output; rejects when the program ends before. */
  printed (pattern: RegExp): Promise<RegExpExecArray>
  ended: Promise<Run>
}

/** Starts the compiled program as a process of its own, with an environment of which only the given part is known. */
export function start (args: string[], { cwd, home, env = {} }: { cwd: string, home: string, env?: Record<string, string> }): Running {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd, env: { PATH: process.env.PATH ?? '', HOME: home, ...env }, timeout: LONGEST_MS, killSignal: 'SIGKILL'
  })
  const run: Run = { code: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { run.stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { run.stderr += text })
  const ended = new Promise<Run>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => { resolve({ ...run, code }) })
  })
  return {
    child,
    ended,
    printed: (pattern) => new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(run.stdout)
        if (match !== null) resolve(match)
      }
      child.stdout.on('data', look)
      ended.then(({ stderr }) => { reject(new Error(`ended without printing ${String(pattern)}: ${stderr}`)) }, reject)
      look()
    })
  }
}

export async function runToEnd (args: string[], options: Parameters<typeof start>[1]): Promise<Run> {
  return await start(args, options).ended
}

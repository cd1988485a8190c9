import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'

export interface BenchRun { code: number, out: string, err: string }

/** Runs a program of the bench to its end; `temporary` is where it may work. */
export async function runBench (program: string, args: string[], temporary = tmpdir()): Promise<BenchRun> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env: { ...process.env, TMPDIR: temporary } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : error.code as number, out, err })
    })
  })
}

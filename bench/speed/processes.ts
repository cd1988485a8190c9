import { readdirSync, readFileSync } from 'node:fs'

/** What the system says of a process in /proc/PID/stat after its name, which may hold anything; `undefined` when it has gone. */
function statOf (pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Field of /proc/PID/status in MB. */
function megabytes (pid: number, field: 'VmRSS' | 'VmHWM'): number {
  try {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return match === null ? 0 : Number(match[1]) * 1024 / 1e6
  } catch {
    return 0
  }
}

export function residentOf (pid: number): number {
  return megabytes(pid, 'VmRSS')
}

/** The most that a process ever held. */
export function peakOf (pid: number): number {
  return megabytes(pid, 'VmHWM')
}

/** Whether this system tells of its processes in /proc. */
export function isObservable (): boolean {
  return statOf(process.pid) !== undefined
}

export function childrenOf (pid: number): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((candidate) => Number(statOf(candidate)?.[1]) === pid)
}

/** Pages that children which have ended had asked for: more than before means that one was started and has ended since. */
export function pagesOfEnded (pid: number): number {
  return Number(statOf(pid)?.[8] ?? 0)
}

/** Memory of a process and all that it has started, now. */
export function residentOfTree (pid: number): number {
  return residentOf(pid) + childrenOf(pid).reduce((sum, child) => sum + residentOfTree(child), 0)
}

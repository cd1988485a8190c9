import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const POLL_MS = 50
/** How long a killed process may take to vanish; the kernel decides, and something in uninterruptible sleep may stay. */
const VANISH_MS = 5000

/** Whether any process of the group is alive. */
export function groupExists (group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch {
    return false
  }
  // A zombie still answers to its group, and where process 1 reaps nobody it does so for ever.
  return process.platform !== 'linux' || hasLiveMember(group)
}

function hasLiveMember (group: number): boolean {
  const isLiveMember = (pid: string): boolean => {
    const fields = statFields(pid)
    return fields !== undefined && fields[2] === String(group) && fields[0] !== 'Z' && fields[0] !== 'X'
  }
  // The leader is mostly the last to go; only without it are all processes looked through.
  return isLiveMember(String(group)) || readdirSync('/proc').some((name) => /^\d+$/.test(name) && isLiveMember(name))
}

/** Fields of `/proc/<pid>/stat` from the state on (field 3 of proc(5)); `undefined` when there is no such process. */
function statFields (pid: string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces and parentheses.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Asks a whole process group to end, and ends it after `graceMs`. Resolves when it is gone. */
export async function endGroup (group: number, graceMs: number): Promise<void> {
  signalGroup(group, 'SIGTERM')
  if (await isGone(group, graceMs)) return
  signalGroup(group, 'SIGKILL')
  await isGone(group, VANISH_MS)
}

function signalGroup (group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch {
    // Gone already, which is what was wanted.
  }
}

async function isGone (group: number, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (groupExists(group)) {
    if (performance.now() >= deadline) return false
    await delay(POLL_MS)
  }
  return true
}

/** When a process started, in the system's own words: with the pid it tells a process from a later one of the same number. */
export async function startTimeOf (pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const fields = statFields(String(pid))
    return fields?.[0] === 'Z' ? undefined : fields?.[19]
  }
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)])
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}

let boot: string | null | undefined

/** Names this run of the system, since numbers and start times of processes begin anew with each; `null` where it does not say. */
export function bootId (): string | null {
  if (boot === undefined) {
    try {
      boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    } catch {
      boot = null
    }
  }
  return boot
}

import { readdirSync, readFileSync } from 'node:fs'

/** Live processes of a process group, in the system's own table; zombies are not alive. Linux only. */
export function groupMembers (group: number): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => {
    if (!Number.isInteger(pid)) return false
    const [state, , processGroup] = statOf(pid)
    return processGroup === String(group) && state !== 'Z' && state !== 'X'
  })
}

export function isAlive (pid: number): boolean {
  const [state] = statOf(pid)
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Processor time of a process so far, of all its threads: ticks of the system, a hundred a second. */
export function processorTicks (pid: number): number {
  const fields = statOf(pid)
  return Number(fields[11]) + Number(fields[12])
}

/** Fields of proc(5) from the state on; the name before it may hold anything. */
function statOf (pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

import { readFileSync, statSync } from 'node:fs'
import type { AgentSign, OnSign } from '../../../../core/contracts/index.js'

/** Faults that reading a log file may have. */
export interface Faults {
  /** Takes the process itself for a sign. */
  startIsSign?: true
  onlyAtTheEnd?: true
  piecesAreLines?: true
  leavesTheLast?: true
  givesUpAtGiants?: true
  givesUpAtGarbage?: true
  keepsItsPlace?: true
  beginsAtTheEnd?: true
  silenceIsSuccess?: true
  tellsLater?: true
}

const POLL_MS = 10
const GIANT = 1_000_000
const LATE_SIGNS = 50

/** Looks at the file again and again, and reads the whole of it when its size is another. A line that is `{"sign": …}` tells that sign. Gives what reads the rest and ends it. */
export function readSigns (path: string, onSign: OnSign, faults: Faults): () => void {
  let position = faults.beginsAtTheEnd === true ? sizeOf(path) : 0
  let pending = ''
  let broken = false
  let finalWord = false
  const understand = (line: string): void => {
    if (line === '' || broken) return
    try {
      const { sign } = JSON.parse(line) as { sign?: AgentSign }
      if (sign === undefined) return
      finalWord ||= sign.kind === 'result'
      onSign(sign)
    } catch {
      broken ||= faults.givesUpAtGarbage === true
    }
  }
  const look = (): void => {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) {
      // The test has ended before its agent.
      clearInterval(timer)
      return
    }
    if (stat.size === position) return
    const content = readFileSync(path)
    if (content.length < position && faults.keepsItsPlace !== true) {
      position = 0
      pending = ''
    }
    const fresh = content.subarray(position).toString('latin1')
    if (fresh === '') return
    position = content.length
    onSign({ kind: 'alive' })
    broken ||= faults.givesUpAtGiants === true && pending.length + fresh.length > GIANT
    const lines = (pending + fresh).split('\n')
    pending = lines.pop()!
    if (faults.piecesAreLines === true) {
      lines.push(pending)
      pending = ''
    }
    for (const line of lines) understand(line)
  }
  if (faults.startIsSign === true) onSign({ kind: 'alive' })
  const timer = setInterval(() => { if (faults.onlyAtTheEnd !== true) look() }, POLL_MS).unref()
  return () => {
    clearInterval(timer)
    look()
    if (faults.leavesTheLast !== true) understand(pending)
    if (!finalWord) onSign({ kind: 'result', status: faults.silenceIsSuccess === true ? 'success' : 'failed', text: '' })
    if (faults.tellsLater === true) tellLater(onSign)
  }
}

/** Again and again: who waits for the end may hear of it later than of the first. */
function tellLater (onSign: OnSign): void {
  let left = LATE_SIGNS
  const timer = setInterval(() => {
    onSign({ kind: 'alive' })
    if (--left === 0) clearInterval(timer)
  }, POLL_MS).unref()
}

function sizeOf (path: string): number {
  return statSync(path).size
}

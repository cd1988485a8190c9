import type { ServerResponse } from 'node:http'
import { isGone } from './response-state.js'

/**
 * Resolves to whether a response takes more again: `false` when it is closed, when the signal is aborted, or when it took nothing for so long.
 * A peer that vanished without a word looks like one that reads slowly; the time tells them apart.
 */
export async function drained (response: ServerResponse, signal: AbortSignal, stalledMs: number): Promise<boolean> {
  if (isGone(response) || signal.aborted) return false
  return await new Promise((resolve) => {
    const settle = (isDrained: boolean): void => {
      clearTimeout(timer)
      response.off('drain', drain)
      response.off('close', give)
      signal.removeEventListener('abort', give)
      resolve(isDrained)
    }
    const drain = (): void => settle(true)
    const give = (): void => settle(false)
    const timer = setTimeout(give, stalledMs)
    response.once('drain', drain)
    response.once('close', give)
    signal.addEventListener('abort', give)
  })
}

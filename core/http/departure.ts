import type { ServerResponse } from 'node:http'
import { isGone, isWritten } from './response-state.js'

type Listener = { handleEvent (): void } | undefined

/**
 * Tells one listener that the client went away before it was answered. An `AbortController` says the same and holds a kilobyte, and waits are held by the thousand.
 */
export class Departure {
  aborted: boolean
  #listener: Listener

  constructor (response: ServerResponse) {
    this.aborted = isGone(response)
    response.once('close', () => {
      if (isWritten(response)) return
      this.aborted = true
      this.#listener?.handleEvent()
    })
  }

  addEventListener (_type: 'abort', listener: Listener): void {
    this.#listener = listener
  }

  removeEventListener (): void {
    this.#listener = undefined
  }
}

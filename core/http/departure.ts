import type { ServerResponse } from 'node:http'

type Listener = { handleEvent (): void } | undefined

/**
 * Tells one listener that the client went away before it was answered. An `AbortController` says the same and holds a kilobyte, and waits are held by the thousand.
 */
export class Departure {
  aborted: boolean
  #listener: Listener

  constructor (response: ServerResponse) {
    this.aborted = response.destroyed
    response.once('close', () => {
      if (response.writableFinished) return
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

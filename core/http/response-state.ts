import type { ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'

/** The stream of a message of HTTP/2; HTTP/1.1 has none. */
function streamOf (message: object): ServerHttp2Stream | undefined {
  return (message as { stream?: ServerHttp2Stream }).stream
}

/** Whether a response can no longer reach its client. */
export function isGone (response: ServerResponse): boolean {
  const stream = streamOf(response)
  return stream === undefined ? response.destroyed : stream.destroyed || stream.closed
}

/** Whether a response that is over was written to its end. A stream that is reset ends, too, and only its code and this flag tell. */
export function isWritten (response: ServerResponse): boolean {
  const stream = streamOf(response)
  return response.writableFinished && (stream === undefined || (!stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR))
}

/** Resolves to whether a response, not yet sent, is written out whole. */
export function writtenOut (response: ServerResponse): Promise<boolean> {
  const stream = streamOf(response)
  const { socket } = response
  if (stream === undefined ? response.closed : stream.destroyed) return Promise.resolve(isWritten(response))
  return new Promise((resolve) => {
    // Node says `finish`, and `writableFinished`, also of a response whose connection broke on the way.
    response.once('finish', () => resolve(stream === undefined ? socket?.destroyed !== true : isWritten(response)))
    response.once('close', () => resolve(false))
  })
}

import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { ServerLimits } from '../server-limits.js'

/** How often, and how many times, it is looked again whether somebody reads a body that is late. */
const LOOK_MS = 100
const LOOKS = 100

/** Holds one request to its bounds: it must be whole in time, be read in time, and a body that nobody wants any more is not taken. */
export function boundRequest (request: Http2ServerRequest, response: Http2ServerResponse, { requestTimeout, connectionTimeout }: ServerLimits): void {
  const { stream } = request
  stream.setTimeout(connectionTimeout, () => { stream.close(constants.NGHTTP2_CANCEL) })
  if (stream.endAfterHeaders) return
  let looks = 0
  const late = (): void => {
    // It is whole, and nobody reads its body.
    if (stream.state.state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE) return
    if (response.headersSent || looks++ === LOOKS) stream.close(constants.NGHTTP2_CANCEL)
    // Whoever reads the body answers. Before that its token is looked at, which takes a moment.
    else if (request.listenerCount('error') > 0) request.destroy(Object.assign(new Error('The request did not arrive in time.'), { statusCode: 408 }))
    else timer = setTimeout(late, LOOK_MS)
  }
  let timer = setTimeout(late, requestTimeout)
  stream.once('end', () => { clearTimeout(timer) })
  stream.once('close', () => { clearTimeout(timer) })
  // Answered before it was whole: the rest is not waited for (RFC 9113, 8.1).
  stream.once('finish', () => { if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR) })
}

import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { ServerLimits } from '../server-limits.js'

/** Holds one request to its bounds: it must be whole in time, be read in time, and a body that nobody wants any more is not taken. */
export function boundRequest (request: Http2ServerRequest, response: Http2ServerResponse, { requestTimeout, connectionTimeout }: ServerLimits): void {
  const { stream } = request
  stream.setTimeout(connectionTimeout, () => { stream.close(constants.NGHTTP2_CANCEL) })
  if (stream.endAfterHeaders) return
  const late = setTimeout(() => {
    // It is whole, and nobody reads its body.
    if (stream.state.state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE) return
    // Whoever reads the body answers; while nobody does, or the answer is under way, there is nothing to say.
    if (request.listenerCount('error') > 0 && !response.headersSent) request.destroy(Object.assign(new Error('The request did not arrive in time.'), { statusCode: 408 }))
    else stream.close(constants.NGHTTP2_CANCEL)
  }, requestTimeout)
  stream.once('end', () => { clearTimeout(late) })
  stream.once('close', () => { clearTimeout(late) })
  // Answered before it was whole: the rest is not waited for (RFC 9113, 8.1).
  stream.once('finish', () => { if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR) })
}

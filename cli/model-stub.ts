import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the model says in a trial. */
export const CANNED_ANSWER = 'ready'

export interface ModelStub {
  /** For example `http://127.0.0.1:40123`. */
  address: string
  close (): Promise<void>
}

/** Answers on a port of loopback as the hosts of two models do, always the same; so a trial of an agent costs nothing. */
export async function startModelStub (): Promise<ModelStub> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => answer(request.url ?? '', response))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close () {
      server.closeAllConnections()
      await new Promise<void>((resolve) => { server.close(() => resolve()) })
    }
  }
}

function answer (url: string, response: ServerResponse): void {
  const { pathname } = new URL(url, 'http://stub')
  if (pathname.endsWith('/v1/messages')) stream(response, ANTHROPIC.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`))
  else if (pathname.endsWith(':streamGenerateContent')) stream(response, [`data: ${JSON.stringify(geminiAnswer(CANNED_ANSWER))}\n\n`])
  // Which model to ask is itself asked, and the answer must be JSON.
  else if (pathname.endsWith(':generateContent')) response.setHeader('content-type', 'application/json').end(JSON.stringify(geminiAnswer('{}')))
  // What they ask beside: whether somebody is there, how many tokens there are, where to send figures.
  else response.setHeader('content-type', 'application/json').end('{}')
}

function stream (response: ServerResponse, parts: string[]): void {
  response.setHeader('content-type', 'text/event-stream').end(parts.join(''))
}

/** The events of a streamed answer of the Messages API. */
const ANTHROPIC = [
  { type: 'message_start', message: { id: 'msg_trial', type: 'message', role: 'assistant', model: 'trial', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: CANNED_ANSWER } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 1 } },
  { type: 'message_stop' }
]

/** An answer of the Gemini API; of a streamed one this is all. */
function geminiAnswer (text: string): object {
  return {
    candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    modelVersion: 'trial'
  }
}

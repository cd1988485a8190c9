/** One message of a stream of Server-Sent Events. */
export interface Message {
  id: string
  event: string
  data: string
}

export interface Stream {
  status: number
  headers: Headers
  /** The next message with data; comments are passed over. */
  next (): Promise<Message>
  /** Resolves when the server has ended the stream. */
  ended (): Promise<void>
  /** Goes away as a client does. */
  close (): Promise<void>
}

/** Reads a stream as WHATWG's HTML, section 9.2.6, has it, as far as the server uses it. */
export async function openStream (url: string, token: string, headers: Record<string, string> = {}): Promise<Stream> {
  const leaving = new AbortController()
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, ...headers }, signal: leaving.signal })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  let id = ''
  const block = async (): Promise<string | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end >= 0) {
        const found = text.slice(0, end)
        text = text.slice(end + 2)
        return found
      }
      const { done, value } = await reader.read()
      if (done) return undefined
      text += value
    }
  }
  const next = async (): Promise<Message | undefined> => {
    for (let lines = await block(); lines !== undefined; lines = await block()) {
      const message = { event: 'message', data: '' }
      for (const line of lines.split('\n')) {
        const [name = '', value = ''] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).replace(/^ /, '')]
        if (name === 'id') id = value
        else if (name === 'event' || name === 'data') message[name] = value
      }
      if (message.data !== '') return { id, ...message }
    }
    return undefined
  }
  return {
    status: response.status,
    headers: response.headers,
    async next () {
      const message = await next()
      if (message === undefined) throw new Error('The stream has ended.')
      return message
    },
    async ended () {
      while (await next() !== undefined) { /* what is left */ }
    },
    async close () {
      leaving.abort()
      await reader.closed.catch(() => {})
    }
  }
}

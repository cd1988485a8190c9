import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { eventually } from '../core/http/eventually.js'
import { startReceiver } from '../core/events/webhooks/receiver.js'
import { writeFiles } from '../support/repository.js'
import { startSidecar } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary.js'
import { findSnippet } from './pages.js'

type IsGenuine = (secret: string, headers: object, body: string) => boolean

t.test('the verification of the page tells what a webhook of the page sends from anything else', async (t) => {
  const folder = await temporaryFolder(t, 'cco-snippet')
  await writeFiles(folder, { 'verify.mjs': `${findSnippet('docs/events.md', 'js', 'isGenuine').text}\nexport { isGenuine }\n` })
  const { isGenuine } = await import(pathToFileURL(join(folder, 'verify.mjs')).href) as { isGenuine: IsGenuine }

  const receiver = await startReceiver(t)
  const { port } = new URL(receiver.url)
  // The name of the page leads to no place of this machine; the rest of the body is the page's.
  const asked = JSON.parse(findSnippet('docs/events.md', 'json', 'ci.example.com').text) as { url: string }
  const { ask } = await startSidecar(t, { settings: { 'events-webhook-allow': '127.0.0.1' } })
  const { body } = await ask('POST', '/api/webhooks', { body: { ...asked, url: asked.url.replace('https://ci.example.com', `http://127.0.0.1:${port}`) } })
  await ask('POST', '/api/events/agent_completed', { body: { topic: 'deployment', data: { status: 'failed' } } })
  await ask('POST', '/api/events/agent_completed', { body: { topic: 'deployment', data: { status: 'success' } } })
  await eventually(() => receiver.received.length === 1)
  const { headers, text } = receiver.received[0]!
  t.match(text, '"success"')
  t.equal(isGenuine(body.secret, headers, text), true)
  t.equal(isGenuine(body.secret, headers, `${text} `), false)
  t.equal(isGenuine(body.secret, { ...headers, 'webhook-id': 'evt_1' }, text), false)
  t.equal(isGenuine(body.secret, { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) - 301) }, text), false)
  t.equal(isGenuine(`whsec_${Buffer.alloc(32).toString('base64')}`, headers, text), false)
})

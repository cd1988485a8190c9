import { Writable } from 'node:stream'
import Fastify from 'fastify'
import t from 'tap'
import { createRequestLog } from '../../../core/http/request-log.js'
import { startSidecarProcess } from '../../support/sidecar-process.js'
import { createRepository } from '../../support/repository.js'
import { temporaryFolder } from '../../support/temporary.js'
import { eventually } from './eventually.js'

t.test('the line of an answer is the one that the logger of the server would write', async (t) => {
  const lines: string[] = []
  const stream = new Writable({
    write (chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    }
  })
  const app = Fastify({ logger: { level: 'info', stream }, genReqId: () => 'id "1"', disableRequestLogging: true })
  t.teardown(async () => await app.close())
  app.decorateRequest('caller', null)
  const log = createRequestLog({ write: (line) => { lines.push(line) } }, 'info')
  app.addHook('onResponse', async (request, reply) => {
    const { url: route } = request.routeOptions
    log(route)(request, reply)
    request.log.info({ http: request.raw.httpVersion, method: request.method, route, status: reply.statusCode, ms: 1, agent: request.caller?.agent_id }, 'answered')
  })
  app.get('/a/:b', async (request) => {
    if ((request.params as { b: string }).b === 'known') request.caller = { agent_id: 'agent "1"\n' } as never
    return 'ok'
  })
  for (const url of ['/a/known', '/a/unknown', '/absent']) {
    lines.length = 0
    await app.inject(url)
    await eventually(() => lines.length === 2)
    const [ours, theirs] = lines.map((line) => ({ ...JSON.parse(line) as Record<string, unknown>, time: 0, ms: 0 }))
    t.strictSame(ours, theirs, url)
    t.ok(lines[0]!.endsWith('\n') && lines[0]!.indexOf('\n') === lines[0]!.length - 1)
  }
})

t.test('each answer is a line where that is asked for', async (t) => {
  const folder = await temporaryFolder(t, 'cco-request-log')
  const root = await temporaryFolder(t, 'cco-project')
  await createRepository(root, { 'README.md': '# Sample\n' })
  const server = await startSidecarProcess(t, { storage: `${folder}/storage`, root, settings: { 'log-level': 'info', 'log-requests': 'true' } })
  t.equal((await server.ask('GET', '/api/agents')).status, 200)
  t.equal((await server.ask('GET', '/api/results/res_none')).status, 404)
  t.equal(await server.stop(), 0)
  const lines = server.log().split('\n').filter((line) => line.includes('"answered"')).map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(lines, [
    { level: 30, http: '1.1', method: 'GET', route: '/api/agents', status: 200, agent: 'operator', ms: Number, reqId: String, time: Number },
    { level: 30, method: 'GET', route: '/api/results/:id', status: 404 }
  ], 'also those that were written last')
  t.equal(lines.length, 2)
})

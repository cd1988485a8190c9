import fc from 'fast-check'
import t from 'tap'
import { checkConventions, validatorOf } from '../core/http/documented.js'
import { MARKER, setTheStage, type Stage } from './fuzz/stage.js'
import { operationsOf, requestsOf, type FuzzRequest, type Operation } from './fuzz/requests.js'

// `node fuzz.test.js <requests> <seed>`; `npm run soak:fuzz` asks for more than the suite, from another seed each time.
const REQUESTS = Number(process.argv[2] ?? 1500)
const SEED = Number(process.argv[3] ?? (process.argv[2] === undefined ? 20261121 : Date.now() % 2 ** 31))

t.setTimeout(60_000 + REQUESTS * 100)

/** Faults that a right answer can tell of: an agent that cannot be started. The disk and the bus of the stage are well. */
const ALLOWED_5XX = new Set(['AGT_001'])

t.test(`${REQUESTS} requests of every route: no fault of the server, no answer beside the document, nothing of a neighbour (seed ${SEED})`, async (t) => {
  const { ask, sidecar, tokens, neighbour, known } = await setTheStage(t)
  const answer = await ask('GET', '/openapi.json', { token: '' })
  const validate = validatorOf(answer)
  const operations = operationsOf(answer.body).filter(({ path }) => !path.startsWith('/docs'))
  t.ok(operations.length > 60, `${operations.length} operations`)

  const done = new Set<Operation>()
  const request = fc.oneof(...operations.map((operation) => requestsOf(operation, known)))
  const bearer = fc.constantFrom<(keyof Stage['tokens'])[]>('architect', 'architect', 'architect', 'coder', 'support', 'operator', 'operator', 'none', 'garbage', 'tampered')
  await fc.assert(fc.asyncProperty(request, bearer, async (given, token) => {
    const { method, path } = given.operation
    const got = await ask(method, given.url, { token: tokens[token], headers: given.headers, body: given.body })
    checkConventions(got, path.startsWith('/health'))
    if (!(got.body?.code === 'NOT_001' && /^There is no route/.test(got.body.message))) validate(method, lookedUp(given), got)
    if (got.status >= 500 && !ALLOWED_5XX.has(got.body.code)) throw new Error(`${got.status} ${got.text}`)
    // The operator sees agents and projects of both.
    if (token !== 'operator' && got.text.includes(MARKER)) throw new Error(`something of the neighbour was told: ${got.text.slice(0, 500)}`)
    if (got.status < 300) done.add(given.operation)
  }), { numRuns: REQUESTS, seed: SEED, endOnFailure: true })

  t.comment(`${done.size} of ${operations.length} operations were also done, not only refused`)
  t.ok(done.size > operations.length / 2, 'requests get further than validation')
  t.equal((await sidecar.app.inject({ url: '/health' })).statusCode, 200)
  t.match((await ask('GET', '/api/issues/shared-issue', { token: neighbour })).body, { title: /zebra/ }, 'what the neighbour has is as it was')
  t.match((await ask('GET', '/api/events?type=note&since=earliest', { token: neighbour })).body.events, [{ data: { secret: /zebra/ } }])
})

/** What the document knows a request by: its address, or the route's own where the address is read otherwise by a client. */
function lookedUp ({ url, operation }: FuzzRequest): string {
  const raw = url.split('?')[0]!
  return new URL(raw, 'http://localhost').pathname === raw ? raw : operation.path
}

import { readdir } from 'node:fs/promises'
import t from 'tap'
import { IDENTIFIER, TOPIC } from '../../core/profiles/schema.js'
import { checkConventions } from '../core/http/documented.js'
import { operationsOf, type Operation } from './fuzz/requests.js'
import { wellFormed, type Schema } from './fuzz/arbitrary.js'
import { openArena } from './arena.js'

/** As they stand in an address. */
const IN_ADDRESSES = [
  '..%2f..%2f..%2fetc%2fpasswd', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', '%2E%2E%2Fetc', '..%5c..%5cwindows', '%2e%2e', '..', '.', '%2e', '..%2f', '%2f', '%2fetc%2fpasswd', '%5c%5chost%5cshare',
  '%00', 'name%00.json', '%252e%252e%252f', '%25%32%65%25%32%65', '..%c0%af..%c0%afetc', '%c0%ae%c0%ae%c0%af', '%e0%80%ae', '%ff%fe', '..;%2f', '..%3b', '%2e%2e%5c', '.%2e%2fx',
  '~', '~root', 'C:%5cwindows', 'c%3a', 'file:%2f%2f%2fetc', '%u002e%u002e', '%zz', '%', '-rf', '--help', '%0a', 'a%0d%0aset-cookie:%20a=b', 'a%09b', '%20', 'a%20b',
  '%e2%80%a4%e2%80%a4%2f', '%ef%bc%8e%ef%bc%8e%ef%bc%8f', '%e2%80%ae', '%f0%9f%a6%93', '$%7bPATH%7d', '%60id%60', '*', '%3f', '%23', 'a'.repeat(129), 'a'.repeat(2300)
]

/** What a query cannot be read with is ignored there, and is no attack. */
const IN_QUERIES = IN_ADDRESSES.filter((text, index) => index % 3 === 0 && text !== '%' && !text.startsWith('%zz'))

/** As they stand in JSON. */
const IN_JSON = [
  '../../../etc/passwd', '..\\..\\windows', '..', '/etc/passwd', 'name\0.json', '%2e%2e%2f', '\u2024\u2024/', '\uff0e\uff0e\uff0f', '\ud800', '~root', 'C:\\windows', '-rf', 'a\r\nb', 'a'.repeat(129), ''
]

const isIdentifier = (schema: Schema): boolean => schema.pattern === IDENTIFIER || schema.pattern === TOPIC

t.test('FAULT 22: no identifier is a path, in whatever encoding and wherever it stands', async (t) => {
  const arena = await openArena(t)
  const { send, operator, calm, storage, ask } = arena
  const operations = operationsOf((await ask('GET', '/openapi.json', { token: '' })).body)
  let attacks = 0

  /** Sees that each of them is refused as what is not valid, or leads nowhere, with the body that every error has. */
  const refused = async (operation: Operation, spellings: readonly string[], request: (spelling: string) => { path: string, body?: unknown }): Promise<string[]> => {
    const faults: string[] = []
    for (const spelling of spellings) {
      attacks++
      const answer = await send({ method: operation.method, token: operator, ...request(spelling) })
      if (![400, 404].includes(answer.status)) faults.push(`${spelling.slice(0, 40)}: ${answer.status} ${answer.text.slice(0, 200)}`)
      else checkConventions(answer)
      if (/root:|\/etc\/shadow|ENOENT|EINVAL/.test(answer.text)) faults.push(`${spelling.slice(0, 40)}: ${answer.text.slice(0, 200)}`)
    }
    return faults
  }

  t.test('in the path of every route', async (t) => {
    for (const operation of operations.filter(({ path }) => path.includes('{'))) {
      const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
      for (const attacked of names) {
        // A comma list and `*` are no identifiers, and a wait for them is no fault.
        const spellings = IN_ADDRESSES.filter((text) => text !== '*' || attacked !== 'event_type')
        const at = (spelling: string): string => operation.path.replace(/\{(\w+)\}/g, (_, name: string) => (name === attacked ? spelling : 'ai-engineer'))
        t.strictSame(await refused(operation, spellings, (spelling) => ({ path: at(spelling), ...(Object.keys(operation.bodies).length === 0 ? {} : { body: {} }) })), [], `${operation.method} ${operation.path} ${attacked}`)
      }
    }
  })

  t.test('in the query of every route', async (t) => {
    for (const operation of operations) {
      for (const { name } of operation.parameters.filter((parameter) => parameter.in === 'query' && isIdentifier(parameter.schema))) {
        const path = operation.path.replace(/\{\w+\}/g, 'note')
        t.strictSame(await refused(operation, IN_QUERIES, (spelling) => ({ path: `${path}?${name}=${spelling.replaceAll('&', '%26')}` })), [], `${operation.method} ${operation.path}?${name}`)
      }
    }
  })

  t.test('in the body of every route', async (t) => {
    for (const operation of operations) {
      const schema = operation.bodies['application/json']
      const members = [schema ?? {}, ...schema?.anyOf ?? []].flatMap(({ properties = {} }) => Object.entries(properties)).filter(([, member]) => isIdentifier(member)).map(([name]) => name)
      const path = operation.path.replace(/\{\w+\}/g, 'ai-engineer')
      for (const name of new Set(members)) {
        const right = wellFormed(schema!)
        t.strictSame(await refused(operation, IN_JSON, (spelling) => ({ path, body: { ...right, [name]: spelling } })), [], `${operation.method} ${operation.path} ${name}`)
        const { body } = await send({ method: operation.method, path, token: operator, body: { ...right, [name]: '../x' } })
        t.ok(body.details.issues.some((issue: { path: string }) => issue.path === name || schema!.anyOf !== undefined), `of ${operation.path} ${name} is named: ${JSON.stringify(body)}`)
      }
    }
  })

  t.test('in addresses that no route has', async (t) => {
    const nowhere = ['/../../etc/passwd', '//etc/passwd', '/api/../../etc/passwd', '/docs/../../../package.json', '/docs/..%2f..%2f..%2fpackage.json', '/docs/static/..%2f..%2f..%2fpackage.json',
      '/docs/static/%2e%2e/%2e%2e/package.json', '/docs/%00', '/api/results/../../../operator.token', '/.well-known/../operator.token', '/%2e%2e/operator.token', '/api/results;/x', '/API/RESULTS', '/api//results']
    for (const path of nowhere) {
      attacks++
      const answer = await send({ path, token: operator })
      t.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`)
      t.notMatch(answer.text, /"dependencies"|eyJ/, path)
    }
  })

  t.test('what they left behind', async (t) => {
    await calm(t)
    const names = (await readdir(storage, { recursive: true })).flatMap((path) => path.split('/'))
    t.strictSame(names.filter((name) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)), [], 'no name in the storage that is no name')
    t.ok(attacks > 1000, `${attacks} attacks`)
  })
})

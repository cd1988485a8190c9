import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { readPage } from './tables.js'

interface Threat { name: string, mitigation: string, tests: string[] }

function threats (): Threat[] {
  const page = readPage('docs/security.md')
  const table = page.slice(page.indexOf('<!-- threats -->'), page.indexOf('<!-- end of threats -->'))
  return table.split('\n').filter((line) => line.startsWith('| ')).slice(2).map((line) => {
    const [name = '', mitigation = '', shown = ''] = line.slice(2, -2).split(' | ')
    return { name, mitigation, tests: [...shown.matchAll(/`([^`]+)`/g)].map(([, test]) => test!) }
  })
}

/** Names of all tests, as they are written; those of the contract suites are run for each plugin. */
function testNames (): Set<string> {
  const names = new Set<string>()
  for (const folder of ['test', join('core', 'testing')]) {
    for (const path of readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!path.endsWith('.ts')) continue
      const text = readFileSync(join(PACKAGE_ROOT, folder, path), 'utf8')
      for (const [, name] of text.matchAll(/\b(?:test|check)\('((?:[^'\\]|\\.)+)'/g)) names.add(name!.replaceAll('\\\'', '\''))
    }
  }
  return names
}

const OWASP = ['API1', 'API2', 'API3', 'API4', 'API5', 'API6', 'API7', 'API8', 'API9', 'API10']
/** Of the requirements that the project began with. */
const FIRST = ['Agents without a right', 'Events in another', 'Contexts that were tampered', 'Resources that are used up', 'Leaks from one project', 'Replay', 'Contexts that are too large']

t.test('every threat has a mitigation, and tests that exist', async (t) => {
  const known = testNames()
  t.ok(known.size > 1000, `${known.size} tests`)
  const all = threats()
  t.ok(all.length > 30, `${all.length} threats`)
  for (const { name, mitigation, tests } of all) {
    t.ok(mitigation.length > 20 && tests.length > 0, name)
    t.strictSame(tests.filter((test) => !known.has(test)), [], name)
  }
  for (const wanted of [...OWASP.map((number) => `${number} `), ...FIRST]) t.equal(all.filter(({ name }) => name.startsWith(wanted)).length, 1, wanted)
})

t.test('a test that does not exist would be missed', async (t) => {
  t.notOk(testNames().has('a test that nobody wrote'))
})

t.test('faults 20, 21, 22 and 25 are named by their tests', async (t) => {
  const names = [...testNames()]
  for (const fault of [20, 21, 22, 25]) t.ok(names.some((name) => name.startsWith(`FAULT ${fault}: `)), `FAULT ${fault}`)
})

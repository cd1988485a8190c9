import t from 'tap'
import type { ContextItem } from '../../../core/plugin-api.js'
import {
  createFromPlugin, createPluginContext, createProjectView, createSampleProfile, createTestClock, querySampleResults, silentLog
} from '../../../core/testing/index.js'
import coverage from '../../../plugins/context/coverage.js'
import { MOST_COST, costOf } from '../../support/cost.js'

async function gather (files: Record<string, string>, description: string, requirement = {}): Promise<ContextItem[]> {
  const strategy = await createFromPlugin<'context-strategy'>(coverage, {}, createPluginContext({ storage: '/nonexistent', clock: createTestClock() }))
  return await strategy.gather({
    project: createProjectView({ files }), task: { issue_id: 'i', description, labels: [], files: [] }, requirement: { need: 'coverage', ...requirement }, profile: createSampleProfile(), results: querySampleResults,
    budget: { max_bytes: 1_000_000, max_tokens: null }, signal: new AbortController().signal, log: silentLog
  })
}

const text = (items: ContextItem[]): string | undefined => items.flatMap((item) => (item.kind === 'text' ? [item.content] : []))[0]?.split('\n\n')[1]

const SOURCES = { 'src/invoice.ts': '', 'src/cart.ts': '', 'lib/cart.ts': '', 'src/user.ts': '' }
const LCOV = 'TN:\nSF:/build/shop/src/invoice.ts\nDA:1,4\nDA:3,0\nDA:4,0\nDA:9,0\nLF:4\nLH:1\nend_of_record\nSF:src/cart.ts\nDA:1,1\nLF:1\nLH:1\nend_of_record\n'

t.test('the lines of the files of the task are told', async t => {
  const reports: [path: string, content: string, expected: string][] = [
    ['coverage/lcov.info', LCOV, 'src/invoice.ts: 1 of 4 lines (25 %); not covered: 3-4, 9\n'],
    ['coverage.xml', '<coverage line-rate="0.5"><class name="i" filename="src/invoice.ts"><methods><line number="1" hits="0"/></methods><lines><line number="1" hits="0"/><line number="2" hits="2"/></lines></class><class filename="src/user.ts"/></coverage>', 'src/invoice.ts: 1 of 2 lines (50 %); not covered: 1\n'],
    ['coverage/coverage-summary.json', '{ "total": { "lines": {} }, "/x/src/invoice.ts": { "lines": { "total": 8, "covered": 6 } }, "src/user.ts": null }', 'src/invoice.ts: 6 of 8 lines (75 %)\n']
  ]
  for (const [path, content, expected] of reports) {
    const items = await gather({ ...SOURCES, [path]: content }, 'Invoices are rounded')
    t.equal(text(items), expected, path)
    t.match(items, [{ kind: 'text' }, { kind: 'file', path }], 'beside the report itself')
  }
})

t.test('nothing is told where nothing is known', async t => {
  t.equal(text(await gather(SOURCES, 'Invoices are rounded')), undefined, 'without a report')
  t.equal(text(await gather({ ...SOURCES, 'lcov.info': LCOV }, 'Something else')), undefined, 'no file is meant')
  t.equal(text(await gather({ ...SOURCES, 'lcov.info': LCOV }, 'The user')), undefined, 'the report does not know it')
  t.equal(text(await gather({ ...SOURCES, 'coverage-of-the-task.txt': '', 'lcov.info': LCOV }, 'Invoices')), undefined, 'a file of that name is not hidden')
  for (const content of ['', 'SF:', 'SF:src/invoice.ts', '\nSF:src/invoice.ts\nDA:x,1\n']) t.equal(text(await gather({ ...SOURCES, 'lcov.info': content }, 'Invoices')), undefined, JSON.stringify(content))
  for (const content of ['', '{', 'null', '[]', '{ "src/invoice.ts": 5 }']) t.equal(text(await gather({ ...SOURCES, 'coverage-summary.json': content }, 'Invoices')), undefined, content)
})

t.test('a report that names files by their place in a part tells of them where no other is meant', async t => {
  const report = (path: string): string => `SF:${path}\nDA:1,1\nend_of_record\n`
  t.equal(text(await gather({ 'a/src/cart.ts': '', 'b/src/other.ts': '', 'a/lcov.info': report('src/cart.ts') }, 'The cart')), 'a/src/cart.ts: 1 of 1 lines (100 %)\n')
  t.equal(text(await gather({ 'a/src/cart.ts': '', 'b/src/cart.ts': '', 'a/lcov.info': report('src/cart.ts') }, 'The cart')), undefined)
})

t.test('a hostile report costs no more than its length', async t => {
  for (const [path, part] of [['lcov.info', 'SF:src/invoice.ts\n'], ['lcov.info', '\nSF:'], ['lcov.info', 'SF:src/invoice.ts\nDA:1,'], ['coverage.xml', '<class '], ['coverage.xml', '<class filename="'], ['coverage.xml', '<class filename="src/invoice.ts"><line number="1" ']] as const) {
    const cost = await costOf(async () => { await gather({ ...SOURCES, [path]: part.repeat(1_500_000 / part.length) }, 'Invoices') })
    t.ok(cost < MOST_COST, `${part} costs ${Math.round(cost)}`)
  }
})

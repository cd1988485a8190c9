import pc from 'picocolors'
import t from 'tap'
import { bytes, counted, duration, oneLine, pairs, paintState, printable, table, time, type Column } from '../../cli/output.js'
import { gistOf } from '../../cli/result-facts.js'
import { shellWord } from '../../cli/server/banner.js'
import { wantsColors } from '../../cli/terminal.js'

const plain = pc.createColors(false)
const coloured = pc.createColors(true)

t.test('a table aligns its columns, and colours do not move them', async (t) => {
  const rows = [{ name: 'a', size: 5 }, { name: 'größer', size: 12_345 }]
  const columns: Column<{ name: string, size: number }>[] = [
    { title: 'NAME', value: (row) => row.name },
    { title: 'SIZE', value: (row) => row.size, align: 'right' },
    { title: 'LAST', value: () => undefined }
  ]
  t.equal(table(rows, columns, plain), [
    'NAME     SIZE  LAST',
    'a           5  -',
    'größer  12345  -'
  ].join('\n'))
  const painted = table(rows, columns.map((column) => ({ ...column, paint: (text: string) => coloured.green(text) })), coloured)
  // eslint-disable-next-line no-control-regex
  t.equal(painted.replace(/\u001b\[\d+m/g, ''), table(rows, columns, plain))
  t.match(painted, '\u001b[32m')
})

t.test('a cell stays on one line whatever it holds', async (t) => {
  const text = table([{ value: 'a\nb\u001b[2J\tc' }], [{ title: 'X', value: (row) => row.value }], plain)
  t.equal(text, 'X\na b\ufffd[2J c')
})

t.test('pairs leave out what is absent, and paint the value only', async (t) => {
  t.equal(pairs([['a', 1], ['longer', null], ['bc', 'x'], ['d', undefined]], plain), 'a   1\nbc  x')
  t.equal(pairs([['a', 'x\u001b[31m', coloured.red]], plain), 'a  \u001b[31mx\ufffd[31m\u001b[39m')
})

t.test('control and direction characters of others are made visible', async (t) => {
  t.equal(printable('a\u001b]0;title\u0007b\u0000\u009b\u202ec\r\nd\te\rf'), 'a\ufffd]0;title\ufffdb\ufffd\ufffd\ufffdc\nd\te\ufffdf')
  t.equal(printable('Grüße 世界 🌍'), 'Grüße 世界 🌍')
})

t.test('one line is cut with an ellipsis, by characters', async (t) => {
  t.equal(oneLine('  a \n b  '), 'a b')
  t.equal(oneLine('abcdef', 4), 'abc…')
  t.equal(oneLine('🌍🌍🌍', 2), '🌍…')
})

t.test('what is counted is one or many', async (t) => {
  t.strictSame([0, 1, 2].map((count) => counted(count, 'file')), ['0 files', '1 file', '2 files'])
  t.strictSame([0, 1, 2].map((count) => counted(count, 'entry', 'entries')), ['0 entries', '1 entry', '2 entries'])
})

t.test('sizes, durations and times are written for people', async (t) => {
  t.same([0, 1023, 1024, 1536, 10 * 1024 * 1024, 123.4 * 1024].map(bytes), ['0 B', '1023 B', '1 KiB', '1.5 KiB', '10 MiB', '123 KiB'])
  t.same([0, 999, 1500, 59_900, 90_500, 3_720_000].map(duration), ['0 ms', '999 ms', '1.5 s', '59.9 s', '1 min 31 s', '1 h 2 min'])
  t.equal(time('2026-11-20T23:47:05.123Z'), '2026-11-20 23:47:05')
  t.equal(time(undefined), '-')
})

t.test('states have colours that say how it went', async (t) => {
  t.equal(paintState('x', 'success', coloured), coloured.green('x'))
  t.equal(paintState('x', 'lost', coloured), coloured.red('x'))
  t.equal(paintState('x', 'running', coloured), coloured.yellow('x'))
})

t.test('colours are for terminals, and NO_COLOR turns them off', async (t) => {
  t.equal(wantsColors(true, {}), true)
  t.equal(wantsColors(true, { NO_COLOR: '' }), true, 'an empty variable does not count, as no-color.org says')
  t.equal(wantsColors(true, { NO_COLOR: '1' }), false)
  t.equal(wantsColors(true, { TERM: 'dumb' }), false)
  t.equal(wantsColors(false, {}), false)
  t.equal(wantsColors(undefined, {}), false)
})

t.test('a path is shown as it can be pasted into a shell', async (t) => {
  t.equal(shellWord('/home/me/shop'), '/home/me/shop')
  t.equal(shellWord('/home/me/my \'shop\'; rm'), '\'/home/me/my \'\\\'\'shop\'\\\'\'; rm\'')
})

t.test('what a result comes to is its first decision, else the last words of its agent, else its first error', async (t) => {
  const artifacts = { final_text: 'Made it larger.' }
  t.equal(gistOf({ decisions: [{ summary: 'Use a queue' }, 'other'], artifacts, errors: ['x'] }), 'Use a queue')
  t.equal(gistOf({ decisions: [], artifacts, errors: ['x'] }), 'Made it larger.')
  t.equal(gistOf({ artifacts: { final_text: '' }, errors: ['exit code 3'] }), 'exit code 3')
  for (const nothing of [undefined, {}, { artifacts: ['final_text'] }, { errors: 'x' }]) t.equal(gistOf(nothing), '')
})

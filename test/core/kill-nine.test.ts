import { join } from 'node:path'
import t from 'tap'
import { copyWithout } from '../support/without-safeguard.js'
import { killRepeatedly } from './kill-rounds.js'

/** `npm run soak:kills` gives another number. */
const rounds = Number(process.argv[2] ?? 3)

/** Events are acknowledged before they are written, and results without. */
const WRITTEN = [
  {
    module: 'plugins/events/journal/group-commit-file.js',
    line: 'written += (await this.#handle.write(bytes, written, bytes.length - written, this.#size + written)).bytesWritten;',
    without: 'const [handle, place] = [this.#handle, this.#size]; setTimeout(() => { handle.write(bytes, 0, bytes.length, place).catch(() => {}) }, 300); written = bytes.length;'
  },
  { module: 'plugins/storage/files/slot-writer.js', line: 'await handle.writeFile(text);', without: '' }
]

t.setTimeout(0)

t.test('FAULT 1: kill -9 while 119 publish and store loses nothing that was acknowledged, and nothing is there twice when they try again', async (t) => {
  const { faults, events, results, repeated } = await killRepeatedly(t, { rounds, say: (text) => t.comment(text) })
  t.strictSame(faults, [])
  t.ok(events > 0 && results > 0 && repeated > 0, `${events} events, ${results} results; ${repeated} calls were cut off by a kill and sent again`)
})

t.test('FAULT 1, safeguard taken out: a sidecar that acknowledges before it writes is found', async (t) => {
  const program = join(await copyWithout(t, WRITTEN), 'test', 'support', 'sidecar-program.js')
  const { faults } = await killRepeatedly(t, { rounds: 1, program })
  for (const what of ['events are lost', 'results are lost', 'files of results are empty']) t.ok(faults.some((fault) => fault.includes(what)), faults.slice(0, 3).join('; '))
})

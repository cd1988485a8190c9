import assert from 'node:assert/strict'
import { truncate } from 'node:fs/promises'
import type { AgentSign } from '../../contracts/spawner.js'
import { eventually, within } from '../expectations.js'
import type { Transcript } from '../spawner-contract.js'
import { adopt, kept } from './adopt.js'
import type { Agent, SpawnerTest } from './spawner-test.js'

const ENDS_MS = 10_000
/** Longer than any line that is worth keeping. */
const GIANT_BYTES = 10_000_000
/** What a program may write that is no event: no UTF-8, no JSON, half of it, and JSON that is no object. */
const GARBAGE = Buffer.concat([
  Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x0a, 0x0a]),
  Buffer.from('{"type":\n{"type":"result","is_error"\n[]\nnull\n"text"\n17\n{}\n{"type":null}\n{"type":{"type":[]}}\n{"__proto__":{"type":"result"}}\n')
])

function linesOf ({ lines }: Transcript): string {
  return lines.map((line) => `${line}\n`).join('')
}

/** Without `alive`, of which there may be any number. */
function told (signs: AgentSign[]): AgentSign[] {
  return signs.filter(({ kind }) => kind !== 'alive')
}

async function allTold (signs: AgentSign[], { signs: expected }: Transcript, what: string): Promise<void> {
  await eventually(() => signs.length > 0 && told(signs).length >= expected.length, what, ENDS_MS)
  assert.deepEqual(told(signs), expected, what)
}

/** Whether the spawner shows anything at all of its agents. */
function isSilent ({ spawner }: Agent): boolean {
  return spawner.supports.signs === 'none'
}

export function signTests (check: SpawnerTest): void {
  check('signs: an agent that says nothing shows none, and the first thing that it says is its first', async ({ agent, transcript }) => {
    const saying = await agent('say')
    const handle = await saying.start()
    await saying.told<number>('ready')
    // Only a spawner at fault shows something; a correct one cannot fail here.
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.deepEqual(saying.signs, [], 'that a process runs is no sign')
    if (isSilent(saying)) return
    await saying.say(`${transcript.lines[0]}\n`)
    await eventually(() => saying.signs.length > 0, 'the first thing that it says is a sign', ENDS_MS)
    await handle.stop({ graceMs: 0 })
  })

  check('signs: what the agent says is told, in order, while it runs', async ({ agent, transcript }) => {
    const saying = await agent('say')
    if (isSilent(saying)) return
    await saying.start()
    await saying.say(linesOf(transcript))
    await allTold(saying.signs, transcript, 'all that it says is told')
  })

  check('signs: what is said in pieces is told as what is said at once', async ({ agent, transcript }) => {
    const saying = await agent('say')
    if (isSilent(saying)) return
    await saying.start()
    const text = Buffer.from(linesOf(transcript))
    const third = Math.ceil(text.length / 3)
    for (const start of [0, third, 2 * third]) await saying.say(text.subarray(start, start + third))
    await allTold(saying.signs, transcript, 'all that it says is told')
  })

  check('signs: all are told when exited resolves, and none comes later', async ({ agent, transcript }) => {
    const saying = await agent('say')
    if (isSilent(saying)) return
    const { exited } = await saying.start()
    // The last line is not ended.
    await saying.say(linesOf(transcript).slice(0, -1))
    await saying.finish()
    await within(ENDS_MS, exited, 'the agent ends')
    assert.ok(saying.signs.length > 0, 'a sign was told')
    assert.deepEqual(told(saying.signs), transcript.signs, 'all was told')
    const count = saying.signs.length
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(saying.signs.length, count, 'no sign comes after the end')
  })

  check('signs: a line of 10 MB is passed over, and what follows is told', async ({ agent, transcript }) => {
    const saying = await agent('say')
    if (isSilent(saying)) return
    await saying.start()
    await saying.say(Buffer.concat([Buffer.alloc(GIANT_BYTES, 'x'), Buffer.from(`\n${linesOf(transcript)}`)]))
    await allTold(saying.signs, transcript, 'what follows a giant line is told')
  })

  check('signs: garbage is passed over, and what follows is told', async ({ agent, transcript }) => {
    const saying = await agent('say')
    if (isSilent(saying)) return
    await saying.start()
    await saying.say(Buffer.concat([GARBAGE, Buffer.from(linesOf(transcript))]))
    await allTold(saying.signs, transcript, 'what follows garbage is told')
  })

  check('signs: they go on when the log file was cut to nothing', async ({ agent, transcript }) => {
    const saying = await agent('say')
    if (isSilent(saying)) return
    await saying.start()
    await saying.say(`${transcript.lines[0]}\n${'x'.repeat(100_000)}\nthe beginning of a line`)
    await eventually(() => saying.signs.length > 0, 'the first thing that it says is a sign', ENDS_MS)
    await truncate(saying.request.log_file)
    saying.signs.length = 0
    await saying.say(linesOf(transcript))
    await allTold(saying.signs, transcript, 'what is said after the cut is told')
  })

  check('signs: who adopts an agent is told what it said before and what it says later', async ({ agent, transcript }) => {
    const saying = await agent('say')
    if (isSilent(saying) || !saying.spawner.supports.adopt) return
    const handle = await saying.start()
    const { lines } = transcript
    await saying.say(linesOf({ lines: lines.slice(0, 1), signs: [] }))
    await saying.spawner.close?.()
    const signs: AgentSign[] = []
    const adopted = await adopt(await saying.restarted(), kept(handle), saying, (sign) => { signs.push(sign) })
    await eventually(() => signs.length > 0, 'what it said before is told', ENDS_MS)
    const before = signs.length
    await saying.say(linesOf({ lines: lines.length > 1 ? lines.slice(1) : lines, signs: [] }))
    await eventually(() => signs.length > before, 'what it says later is told', ENDS_MS)
    await allTold(signs, transcript, 'all that it said is told')
    await saying.finish()
    await within(ENDS_MS, adopted!.exited, 'the adopted agent ends')
    assert.deepEqual(told(signs), transcript.signs, 'nothing was told twice')
  })

  check('signs: an agent that ends without a final word has failed, where its events are understood', async ({ agent, transcript }) => {
    const saying = await agent('say')
    if (saying.spawner.supports.signs !== 'events') return
    const { exited } = await saying.start()
    await saying.say(`${transcript.lines[0]}\n`)
    await saying.finish()
    await within(ENDS_MS, exited, 'the agent ends')
    const last = saying.signs.at(-1)
    assert.ok(last?.kind === 'result' && last.status === 'failed', 'the last sign is that it failed')
  })
}

import assert from 'node:assert/strict'
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, rejectsWith, within } from '../expectations.js'
import { isAlive, logOf, SECRET, type SpawnerTest } from './spawner-test.js'

interface Report {
  environment: Record<string, string>
  directory: string
  pid: number
}

/** Set in the environment of the test while it runs. The first says nothing of its being secret: only an allow-list stops it. */
const PLANTED = {
  COLOUR_OF_THE_DAY: 'planted-value-ultramarine',
  ACME_DEPLOY_TOKEN: 'planted-value-token',
  AWS_SECRET_ACCESS_KEY: 'planted-value-aws'
}

/** What a shell on the way, or the system itself, sets for every program. */
const OF_THE_SYSTEM = /^(_|PWD|OLDPWD|SHLVL|__CF_USER_TEXT_ENCODING)$/

export function startTests (check: SpawnerTest): void {
  check('opens, answers check() within a second and may be closed twice', async ({ agent }) => {
    const { spawner } = await agent('report')
    await within(1_000, (async () => spawner.check?.())(), 'check() of an open instance resolves')
    await spawner.close?.()
    await spawner.close?.()
  })

  check('start resolves when the agent is there', async ({ agent }) => {
    const waiting = await agent('wait')
    const handle = await waiting.start()
    if (handle.process_id !== null) assert.ok(await isAlive(handle.process_id), 'its process runs')
    const pid = await waiting.told<number>('ready')
    assert.ok(await isAlive(pid))
    await waiting.finish()
    await within(10_000, handle.exited, 'the agent ends')
  })

  check('start of a command that does not exist is refused with AGT_001, and the next start is not', async ({ agent, agentOf, directory }) => {
    const missing = await agentOf([join(directory, 'no-such-command'), 'x'])
    await rejectsWith('AGT_001', () => missing.start(), 'starting a command that does not exist')
    await rejectsWith('AGT_001', () => missing.start(), 'starting it again')
    const handle = await (await agent('report')).start()
    assert.equal((await within(10_000, handle.exited, 'the agent ends')).code, 0)
  })

  check('the agent gets the environment that it was given, and nothing else', async ({ agent, adds }) => {
    const before = { ...process.env }
    Object.assign(process.env, PLANTED)
    try {
      const reporting = await agent('report')
      const { exited } = await reporting.start()
      const { environment } = await reporting.told<Report>('report')
      for (const [name, value] of Object.entries(reporting.request.environment)) assert.equal(environment[name], value, name)
      for (const [name, value] of Object.entries(environment)) {
        assert.ok(!(name in PLANTED) && !value.includes('planted-value'), `'${name}' was handed on from the environment of the sidecar`)
        assert.ok(name in reporting.request.environment || adds.includes(name) || OF_THE_SYSTEM.test(name), `'${name}' was added, and the agent was not given it`)
      }
      await exited
    } finally {
      for (const name of Object.keys(PLANTED)) {
        if (name in before) process.env[name] = before[name]
        else delete process.env[name]
      }
    }
  })

  check('the agent works in the folder of the project', async ({ agent }) => {
    const reporting = await agent('report')
    await reporting.start()
    const { directory } = await reporting.told<Report>('report')
    assert.equal(await realpath(directory), await realpath(reporting.request.project_root))
  })

  check('what the agent says on both outputs reaches its log file', async ({ agent }) => {
    const [first, second] = [await agent('report'), await agent('report')]
    await Promise.all([(await first.start()).exited, (await second.start()).exited])
    for (const each of [first, second]) {
      await eventually(async () => {
        const log = await logOf(each)
        return log.includes('said on stdout: Größe 世界') && log.includes('said on stderr')
      }, 'the log file holds what was said')
    }
    assert.equal((await logOf(first)).split('said on stdout').length, 2, 'its own output, once')
  })

  check('no secret of the environment stands in an argument or in the reference', async ({ agent }) => {
    const waiting = await agent('wait')
    const handle = await waiting.start()
    const pid = await waiting.told<number>('ready')
    assert.deepEqual(JSON.parse(JSON.stringify(handle.reference)), handle.reference, 'the reference is JSON')
    assert.ok(!JSON.stringify(handle.reference).includes(SECRET))
    if (process.platform === 'linux') assert.ok(!(await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(SECRET))
    await waiting.finish()
    await handle.exited
  })
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { AgentHandle, LaunchRequest, Spawner } from '../../../core/contracts/index.js'
import { createTestClock } from '../../../core/testing/clock.js'
import { eventually, within } from '../../../core/testing/expectations.js'
import { createFromPlugin, createPluginContext, silentLog } from '../../../core/testing/index.js'
import processPlugin, { createProcessSpawner, splitCommand } from '../../../plugins/spawners/process.js'
import { MOST_COST, costOf } from '../../support/cost.js'
import { groupMembers, isAlive } from '../../support/process-table.js'
import { temporaryFolder } from '../../support/temporary.js'

function createSpawner ({ command }: { command: string[] }): Spawner {
  return createProcessSpawner({ command, log: silentLog })
}

const SKIP = process.platform === 'linux' ? {} : { skip: 'reads the process table of Linux' }

async function requestIn (t: Test, changes: Partial<LaunchRequest> = {}): Promise<LaunchRequest> {
  const directory = await temporaryFolder(t)
  await mkdir(join(directory, 'project'))
  return {
    agent_id: 'test-engineer-1',
    agent_type: 'test-engineer',
    project_id: 'sample',
    issue_id: 'issue-1',
    project_root: join(directory, 'project'),
    directory,
    environment: { PATH: process.env.PATH!, SIGNS: directory },
    prompt: 'Test it.',
    task: 'test',
    tools: [],
    model: 'sonnet',
    log_file: join(directory, 'output.log'),
    on_sign: () => {},
    ...changes
  }
}

/** Starts a shell script as the agent; what is left of it is killed when the test ends. */
async function startShell (t: Test, request: LaunchRequest, script: string): Promise<AgentHandle> {
  const handle = await createSpawner({ command: ['/bin/sh', '-c', script] }).start(request)
  t.teardown(() => {
    try {
      process.kill(-handle.process_id!, 'SIGKILL')
    } catch {
      // Gone, as it should be.
    }
  })
  return handle
}

async function told (request: LaunchRequest, name: string): Promise<string> {
  const path = join(request.directory, name)
  await eventually(() => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'), `the agent tells '${name}'`)
  return readFileSync(path, 'utf8').trim()
}

t.test('splitCommand', async (t) => {
  for (const [text, words] of Object.entries({
    '': [],
    '  \t\n ': [],
    'node agent.js': ['node', 'agent.js'],
    '  a\tb\nc  ': ['a', 'b', 'c'],
    '"/opt/my agents/run" --flag="two words"': ['/opt/my agents/run', '--flag=two words'],
    '\'it is "so"\' "it\'s"': ['it is "so"', 'it\'s'],
    'a"b c"d\'e f\'g': ['ab cde fg'],
    '"" \'\' x': ['', '', 'x'],
    '$HOME `id` $(id) a;b|c>d&': ['$HOME', '`id`', '$(id)', 'a;b|c>d&'],
    'a\\ b': ['a\\', 'b']
  })) t.strictSame(splitCommand(text), words, JSON.stringify(text))
  for (const text of ['"', 'a "b', 'it\'s', '"a" \'b', 'a"b\'c"d\'']) t.throws(() => splitCommand(text), { message: /quote is not closed/ }, text)

  t.test('gives back any words that were quoted', async (t) => {
    const word = fc.string({ unit: 'grapheme' }).filter((text) => !(text.includes('"') && text.includes('\'')))
    const quote = (text: string, bare: boolean): string => {
      if (bare && text !== '' && !/[\s"']/.test(text)) return text
      return text.includes('"') ? `'${text}'` : `"${text}"`
    }
    fc.assert(fc.property(fc.array(fc.tuple(word, fc.boolean())), fc.constantFrom(' ', '  ', '\t', '\n'), (words, space) => {
      t.strictSame(splitCommand(words.map(([text, bare]) => quote(text, bare)).join(space)), words.map(([text]) => text))
    }), { numRuns: 300 })
  })

  t.test('takes a time that grows with the length, whatever it is given', async (t) => {
    for (const piece of ['a', '"', '\'', '"a', 'a\'', '" "', ' ']) {
      const cost = await costOf(() => {
        try {
          splitCommand(piece.repeat(50_000))
        } catch {
          // Not closed, which is found quickly, too.
        }
      })
      t.ok(cost < MOST_COST, `${JSON.stringify(piece)} costs ${Math.round(cost)}`)
    }
  })

  t.test('a command with an open quote stops the start', async (t) => {
    const context = createPluginContext({ storage: '/nonexistent', clock: createTestClock() })
    await t.rejects((async () => await createFromPlugin<'spawner'>(processPlugin, { command: 'node "agent.js' }, context))(), { message: /quote is not closed/ })
  })
})

t.test('what cannot be started is refused with AGT_001, says why, and leaves no process', async (t) => {
  const request = await requestIn(t)
  const plain = join(request.directory, 'plain.txt')
  await writeFile(plain, 'no program', { mode: 0o644 })
  const broken = join(request.directory, 'broken')
  await writeFile(broken, '#!/nonexistent/interpreter\n', { mode: 0o755 })
  const cases: [string[], Partial<LaunchRequest>, RegExp][] = [
    [[], {}, /spawn\.command/],
    [['/nonexistent/agent'], {}, /was not found/],
    [['no-such-agent-anywhere'], {}, /was not found/],
    [[broken], {}, /was not found/],
    [[plain], {}, /is not executable/],
    [[request.directory], {}, /is not executable/],
    [['/bin/sh'], { project_root: join(request.directory, 'gone') }, /folder of its project is gone/],
    [['/bin/sh'], { environment: { TASK: 'x'.repeat(3_000_000) } }, /longer than the system takes/],
    [['/bin/sh', 'a\0b'], {}, /null bytes/]
  ]
  for (const [command, changes, message] of cases) {
    await t.rejects(createSpawner({ command }).start({ ...request, ...changes }), { code: 'AGT_001', message }, String(message))
  }
  const handle = await startShell(t, request, 'exit 0')
  t.strictSame(await within(20_000, handle.exited, 'the next agent ends'), { code: 0, signal: null })
})

t.test('FAULT 38: arguments never pass a shell', async (t) => {
  const request = await requestIn(t)
  const canary = join(request.directory, 'canary')
  const handle = await createSpawner({ command: ['/bin/echo', `$(touch ${canary})`, `; touch ${canary}`, `\`touch ${canary}\``, '$HOME'] }).start(request)
  await within(20_000, handle.exited, 'the echo ends')
  t.notOk(existsSync(canary))
  t.equal(readFileSync(request.log_file, 'utf8'), `$(touch ${canary}) ; touch ${canary} \`touch ${canary}\` $HOME\n`)
  t.equal(statSync(request.log_file).mode & 0o777, 0o600)
})

t.test('exits are told as they were', async (t) => {
  for (const [script, exit] of [['exit 0', { code: 0, signal: null }], ['exit 3', { code: 3, signal: null }], ['kill -SEGV $$', { code: null, signal: 'SIGSEGV' }], ['kill -KILL $$', { code: null, signal: 'SIGKILL' }]] as const) {
    const handle = await startShell(t, await requestIn(t), script)
    t.strictSame(await within(20_000, handle.exited, script), exit, script)
    await within(1000, handle.stop({ graceMs: 60_000 }), 'stopping what is gone')
  }
})

t.test('FAULT 36: nothing of the group is left', SKIP, async (t) => {
  t.test('after an end by itself that left a process in the background', async (t) => {
    const request = await requestIn(t)
    const handle = await startShell(t, request, 'trap "" TERM; sleep 1000 & echo $! > "$SIGNS/left"; exit 7')
    const left = Number(await told(request, 'left'))
    t.strictSame(await within(20_000, handle.exited, 'the end'), { code: 7, signal: null })
    t.strictSame(groupMembers(handle.process_id!), [])
    t.notOk(isAlive(left))
  })

  t.test('after a stop of an agent that takes no TERM, nor do its children and grandchildren', async (t) => {
    const request = await requestIn(t)
    const handle = await startShell(t, request, `
      trap 'echo asked > "$SIGNS/asked"' TERM
      sh -c 'trap "" TERM; sh -c "sleep 1000 & sleep 1000" & echo $! > "$SIGNS/left"; sleep 1000' &
      while true; do sleep 0.05; done`)
    await told(request, 'left')
    t.ok(groupMembers(handle.process_id!).length >= 3)
    await within(20_000, Promise.all([handle.stop({ graceMs: 300 }), handle.stop({ graceMs: 300 })]), 'both are answered')
    t.strictSame(groupMembers(handle.process_id!), [])
    t.equal(await told(request, 'asked'), 'asked', 'it was asked first')
    t.match(await handle.exited, { signal: 'SIGKILL' })
  })

  t.test('after clean() of one whose leader is gone; a process of that number that came later is left alone', async (t) => {
    const request = await requestIn(t)
    const spawner = createSpawner({ command: [] })
    // A group whose leader is gone and that nobody watches, as after a kill of the sidecar.
    const leader = spawn('/bin/sh', ['-c', 'sleep 1000 & echo $! > "$SIGNS/left"; exit 0'], { detached: true, env: request.environment, stdio: 'ignore' })
    await once(leader, 'exit')
    const left = Number(await told(request, 'left'))
    t.teardown(() => { if (isAlive(left)) process.kill(left, 'SIGKILL') })
    const reference = { pid: leader.pid!, start_time: '1' }
    t.equal(await spawner.adopt!(reference, request), undefined)
    t.ok(isAlive(left))
    await within(20_000, spawner.clean!(reference), 'what is left is ended')
    t.strictSame(groupMembers(leader.pid!), [])
    const stranger = await startShell(t, await requestIn(t), 'sleep 1000')
    await spawner.clean!({ pid: stranger.process_id!, start_time: '1' })
    t.equal(await spawner.adopt!({ pid: stranger.process_id!, start_time: '1' }, request), undefined)
    t.ok(isAlive(stranger.process_id!))
    await within(20_000, stranger.stop({ graceMs: 0 }), 'the stranger is stopped')
  })
})

t.test('an adopted agent is watched to its end, with what it left', SKIP, async (t) => {
  const request = await requestIn(t)
  const handle = await startShell(t, request, 'sleep 1000 & echo $! > "$SIGNS/left"; while [ ! -e "$SIGNS/finish" ]; do sleep 0.05; done')
  await told(request, 'left')
  const later = createSpawner({ command: [] })
  const adopted = (await later.adopt!(JSON.parse(JSON.stringify(handle.reference)), request))!
  t.equal(adopted.process_id, handle.process_id)
  await writeFile(join(request.directory, 'finish'), '')
  t.strictSame(await within(20_000, adopted.exited, 'the end of the adopted'), { code: null, signal: null })
  t.strictSame(groupMembers(handle.process_id!), [])
  t.equal(await later.adopt!(handle.reference, request), undefined)
  await rm(request.log_file)
})

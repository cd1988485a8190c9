import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from '../../cli/program.js'
import { provideKeys } from '../support/keys.js'
import { runToEnd, start, type Run, type Running } from './run-program.js'
import { stubTerminal } from './stub-terminal.js'

interface Place { home: string, project: string, storage: string }

function placeFor (t: Test): Place {
  const home = t.testdir({ project: { '.git': {}, 'a.js': 'export {}\n' } })
  return { home, project: join(home, 'project'), storage: join(home, '.cco', 'orchestration') }
}

/** As after a first start. */
async function usedPlaceFor (t: Test): Promise<Place> {
  const place = placeFor(t)
  await provideKeys(place.storage)
  return place
}

function startIn ({ home, project }: Place, args: string[] = [], env: Record<string, string> = {}): Running {
  return start(['start', '--port', '0', ...args], { cwd: project, home, env })
}

async function takenPort (t: Test): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', () => { resolve() }) })
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  return (server.address() as AddressInfo).port
}

function isOneSentence (t: Test, { code, stdout, stderr }: Run, message: RegExp): void {
  t.match(stderr, message)
  t.equal(stderr.trimEnd().split('\n').length, 1, 'one line')
  t.match(stderr, /^error: .* \[SIDECAR_ERR_[A-Z_]+\]\n$/)
  t.equal(stdout, '')
  t.equal(code, 1)
}

t.test('it serves the repository around the working directory, and drains on SIGTERM', async (t) => {
  const place = placeFor(t)
  const running = startIn(place)
  const [, url] = await running.printed(/listening on (http:\/\/127\.0\.0\.1:\d+)/)
  const health = await runToEnd(['health', '--format', 'json'], { cwd: place.home, home: place.home, env: { CCO_SIDECAR_URL: url! } })
  t.equal(health.code, 0)
  t.equal((JSON.parse(health.stdout) as { status: string }).status, 'healthy')
  running.child.kill('SIGHUP')
  await running.printed(/SIGHUP: there is no certificate to load anew/)
  running.child.kill('SIGTERM')
  const { code, stdout, stderr } = await running.ended
  t.equal(code, 0)
  t.equal(stderr, '')
  const log = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as { msg: string, project?: { id: string } })
  t.equal(log.find(({ msg }) => msg === 'sidecar started')?.project?.id, 'project')
  t.ok(existsSync(join(place.storage, 'operator.token')))
})

t.test('for people there is a banner', async (t) => {
  const place = await usedPlaceFor(t)
  mkdirSync(join(place.project, '.cco'))
  writeFileSync(join(place.project, '.cco', 'config.json'), JSON.stringify({ sidecar: { project_id: 'shop', port: 1 }, plugins: ['./evil.js'] }))
  const running = startIn(place, ['--log-format', 'pretty'])
  await running.printed(/Ctrl-C drains and ends\./)
  running.child.kill('SIGINT')
  const { code, stdout } = await running.ended
  t.equal(code, 0)
  t.match(stdout, /project +project {2}\/.*\/project\n/)
  t.match(stdout, /Ignored, because this project's \.cco folder is not trusted: sidecar\.project_id, sidecar\.port, plugins\.\nRead it, then trust it with: cco trust /)
  t.match(stdout, /profiles +\d+ agent types/)
})

t.test('a taken port is one sentence, and nothing is written', async (t) => {
  const place = placeFor(t)
  const port = await takenPort(t)
  isOneSentence(t, await startIn(place, ['--port', String(port)]).ended, new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken by another program; choose one with --port\\.`))
  t.notOk(existsSync(join(place.home, '.cco')))
})

t.test('faults of the configuration are one sentence, exit 1, and nothing is written', async (t) => {
  const place = placeFor(t)
  const file = join(place.home, 'config.json')
  const plugin = join(place.home, 'plugin.js')
  const withFile = (content: object): string[] => {
    writeFileSync(file, JSON.stringify(content))
    return ['--config', file]
  }
  writeFileSync(plugin, 'throw new Error("broken on purpose")\n')
  const cases: [() => string[], RegExp][] = [
    [() => ['--project', plugin], /is no directory/],
    [() => ['--project', join(place.home, 'missing')], /does not exist/],
    [() => ['--config', join(place.home, 'missing.json')], /cannot be read/],
    [() => withFile({ sidecar: { prot: 1 } }), /did you mean 'port'\?/],
    [() => withFile({ sidecar: { port: 'many' } }), /sidecar\.port/],
    [() => ['--log-level', 'loud'], /--log-level must be one of/],
    [() => withFile({ plugins: ['no-such-plugin'] }), /Plugin 'no-such-plugin' .* was not found/],
    [() => withFile({ plugins: ['./plugin.js'] }), /failed to load: broken on purpose/],
    [() => withFile({ plugins: [{ use: 'result-store/memory', options: { maxResult: 1 } }] }), /options\.maxResult/],
    [() => ['--host', '192.0.2.1', '--access-plain-http'], /This machine has no address 192\.0\.2\.1|cannot listen/],
    [() => ['--host', '0.0.0.0'], /--tls-cert and --tls-key, or --access-plain-http/]
  ]
  for (const [args, message] of cases) {
    // In this process: that the program itself writes and ends like that is seen below.
    const terminal = stubTerminal({ cwd: place.project, env: { HOME: place.home } })
    const code = await run(['start', '--port', '0', ...args()], terminal)
    isOneSentence(t, { code, stdout: terminal.stdout(), stderr: `${terminal.stderr()}\n` }, message)
  }
  isOneSentence(t, await startIn(place, [], { CCO_SIDECAR_PROT: '1' }).ended, /did you mean CCO_SIDECAR_PORT\?/)
  isOneSentence(t, await startIn(place, withFile({ plugins: ['./plugin.js'] })).ended, /failed to load: broken on purpose/)
  t.notOk(existsSync(join(place.home, '.cco')), 'no storage was made')
})

t.test('a storage folder in use by another sidecar is one sentence', async (t) => {
  const place = await usedPlaceFor(t)
  const running = startIn(place)
  await running.printed(/listening on/)
  isOneSentence(t, await startIn(place).ended, /is in use by another sidecar \(process \d+\)/)
  running.child.kill('SIGINT')
  t.equal((await running.ended).code, 0, 'the first was not disturbed')
})

t.test('a connection that never carries a request does not hold up the end', async (t) => {
  const running = startIn(await usedPlaceFor(t))
  const [, port] = await running.printed(/listening on http:\/\/127\.0\.0\.1:(\d+)/)
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {})
  await new Promise((resolve) => { socket.once('connect', resolve) })
  running.child.kill('SIGTERM')
  const { code, stderr } = await running.ended
  t.same([code, stderr], [0, ''])
  socket.destroy()
})

t.test('the older names start the same server, and flags reach it', async (t) => {
  for (const words of [['orchestration-server'], ['orchestration', 'start']]) {
    const place = placeFor(t)
    const running = start([...words, '--port=0', '--project-id', 'older', '--rate-limit-enabled', 'false', '--storage', join(place.home, 's')], { cwd: place.project, home: place.home })
    await running.printed(/"id":"older"/)
    running.child.kill('SIGTERM')
    t.equal((await running.ended).code, 0)
    t.ok(readFileSync(join(place.home, 's', 'operator.token'), 'utf8').length > 100)
  }
})

import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from '../../cli/program.js'
import { FAKE_CLI, RECORDED } from '../plugins/spawners/recorded.js'
import { stubTerminal } from './stub-terminal.js'

interface Outcome { code: number, stdout: string, stderr: string }

/** Runs `cco` where the PATH holds what the table says: for each program the session that it plays whatever it is told. */
async function outcomeOf (t: Test, args: string[], programs: Record<string, string> = {}): Promise<Outcome> {
  const home = t.testdir({ bin: {}, project: {} })
  for (const [program, session] of Object.entries(programs)) {
    const { name } = RECORDED.find((recorded) => recorded.program === program)!
    const path = join(home, 'bin', program)
    writeFileSync(path, `#!/bin/sh\necho '[play: ${session}]' | exec '${process.execPath}' '${FAKE_CLI}' ${name} "$@"\n`)
    chmodSync(path, 0o755)
  }
  mkdirSync(join(home, 'project', '.git'), { recursive: true })
  const terminal = stubTerminal({ env: { HOME: home, PATH: join(home, 'bin') }, cwd: join(home, 'project') })
  const code = await run(args, terminal)
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
}

function trialFolders (): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('cco-trial-'))
}

t.test('list names each spawner, what it finds and which version', async (t) => {
  const { code, stdout } = await outcomeOf(t, ['spawner', 'list'], { claude: 'work', gemini: 'work' })
  t.equal(code, 0)
  t.match(stdout, /^claude-code +2\.1\.197 \(Claude Code\) +\/.*\/bin\/claude$/m)
  t.match(stdout, /^gemini +0\.61\.0 +\/.*\/bin\/gemini$/m)
  t.match(stdout, /^codex +- +'codex' was not found on PATH\. Install it/m)
  t.match(stdout, /^process +- +No command is set/m)
  const { spawners } = JSON.parse((await outcomeOf(t, ['spawner', 'list', '--format', 'json'], { codex: 'work' })).stdout) as { spawners: { name: string, version: string | null }[] }
  t.match(spawners.find(({ name }) => name === 'codex'), { version: 'codex-cli 0.169.0', problem: null })
})

t.test('test has the program answer once, and says what came of it', async (t) => {
  const before = trialFolders()
  const works = await outcomeOf(t, ['spawner', 'test', 'claude-code'], { claude: 'work' })
  t.equal(works.code, 0, works.stderr)
  t.match(works.stdout, /version +2\.1\.197[^]*session +worked in .*: Made größe larger\./)
  const fails = await outcomeOf(t, ['spawner', 'test', 'gemini', '--format', 'json'], { gemini: 'no login' })
  t.equal(fails.code, 1)
  t.match(JSON.parse(fails.stdout), { session: 'failed', detail: /exit code 41.*you are not logged in/, problem: null })
  const hangs = await outcomeOf(t, ['spawner', 'test', 'claude-code', '--timeout', '1'], { claude: 'hang before the first sign' })
  t.equal(hangs.code, 1)
  t.match(hangs.stdout, /session +failed in .*: it had not ended after 1 seconds/)
  t.strictSame(trialFolders().filter((name) => !before.includes(name)), [], 'nothing is left')
})

t.test('test says when nothing was tried', async (t) => {
  for (const [name, program] of [['codex', 'codex'], ['opencode', 'opencode']] as const) {
    const { code, stdout } = await outcomeOf(t, ['spawner', 'test', name], { [program]: 'work' })
    t.equal(code, 0, name)
    t.match(stdout, /session +not tried: no variable gives its agents another model/)
  }
  const missing = await outcomeOf(t, ['spawner', 'test', 'claude-code'])
  t.equal(missing.code, 1)
  t.match(missing.stdout, /program +'claude' was not found on PATH[^]*session +not tried: there is no program/)
})

t.test('test takes the options of the command line, and refuses what it does not know', async (t) => {
  const options = JSON.stringify({ command: [process.execPath, FAKE_CLI, 'claude-code'] })
  t.match(await outcomeOf(t, ['spawner', 'test', 'claude-code', '--options', options]), { code: 0, stdout: /session +worked/ })
  t.match(await outcomeOf(t, ['spawner', 'test', 'teleporter']), { code: 2, stderr: /There is no spawner 'teleporter'\. Known: process, claude-code/ })
  t.match(await outcomeOf(t, ['spawner', 'test', 'claude-code', '--options', '{"comand": []}']), { code: 1, stderr: /comand/ })
})

for (const [name, program] of [['claude-code', 'claude'], ['gemini', 'gemini']] as const) {
  const folder = (process.env.PATH ?? '').split(delimiter).find((each) => existsSync(join(each, program)))
  t.test(`the real ${program} works with a stand-in for its model`, folder === undefined ? { skip: `${program} is not on PATH` } : {}, async (t) => {
    const terminal = stubTerminal({ env: { HOME: t.testdir(), PATH: process.env.PATH }, cwd: t.testdirName })
    const code = await run(['spawner', 'test', name, '--format', 'json'], terminal)
    t.match(JSON.parse(terminal.stdout()), { session: 'worked', detail: 'ready', problem: null })
    t.equal(code, 0)
  })
}

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { LaunchRequest } from '../../../../core/contracts/index.js'
import { findProgram } from '../../../../plugins/spawners/shared/find-program.js'
import { launchScript } from '../../../../plugins/spawners/shared/launch-script.js'

const PRINT = 'process.stdout.write(JSON.stringify({ args: process.argv.slice(1), environment: process.env, input: require("fs").readFileSync(0, "utf8") }))'

function requestIn (root: string, environment: Record<string, string>): LaunchRequest {
  return {
    agent_id: 'a-1',
    agent_type: 'a',
    project_id: 'p',
    issue_id: 'i',
    project_root: root,
    directory: root,
    environment,
    prompt: '',
    task: '',
    tools: [],
    model: 'sonnet',
    log_file: join(root, 'output.log'),
    on_sign () {}
  }
}

t.test('any arguments, values and folders pass through the shell as they are', async (t) => {
  const root = t.testdir()
  const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))
  fc.assert(fc.property(fc.array(word, { maxLength: 4 }), word, word, (args, value, folder) => {
    const name = `x ${folder.replaceAll('/', '_').slice(0, 20)}`
    mkdirSync(join(root, name), { recursive: true })
    const script = launchScript(requestIn(join(root, name), { TASK: value, OTHER: value }), { program: process.execPath, args: ['-e', PRINT, '--', ...args], variables: { ADDED: value } })
    const told = JSON.parse(execFileSync('/bin/sh', ['-c', script], { cwd: '/', encoding: 'utf8', env: { TASK: value, OTHER: value } })) as { args: string[], environment: Record<string, string>, input: string }
    t.strictSame(told.args, args)
    const { _, ...environment } = told.environment
    t.strictSame(environment, { TASK: value, OTHER: value, ADDED: value }, 'and the environment is what was given')
    t.equal(told.input, '')
  }), { numRuns: 25 })
})

t.test('what a caller gave and the token are named, not written down', async (t) => {
  const script = launchScript(requestIn('/work', { JWT_TOKEN: 'the-token', ACME_KEY: 'the-key', AGENT_ID: 'a-1', 'BAD\nrm -rf': 'x' }), { program: '/bin/true', args: [], unset: ['CLAUDECODE'] })
  t.notMatch(script, /the-token|the-key/)
  t.match(script, /^# {3}ACME_KEY$/m)
  t.match(script, /^export AGENT_ID=a-1$/m)
  t.match(script, /^unset .*CLAUDECODE/m)
  t.notMatch(script, /^rm/m)
})

t.test('findProgram', async (t) => {
  const folder = t.testdir({ first: {}, second: {}, plain: 'x', folder: {} })
  for (const [name, content, mode] of [['second/tool', '#!/bin/sh\n', 0o755], ['broken', '#!/no/such/interpreter -x\n', 0o755], ['first/plain-tool', 'x', 0o644]] as const) {
    writeFileSync(join(folder, name), content)
    chmodSync(join(folder, name), mode)
  }
  const path = [join(folder, 'first'), join(folder, 'none'), join(folder, 'second')].join(':')
  t.strictSame(await findProgram('tool', path, '/'), { path: join(folder, 'second', 'tool') })
  t.strictSame(await findProgram('./second/tool', path, folder), { path: join(folder, 'second', 'tool') })
  t.strictSame(await findProgram('no-such-tool', path, '/'), { missing: 'was not found on PATH' })
  t.strictSame(await findProgram('plain-tool', path, '/'), { missing: 'is not executable' })
  t.strictSame(await findProgram('tool', undefined, '/'), { missing: 'was not found on PATH' })
  t.match(await findProgram('./broken', path, folder), { missing: /interpreter '\/no\/such\/interpreter' is missing/ })
  t.match(await findProgram('./folder', path, folder), { missing: /is no file/ })
})

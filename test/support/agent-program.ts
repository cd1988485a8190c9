import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * An agent that does what its task says. It tells its test through files in the folder SIGNS, and waits for one there.
 * The first word of the task is the mode, the second a detail.
 */
const PROGRAM = `
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [mode, detail] = process.env.TASK.split(/\\s+/)
const signs = process.env.SIGNS
const tell = (name, value) => {
  if (name === 'ready') console.log('ready')
  writeFileSync(join(signs, name + '.new'), JSON.stringify(value))
  renameSync(join(signs, name + '.new'), join(signs, name))
}
const sign = async (name) => { while (!existsSync(join(signs, name))) await new Promise((resolve) => setTimeout(resolve, 20)) }
const store = async (status) => {
  const answer = await fetch(process.env.SIDECAR_URL + '/results', {
    method: 'POST',
    headers: { authorization: 'Bearer ' + process.env.JWT_TOKEN, 'content-type': 'application/json' },
    body: JSON.stringify({ agent_id: process.env.AGENT_ID, agent_type: process.env.AGENT_TYPE, issue_id: process.env.ISSUE_ID, result: { status, files_created: [], files_modified: [], decisions: ['its own'] } })
  })
  if (answer.status !== 201) throw new Error(await answer.text())
}
// A shell that leaves a process behind which takes no TERM either.
const leave = () => spawn('/bin/sh', ['-c', "trap '' TERM; sleep 1000 & echo $! > \\"$SIGNS/left\\"; exit 0"], { stdio: 'ignore' })

switch (mode) {
  case 'print':
    console.log('first line')
    console.error('last line')
    break
  case 'exit':
    console.log('about to fail')
    process.exitCode = Number(detail)
    break
  case 'signal':
    process.kill(process.pid, detail)
    await sign('never')
    break
  case 'store':
    await store(detail)
    break
  case 'store-and-fail':
    await store('success')
    process.exitCode = 3
    break
  case 'leave':
    leave()
    await sign('left')
    break
  case 'stubborn':
    process.on('SIGTERM', () => tell('asked', true))
    leave()
    await sign('left')
    tell('ready', process.pid)
    await sign('never')
    break
  case 'escape': {
    // Out of the process group and away from its parent, deaf to TERM; with a child in its turn.
    const shell = "trap '' TERM; sleep 1000 & echo $! > \\"$SIGNS/escaped-child\\"; echo $$ > \\"$SIGNS/escaped\\"; while :; do sleep 1; done"
    spawn('setsid', ['/bin/sh', '-c', shell], { stdio: 'ignore', detached: true }).unref()
    await sign('escaped')
    tell('ready', process.pid)
    await sign('finish')
    break
  }
  case 'silent':
    writeFileSync(join(signs, 'begun'), '')
    await sign('never')
    break
  case 'call':
    await fetch(process.env.SIDECAR_URL + '/agents/' + process.env.AGENT_ID + '/status', { method: 'POST', headers: { authorization: 'Bearer ' + process.env.JWT_TOKEN, 'content-type': 'application/json' }, body: '{}' })
    await sign('never')
    break
  case 'chatter':
    tell('ready', process.pid)
    for (let line = 0; ; line++) {
      console.log(String(line).padStart(8, '0') + 'x'.repeat(991))
      if (line % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  case 'devour': {
    console.log('limits: ' + readFileSync('/proc/self/limits', 'utf8').split('\\n').filter((line) => /data size|cpu time/.test(line)).join('; '))
    const held = []
    for (;;) held.push(Buffer.alloc(16 * 1024 * 1024, 1))
  }
  case 'flood':
    process.stdout.write('x'.repeat(66 * 1024 * 1024))
    await sign('never')
    break
  case 'report':
    tell('report', {
      environment: process.env,
      directory: process.cwd(),
      command: readFileSync('/proc/self/cmdline', 'latin1'),
      context: readFileSync(process.env.CONTEXT_FILE, 'utf8'),
      mode: statSync(process.env.CONTEXT_FILE).mode & 0o777
    })
    tell('ready', process.pid)
    await sign('finish')
    break
  case 'later':
    tell('ready', process.pid)
    await sign('finish')
    await store(detail)
    break
  default:
    tell('ready', process.pid)
    await sign('finish')
}
`

/** Writes the program; gives the command that runs it. */
export async function writeAgentProgram (folder: string): Promise<string> {
  const path = join(folder, 'agent.mjs')
  await writeFile(path, PROGRAM)
  return `"${process.execPath}" "${path}"`
}

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What an agent program does is the first word of its task. */
const PROGRAM = `
import { readFileSync } from 'node:fs'
const { SIDECAR_URL, JWT_TOKEN, AGENT_ID, AGENT_TYPE, ISSUE_ID, CONTEXT_FILE, TASK } = process.env
const call = async (method, path, body) => {
  const answer = await fetch(SIDECAR_URL + path, { method, headers: { authorization: 'Bearer ' + JWT_TOKEN, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return { status: answer.status, body: await answer.json() }
}
const stay = () => {
  console.log('ready')
  setInterval(() => {}, 1000)
}
const [word, argument] = TASK.split(' ')
const acts = {
  tell () {
    console.log(JSON.stringify({ environment: process.env, folder: process.cwd(), context: JSON.parse(readFileSync(CONTEXT_FILE, 'utf8')) }))
  },
  stay,
  stubborn () {
    process.on('SIGTERM', () => {})
    console.log('ready')
    stay()
  },
  fail () {
    console.error('something broke')
    process.exitCode = 3
  },
  count () {
    for (let line = 1; line <= 300; line++) console.log('line ' + line)
  },
  async beat () {
    const answers = [
      await call('POST', '/agents/' + AGENT_ID + '/status', { state: 'reading', progress: 40, message: 'half way' }),
      await call('POST', '/agents/' + argument + '/status', { progress: 1 })
    ]
    console.log(JSON.stringify(answers))
    setInterval(() => {}, 1000)
  },
  async store () {
    const { status } = await call('POST', '/results', { agent_id: AGENT_ID, agent_type: AGENT_TYPE, issue_id: ISSUE_ID, result: { status: argument, files_created: [], files_modified: [] } })
    if (status !== 201) process.exitCode = 1
  }
}
await acts[word]()
`

/** Writes the program and gives the command that runs it, for \`spawn-command\`. */
export async function writeAgentProgram (folder: string): Promise<string> {
  const path = join(folder, 'agent.mjs')
  await writeFile(path, PROGRAM)
  return `"${process.execPath}" "${path}"`
}

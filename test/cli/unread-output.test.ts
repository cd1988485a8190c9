import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { UNREAD } from '../../cli/unread-output.js'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { temporaryFolder } from '../support/temporary.js'

const DIST = join(PACKAGE_ROOT, 'dist')

/** Runs a program whose output, or errors, nobody reads: its pipe is closed before it has begun. */
async function unread (t: Test, args: string[], closed: ('stdout' | 'stderr')[]): Promise<{ code: number | null, said: string, left: string[] }> {
  const folder = await temporaryFolder(t)
  const child = spawn(process.execPath, args, { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const name of closed) child[name].destroy()
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said += chunk.toString() })
  const [code] = await once(child, 'close') as [number | null]
  return { code, said, left: readdirSync(folder) }
}

t.test('a program whose output nobody reads ends as if by SIGPIPE, and says nothing', async (t) => {
  const programs: Record<string, [string[], ('stdout' | 'stderr')[]]> = {
    'a command': [[join(DIST, 'cli', 'cco.js'), 'help', 'start'], ['stdout']],
    'what is wrong with a command': [[join(DIST, 'cli', 'cco.js'), 'nonsense'], ['stdout', 'stderr']],
    'the help of a bench': [[join(DIST, 'bench', 'events', 'events.js'), '--help'], ['stdout']],
    'a bench without parts': [[join(DIST, 'bench', 'listing.js'), '--help'], ['stdout']],
    'a bench that has begun': [[join(DIST, 'bench', 'listing.js'), '--generate', '10'], ['stdout']]
  }
  for (const [what, [args, closed]] of Object.entries(programs)) t.strictSame(await unread(t, args, closed), { code: UNREAD, said: '', left: [] }, what)
})

t.test('one that takes SIGTERM ends in its own way first; a server goes on', async (t) => {
  const head = `import { endWhenUnread, goOnWhenUnread } from ${JSON.stringify(pathToFileURL(join(DIST, 'cli', 'unread-output.js')).href)}\nendWhenUnread()\n`
  const program = (body: string): string[] => ['--input-type=module', '--eval', head + body]
  const stay = 'const staying = setInterval(() => {}, 1000)\n'
  const drained = await unread(t, program(`${stay}process.once('SIGTERM', () => { console.error('drained'); clearInterval(staying); process.exitCode = 1 })\nfor (let line = 0; line < 3; line++) process.stdout.write('x\\n')\n`), ['stdout'])
  t.strictSame(drained, { code: UNREAD, said: 'drained\n', left: [] })
  const server = await unread(t, program('goOnWhenUnread()\nprocess.stdout.write("x\\n", () => { process.stdout.write("y\\n", () => { console.error("went on") }) })\n'), ['stdout'])
  t.strictSame(server, { code: 0, said: 'went on\n', left: [] })
  const faulty = await unread(t, program('process.stdout.emit("error", new Error("of another kind"))\n'), [])
  t.match(faulty, { code: 1, said: /of another kind/ })
})

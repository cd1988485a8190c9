import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { git } from '../context/git.js'
import { track } from './child.js'

type Write = (name: string, index: number) => string

/** Small files as they are found in several languages, each with words of its own. */
const LANGUAGES: readonly (readonly [extension: string, Write])[] = [
  ['ts', (name, index) => `import { helper } from './file-${index - 1}.js'\n\n/** Loads ${name}. */\nexport async function load${name} (id: string): Promise<number> {\n  return await helper(id) + ${index}\n}\n`],
  ['py', (name, index) => `"""Handles ${name}."""\n\n\nclass ${name}:\n    def __init__(self, limit=${index}):\n        self.limit = limit\n\n    def check(self, value):\n        return value < self.limit\n`],
  ['go', (name, index) => `package part\n\n// ${name} counts.\nfunc ${name}(values []int) int {\n\ttotal := ${index}\n\tfor _, value := range values {\n\t\ttotal += value\n\t}\n\treturn total\n}\n`],
  ['java', (name, index) => `package part;\n\npublic final class ${name} {\n  private final int limit = ${index};\n\n  public boolean isWithin(int value) {\n    return value < limit;\n  }\n}\n`],
  ['rs', (name, index) => `/// Holds ${name}.\npub struct ${name} { pub limit: u64 }\n\nimpl ${name} {\n    pub fn new() -> Self {\n        Self { limit: ${index} }\n    }\n}\n`],
  ['md', (name, index) => `# ${name}\n\nHow ${name} works, part ${index}.\n\n## Use\n\nCall it with a list of values.\n`],
  ['json', (name, index) => `{\n  "name": "${name.toLowerCase()}",\n  "limit": ${index}\n}\n`]
]
const NOUNS = ['Cart', 'Order', 'Invoice', 'Session', 'Message', 'Upload', 'Report', 'Account', 'Payment', 'Filter', 'Router', 'Parser', 'Cache']
const FILES_IN_A_FOLDER = 70
const FOLDERS_IN_A_PART = 40

export function generatedFile (index: number): { path: string, text: string } {
  const [extension, write] = LANGUAGES[index % LANGUAGES.length]!
  const name = `${NOUNS[Math.floor(index / LANGUAGES.length) % NOUNS.length]!}${index}`
  const folder = Math.floor(index / FILES_IN_A_FOLDER)
  return { path: `part-${Math.floor(folder / FOLDERS_IN_A_PART)}/folder-${folder}/file-${index}.${extension}`, text: write(name, index) }
}

/** A bare repository with one commit: git reads all files from one stream, which no other way to write so many comes near to. */
export async function generateRepository (path: string, count: number): Promise<void> {
  await mkdir(path)
  await git(path, 'init', '--quiet', '--bare', '--initial-branch=main')
  const child = spawn('git', ['-C', path, 'fast-import', '--quiet'], { stdio: ['pipe', 'ignore', 'inherit'] })
  track(child)
  const ended = once(child, 'exit')
  child.stdin.on('error', () => {})
  child.stdin.write('commit refs/heads/main\ncommitter Bench <bench@example.org> 1577836800 +0000\ndata 31\nThe cart ignores some discounts\n')
  for (let index = 0; index < count; index++) {
    const { path: file, text } = generatedFile(index)
    if (!child.stdin.write(`M 100644 inline ${file}\ndata ${Buffer.byteLength(text)}\n${text}\n`)) await once(child.stdin, 'drain')
  }
  child.stdin.end('\ndone\n')
  const [code] = await ended as [number | null]
  if (code !== 0) throw new Error(`git fast-import ended with code ${code}.`)
}

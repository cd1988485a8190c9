import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, writeFileSync, type BigIntStats } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'

/** git's layouts of loose objects, trees and the index, version 2: gitformat-index(5). */
interface Entry { path: Buffer, id: Buffer, stat: BigIntStats }

const FILE_MODE = 0o100644
const FIXED_BYTES = 62
const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n'

/** Makes the folder what `git init`, `git add` of these files and `git commit` make of it. The files are plain ones, in slashes. */
export function writeRepository (root: string, files: readonly string[], author: string): void {
  const folder = join(root, '.git')
  for (const name of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info', 'hooks', 'logs/refs/heads']) mkdirSync(join(folder, name), { recursive: true })
  const entries = files
    .map((path) => ({ path: Buffer.from(path), id: store(folder, 'blob', readFileSync(join(root, path))), stat: lstatSync(join(root, path), { bigint: true }) }))
    .sort((one, other) => Buffer.compare(one.path, other.path))
  const tree = storeTree(folder, entries.map(({ path, id }) => ({ names: path.toString().split('/'), id })))
  const at = `${author} ${Math.floor(Date.now() / 1000)} +0000`
  const commit = store(folder, 'commit', Buffer.from(`tree ${tree.toString('hex')}\nauthor ${at}\ncommitter ${at}\n\nBegin\n`)).toString('hex')
  const step = `${'0'.repeat(40)} ${commit} ${at}\tcommit (initial): Begin\n`
  const texts = { HEAD: 'ref: refs/heads/main\n', config: CONFIG, 'info/exclude': '', 'refs/heads/main': `${commit}\n`, 'logs/HEAD': step, 'logs/refs/heads/main': step }
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text)
  // Last, as git does: what has not changed since is no younger than the index.
  writeFileSync(join(folder, 'index'), indexOf(entries))
}

function store (folder: string, type: string, content: Buffer): Buffer {
  const object = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content])
  const id = createHash('sha1').update(object).digest()
  const name = id.toString('hex')
  mkdirSync(join(folder, 'objects', name.slice(0, 2)), { recursive: true })
  writeFileSync(join(folder, 'objects', name.slice(0, 2), name.slice(2)), deflateSync(object, { level: 1 }))
  return id
}

function storeTree (folder: string, files: { names: string[], id: Buffer }[]): Buffer {
  const below = new Map<string, { names: string[], id: Buffer }[]>()
  const members: { key: string, line: string, id: Buffer }[] = []
  for (const { names: [first, ...rest], id } of files) {
    if (rest.length === 0) members.push({ key: first!, line: `100644 ${first}\0`, id })
    else {
      const inside = below.get(first!) ?? []
      below.set(first!, inside)
      inside.push({ names: rest, id })
    }
  }
  // A folder is sorted as if its name ended with a slash.
  for (const [name, inside] of below) members.push({ key: `${name}/`, line: `40000 ${name}\0`, id: storeTree(folder, inside) })
  members.sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)))
  return store(folder, 'tree', Buffer.concat(members.flatMap(({ line, id }) => [Buffer.from(line), id])))
}

function indexOf (entries: readonly Entry[]): Buffer {
  const header = Buffer.alloc(12)
  header.write('DIRC')
  header.writeUInt32BE(2, 4)
  header.writeUInt32BE(entries.length, 8)
  const content = Buffer.concat([header, ...entries.map(indexEntry)])
  return Buffer.concat([content, createHash('sha1').update(content).digest()])
}

function indexEntry ({ path, id, stat }: Entry): Buffer {
  // At least one zero after the path, and as many as bring it to a multiple of eight.
  const entry = Buffer.alloc((FIXED_BYTES + path.length + 8) & ~7)
  const numbers = [
    stat.ctimeNs / 1_000_000_000n, stat.ctimeNs % 1_000_000_000n, stat.mtimeNs / 1_000_000_000n, stat.mtimeNs % 1_000_000_000n,
    stat.dev, stat.ino, BigInt(FILE_MODE), stat.uid, stat.gid, stat.size
  ]
  for (const [place, number] of numbers.entries()) entry.writeUInt32BE(Number(BigInt.asUintN(32, number)), 4 * place)
  id.copy(entry, 40)
  entry.writeUInt16BE(Math.min(path.length, 0xfff), 60)
  path.copy(entry, FIXED_BYTES)
  return entry
}
